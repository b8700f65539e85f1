"""The faults of a run: what a scenario asks for, aimed at things that carry traffic."""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.contract.instants import NS_PER_S
from ingest.contract.vocabulary import MobilityClass
from simulators.contract.faults import FaultKind
from simulators.contract.truth import STEP_NS
from simulators.fleet import Fleet
from simulators.scenario import AUTO, BadScenario, FaultSpec, Scenario
from simulators.timetable import Timetable

_LEAST_TERMINALS = 5
_KNOCKED_OVER_DEG = (35.0, 70.0)


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that breaks.

    Attributes:
        number: Position among the run's faults.
        root_index: Index of the terminal or gateway that breaks.
        ended_at_ns: None where it stands until the run ends.
        tilt_deg, azimuth_deg: Where an antenna that is knocked over comes to point.
    """

    number: int
    label_id: str
    kind: FaultKind
    root_index: int
    root_id: str
    started_at_ns: int
    ended_at_ns: int | None
    spec: FaultSpec
    tilt_deg: float = 0.0
    azimuth_deg: float = 0.0


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A fault begins or ends."""

    at_ns: int
    fault: Fault
    begins: bool


def aim(
    scenario: Scenario, fleet: Fleet, timetable: Timetable, start_at_ns: int, end_at_ns: int, rng: np.random.Generator
) -> list[Fault]:
    """Choose what breaks; faults that would start after the run are left out.

    Raises:
        BadScenario: A target is unknown, or nothing is left to choose from.
    """
    specs = [(spec, start_at_ns + _tenths_ns(spec.start_s)) for spec in scenario.fault for _ in range(spec.count)]
    specs = [(spec, at_ns) for spec, at_ns in specs if at_ns < end_at_ns]
    chooser = _Chooser(fleet, timetable, end_at_ns, rng)
    # Named targets first, then gateways, so that no terminal is chosen that another fault touches.
    order = sorted(
        range(len(specs)), key=lambda n: (specs[n][0].target == AUTO, specs[n][0].kind is not FaultKind.GATEWAY_DOWN, n)
    )
    found = {n: chooser.aim(n, *specs[n]) for n in order}
    faults = [found[n] for n in range(len(specs))]
    _refuse_twice(faults)
    return faults


def _refuse_twice(faults: Sequence[Fault]) -> None:
    until_ns: dict[tuple[FaultKind, int], int | None] = {}
    for fault in sorted(faults, key=lambda one: one.started_at_ns):
        key = (fault.kind, fault.root_index)
        if key in until_ns and (until_ns[key] is None or fault.started_at_ns < (until_ns[key] or 0)):
            raise BadScenario(
                f"{fault.kind} at {fault.spec.start_s} s: {fault.root_id} is already broken then; take another target,"
                " or let the first fault end before"
            )
        until_ns[key] = fault.ended_at_ns


def left_out(scenario: Scenario, second_count: int) -> list[str]:
    """Say which faults would start after the run."""
    late = [spec for spec in scenario.fault if _tenths_ns(spec.start_s) >= second_count * NS_PER_S]
    return [f"{spec.kind} at {spec.start_s} s starts after the run and is left out" for spec in late]


def changes(faults: Sequence[Fault]) -> list[Change]:
    """Write beginnings and ends in order of time."""
    begins = [Change(at_ns=fault.started_at_ns, fault=fault, begins=True) for fault in faults]
    ends = [
        Change(at_ns=fault.ended_at_ns, fault=fault, begins=False) for fault in faults if fault.ended_at_ns is not None
    ]
    return sorted(begins + ends, key=lambda change: (change.at_ns, change.fault.number))


