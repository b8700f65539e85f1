"""What customers send and fetch: demand by the hour of the day, what the link and the cell leave of it, and the counters."""

import numpy as np

from ingest.contract.columns import Array
from ingest.contract.instants import NS_PER_S
from ingest.contract.vocabulary import ServiceClass
from simulators import link
from simulators.fleet import DOWNLINK_CAPACITY_BPS, UPLINK_CAPACITY_BPS, Terminals
from simulators.geometry import Floats
from simulators.network_conditions import CellConditions
from simulators.noise import Noise
from simulators.terminal_conditions import Floats32, TerminalConditions
from simulators.visibility import Indexes

# Share of the busiest hour's demand at local solar time 0, 3, ... 21 h, by service class: the shapes are those of
# residential and business access (the first in the evening, the second at office hours); the numbers are assumed.
DEMAND_BY_HOUR = np.array(
    [
        (0.55, 0.25, 0.25, 0.45, 0.55, 0.65, 0.85, 1.00),  # CONSUMER
        (0.20, 0.15, 0.35, 0.95, 1.00, 0.85, 0.40, 0.25),  # BUSINESS
        (0.60, 0.40, 0.45, 0.70, 0.80, 0.85, 0.95, 1.00),  # BACKHAUL
        (0.90, 0.90, 0.90, 1.00, 1.00, 1.00, 0.95, 0.90),  # CRITICAL_OT
    ]
)
_HOURS_A_STEP = 3.0
_HABIT_EVERY_NS = 60 * NS_PER_S
_BUSY_HABIT = (1.2, 5.0)  # of a beta distribution: most terminals ask for little of their plan
_BURSTINESS = 0.3
_UPLINK_SHARE = 0.4
# How full an ordinary cell's beam is in its busiest hour: whoever else lives there is not simulated (assumed).
_USUAL_CROWD = 0.45
_CROWD_QUEUE_MS, _CROWD_QUEUE_LIMIT_MS = 1.0, 120.0
_FULL = 0.97
# A counter starts anew now and then without a boot: a billing month, a failed flash page.
_COUNTER_LIFE_S = 3 * 86_400.0


def demand_at(hour: Floats, service: Array) -> Floats:
    """Give the share of the busiest hour's demand at an hour of local solar time."""
    step = hour / _HOURS_A_STEP
    low = step.astype(np.int64) % DEMAND_BY_HOUR.shape[1]
    high, part = (low + 1) % DEMAND_BY_HOUR.shape[1], step % 1.0
    share: Floats = DEMAND_BY_HOUR[service, low] * (1.0 - part) + DEMAND_BY_HOUR[service, high] * part
    return share


def solar_hour(at_ns: int, longitude_deg: Floats) -> Floats:
    """Give the hour of local solar time, 0 to 24."""
    hour: Floats = (at_ns / NS_PER_S / 3600.0 + longitude_deg / 15.0) % 24.0
    return hour


