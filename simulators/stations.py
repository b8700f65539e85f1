"""What gateways and PoPs say of themselves every second, gathered by one feed each."""

import numpy as np

from ingest.contract.columns import Array
from ingest.contract.packing import Packer, Record
from ingest.contract.vocabulary import AttachmentKind, Egress
from simulators import link
from simulators.backbone import measured_pairs, pops_work
from simulators.feeders import Feeders
from simulators.fleet import PRIVATE_POPS, Fleet, attachment_pops, private_tenants
from simulators.geometry import Floats
from simulators.network_conditions import PAIR, NetworkConditions, fibre_up, rain_mmph
from simulators.passes import Passes
from simulators.rain import rain_db
from simulators.scheduler import NONE, Plan
from simulators.visibility import Indexes

GATEWAY_FEED = "gateways"
POP_FEED = "pops"

_POP_CAPACITY_BPS = 400e9
_EGRESSES = (Egress.INTERNET, Egress.AWS, Egress.PRIVATE_INTERCONNECT)
_EGRESS_MS = (6.0, 1.5, 3.0)
_BGP_SESSIONS = (8, 4, 2)
# At the PoPs of a private tenant, one after the other.
_ATTACHMENT_KINDS = (AttachmentKind.DIRECT_CONNECT, AttachmentKind.TRANSIT_GATEWAY)


