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
    NO_PLAN,
    POWER_LOST,
    SLEEPING,
    STOWED,
    TILT,
    Codes,
)
from simulators.contract.truth import STEP_NS
from simulators.feeders import carries
from simulators.fleet import Fleet
from simulators.geometry import Floats
from simulators.link import SCAN_LIMIT_DEG
from simulators.network_conditions import NetworkConditions
from simulators.passes import Floats32, Passes
from simulators.path_health import path_codes
from simulators.scheduler import NONE, Plan, empty_plan, joined
from simulators.terminal_conditions import TerminalConditions

# A slot's edge interrupts a terminal that changes satellite or gateway for 50 to 500 ms (domain section 5a); truth
# has tenths of a second.
_INTERRUPTED_STEPS = (1, 5)
_BOOT_S = (40.0, 60.0)
_FILTER_UNSETTLED_S = (20.0, 60.0)
_MADE_BOOTS = (1, 40)
_STEPS_PER_S = 10
# A face that turns faster than this between two looks upsets its filter; a sagging mount does not.
_JOLT_COSINE = np.cos(np.radians(2.0))


def boresight(tilt_deg: Floats, azimuth_deg: Floats) -> Floats32:
    """Give the unit vector of a face: east, north, up."""
    tilt, azimuth = np.radians(tilt_deg), np.radians(azimuth_deg)
    sine = np.sin(tilt)
    return np.stack([sine * np.sin(azimuth), sine * np.cos(azimuth), np.cos(tilt)], axis=-1).astype(np.float32)


