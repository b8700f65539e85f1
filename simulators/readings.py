"""What a terminal measures and says of itself once a second: the columns of its samples.

Sent with every sample: all columns of service, signal, traffic, attitude and health. Sent at whole minutes, in the
first second of a run and when one of them has changed: `SLOW_COLUMNS`; who moves says where with every sample.
"""

import numpy as np

from ingest.contract.columns import Array
from ingest.contract.instants import NS_PER_MS
from ingest.contract.vocabulary import EncryptionState, NetworkType, TerminalAlert, TerminalState
from simulators import link
from simulators.causes import (
    BOOTING,
    CAUSES,
    COVERAGE_GAP,
    GATEWAY_DOWN,
    HANDOVER,
    IN_SERVICE,
    INSTALLING,
    LINK,
    NO_PLAN,
    OBSTRUCTION,
    POP_DOWN,
    POWER_LOST,
    RAIN,
    SATELLITE_DOWN,
    SLEEPING,
    STOWED,
    THERMAL_SHUTDOWN,
    TILT,
    Codes,
)
from simulators.contract.truth import STEP_NS
from simulators.firmware import leave_out
from simulators.fleet import Fleet
from simulators.network_conditions import NetworkConditions
from simulators.pings import Pings
from simulators.reporting import Reporting
from simulators.scheduler import NONE, Plan
from simulators.service import Service
from simulators.terminal_conditions import Flags, Floats32
from simulators.traffic import Traffic
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
    "address_index",
)
SLOW_EVERY_NS = 60_000_000_000

_SNR_NOISE_DB = 0.3
_LOW_SIGNAL_DB = 3.0  # below what geometry and a clear sky predict
# What a terminal that has no service for this cause says of itself, where nothing else tells it more.
_STATE_OF_CODE = np.full(len(CAUSES), TerminalState.UNKNOWN, dtype=np.int8)
for _code, _state in (
    (COVERAGE_GAP, TerminalState.NO_SATELLITES),
    (NO_PLAN, TerminalState.NO_SCHEDULE),
    (SATELLITE_DOWN, TerminalState.NO_DOWNLINK),
    (POP_DOWN, TerminalState.NO_PINGS),
    (OBSTRUCTION, TerminalState.OBSTRUCTED),
    (RAIN, TerminalState.NO_DOWNLINK),
    (LINK, TerminalState.NO_DOWNLINK),
    (BOOTING, TerminalState.BOOTING),
    (INSTALLING, TerminalState.SEARCHING),
    (STOWED, TerminalState.STOWED),
    (SLEEPING, TerminalState.SLEEPING),
    (THERMAL_SHUTDOWN, TerminalState.THERMAL_SHUTDOWN),
):
    _STATE_OF_CODE[_code] = _state


