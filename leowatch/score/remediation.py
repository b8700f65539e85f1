"""How faults were put right, and how incidents say that they were: the share that mended itself, in truth and as inferred."""

import msgspec

from leowatch.score.bounds import Rate, rate
from leowatch.score.claims import Claim
from leowatch.score.faults import STANDS_NS, Fault, Judged, Verdict
from leowatch.score.outages import Confusion, confusion_of

AUTOMATIC = "auto"


class RemediationScore(msgspec.Struct, frozen=True, kw_only=True):
    """Of faults that are over, decoys aside, and that an incident found which is over too.

    Attributes:
        automatic_truly, automatic_as_said: The share that nobody had to mend; the goal is 2 points between them.
        error_points: How far apart the two are, in points of a hundred; null where there was nothing to judge.
        confusion: What was said of each truth.
    """

    automatic_truly: Rate
    automatic_as_said: Rate
    error_points: float | None
    confusion: Confusion


def score_remediation(true: list[Fault], found: list[Claim], judged: Judged) -> RemediationScore:
    """Compare fault by fault."""
    pairs = [
        (true[place].label.remediation, claim.remediation)
        for claim, verdict, place in zip(found, judged.verdicts, judged.fault_of, strict=True)
        if verdict in {Verdict.FOUND, Verdict.LATE} and _is_over(true[place]) and claim.resolved_at_ns is not None
    ]
    truly, as_said = (rate(sum(pair[side] == AUTOMATIC for pair in pairs), len(pairs)) for side in (0, 1))
    apart = None if truly.ratio is None or as_said.ratio is None else abs(truly.ratio - as_said.ratio)
    return RemediationScore(
        automatic_truly=truly,
        automatic_as_said=as_said,
        error_points=None if apart is None else round(100 * apart, 3),
        confusion=confusion_of(pairs),
    )


def _is_over(fault: Fault) -> bool:
    return not fault.label.decoy and fault.ended_at_ns != STANDS_NS