class _Chooser:
    """Aims one fault after the other and remembers what is taken."""

    def __init__(self, fleet: Fleet, timetable: Timetable, run_end_at_ns: int, rng: np.random.Generator) -> None:
        self._fleet = fleet
        self._timetable = timetable
        self._run_end_at_ns = run_end_at_ns
        self._rng = rng
        self._gateway_taken = np.zeros(len(fleet.gateways), dtype=np.bool_)
        mobility = fleet.terminals.mobility
        self._terminal_free = (mobility == MobilityClass.FIXED) & ~fleet.terminals.at_edge

    def aim(self, number: int, spec: FaultSpec, at_ns: int) -> Fault:
        gateway = spec.kind is FaultKind.GATEWAY_DOWN
        end_at_ns = None if spec.duration_s is None else at_ns + max(_tenths_ns(spec.duration_s), STEP_NS)
        until_ns = min(end_at_ns or self._run_end_at_ns, self._run_end_at_ns)
        root = self._gateway(spec, at_ns, until_ns) if gateway else self._terminal(spec)
        inventory = self._fleet.inventory
        return Fault(
            number=number,
            label_id=f"{spec.kind}-{number + 1:03d}",
            kind=spec.kind,
            root_index=root,
            root_id=inventory.gateways[root].gateway_id if gateway else inventory.terminals[root].terminal_id,
            started_at_ns=at_ns,
            ended_at_ns=end_at_ns if end_at_ns is not None and end_at_ns < self._run_end_at_ns else None,
            spec=spec,
            tilt_deg=spec.tilt_deg or round(float(self._rng.uniform(*_KNOCKED_OVER_DEG)), 1),
            azimuth_deg=round(float(self._rng.uniform(0.0, 359.9)), 1),
        )

    def _gateway(self, spec: FaultSpec, at_ns: int, until_ns: int) -> int:
        served = self._terminals_of_gateways(at_ns, until_ns)
        if spec.target == AUTO:
            first = self._terminals_of_gateways(at_ns, at_ns + 1).sum(axis=0)
            # Who serves many throughout and some from the first second on.
            load = np.where((first >= _LEAST_TERMINALS) & ~self._gateway_taken, served.sum(axis=0), -1)
            root = int(load.argmax())
            if load[root] < 0:
                raise BadScenario(
                    f"no gateway serves {_LEAST_TERMINALS} terminals when {spec.kind} starts at {spec.start_s} s: take"
                    " more terminals, or name a gateway as target"
                )
        else:
            root = self._named(spec, [gateway.gateway_id for gateway in self._fleet.inventory.gateways])
        self._gateway_taken[root] = True
        self._terminal_free &= ~self._cells_of_gateway(root, at_ns, until_ns)[self._fleet.terminals.cell]
        return root

    def _terminal(self, spec: FaultSpec) -> int:
        if spec.target != AUTO:
            root = self._named(spec, [terminal.terminal_id for terminal in self._fleet.inventory.terminals])
        else:
            free = np.flatnonzero(self._terminal_free)
            if not len(free):
                raise BadScenario(f"no terminal is left for {spec.kind} at {spec.start_s} s: take more terminals")
            root = int(self._rng.choice(free))
        self._terminal_free[root] = False
        return root

    def _named(self, spec: FaultSpec, ids: list[str]) -> int:
        if spec.target not in ids:
            raise BadScenario(f"{spec.kind} at {spec.start_s} s: no {spec.target!r} in this run (as in {ids[0]!r})")
        return ids.index(spec.target)

    def _slots(self, at_ns: int, until_ns: int) -> list[int]:
        slots = self._timetable.slots
        return list(range(slots.start_at_ns(at_ns), until_ns, slots.length_ns))

    def _terminals_of_gateways(self, at_ns: int, until_ns: int) -> NDArray[np.int64]:
        """Count the terminals that the plan lands at each gateway; a row a slot."""
        per_cell = np.bincount(self._fleet.terminals.cell, minlength=len(self._fleet.cells))
        counts = []
        for start in self._slots(at_ns, until_ns):
            gateway = self._timetable.plan_at(start).gateway_index
            covered = gateway >= 0
            weights = per_cell[covered]
            counts.append(np.bincount(gateway[covered], weights=weights, minlength=len(self._fleet.gateways)))
        return np.array(counts).astype(np.int64)

    def _cells_of_gateway(self, gateway: int, at_ns: int, until_ns: int) -> NDArray[np.bool_]:
        starts = self._slots(at_ns, until_ns)
        lands = np.array([self._timetable.plan_at(start).gateway_index == gateway for start in starts])
        return np.asarray(lands.any(axis=0))


def _tenths_ns(seconds: float) -> int:
    return round(seconds * NS_PER_S / STEP_NS) * STEP_NS
