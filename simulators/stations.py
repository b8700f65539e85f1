"""What gateways and PoPs say of themselves every second, gathered by one feed each."""

import numpy as np

from ingest.contract.columns import Array
from ingest.contract.packing import Packer, Record
from ingest.contract.vocabulary import AttachmentKind, Egress, EncryptionState, MitigationState
from simulators import link
from simulators.fleet import Fleet, private_tenants
from simulators.geometry import Floats, surface_distance_km
from simulators.passes import Passes
from simulators.readings import gateway_round_trip_ms
from simulators.scheduler import NONE, Plan

GATEWAY_FEED = "gateways"
POP_FEED = "pops"

ANTENNA_COUNT = 8
# Each private tenant is attached at so many PoPs.
PRIVATE_POPS = 2
# Any gateway can reach any PoP; each measures the ones it would land at.
_MEASURED_POPS = 4
_FEEDER_SNR_DB = 16.0
_UPLINK_BACKOFF_DB = 3.0
_POP_CAPACITY_BPS = 400e9
_EGRESSES = (Egress.INTERNET, Egress.AWS, Egress.PRIVATE_INTERCONNECT)
_EGRESS_MS = (6.0, 1.5, 3.0)
_BGP_SESSIONS = (8, 4, 2)


class Stations:
    """All gateways and PoPs."""

    def __init__(self, fleet: Fleet, rng: np.random.Generator) -> None:
        self._fleet = fleet
        self._rng = rng
        self._expected = np.bincount(fleet.terminals.cell, minlength=len(fleet.cells))
        self._path_ms = gateway_round_trip_ms(fleet)
        gateways, pops = fleet.gateways, fleet.pops
        distance_km = surface_distance_km(
            gateways.latitude_deg[:, None], gateways.longitude_deg[:, None], pops.latitude_deg, pops.longitude_deg
        )
        nearest = np.argsort(distance_km, axis=1, kind="stable")[:, :_MEASURED_POPS]
        self._path_pop = nearest.astype(np.int32).ravel()
        self._path_gateway = np.repeat(np.arange(len(gateways), dtype=np.int32), nearest.shape[1])

    def report_gateways(
        self,
        at_ns: int,
        received_at_ns: int,
        *,
        plan: Plan,
        passes: Passes,
        attached_gateway: Array,
        gateway_up: Array,
        cell_bps: Floats,
        packer: Packer,
    ) -> list[Record]:
        """Return the frames of gateways, their paths and their beams.

        Args:
            at_ns: When they measured.
            received_at_ns: The door's clock.
            plan: Of the running slot.
            passes: Its geometry.
            attached_gateway: Where each terminal is attached.
            gateway_up: Whether each gateway carries traffic.
            cell_bps: What flows to and from each cell.
            packer: The door.
        """
        kinds = {
            "gateway": self._gateways(at_ns, plan, attached_gateway, gateway_up, cell_bps),
            "gateway_path": self._paths(at_ns),
            "gateway_beam": self._beams(at_ns, plan, passes, attached_gateway),
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
        self, at_ns: int, plan: Plan, attached_gateway: Array, gateway_up: Array, cell_bps: Floats
    ) -> dict[str, Array]:
        count = len(self._fleet.gateways)
        attached = np.bincount(attached_gateway[attached_gateway != NONE], minlength=count)
        covered = plan.gateway_index != NONE
        through_bps = np.bincount(plan.gateway_index[covered], weights=cell_bps[covered], minlength=count)
        snr_db = np.round(_FEEDER_SNR_DB + 0.2 * self._rng.standard_normal(count), 1)
        return {
            "gateway_index": np.arange(count, dtype=np.int32),
            "observed_at_ns": np.full(count, at_ns),
            "antennas_in_service_count": np.where(gateway_up, ANTENNA_COUNT, 0).astype(np.int16),
            "antennas_total_count": np.full(count, ANTENNA_COUNT, dtype=np.int16),
            "feeder_snr_db": np.where(gateway_up, snr_db, np.nan).astype(np.float32),
            "rain_rate_mmph": np.zeros(count, dtype=np.float32),
            "hpa_on": gateway_up.astype(np.int8),
            "fibre_a_up": np.ones(count, dtype=np.int8),
            "fibre_b_up": np.ones(count, dtype=np.int8),
            "throughput_bps": np.where(gateway_up, through_bps, 0.0).astype(np.float32),
            "terminals_attached_count": attached.astype(np.int32),
            "macsec_state": np.full(count, EncryptionState.ENCRYPTED, dtype=np.int8),
        }

    def _paths(self, at_ns: int) -> dict[str, Array]:
        count = len(self._path_gateway)
        noise_ms = np.abs(0.15 * self._rng.standard_normal(count))
        return {
            "gateway_index": self._path_gateway,
            "observed_at_ns": np.full(count, at_ns),
            "pop_index": self._path_pop,
            "round_trip_ms": np.round(self._path_ms[self._path_gateway, self._path_pop] + noise_ms, 1).astype(
                np.float32
            ),
        }

    def _beams(self, at_ns: int, plan: Plan, passes: Passes, attached_gateway: Array) -> dict[str, Array]:
        cells = self._fleet.cells
        lit = np.flatnonzero(plan.satellite_index != NONE)
        cell = self._fleet.terminals.cell
        here = (attached_gateway != NONE) & (attached_gateway == plan.gateway_index[cell])
        attached = np.bincount(cell[here], minlength=len(cells))[lit]
        row = passes.row(at_ns)
        zenith_deg = np.degrees(np.arccos(np.clip(passes.direction[row, lit, 2], -1.0, 1.0)))
        snr_db = link.snr_db(passes.service_range_km[row, lit], zenith_deg) - _UPLINK_BACKOFF_DB
        return {
            "gateway_index": plan.gateway_index[lit],
            "observed_at_ns": np.full(len(lit), at_ns),
            "cell_id": cells.cell_ids[lit],
            "beam_id": plan.beam_id[lit],
            "terminals_expected_count": self._expected[lit].astype(np.int32),
            "terminals_attached_count": attached.astype(np.int32),
            "uplink_snr_db": np.where(attached > 0, np.round(snr_db, 1), np.nan).astype(np.float32),
        }

    def _pops(self, at_ns: int, plan: Plan, cell_bps: Floats) -> dict[str, Array]:
        count = len(self._fleet.pops)
        covered = plan.pop_index != NONE
        through_bps = np.bincount(plan.pop_index[covered], weights=cell_bps[covered], minlength=count)
        return {
            "pop_index": np.arange(count, dtype=np.int32),
            "observed_at_ns": np.full(count, at_ns),
            "pair_in_service_count": np.full(count, 2, dtype=np.int8),
            "margin_ratio": np.round(np.clip(0.5 - through_bps / _POP_CAPACITY_BPS, 0.0, 1.0), 3).astype(np.float32),
            "mitigation_state": np.full(count, MitigationState.IDLE, dtype=np.int8),
        }

    def _egresses(self, at_ns: int) -> dict[str, Array]:
        count, ways = len(self._fleet.pops), len(_EGRESSES)
        rows = count * ways
        sessions = np.tile(np.array(_BGP_SESSIONS, dtype=np.int16), count)
        noise_ms = np.abs(0.3 * self._rng.standard_normal(rows))
        return {
            "pop_index": np.repeat(np.arange(count, dtype=np.int32), ways),
            "observed_at_ns": np.full(rows, at_ns),
            "egress": np.tile(np.array(_EGRESSES, dtype=np.int8), count),
            "loss_ratio": np.zeros(rows, dtype=np.float32),
            "round_trip_ms": np.round(np.tile(_EGRESS_MS, count) + noise_ms, 1).astype(np.float32),
            "bgp_sessions_up_count": sessions,
            "bgp_sessions_total_count": sessions,
            "invalid_routes_count": np.zeros(rows, dtype=np.int32),
        }

    def _attachments(self, at_ns: int) -> dict[str, Array]:
        """Each private tenant is attached at two PoPs: by Direct Connect at one, a Transit Gateway at the other."""
        tenants = np.repeat(private_tenants(len(self._fleet.inventory.tenants)), PRIVATE_POPS)
        rows = len(tenants)
        kinds = np.array([AttachmentKind.DIRECT_CONNECT, AttachmentKind.TRANSIT_GATEWAY], dtype=np.int8)
        return {
            "pop_index": (np.arange(rows) % len(self._fleet.pops)).astype(np.int32),
            "observed_at_ns": np.full(rows, at_ns),
            "tenant_index": tenants.astype(np.int32),
            "attachment_kind": np.tile(kinds, rows // PRIVATE_POPS),
            "attachment_up": np.ones(rows, dtype=np.int8),
            "bgp_up": np.ones(rows, dtype=np.int8),
            "cidr_used_ratio": np.round(0.1 + 0.05 * (tenants % 7), 3).astype(np.float32),
        }
