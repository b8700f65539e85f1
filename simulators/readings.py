"""What a terminal measures and says of itself once a second: the columns of its samples.

Sent with every sample: all columns of service, signal, traffic, attitude and health. Sent only at whole minutes and
in the first second of a run, as they do not change in it: `SLOW_COLUMNS`. Left out, as no terminal of this fleet has
them: address_index, standby_underlay_state, active_underlay (no second path), speed_mps (nothing moves).
"""

import numpy as np

from ingest.contract.columns import Array
from ingest.contract.vocabulary import EncryptionState, InstallState, TerminalAlert, TerminalState
from simulators import link
from simulators.causes import BOOTING, COVERAGE_GAP, GATEWAY_DOWN, HANDOVER, IN_SERVICE, TILT, Codes
from simulators.contract.truth import STEP_NS
from simulators.fleet import DOWNLINK_CAPACITY_BPS, FULL_POWER_W, UPLINK_CAPACITY_BPS, Fleet
from simulators.geometry import Floats, surface_distance_km
from simulators.passes import Floats32, Passes
from simulators.scheduler import NONE, Plan
from simulators.service import Service
from simulators.visibility import Indexes

SLOW_COLUMNS = (
    "desired_boresight_azimuth_deg",
    "desired_boresight_elevation_deg",
    "install_state",
    "latitude_deg",
    "longitude_deg",
    "ethernet_speed_bps",
    "network_type",
    "encryption_state",
)
SLOW_EVERY_NS = 60_000_000_000

# RTT steps by 2 to 25 ms from slot to slot (measured, domain section 5a); light accounts for 1 to 5 of them.
_QUEUE_STEP_MS = (2.0, 22.0)
_QUEUE_LIMIT_MS = 30.0
_JITTER_MS = 0.8
_SNR_NOISE_DB = 0.3
_ATTITUDE_NOISE_DEG = 0.08
_SETTLED_DOUBT_DEG = 0.4
_UNSETTLED_DOUBT_DEG = (6.0, 16.0)  # a real dish's filter says up to 16.4 deg while it settles
_MAST_ALERT_DEG = 30.0  # the dish's own alert (domain section 4b)
_FIBRE_KM_PER_MS = 200.0
_FIBRE_DETOUR = 1.5
_LANDING_MS = 4.0
_ETHERNET_BPS = 1_000_000_000
_OBSTRUCTED_RATIO = 0.02


def gateway_round_trip_ms(fleet: Fleet) -> Floats:
    """Give the time from each gateway to each PoP and back over fibre."""
    gateways, pops = fleet.gateways, fleet.pops
    distance_km = surface_distance_km(
        gateways.latitude_deg[:, None], gateways.longitude_deg[:, None], pops.latitude_deg, pops.longitude_deg
    )
    round_trip_ms: Floats = _LANDING_MS + 2.0 * _FIBRE_DETOUR * distance_km / _FIBRE_KM_PER_MS
    return round_trip_ms


