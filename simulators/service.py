"""Who really has service, ten times a second, and why not: the latent truth that telemetry is made from.

Nothing here is measured. The order of causes is the order in which they take service away: a terminal without power
has no service whatever its satellite does, and a slot without a satellite none whatever its gateway does.
"""

import numpy as np

from simulators.causes import (
    BOOTING,
    COVERAGE_GAP,
    GATEWAY_DOWN,
    HANDOVER,
    IN_SERVICE,
    POWER_LOST,
    TILT,
    Codes,
)
from simulators.contract.faults import FaultKind
from simulators.contract.truth import STEP_NS
from simulators.faults import Change, Fault
from simulators.fleet import Fleet
from simulators.geometry import Floats
from simulators.link import SCAN_LIMIT_DEG
from simulators.passes import Floats32, Passes
from simulators.scheduler import NONE, Plan

# A slot's edge interrupts a terminal that changes satellite or gateway for 50 to 500 ms (domain section 5a); truth
# has tenths of a second.
_INTERRUPTED_STEPS = (1, 5)
_BOOT_S = (40.0, 60.0)
_FILTER_UNSETTLED_S = (20.0, 60.0)
_MADE_BOOTS = (1, 40)


def boresight(tilt_deg: Floats, azimuth_deg: Floats) -> Floats32:
    """Give the unit vector of a face: east, north, up."""
    tilt, azimuth = np.radians(tilt_deg), np.radians(azimuth_deg)
    sine = np.sin(tilt)
    return np.stack([sine * np.sin(azimuth), sine * np.cos(azimuth), np.cos(tilt)], axis=-1).astype(np.float32)


