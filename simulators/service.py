"""Who really has service, ten times a second, and why not: the latent truth that telemetry is made from.

Nothing here is measured. The order of causes is the order in which they take service away: a terminal without power
has no service whatever its satellite does, and a slot without a satellite none whatever its gateway does.
"""

import numpy as np

from ingest.contract.columns import Array
from simulators.causes import (
    BOOTING,
    HANDOVER,
    IN_SERVICE,
    INSTALLING,
    NO_PLAN,
    POWER_LOST,
    SLEEPING,
    STOWED,
    THERMAL_SHUTDOWN,
    Codes,
)
from simulators.contract.truth import STEP_NS
from simulators.dishes import Dishes
from simulators.feeders import feeders_of
from simulators.fleet import Fleet
from simulators.network_conditions import NetworkConditions
from simulators.passes import Passes
from simulators.path_health import path_codes
from simulators.scheduler import NONE, Plan, empty_plan, joined
from simulators.terminal_conditions import TerminalConditions

# A slot's edge interrupts a terminal that changes satellite or gateway for 50 to 500 ms (domain section 5a); truth
# has tenths of a second.
_INTERRUPTED_STEPS = (1, 5)
_BOOT_S = (40.0, 60.0)
_MADE_BOOTS = (1, 40)
_STEPS_PER_S = 10