class Readings:
    """The instruments of all terminals; what they remember are counters, demand and queues.

    Attributes:
        phase: Tenths of a second after the whole second at which each terminal measures.
    """

    def __init__(self, fleet: Fleet, service: Service, rng: np.random.Generator) -> None:
        count = len(fleet.terminals)
        self._fleet = fleet
        self._service = service
        self._rng = rng
        self.phase = rng.integers(0, 10, count, dtype=np.int8)
        model = fleet.terminals.model
        self._downlink_capacity_bps = DOWNLINK_CAPACITY_BPS[model]
        self._uplink_capacity_bps = UPLINK_CAPACITY_BPS[model]
        self._full_power_w = FULL_POWER_W[model].astype(np.float32)
        self._demand_ratio = rng.beta(1.2, 7.0, count).astype(np.float32)
        self._warmth_celsius = rng.normal(32.0, 6.0, count).astype(np.float32)
        self._obstruction_ratio = np.round(rng.beta(1.0, 60.0, count) * _OBSTRUCTED_RATIO, 3).astype(np.float32)
        self._boot_count = service.boot_count.copy()
        self._sequence = rng.integers(0, 2_000_000, count, dtype=np.int32)
        self._downlink_bytes = rng.integers(0, 2**38, count, dtype=np.int64)
        self._uplink_bytes = self._downlink_bytes // 9
        self._gateway_ms = gateway_round_trip_ms(fleet)
        self._queue_ms = rng.uniform(0.0, _QUEUE_LIMIT_MS, len(fleet.cells))
        self._satellite_of_cell: Indexes = np.full(len(fleet.cells), NONE, dtype=np.int32)
        self._landing_ms = np.full(len(fleet.cells), np.nan)
        # What looks alike to a terminal is said by one in one way and by another in another.
        self._silent_link = np.where(rng.random(count) < 0.8, TerminalState.NO_DOWNLINK, TerminalState.NO_PINGS)
        self._lost_sky = np.where(rng.random(count) < 0.5, TerminalState.OBSTRUCTED, TerminalState.NO_DOWNLINK)
        self._index = np.arange(count, dtype=np.int32)
        self._aligned_elevation_deg = (90.0 - fleet.terminals.aligned_tilt_deg).astype(np.float32)

    def enter_slot(self, plan: Plan) -> None:
        """Queue anew where another satellite serves."""
        moved = plan.satellite_index != self._satellite_of_cell
        step_ms = self._rng.uniform(*_QUEUE_STEP_MS, len(moved)) * np.where(self._rng.random(len(moved)) < 0.5, -1, 1)
        # A step that would leave the range goes the other way.
        aim_ms = self._queue_ms + step_ms
        aim_ms = np.where((aim_ms < 0.0) | (aim_ms > _QUEUE_LIMIT_MS), self._queue_ms - step_ms, aim_ms)
        self._queue_ms = np.where(moved, np.clip(aim_ms, 0.0, _QUEUE_LIMIT_MS), self._queue_ms)
        self._satellite_of_cell = plan.satellite_index
        covered = plan.satellite_index != NONE
        self._landing_ms = np.where(covered, self._gateway_ms[plan.gateway_index, plan.pop_index], np.nan)

    def measure(self, at_ns: int, codes: Codes, absent_ratio: Floats32, *, slow: bool) -> dict[str, Array]:
        """Give every terminal's sample of this second, those without power included; they are for nobody to see.

        Args:
            at_ns: The whole second; each terminal measures in its own tenth of it.
            codes: Why a terminal has no service in its tenth.
            absent_ratio: Share of the second before it without service.
            slow: Whether the slow columns are sent.
        """
        passes = self._service.passes
        if passes is None:
            raise RuntimeError("measure() before enter_slot(): there is no geometry yet")
        self._count_boots()
        live = (codes == IN_SERVICE) | (codes == HANDOVER)
        columns: dict[str, Array] = {
            "terminal_index": self._index,
            "boot_count": self._boot_count.copy(),
            "sequence": self._sequence.copy(),
            "observed_at_ns": at_ns + self.phase.astype(np.int64) * STEP_NS,
            "state": self._states(at_ns, codes),
            **self._assignment(live),
            **self._link(at_ns, passes, live, absent_ratio),
            **self._attitude(at_ns),
        }
        if slow:
            columns |= self._slow()
        self._sequence += 1  # without power too: a boot starts anew
        return columns

    def _count_boots(self) -> None:
        booted = self._boot_count != self._service.boot_count
        if booted.any():
            self._boot_count[booted] = self._service.boot_count[booted]
            for counter in (self._sequence, self._downlink_bytes, self._uplink_bytes):
                counter[booted] = 0

    def _states(self, at_ns: int, codes: Codes) -> Array:
        states = np.full(len(codes), TerminalState.CONNECTED, dtype=np.int8)
        out = np.flatnonzero((codes != IN_SERVICE) & (codes != HANDOVER))
        if not len(out):
            return states
        code = codes[out]
        unsettled = self._service.unsettled_until_ns[out] > at_ns
        tilted = np.where(unsettled, TerminalState.SEARCHING, self._lost_sky[out])
        states[out] = np.select(
            [code == COVERAGE_GAP, code == GATEWAY_DOWN, code == BOOTING, code == TILT],
            [TerminalState.NO_SATELLITES, self._silent_link[out], TerminalState.BOOTING, tilted],
            TerminalState.UNKNOWN,
        )
        return states

    def _assignment(self, live: Array) -> dict[str, Array]:
        service = self._service
        named = {
            "serving_satellite_index": service.satellite,
            "beam_id": service.beam,
            "gateway_index": service.gateway,
            "pop_index": service.pop,
        }
        return {name: np.where(live, values, NONE).astype(np.int32) for name, values in named.items()}

    def _link(self, at_ns: int, passes: Passes, live: Array, absent_ratio: Floats32) -> dict[str, Array]:
        cell, row, count = self._fleet.terminals.cell, passes.row(at_ns), len(live)
        noise = self._rng.standard_normal((4, count), dtype=np.float32)
        snr_db = self._snr_db(passes, row) + _SNR_NOISE_DB * noise[0]
        snr_db = np.where(live, np.round(snr_db, 1), np.float32(np.nan))
        lost_ratio = link.drop_ratio(np.where(live, snr_db, 0.0), absent_ratio.astype(np.float64)).astype(np.float32)
        drop_ratio = np.where(live, lost_ratio, absent_ratio)
        cell_ms = link.round_trip_ms(
            passes.propagation_ms[row], gateway_round_trip_ms=self._landing_ms, queueing_ms=self._queue_ms
        ).astype(np.float32)
        latency_ms = np.round(cell_ms[cell] + np.abs(_JITTER_MS * noise[1]), 1)
        modcod = link.modcod(snr_db)
        modcod[~live] = NONE
        share = np.where(live, 1.0 - drop_ratio, 0.0)
        demand = np.clip(self._demand_ratio * (1.0 + 0.3 * noise[2]), 0.001, 1.0)
        downlink_bps = np.floor(link.throughput_bps(modcod, self._downlink_capacity_bps, demand) * share)
        uplink_bps = np.floor(np.minimum(demand * 0.4, 1.0) * self._uplink_capacity_bps * share)
        self._downlink_bytes += (downlink_bps / 8.0).astype(np.int64)
        self._uplink_bytes += (uplink_bps / 8.0).astype(np.int64)
        load = (demand * share).astype(np.float32)
        power_w = np.round(self._full_power_w * (0.45 + 0.5 * load), 0)
        return {
            "snr_db": snr_db,
            "pop_ping_latency_ms": np.where(live & (drop_ratio < 1.0), latency_ms, np.float32(np.nan)),
            "pop_ping_drop_ratio": np.round(drop_ratio, 3),
            "downlink_throughput_bps": downlink_bps.astype(np.float32),
            "uplink_throughput_bps": uplink_bps.astype(np.float32),
            "downlink_bytes_total": self._downlink_bytes.copy(),
            "uplink_bytes_total": self._uplink_bytes.copy(),
            "obstruction_ratio": self._obstruction_ratio,
            "temperature_celsius": np.round((self._warmth_celsius + 8.0 * load + 0.2 * noise[3]) * 2.0) * 0.5,
            "power_w": power_w.astype(np.float32),
            "modcod": modcod,
        }

    def _snr_db(self, passes: Passes, row: int) -> Floats32:
        """Distance by cell, scan by terminal: each face looks its own way."""
        cell = self._fleet.terminals.cell
        face, towards = self._service.boresight, passes.direction[row][cell]
        cosine = face[:, 0] * towards[:, 0] + face[:, 1] * towards[:, 1] + face[:, 2] * towards[:, 2]
        level_db = link.snr_db(passes.service_range_km[row], np.zeros(len(self._fleet.cells))).astype(np.float32)
        loss_db = np.float32(-10.0 * link.SCAN_EXPONENT) * np.log10(np.maximum(cosine, np.float32(0.02)))
        return np.asarray(level_db[cell] - loss_db, dtype=np.float32)

    def _attitude(self, at_ns: int) -> dict[str, Array]:
        service, count = self._service, len(self._index)
        noise = self._rng.standard_normal((3, count), dtype=np.float32)
        settled = service.unsettled_until_ns <= at_ns
        doubt_deg = np.where(settled, np.float32(_SETTLED_DOUBT_DEG), np.float32(0.0))
        error_deg = noise * np.float32(_ATTITUDE_NOISE_DEG)
        astray = np.flatnonzero(~settled)
        if len(astray):
            doubt_deg[astray] = self._rng.uniform(*_UNSETTLED_DOUBT_DEG, len(astray))
            error_deg[:, astray] = noise[:, astray] * doubt_deg[astray] * np.float32(0.5)
        tilt_deg = np.round(np.clip(np.abs(service.tilt_deg + error_deg[0]), 0.0, 180.0), 1).astype(np.float32)
        elevation_deg = np.round(np.clip(90.0 - service.tilt_deg + error_deg[1], -90.0, 90.0), 1)
        alert = (tilt_deg > _MAST_ALERT_DEG) * np.int32(TerminalAlert.MAST_NOT_NEAR_VERTICAL)
        return {
            "tilt_angle_deg": tilt_deg,
            "boresight_azimuth_deg": np.round((service.azimuth_deg + error_deg[2]) % 360.0, 1).astype(np.float32),
            "boresight_elevation_deg": elevation_deg.astype(np.float32),
            "attitude_uncertainty_deg": np.round(doubt_deg, 1).astype(np.float32),
            "attitude_converged": settled.astype(np.int8),
            "alerts": alert.astype(np.int32),
        }

    def _slow(self) -> dict[str, Array]:
        terminals, count = self._fleet.terminals, len(self._index)
        return {
            "desired_boresight_azimuth_deg": terminals.aligned_azimuth_deg.astype(np.float32),
            "desired_boresight_elevation_deg": self._aligned_elevation_deg,
            "install_state": np.full(count, InstallState.ACTIVE, dtype=np.int8),
            "latitude_deg": terminals.latitude_deg.astype(np.float32),
            "longitude_deg": terminals.longitude_deg.astype(np.float32),
            "ethernet_speed_bps": np.full(count, _ETHERNET_BPS, dtype=np.int64),
            "network_type": terminals.network_type,
            "encryption_state": np.full(count, EncryptionState.ENCRYPTED, dtype=np.int8),
        }