class Readings:
    """The instruments of all terminals.

    Attributes:
        phase: Tenths of a second after the whole second at which each terminal measures.
        reports: Who reports in this second.
    """

    def __init__(self, fleet: Fleet, service: Service, network: NetworkConditions, rng: np.random.Generator) -> None:
        count, terminals, conditions = len(fleet.terminals), fleet.terminals, service.conditions
        noise = service.dishes.noise
        self._fleet, self._service, self._noise = fleet, service, noise
        self._reporting = Reporting(terminals.cadence_s)
        self.reports = self._reporting.due(0)
        self.phase = rng.integers(0, 10, count, dtype=np.int8)
        service.dishes.mobility.measure_after(self.phase.astype(np.int64) * STEP_NS)
        self._pings = Pings(fleet, network.gateways, noise, rng)
        self.traffic = Traffic(terminals, fleet.cells.longitude_deg, conditions, network.cells, noise, rng)
        self._skewed_s = np.zeros(count, dtype=np.int32)
        self._named: Indexes = service.satellite
        self._boot_count = service.boot_count.copy()
        self._sequence = rng.integers(0, 2_000_000, count, dtype=np.int32)
        # What looks alike to a terminal is said by one in one way and by another in another.
        self._silent_link = np.where(rng.random(count) < 0.8, TerminalState.NO_DOWNLINK, TerminalState.NO_PINGS)
        self._lost_sky = np.where(rng.random(count) < 0.5, TerminalState.OBSTRUCTED, TerminalState.NO_DOWNLINK)
        self._index = np.arange(count, dtype=np.int32)
        self._told_slowly: list[Array] = []

    def enter_slot(self, plan: Plan) -> None:
        """Queue anew where another satellite serves."""
        self._pings.enter_slot(plan)

    def measure(self, at_ns: int, codes: Codes, absent_ratio: Floats32) -> dict[str, Array]:
        """Give every terminal's sample of this second, those without power included; they are for nobody to see.

        Args:
            at_ns: The whole second; each terminal measures in its own tenth of it.
            codes: Why a terminal has no service in its tenth.
            absent_ratio: Share of the second before it without service.
        """
        self._count_boots()
        live = (codes == IN_SERVICE) | (codes == HANDOVER)
        self.reports = self._reporting.due(at_ns)
        self._service.dishes.underlays.probe(live)
        columns: dict[str, Array] = {
            "terminal_index": self._index,
            "boot_count": self._boot_count.copy(),
            "sequence": self._sequence.copy(),
            "observed_at_ns": at_ns + self.phase.astype(np.int64) * STEP_NS + self._clock_error_ns(),
            "state": self._states(at_ns, codes),
            **self._assignment(live),
            **self._link(at_ns, live, absent_ratio),
            **self._service.dishes.attitude.measure(at_ns),
            **self._service.dishes.underlays.columns(),
        }
        columns["alerts"][self._low_signal(live)] |= TerminalAlert.LOWER_SIGNAL_THAN_PREDICTED
        self._service.dishes.health.live_through_second(self.traffic.load_ratio)
        columns |= self._service.dishes.health.measure(self.traffic.load_ratio, columns["alerts"])
        slow = self._slow(live) if self._slow_is_due(at_ns) else self._moving()
        columns |= slow
        self._reporting.average(columns, self.reports)
        leave_out(columns, self._service.conditions.firmware)
        self._sequence += self.reports & (codes != POWER_LOST) & (codes != SLEEPING)
        return columns

    def _clock_error_ns(self) -> Array:
        """Say by how much each clock is wrong; none stamps finer than a millisecond."""
        conditions = self._service.conditions
        if not conditions.clock_offset_ns.any():
            return np.zeros(1, dtype=np.int64)
        skewed = conditions.clock_offset_ns != 0
        self._skewed_s = np.where(skewed, self._skewed_s + 1, 0)
        error_ns = conditions.clock_offset_ns + (conditions.clock_drift_ns_per_s * self._skewed_s).astype(np.int64)
        return error_ns // NS_PER_MS * NS_PER_MS

    def _count_boots(self) -> None:
        booted = np.flatnonzero(self._boot_count != self._service.boot_count)
        if len(booted):
            self._boot_count[booted] = self._service.boot_count[booted]
            self._sequence[booted] = 0
            self.traffic.start_anew(booted)

    def _states(self, at_ns: int, codes: Codes) -> Array:
        """Say only what a terminal can know: not that a gateway fell, nor that it rains."""
        states = np.full(len(codes), TerminalState.CONNECTED, dtype=np.int8)
        out = np.flatnonzero((codes != IN_SERVICE) & (codes != HANDOVER))
        if not len(out):
            return states
        code, reception = codes[out], self._service.dishes.reception
        unsettled = ~self._service.dishes.attitude.settled(at_ns)[out]
        deaf = reception.downlink_db[out] < link.LEAST_SNR_DB
        said = _STATE_OF_CODE[code]
        for here, state in (
            (code == GATEWAY_DOWN, self._silent_link[out]),
            (code == TILT, np.where(unsettled, TerminalState.SEARCHING, self._lost_sky[out])),
            ((code == OBSTRUCTION) & reception.waiting[out], TerminalState.NO_SCHEDULE),
            (((code == RAIN) | (code == LINK)) & ~deaf, TerminalState.NO_PINGS),
        ):
            said = np.where(here, state, said)
        states[out] = said
        return states

    def _assignment(self, live: Array) -> dict[str, Array]:
        service = self._service
        # Who goes on naming the satellite it had when that began.
        self._named = np.where(service.conditions.serving_stale, self._named, service.satellite)
        named = {
            "serving_satellite_index": self._named,
            "beam_id": service.beam,
            "gateway_index": service.gateway,
            "pop_index": service.pop,
        }
        return {name: np.where(live, values, NONE).astype(np.int32) for name, values in named.items()}

    def _link(self, at_ns: int, live: Flags, absent_ratio: Floats32) -> dict[str, Array]:
        service, reception = self._service, self._service.dishes.reception
        if service.passes is None:
            raise RuntimeError("measure() before enter_slot(): there is no geometry yet")
        self.traffic.begin(at_ns)
        noise_db = np.float32(_SNR_NOISE_DB) * self._noise.normal()
        snr_db = np.where(live, np.round(reception.downlink_db + noise_db, 1), np.float32(np.nan))
        drop_ratio = self._pings.drop_ratio(
            at_ns,
            reception=reception,
            feeders=service.feeders,
            gateway=service.gateway,
            live=live,
            absent=absent_ratio,
        )
        latency_ms = self._pings.latency_ms(at_ns, service.cell, service.passes, self.traffic.queue_ms(), absent_ratio)
        modcod = link.modcod(reception.downlink_db)
        modcod[~live] = NONE
        share = np.where(live, np.float32(1.0) - drop_ratio, np.float32(0.0))
        return {
            "snr_db": snr_db,
            "pop_ping_latency_ms": np.where(live & (drop_ratio < 1.0), latency_ms, np.float32(np.nan)),
            "pop_ping_drop_ratio": np.round(drop_ratio, 3),
            **self.traffic.flow(service.cell, modcod, share, service.dishes.underlays.load_factor()),
            "obstruction_ratio": reception.obstruction_ratio(),
            "modcod": modcod,
        }

    def _low_signal(self, live: Flags) -> Flags:
        """Tell who hears its satellite worse than it should: rain, snow, dirt, a foreign signal."""
        return live & (self._service.dishes.reception.loss_db > _LOW_SIGNAL_DB)

    def _slow_is_due(self, at_ns: int) -> bool:
        """Tell whether it is time, or something changed that is not to wait for a minute."""
        conditions = self._service.conditions
        now = [conditions.ethernet_bps, conditions.encrypted, conditions.private_egress, conditions.address]
        same = len(self._told_slowly) == len(now) and all(map(np.array_equal, self._told_slowly, now))
        if same and at_ns % SLOW_EVERY_NS:
            return False
        self._told_slowly = [values.copy() for values in now]
        return True

    def _moving(self) -> dict[str, Array]:
        """Give what does not wait for a minute with those who move: where they are, and where they should point."""
        nowhere = np.full(len(self._index), np.nan, dtype=np.float32)
        riders, desired = self._service.dishes.mobility.riders, self._service.dishes.attitude.desired()
        columns = self._places(nowhere, nowhere)
        for name, values in desired.items():
            columns[name] = nowhere.copy()
            columns[name][riders] = values[riders]
        return columns

    def _places(self, latitude_deg: Array, longitude_deg: Array) -> dict[str, Array]:
        """Put those who move where they are among the others; without GNSS nobody knows."""
        mobility, jammed = self._service.dishes.mobility, self._service.conditions.gnss_jammed
        columns = {
            "latitude_deg": latitude_deg.astype(np.float32),
            "longitude_deg": longitude_deg.astype(np.float32),
            "speed_mps": np.full(len(self._index), np.nan, dtype=np.float32),
        }
        for values, now in zip(
            columns.values(), (mobility.latitude_deg, mobility.longitude_deg, mobility.speed_mps), strict=True
        ):
            values[mobility.who] = now
            if jammed.any():
                values[jammed] = np.nan
        return columns

    def _slow(self, live: Flags) -> dict[str, Array]:
        terminals, conditions = self._fleet.terminals, self._service.conditions
        sealed = np.where(conditions.encrypted, EncryptionState.ENCRYPTED, EncryptionState.NOT_ENCRYPTED)
        leaves = np.where(conditions.private_egress, terminals.network_type, NetworkType.INTERNET)
        return {
            **self._service.dishes.attitude.desired(),
            "install_state": self._service.dishes.installs.state(live),
            **self._places(terminals.latitude_deg, terminals.longitude_deg),
            "ethernet_speed_bps": conditions.ethernet_bps.copy(),
            "network_type": leaves.astype(np.int8),
            "encryption_state": sealed.astype(np.int8),
            "address_index": conditions.address.copy(),
        }