class Service:
    """What every terminal is assigned, and what stands in its way.

    Attributes:
        conditions: What is true of each terminal.
        cell: The cell or berth at which each terminal is served.
        satellite, beam, gateway, pop: Assigned by the plan in this slot, by terminal; NONE where no cover is.
        boot_count: Boots since manufacture.
        unsettled_until_ns: Until when a terminal's attitude filter has not converged.
        tilt_deg, azimuth_deg: Where each face really points.
        boresight: The same as unit vectors.
        gateway_up: Whether a gateway carries traffic.
        passes: Geometry of this slot.
        entered_at_ns: When the assignments were taken up.
    """

    def __init__(
        self, fleet: Fleet, conditions: TerminalConditions, network: NetworkConditions, rng: np.random.Generator
    ) -> None:
        count = len(fleet.terminals)
        self._fleet, self._network, self._rng = fleet, network, rng
        self.conditions = conditions
        self.satellite, self.beam, self.gateway, self.pop = (np.full(count, NONE, dtype=np.int32) for _ in range(4))
        self.boot_count = rng.integers(*_MADE_BOOTS, count, dtype=np.int32)
        self.unsettled_until_ns = np.zeros(count, dtype=np.int64)
        self.tilt_deg, self.azimuth_deg = conditions.tilt_deg, conditions.azimuth_deg
        self.boresight = boresight(self.tilt_deg, self.azimuth_deg)
        self.gateway_up = np.ones(len(fleet.gateways), dtype=np.bool_)
        self.passes: Passes | None = None
        # Commissioning accepts a face whose cone still holds the level one: what counts is how far it moved since.
        self._scan_cosine = np.cos(np.radians(SCAN_LIMIT_DEG + fleet.terminals.aligned_tilt_deg))
        self._powered = conditions.powered.copy()
        self._rebooted = conditions.boot_count.copy()
        self._rest = conditions.tilt_deg.copy(), conditions.azimuth_deg.copy()
        self._boot_until_ns = np.zeros(count, dtype=np.int64)
        self._assigned_codes = np.zeros(count, dtype=np.int8)
        self.cell = fleet.terminals.cell
        self._parts: tuple[Plan, ...] = (empty_plan(0, len(fleet.cells)),)
        self._plan = self._parts[0]
        self._is_planned = True
        self._moved_at_ns = 0
        self._interrupted_until_ns = np.zeros(count, dtype=np.int64)
        self.entered_at_ns = 0
        self._askew = np.empty(0, dtype=np.int64)
        self._out_of_cone = np.zeros(count, dtype=np.bool_)
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
        self._out_of_cone[:] = False
        self._take_up(np.arange(len(self.cell)), served, at_ns)

    def move(self, who: Array, cell: Array, at_ns: int) -> None:
        """Let terminals take up the assignment of another cell or berth within a slot."""
        served = self.causes(at_ns)[who] == IN_SERVICE
        self.cell[who] = cell
        self._out_of_cone[who] = False
        self._take_up(who, served, at_ns)

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
        turned = np.flatnonzero((conditions.tilt_deg != self._rest[0]) | (conditions.azimuth_deg != self._rest[1]))
        if len(turned):
            self._turn_faces(turned, at_ns)
        self._assign_codes()

    def booting_ends_within(self, start_at_ns: int, end_at_ns: int) -> bool:
        """Tell whether a terminal finishes booting in this interval."""
        until_ns = self._boot_until_ns[self._booting]
        return bool(((until_ns > start_at_ns) & (until_ns < end_at_ns)).any())

    def causes(self, at_ns: int) -> Codes:
        """Say for each terminal why it has no service at this instant, or that it has; `CAUSES` names the codes."""
        codes = self._assigned_codes.copy()
        self._look_aside(at_ns)
        askew = self._askew
        codes[askew] = np.where((codes[askew] == IN_SERVICE) & self._out_of_cone[askew], TILT, codes[askew])
        if at_ns - self._moved_at_ns < _INTERRUPTED_STEPS[1] * STEP_NS:
            codes[(codes == IN_SERVICE) & (self._interrupted_until_ns > at_ns)] = HANDOVER
        booting = self._booting
        codes[booting] = np.where(self._boot_until_ns[booting] > at_ns, BOOTING, codes[booting])
        conditions = self.conditions
        codes[conditions.asleep] = SLEEPING
        codes[conditions.stowed] = STOWED
        codes[~conditions.powered] = POWER_LOST
        return codes

    def _assign_codes(self) -> None:
        """Say who has no service for want of a plan, a satellite, a laser, a gateway or a PoP."""
        self.gateway_up = carries(self._network.gateways)
        codes = np.concatenate([path_codes(part, self._network, self._fleet.carrying.peers) for part in self._parts])
        if not self._is_planned:
            codes = np.full_like(codes, NO_PLAN)
        self._assigned_codes = codes[self.cell]

    def _look_aside(self, at_ns: int) -> None:
        """Lose the satellite that leaves the cone of a face askew, until the next slot."""
        if len(self._askew) and self.passes is not None and at_ns >= self.entered_at_ns:
            cell = self._fleet.terminals.cell[self._askew]
            towards = self.passes.direction[self.passes.row(at_ns), cell]
            cosine = np.einsum("ij,ij->i", self.boresight[self._askew], towards)
            self._out_of_cone[self._askew] |= cosine < self._scan_cosine[self._askew]

    def _boot(self, who: Array, at_ns: int) -> None:
        self.boot_count[who] += 1
        steps = np.rint(self._rng.uniform(*_BOOT_S, len(who)) * _STEPS_PER_S).astype(np.int64)
        self._boot_until_ns[who] = at_ns + steps * STEP_NS
        self.unsettled_until_ns[who] = self._boot_until_ns[who]
        self._booting = np.union1d(self._booting[self._boot_until_ns[self._booting] > at_ns], who).astype(np.int64)

    def _turn_faces(self, who: Array, at_ns: int) -> None:
        conditions = self.conditions
        before = self.boresight[who]
        self.boresight[who] = boresight(conditions.tilt_deg[who], conditions.azimuth_deg[who])
        jolted = who[np.einsum("ij,ij->i", before, self.boresight[who]) < _JOLT_COSINE]
        steps = np.rint(self._rng.uniform(*_FILTER_UNSETTLED_S, len(jolted)) * _STEPS_PER_S).astype(np.int64)
        self.unsettled_until_ns[jolted] = at_ns + steps * STEP_NS
        self._rest = conditions.tilt_deg.copy(), conditions.azimuth_deg.copy()
        self._askew = np.union1d(self._askew, who).astype(np.int64)