class Service:
    """What every terminal is assigned, and what stands in its way.

    Attributes:
        conditions: What is true of each terminal.
        dishes: What each is as a body.
        cell: The cell or berth at which each terminal is served.
        satellite, beam, gateway, pop: Assigned by the plan in this slot, by terminal; NONE where no cover is.
        boot_count: Boots since manufacture.
        feeders: Of the gateways, as they are since something changed.
        passes: Geometry of this slot.
        entered_at_ns: When the assignments were taken up.
    """

    def __init__(
        self,
        fleet: Fleet,
        conditions: TerminalConditions,
        network: NetworkConditions,
        dishes: Dishes,
        rng: np.random.Generator,
    ) -> None:
        count = len(fleet.terminals)
        self._fleet, self._network, self._rng = fleet, network, rng
        self.conditions, self.dishes = conditions, dishes
        self.satellite, self.beam, self.gateway, self.pop = (np.full(count, NONE, dtype=np.int32) for _ in range(4))
        self.boot_count = rng.integers(*_MADE_BOOTS, count, dtype=np.int32)
        self.feeders = feeders_of(network.gateways)
        self.passes: Passes | None = None
        self._powered = conditions.powered.copy()
        self._rebooted = conditions.boot_count.copy()
        self._boot_until_ns = np.zeros(count, dtype=np.int64)
        self._assigned_codes = np.zeros(count, dtype=np.int8)
        self.cell = fleet.terminals.cell.copy()
        self._parts: tuple[Plan, ...] = (empty_plan(0, len(fleet.cells)),)
        self._plan = self._parts[0]
        self._is_planned = True
        self._moved_at_ns = 0
        self._interrupted_until_ns = np.zeros(count, dtype=np.int64)
        self.entered_at_ns = 0
        self._booting = np.empty(0, dtype=np.int64)

    def enter_slot(self, parts: tuple[Plan, ...], passes: Passes, at_ns: int, *, is_planned: bool = True) -> None:
        """Take the assignments of a slot; whoever changes satellite or gateway is interrupted.

        Args:
            parts: The plan of the slot, cells first and then berths.
            passes: Its geometry.
            at_ns: The slot's edge, or later where its plan comes late or is replaced.
            is_planned: False where no plan has come: then nobody is served.
        """
        served = np.zeros(len(self.cell), dtype=np.bool_)
        if self.passes is not None:
            served = self.causes(at_ns - 1) == IN_SERVICE
        plan = parts[0] if len(parts) == 1 else joined(parts)
        self._parts, self._plan, self.passes = parts, plan, passes
        self._is_planned, self.entered_at_ns = is_planned, at_ns
        self.dishes.reception.enter_slot(self.cell, passes)
        self._take_up(np.arange(len(self.cell)), served, at_ns)

    def move(self, who: Array, cell: Array, at_ns: int) -> None:
        """Let terminals take up the assignment of another cell or berth within a slot."""
        served = self.causes(at_ns)[who] == IN_SERVICE
        self.cell[who] = cell
        self.dishes.reception.try_again(who)
        self._take_up(who, served, at_ns)
        self.dishes.reception.turn_to(at_ns)

    def _take_up(self, who: Array, served: Array, at_ns: int) -> None:
        cell, plan = self.cell[who], self._plan
        satellite, gateway = plan.satellite_index[cell], plan.gateway_index[cell]
        changed = (satellite != self.satellite[who]) | (gateway != self.gateway[who])
        self.satellite[who], self.beam[who] = satellite, plan.beam_id[cell]
        self.gateway[who], self.pop[who] = gateway, plan.pop_index[cell]
        steps = self._rng.integers(*_INTERRUPTED_STEPS, len(who), dtype=np.int8, endpoint=True)
        self._interrupted_until_ns[who] = at_ns + np.where(changed & served, steps.astype(np.int64) * STEP_NS, 0)
        self._moved_at_ns = at_ns
        self._assign_codes()

    def follow(self, at_ns: int) -> None:
        """Take in what has changed in the conditions: power, faces, and what carries traffic in the network."""
        conditions = self.conditions
        booted = np.flatnonzero(
            (conditions.powered & ~self._powered) | (conditions.powered & (conditions.boot_count != self._rebooted))
        )
        self._powered = conditions.powered.copy()
        self._rebooted = conditions.boot_count.copy()
        if len(booted):
            self._boot(booted, at_ns)
        self._assign_codes()

    def booting_ends_within(self, start_at_ns: int, end_at_ns: int) -> bool:
        """Tell whether a terminal finishes booting in this interval."""
        until_ns = self._boot_until_ns[self._booting]
        return bool(((until_ns > start_at_ns) & (until_ns < end_at_ns)).any())

    def causes(self, at_ns: int) -> Codes:
        """Say for each terminal why it has no service at this instant, or that it has; `CAUSES` names the codes."""
        codes = np.where(self._assigned_codes == IN_SERVICE, self.dishes.reception.cause, self._assigned_codes)
        if at_ns - self._moved_at_ns < _INTERRUPTED_STEPS[1] * STEP_NS:
            codes[(codes == IN_SERVICE) & (self._interrupted_until_ns > at_ns)] = HANDOVER
        codes[self.dishes.installs.installing] = INSTALLING
        booting = self._booting
        codes[booting] = np.where(self._boot_until_ns[booting] > at_ns, BOOTING, codes[booting])
        conditions = self.conditions
        codes[self.dishes.health.too_hot] = THERMAL_SHUTDOWN
        codes[conditions.asleep] = SLEEPING
        codes[conditions.stowed] = STOWED
        codes[~conditions.powered] = POWER_LOST
        return codes

    def _assign_codes(self) -> None:
        """Say who has no service for want of a plan, a satellite, a laser, a gateway or a PoP."""
        self.feeders = feeders_of(self._network.gateways)
        peers = self._fleet.carrying.peers
        codes = np.concatenate([path_codes(part, self._network, self.feeders, peers) for part in self._parts])
        if not self._is_planned:
            codes = np.full_like(codes, NO_PLAN)
        self._assigned_codes = codes[self.cell]

    def _boot(self, who: Array, at_ns: int) -> None:
        self.boot_count[who] += 1
        steps = np.rint(self._rng.uniform(*_BOOT_S, len(who)) * _STEPS_PER_S).astype(np.int64)
        self._boot_until_ns[who] = at_ns + steps * STEP_NS
        self.dishes.attitude.boot(who, at_ns, steps / _STEPS_PER_S)
        self._booting = np.union1d(self._booting[self._boot_until_ns[self._booting] > at_ns], who).astype(np.int64)
