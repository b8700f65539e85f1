"""What is true of the network now, before anybody measures it: arrays by satellite, gateway, PoP and cell.

The sky sets them (a fault writes into the arrays at its instants); the physics of space and ground only reads them.
Neutral values are those of a network without trouble.
"""

from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.contract.vocabulary import Egress, EncryptionState, MitigationState, SatelliteLifecycle

Bools: TypeAlias = NDArray[np.bool_]
Bytes: TypeAlias = NDArray[np.int8]
Shorts: TypeAlias = NDArray[np.int16]
Instants: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

LASERS_PER_SATELLITE = 4
PAIR = 2
NEVER_NS = np.iinfo(np.int64).max


class SatelliteConditions(msgspec.Struct, frozen=True, kw_only=True):
    """An entry a satellite, both layers.

    Attributes:
        lifecycle: `SatelliteLifecycle`; only OPERATIONAL ones carry traffic.
        carrying: Whether the payload works.
        laser_works: Whether each head works, in the order of `lasers.neighbours`; a link needs both its ends.
        burn_from_ns: When the thruster begins; NEVER_NS without a manoeuvre.
        burn_s: How long it fires.
        delta_v_mps: What the whole burn adds along the track; negative lowers the orbit.
    """

    lifecycle: Bytes
    carrying: Bools
    laser_works: Bools
    burn_from_ns: Instants
    burn_s: Floats
    delta_v_mps: Floats


class GatewayConditions(msgspec.Struct, frozen=True, kw_only=True):
    """An entry a gateway.

    Attributes:
        up: Whether the site works at all; a flapping one is switched here.
        hpa_on: Whether its power amplifiers run; without them nothing goes up.
        antennas_in_service: Feeder antennas that work; each follows one satellite.
        loss_ratio: Packets lost in both directions by a grey fault.
        fibre_a_up, fibre_b_up: Its two ways to the cloud's network; one is enough.
        uplink_fade_db, downlink_fade_db: One-way trouble of the feeder link, beside rain.
        rain_rate_mmph: At the site, by a fault.
        weather_mmph: At the site, by the day's weather.
        backbone_extra_ms: Added to its way to every PoP: a detour, a congested backbone.
        macsec_state: `EncryptionState` of its links to the cloud's network.
    """

    up: Bools
    hpa_on: Bools
    antennas_in_service: Shorts
    loss_ratio: Floats
    fibre_a_up: Bools
    fibre_b_up: Bools
    uplink_fade_db: Floats
    downlink_fade_db: Floats
    rain_rate_mmph: Floats
    weather_mmph: Floats
    backbone_extra_ms: Floats
    macsec_state: Bytes


class PopConditions(msgspec.Struct, frozen=True, kw_only=True):
    """An entry a PoP; egress arrays have a column for each `Egress`.

    Attributes:
        pair_in_service: Halves of the redundant pair that work, 0 to 2; traffic needs one.
        mitigation_state: `MitigationState`.
        extra_traffic_bps: A flood, or a crowd from elsewhere.
        egress_loss_ratio, egress_extra_ms: Trouble beyond the PoP.
        bgp_lost: Sessions that are not established.
        invalid_routes: Routes whose validation fails.
    """

    pair_in_service: Bytes
    mitigation_state: Bytes
    extra_traffic_bps: Floats
    egress_loss_ratio: Floats
    egress_extra_ms: Floats
    bgp_lost: Shorts
    invalid_routes: NDArray[np.int32]


class AttachmentConditions(msgspec.Struct, frozen=True, kw_only=True):
    """An entry a private attachment, in the order of `private_attachments`.

    Attributes:
        up: Whether the attachment itself carries traffic.
        bgp_up: Whether its session is established.
        extra_cidr_ratio: Addresses taken beyond the usual ones.
    """

    up: Bools
    bgp_up: Bools
    extra_cidr_ratio: Floats


class CellConditions(msgspec.Struct, frozen=True, kw_only=True):
    """An entry a cell.

    Attributes:
        lit: Whether policy lets a beam be on here; off, the plan itself says that nobody is served.
        demand_factor: By how much the cell wants more than usual.
        interference_db: What a foreign signal takes from the SNR of everyone in it.
        rain_rate_mmph: Over the cell, by a fault.
        weather_mmph: Over the cell, by the day's weather.
    """

    lit: Bools
    demand_factor: Floats
    interference_db: Floats
    rain_rate_mmph: Floats
    weather_mmph: Floats