class Traffic:
    """Demand, flow and counters of all terminals.

    Attributes:
        load_ratio: What each terminal moves, as a share of its plan.
        crowd: What everybody in a cell wants, as a share of what its beams carry; above 1 they share.
    """

    def __init__(
        self,
        terminals: Terminals,
        longitude_of_cell_deg: Floats,
        conditions: TerminalConditions,
        cells: CellConditions,
        noise: Noise,
        rng: np.random.Generator,
    ) -> None:
        count = len(terminals)
        self._terminals, self._longitude_of_cell_deg = terminals, longitude_of_cell_deg
        self._conditions, self._cells, self._noise, self._rng = conditions, cells, noise, rng
        self._downlink_capacity_bps = DOWNLINK_CAPACITY_BPS[terminals.model].astype(np.float32)
        self._uplink_capacity_bps = UPLINK_CAPACITY_BPS[terminals.model].astype(np.float32)
        self._busy_ratio = rng.beta(*_BUSY_HABIT, count).astype(np.float32)
        self._downlink_bytes = rng.integers(0, 2**38, count, dtype=np.int64)
        self._uplink_bytes = self._downlink_bytes // 9
        self._habit: Floats32 = np.zeros(count, dtype=np.float32)
        self._habit_at_ns = -_HABIT_EVERY_NS
        self.crowd: Floats = np.zeros(len(longitude_of_cell_deg))
        self.load_ratio: Floats32 = np.zeros(count, dtype=np.float32)

    def begin(self, at_ns: int) -> None:
        """Enter a second: what do people want at this hour, and how full are the cells?"""
        if at_ns - self._habit_at_ns >= _HABIT_EVERY_NS:
            self._habit_at_ns = at_ns
            hour = solar_hour(at_ns, self._terminals.longitude_deg)
            self._habit = self._busy_ratio * demand_at(hour, self._terminals.service).astype(np.float32)
        hour = solar_hour(at_ns, self._longitude_of_cell_deg)
        usual = _USUAL_CROWD * demand_at(hour, np.full(len(hour), ServiceClass.CONSUMER))
        self.crowd = usual * self._cells.demand_factor

    def queue_ms(self) -> Floats:
        """Give what each cell's crowd adds to its queue: little until the beam is nearly full."""
        full = np.minimum(self.crowd, _FULL)
        waiting = np.minimum(_CROWD_QUEUE_MS * full / (1.0 - full), _CROWD_QUEUE_LIMIT_MS)
        return np.where(self.crowd > 1.0, _CROWD_QUEUE_LIMIT_MS, waiting)

    def flow(self, cell: Indexes, modcod: Array, live_ratio: Floats32, habit_factor: Floats32) -> dict[str, Array]:
        """Let a second's traffic flow.

        Args:
            cell: Of each terminal.
            modcod: The step each downlink runs at.
            live_ratio: Share of the second in which traffic gets through.
            habit_factor: Share of its site's traffic that a terminal carries.
        """
        noise = np.float32(1.0) + np.float32(_BURSTINESS) * self._noise.normal()
        wanted = np.clip(
            self._habit * self._conditions.demand_factor * habit_factor * noise, np.float32(0.001), np.float32(1.0)
        )
        granted = (1.0 / np.maximum(self.crowd, 1.0)).astype(np.float32)
        demand = wanted * granted[cell]
        carried = np.minimum(demand, _PLAN_SHARE[modcod]) * live_ratio
        downlink_bps = np.floor(self._downlink_capacity_bps * carried)
        uplink_bps = np.floor(self._uplink_capacity_bps * np.float32(_UPLINK_SHARE) * demand * live_ratio)
        self._count(downlink_bps, uplink_bps)
        self.load_ratio = demand * live_ratio
        return {
            "downlink_throughput_bps": downlink_bps,
            "uplink_throughput_bps": uplink_bps,
            "downlink_bytes_total": self._downlink_bytes.copy(),
            "uplink_bytes_total": self._uplink_bytes.copy(),
        }

    def start_anew(self, who: Array) -> None:
        """Set these counters to nothing."""
        self._downlink_bytes[who] = 0
        self._uplink_bytes[who] = 0

    def _count(self, downlink_bps: Floats32, uplink_bps: Floats32) -> None:
        self.start_anew(
            self._rng.integers(0, len(downlink_bps), self._rng.poisson(len(downlink_bps) / _COUNTER_LIFE_S))
        )
        self._downlink_bytes += (downlink_bps * np.float32(0.125)).astype(np.int64)
        self._uplink_bytes += (uplink_bps * np.float32(0.125)).astype(np.int64)


# By step, what of a plan it carries; the last entry is -1, no step at all.
_PLAN_SHARE = np.append(link.MODCODS.bits_per_symbol / link.PLAN_BITS_PER_SYMBOL, 0.0).astype(np.float32)
