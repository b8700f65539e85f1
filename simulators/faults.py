"""The faults of a run: what a scenario asks for, aimed at things that carry traffic."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.contract.instants import NS_PER_S
from simulators.contract.faults import FaultKind
from simulators.contract.truth import STEP_NS
from simulators.courses import Course, tenths_ns
from simulators.effects import EFFECTS, Dose
from simulators.scenario import FaultSpec, Scenario

Members: TypeAlias = NDArray[np.int64]


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that breaks.

    Attributes:
        number: Position among the run's faults.
        root_index: Index of the thing that breaks, among its own kind.
        ended_at_ns: None where it stands until the run ends.
        dose: How bad.
        reach: Indexes of everything whose conditions it writes, by the record of conditions.
        members: Terminals that it touches directly.
        routed_round_at_ns: When the control plane plans round its root; None where it does not.
    """

    number: int
    label_id: str
    kind: FaultKind
    root_index: int
    root_id: str
    started_at_ns: int
    ended_at_ns: int | None
    spec: FaultSpec
    dose: Dose
    reach: Mapping[str, Members]
    members: Members
    routed_round_at_ns: int | None = None

    @property
    def course(self) -> Course:
        """Its shape over time."""
        usual, spec = EFFECTS[self.kind].course, self.spec
        return Course(
            onset_s=usual.onset_s if spec.onset_s is None else spec.onset_s,
            recovery_s=usual.recovery_s if spec.recovery_s is None else spec.recovery_s,
            period_s=usual.period_s if spec.period_s is None else spec.period_s,
        )


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A fault begins, changes its strength, or ends.

    Attributes:
        level: Its strength from now on, 0 to 1.
        begins: Whether this is its first.
    """

    at_ns: int
    fault: Fault
    level: float
    begins: bool


def instants(spec: FaultSpec, at_ns: int, run_end_at_ns: int) -> tuple[int | None, int | None]:
    """Return when a fault that begins here ends, and when it is routed round; None for never within the run."""
    end_at_ns = None if spec.duration_s is None else at_ns + max(tenths_ns(spec.duration_s), STEP_NS)
    mended_at_ns = None if spec.remediation_after_s is None else at_ns + tenths_ns(spec.remediation_after_s)
    if mended_at_ns is not None and not is_routed_round(spec):
        mended_at_ns = max(mended_at_ns, at_ns + STEP_NS)
        end_at_ns = mended_at_ns if end_at_ns is None else min(end_at_ns, mended_at_ns)
        mended_at_ns = None
    ended, mended = (at if at is not None and at < run_end_at_ns else None for at in (end_at_ns, mended_at_ns))
    return ended, mended


def is_routed_round(spec: FaultSpec) -> bool:
    """Whether automatic remediation leaves the broken thing and plans round it."""
    return spec.type.root in {"gateway", "satellite", "pop"}


def left_out(scenario: Scenario, second_count: int) -> list[str]:
    """Say which faults would start after the run."""
    late = [spec for spec in scenario.fault if tenths_ns(spec.start_s) >= second_count * NS_PER_S]
    return [f"{spec.kind} at {spec.start_s} s starts after the run and is left out" for spec in late]


def changes(faults: Sequence[Fault], run_end_at_ns: int) -> list[Change]:
    """Write every change of strength, in order of time."""
    found = [
        Change(at_ns=at_ns, fault=fault, level=level, begins=number == 0)
        for fault in faults
        for number, (at_ns, level) in enumerate(
            fault.course.levels(fault.started_at_ns, fault.ended_at_ns, run_end_at_ns)
        )
    ]
    return sorted(found, key=lambda change: (change.at_ns, change.fault.number))