class Service:
    """What every terminal is assigned, and what stands in its way.

    Attributes:
        satellite, beam, gateway, pop: Assigned by the plan in this slot, by terminal; NONE where no cover is.
        powered: Whether a terminal has power.
        boot_count: Boots since manufacture.
        unsettled_until_ns: Until when a terminal's attitude filter has not converged.
        tilt_deg, azimuth_deg: Where each face really points.
        boresight: The same as unit vectors.
        gateway_up: Whether a gateway carries traffic.
        passes: Geometry of this slot.
    """

    def __init__(self, fleet: Fleet, rng: np.random.Generator) -> None:
        count = len(fleet.terminals)
        self._fleet = fleet
        self._rng = rng
        self.satellite = self.beam = self.gateway = self.pop = np.full(count, NONE, dtype=np.int32)
        self.powered = np.ones(count, dtype=np.bool_)
        self.boot_count = rng.integers(*_MADE_BOOTS, count, dtype=np.int32)
        self.unsettled_until_ns = np.zeros(count, dtype=np.int64)
        self.tilt_deg = fleet.terminals.aligned_tilt_deg.copy()
        self.azimuth_deg = fleet.terminals.aligned_azimuth_deg.copy()
        self.boresight = boresight(self.tilt_deg, self.azimuth_deg)
        self.gateway_up = np.ones(len(fleet.gateways), dtype=np.bool_)
        self.passes: Passes | None = None
        # Commissioning accepts a face whose cone still holds the level one: what counts is how far it moved since.
        self._scan_cosine = np.cos(np.radians(SCAN_LIMIT_DEG + fleet.terminals.aligned_tilt_deg))
        self._boot_until_ns = np.zeros(count, dtype=np.int64)
        self._assigned_codes = np.zeros(count, dtype=np.int8)
        self._interrupted_ns = np.zeros(count, dtype=np.int64)
        self._slot_start_at_ns = 0
        self._askew = np.empty(0, dtype=np.int64)
        self._out_of_cone = np.zeros(count, dtype=np.bool_)
        self._booting = np.empty(0, dtype=np.int64)

    def enter_slot(self, plan: Plan, passes: Passes) -> None:
        """Take the assignments of a slot; whoever changes satellite or gateway is interrupted at its edge."""
        cell = self._fleet.terminals.cell
        served = np.zeros(len(cell), dtype=np.bool_)
        if self.passes is not None:
            served = self.causes(plan.slot_start_at_ns - 1) == IN_SERVICE
        before_satellite, before_gateway = self.satellite, self.gateway
        self.satellite, self.beam = plan.satellite_index[cell], plan.beam_id[cell]
        self.gateway, self.pop = plan.gateway_index[cell], plan.pop_index[cell]
        self.passes = passes
        self._slot_start_at_ns = plan.slot_start_at_ns
        self._out_of_cone[:] = False
        steps = self._rng.integers(*_INTERRUPTED_STEPS, len(cell), dtype=np.int8, endpoint=True)
        changed = (self.satellite != before_satellite) | (self.gateway != before_gateway)
        self._interrupted_ns = np.where(changed & served, steps.astype(np.int64) * STEP_NS, 0)
        self._assign_codes()

    def apply(self, change: Change) -> None:
        """Let a fault begin or end."""
        fault, at_ns = change.fault, change.at_ns
        match fault.kind:
            case FaultKind.GATEWAY_DOWN:
                self.gateway_up[fault.root_index] = not change.begins
                self._assign_codes()
            case FaultKind.TERMINAL_POWER_LOST:
                self._switch_power(fault, at_ns, on=not change.begins)
            case FaultKind.ANTENNA_KNOCKED_OVER:
                self._turn_face(fault, at_ns, fallen=change.begins)

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
        since_ns = at_ns - self._slot_start_at_ns
        if since_ns < _INTERRUPTED_STEPS[1] * STEP_NS:
            codes[(codes == IN_SERVICE) & (self._interrupted_ns > since_ns)] = HANDOVER
        booting = self._booting
        codes[booting] = np.where(self._boot_until_ns[booting] > at_ns, BOOTING, codes[booting])
        codes[~self.powered] = POWER_LOST
        return codes

    def _assign_codes(self) -> None:
        down = (self.gateway != NONE) & ~self.gateway_up[self.gateway]
        codes = np.where(down, GATEWAY_DOWN, IN_SERVICE)
        self._assigned_codes = np.where(self.satellite == NONE, COVERAGE_GAP, codes).astype(np.int8)

    def _look_aside(self, at_ns: int) -> None:
        """Lose the satellite that leaves the cone of a face askew, until the next slot."""
        if len(self._askew) and self.passes is not None and at_ns >= self._slot_start_at_ns:
            cell = self._fleet.terminals.cell[self._askew]
            towards = self.passes.direction[self.passes.row(at_ns), cell]
            cosine = np.einsum("ij,ij->i", self.boresight[self._askew], towards)
            self._out_of_cone[self._askew] |= cosine < self._scan_cosine[self._askew]

    def _switch_power(self, fault: Fault, at_ns: int, *, on: bool) -> None:
        who = fault.root_index
        self.powered[who] = on
        if on:
            self.boot_count[who] += 1
            self._boot_until_ns[who] = at_ns + _tenths_ns(self._rng.uniform(*_BOOT_S))
            self.unsettled_until_ns[who] = self._boot_until_ns[who]
            self._booting = np.union1d(self._booting, [who]).astype(np.int64)

    def _turn_face(self, fault: Fault, at_ns: int, *, fallen: bool) -> None:
        who, terminals = fault.root_index, self._fleet.terminals
        self.tilt_deg[who] = fault.tilt_deg if fallen else terminals.aligned_tilt_deg[who]
        self.azimuth_deg[who] = fault.azimuth_deg if fallen else terminals.aligned_azimuth_deg[who]
        self.boresight[who] = boresight(self.tilt_deg[[who]], self.azimuth_deg[[who]])[0]
        self.unsettled_until_ns[who] = at_ns + _tenths_ns(self._rng.uniform(*_FILTER_UNSETTLED_S))
        self._askew = np.union1d(self._askew, [who]).astype(np.int64)


def _tenths_ns(seconds: float) -> int:
    return round(seconds * 10) * STEP_NS