class ControlPlane(msgspec.Struct, kw_only=True):
    """The one that plans.

    Attributes:
        publishing: Whether plans come out at all.
        delay_s: How much later than usual.
    """

    publishing: bool = True
    delay_s: float = 0.0


class NetworkConditions(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    satellites: SatelliteConditions
    gateways: GatewayConditions
    pops: PopConditions
    attachments: AttachmentConditions
    cells: CellConditions
    control: ControlPlane

    def place(self, name: str) -> object:
        """Return the record of one kind of thing: `satellites`, `gateways`, ..."""
        record: object = getattr(self, name)
        return record


def rain_mmph(where: GatewayConditions | CellConditions) -> Floats:
    """Tell how hard it rains at each site or over each cell, whoever sent it."""
    return where.rain_rate_mmph + where.weather_mmph


def fibre_up(gateways: GatewayConditions) -> Bools:
    """Tell which gateways reach the cloud's network."""
    return gateways.fibre_a_up | gateways.fibre_b_up


def neutral_network(
    *, lifecycle: Bytes, antenna_count: Shorts, pop_count: int, attachment_count: int, cell_count: int
) -> NetworkConditions:
    """Return a network without trouble.

    Args:
        lifecycle: Of each satellite of both layers.
        antenna_count: Of each gateway.
        pop_count: PoPs.
        attachment_count: Private attachments.
        cell_count: Cells.
    """
    return NetworkConditions(
        satellites=_satellites(lifecycle),
        gateways=_gateways(antenna_count),
        pops=_pops(pop_count),
        attachments=AttachmentConditions(
            up=np.ones(attachment_count, dtype=np.bool_),
            bgp_up=np.ones(attachment_count, dtype=np.bool_),
            extra_cidr_ratio=np.zeros(attachment_count),
        ),
        cells=CellConditions(
            lit=np.ones(cell_count, dtype=np.bool_),
            demand_factor=np.ones(cell_count),
            interference_db=np.zeros(cell_count),
            rain_rate_mmph=np.zeros(cell_count),
            weather_mmph=np.zeros(cell_count),
        ),
        control=ControlPlane(),
    )


def operational(satellites: SatelliteConditions) -> Bools:
    """Tell which satellites may carry traffic."""
    on_duty: Bools = satellites.lifecycle == SatelliteLifecycle.OPERATIONAL
    return on_duty & satellites.carrying


def _satellites(lifecycle: Bytes) -> SatelliteConditions:
    count = len(lifecycle)
    return SatelliteConditions(
        lifecycle=lifecycle.copy(),
        carrying=np.ones(count, dtype=np.bool_),
        laser_works=np.ones((count, LASERS_PER_SATELLITE), dtype=np.bool_),
        burn_from_ns=np.full(count, NEVER_NS, dtype=np.int64),
        burn_s=np.zeros(count),
        delta_v_mps=np.zeros(count),
    )


def _gateways(antenna_count: Shorts) -> GatewayConditions:
    count = len(antenna_count)
    return GatewayConditions(
        up=np.ones(count, dtype=np.bool_),
        hpa_on=np.ones(count, dtype=np.bool_),
        antennas_in_service=antenna_count.astype(np.int16, copy=True),
        loss_ratio=np.zeros(count),
        fibre_a_up=np.ones(count, dtype=np.bool_),
        fibre_b_up=np.ones(count, dtype=np.bool_),
        uplink_fade_db=np.zeros(count),
        downlink_fade_db=np.zeros(count),
        rain_rate_mmph=np.zeros(count),
        weather_mmph=np.zeros(count),
        backbone_extra_ms=np.zeros(count),
        macsec_state=np.full(count, EncryptionState.ENCRYPTED, dtype=np.int8),
    )


def _pops(count: int) -> PopConditions:
    by_egress = (count, len(Egress))
    return PopConditions(
        pair_in_service=np.full(count, PAIR, dtype=np.int8),
        mitigation_state=np.full(count, MitigationState.IDLE, dtype=np.int8),
        extra_traffic_bps=np.zeros(count),
        egress_loss_ratio=np.zeros(by_egress),
        egress_extra_ms=np.zeros(by_egress),
        bgp_lost=np.zeros(by_egress, dtype=np.int16),
        invalid_routes=np.zeros(by_egress, dtype=np.int32),
    )