class Stations:
    """All gateways and PoPs."""

    def __init__(self, fleet: Fleet, network: NetworkConditions, rng: np.random.Generator) -> None:
        self._fleet = fleet
        self._network = network
        self._rng = rng
        self._path_gateway, self._path_pop = measured_pairs(fleet.segment.round_trip_ms)
        pops = np.arange(len(fleet.pops), dtype=np.int32)
        self._ways: dict[str, Array] = {
            "pop_index": np.repeat(pops, len(_EGRESSES)),
            "egress": np.tile(np.array(_EGRESSES, dtype=np.int8), len(pops)),
            "bgp_sessions_total_count": np.tile(np.array(_BGP_SESSIONS, dtype=np.int16), len(pops)),
        }
        self._egress_ms = np.tile(_EGRESS_MS, len(pops))
        tenant = np.repeat(private_tenants(len(fleet.inventory.tenants)), PRIVATE_POPS)
        self._attached: dict[str, Array] = {
            "pop_index": attachment_pops(fleet).astype(np.int32),
            "tenant_index": tenant.astype(np.int32),
            "attachment_kind": np.resize(np.array(_ATTACHMENT_KINDS, dtype=np.int8), len(tenant)),
        }
        self._usually_used_ratio = 0.1 + 0.05 * (tenant % 7)

    def report_gateways(
        self,
        at_ns: int,
        received_at_ns: int,
        *,
        plan: Plan,
        passes: Passes,
        feeders: Feeders,
        cell: Indexes,
        attached_gateway: Array,
        cell_bps: Floats,
        packer: Packer,
    ) -> list[Record]:
        """Return the frames of gateways, their paths and their beams.

        Args:
            at_ns: When they measured.
            received_at_ns: The door's clock.
            plan: Of the running slot.
            passes: Its geometry.
            feeders: As they are.
            cell: In which each terminal is planned.
            attached_gateway: Where each terminal is attached.
            cell_bps: What flows to and from each cell.
            packer: The door.
        """
        kinds = {
            "gateway": self._gateways(at_ns, plan, feeders, attached_gateway, cell_bps),
            "gateway_path": self._paths(at_ns),
            "gateway_beam": self._beams(at_ns, plan, passes, cell, attached_gateway),
        }
        return [packer.source(kind, GATEWAY_FEED, columns, received_at_ns) for kind, columns in kinds.items()]

    def report_pops(
        self, at_ns: int, received_at_ns: int, plan: Plan, cell_bps: Floats, packer: Packer
    ) -> list[Record]:
        """Return the frames of PoPs, their egresses and private attachments."""
        kinds = {"pop": self._pops(at_ns, plan, cell_bps), "pop_egress": self._egresses(at_ns)}
        attachments = self._attachments(at_ns)
        if len(attachments["pop_index"]):
            kinds["pop_attachment"] = attachments
        return [packer.source(kind, POP_FEED, columns, received_at_ns) for kind, columns in kinds.items()]

    def _gateways(
        self, at_ns: int, plan: Plan, feeders: Feeders, attached_gateway: Array, cell_bps: Floats
    ) -> dict[str, Array]:
        gateways, count = self._network.gateways, len(self._fleet.gateways)
        attached = np.bincount(attached_gateway[attached_gateway != NONE], minlength=count)
        covered = plan.gateway_index != NONE
        through_bps = np.bincount(plan.gateway_index[covered], weights=cell_bps[covered], minlength=count)
        snr_db = np.round(feeders.downlink_snr_db + 0.2 * self._rng.standard_normal(count), 1)
        powered = gateways.up
        return {
            "gateway_index": np.arange(count, dtype=np.int32),
            "observed_at_ns": np.full(count, at_ns),
            "antennas_in_service_count": feeders.hearing_antennas,
            "antennas_total_count": self._fleet.segment.antenna_count,
            "feeder_snr_db": np.where(feeders.hearing_antennas > 0, snr_db, np.nan).astype(np.float32),
            "rain_rate_mmph": np.round(rain_mmph(gateways), 1).astype(np.float32),
            "hpa_on": (powered & gateways.hpa_on).astype(np.int8),
            "fibre_a_up": gateways.fibre_a_up.astype(np.int8),
            "fibre_b_up": gateways.fibre_b_up.astype(np.int8),
            "throughput_bps": np.where(feeders.carries, through_bps, 0.0).astype(np.float32),
            "terminals_attached_count": attached.astype(np.int32),
            "macsec_state": gateways.macsec_state.copy(),
        }

    def _paths(self, at_ns: int) -> dict[str, Array]:
        gateway, pop, count = self._path_gateway, self._path_pop, len(self._path_gateway)
        gateways = self._network.gateways
        noise_ms = np.abs(0.15 * self._rng.standard_normal(count))
        path_ms = self._fleet.segment.round_trip_ms[gateway, pop] + gateways.backbone_extra_ms[gateway]
        reaches = (gateways.up & fibre_up(gateways))[gateway] & pops_work(self._network.pops)[pop]
        return {
            "gateway_index": self._path_gateway,
            "observed_at_ns": np.full(count, at_ns),
            "pop_index": self._path_pop,
            "round_trip_ms": np.where(reaches, np.round(path_ms + noise_ms, 1), np.nan).astype(np.float32),
        }

    def _beams(
        self, at_ns: int, plan: Plan, passes: Passes, cell: Indexes, attached_gateway: Array
    ) -> dict[str, Array]:
        cells = self._fleet.cells
        lit = np.flatnonzero(plan.satellite_index != NONE)
        here = (attached_gateway != NONE) & (attached_gateway == plan.gateway_index[cell])
        attached = np.bincount(cell[here], minlength=len(cells))[lit]
        expected = np.bincount(cell, minlength=len(cells))[lit]
        row = passes.row(at_ns)
        zenith_deg = np.degrees(np.arccos(np.clip(passes.direction[row, lit, 2], -1.0, 1.0)))
        snr_db = link.snr_db(passes.service_range_km[row, lit], zenith_deg) - link.UPLINK_BACKOFF_DB
        snr_db -= self._uplink_fade_db(90.0 - zenith_deg, lit)
        return {
            "gateway_index": plan.gateway_index[lit],
            "observed_at_ns": np.full(len(lit), at_ns),
            "cell_id": cells.cell_ids[lit],
            "beam_id": plan.beam_id[lit],
            "terminals_expected_count": expected.astype(np.int32),
            "terminals_attached_count": attached.astype(np.int32),
            "uplink_snr_db": np.where(attached > 0, np.round(snr_db, 1), np.nan).astype(np.float32),
        }

    def _uplink_fade_db(self, elevation_deg: Floats, lit: Array) -> Floats:
        """Give what rain over these cells takes beyond what their terminals' power makes up for."""
        rate_mmph = rain_mmph(self._network.cells)[lit]
        fade_db = rain_db(np.maximum(rate_mmph, 1e-6), link.UPLINK_GHZ, elevation_deg) - link.UPLINK_POWER_CONTROL_DB
        return np.where(rate_mmph > 0.0, np.maximum(fade_db, 0.0), 0.0)

    def _pops(self, at_ns: int, plan: Plan, cell_bps: Floats) -> dict[str, Array]:
        pops, count = self._network.pops, len(self._fleet.pops)
        covered = plan.pop_index != NONE
        through_bps = np.bincount(plan.pop_index[covered], weights=cell_bps[covered], minlength=count)
        # What one half of the pair has left for all of it; without the other half, of what is its own.
        load_ratio = (through_bps + pops.extra_traffic_bps) / _POP_CAPACITY_BPS
        margin_ratio = np.clip(pops.pair_in_service / PAIR / 2.0 - load_ratio, 0.0, 1.0)
        return {
            "pop_index": np.arange(count, dtype=np.int32),
            "observed_at_ns": np.full(count, at_ns),
            "pair_in_service_count": pops.pair_in_service.copy(),
            "margin_ratio": np.round(margin_ratio, 3).astype(np.float32),
            "mitigation_state": pops.mitigation_state.copy(),
        }

    def _egresses(self, at_ns: int) -> dict[str, Array]:
        pops, sessions = self._network.pops, self._ways["bgp_sessions_total_count"]
        works = np.repeat(pops_work(pops), len(_EGRESSES))
        noise_ms = np.abs(0.3 * self._rng.standard_normal(len(works)))
        round_trip_ms = self._egress_ms + pops.egress_extra_ms.ravel() + noise_ms
        loss_ratio = np.where(works, np.clip(pops.egress_loss_ratio.ravel(), 0.0, 1.0), 1.0)
        sessions_up = np.where(works, np.maximum(sessions - pops.bgp_lost.ravel(), 0), 0)
        return self._ways | {
            "observed_at_ns": np.full(len(works), at_ns),
            "loss_ratio": np.round(loss_ratio, 3).astype(np.float32),
            "round_trip_ms": np.where(loss_ratio < 1.0, np.round(round_trip_ms, 1), np.nan).astype(np.float32),
            "bgp_sessions_up_count": sessions_up.astype(np.int16),
            "invalid_routes_count": pops.invalid_routes.ravel(),
        }

    def _attachments(self, at_ns: int) -> dict[str, Array]:
        attachments = self._network.attachments
        used_ratio = self._usually_used_ratio + attachments.extra_cidr_ratio
        return self._attached | {
            "observed_at_ns": np.full(len(used_ratio), at_ns),
            "attachment_up": attachments.up.astype(np.int8),
            "bgp_up": (attachments.up & attachments.bgp_up).astype(np.int8),
            "cidr_used_ratio": np.round(np.clip(used_ratio, 0.0, 1.0), 3).astype(np.float32),
        }
