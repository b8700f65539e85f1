"""True handovers held against handover events, counted exactly; those inside a gap of telemetry or service apart."""

import msgspec
import numpy as np

from leowatch.score.bounds import Rate, quantiles, rate
from leowatch.score.files import NONE_NS
from leowatch.score.matching import NS_PER_S, Array, Pairs, Spans, is_taken, one_to_one, overlaps
from leowatch.score.outages import Confusion, EventScore, Outages, confusion, slowness_s
from leowatch.score.tolerances import Tolerances


class HandoverScore(msgspec.Struct, frozen=True, kw_only=True):
    """Handovers between adjacent samples, and those inside gaps.

    Attributes:
        in_gap: True ones while or just after service was away, or that only an `observed_gap` event covers.
        conformance: What was said of each true conformance.
        conformance_right: By true conformance.
    """

    handover: EventScore
    in_gap: EventScore
    conformance: Confusion
    conformance_right: dict[str, Rate]


def score_handovers(
    truth: dict[str, Array],
    events: dict[str, Array],
    outages: Outages,
    cadences_s: dict[str, float],
    tolerances: Tolerances,
) -> HandoverScore:
    """Match on terminal, target satellite and instant; what was missed by the plan is no handover."""
    rows = {name: values[_is_handover(events)] for name, values in events.items()}
    at_ns, said_ns = truth["at_ns"], rows["started_at_ns"]
    moments = Spans(truth["terminal_id"], at_ns, at_ns)
    slow_ns = (slowness_s(rows["subject_id"], cadences_s) * NS_PER_S).astype(np.int64)
    said = Spans(rows["subject_id"], said_ns - slow_ns, said_ns)
    direct = np.flatnonzero(~rows["observed_gap"])
    exact = _matched(said.only(direct), moments, rows["to_satellite_id"][direct], truth["to_satellite_id"], tolerances)
    exact = Pairs(direct[exact.left], exact.right)
    seen = is_taken(exact.right, at_ns.size)
    covered = _covered(rows, slow_ns, moments, seen, tolerances)
    gap = ~seen & (_is_in_gap(moments, truth, outages, tolerances) | is_taken(covered.right, at_ns.size))
    # A true one inside a gap that was seen all the same is plainly right: it stays with the exact ones.
    n, false = int(np.sum(~gap)), direct.size - exact.left.size
    return HandoverScore(
        handover=EventScore(
            n=n,
            detected=exact.left.size,
            missed=n - exact.left.size,
            false=false,
            recall=rate(exact.left.size, n),
            precision=rate(exact.left.size, direct.size),
            time_to_detect_s=quantiles(_lag_s(rows["decided_at_ns"][exact.left], at_ns[exact.right])),
            error_s=quantiles(np.abs(said_ns[exact.left] - at_ns[exact.right]) / NS_PER_S),
            apart={"without_a_new_satellite": int(np.sum(_is_other(events)))},
        ),
        in_gap=_score_gaps(rows, covered, gap, at_ns),
        conformance=(matrix := confusion(truth["conformance"][exact.right], rows["conformance"][exact.left])),
        conformance_right={was: rate(answers.get(was, 0), sum(answers.values())) for was, answers in matrix.items()},
    )


def _is_handover(events: dict[str, Array]) -> Array:
    happened = (events["kind"] == "handover") & (events["conformance"] != "missed")
    return np.asarray(happened & events["satellite_changed"])


def _is_other(events: dict[str, Array]) -> Array:
    return np.asarray((events["kind"] == "handover") & ~events["satellite_changed"])


def _matched(said: Spans, moments: Spans, to_said: Array, to_true: Array, tolerances: Tolerances) -> Pairs:
    pairs = overlaps(said, moments, tolerances.handover_s)
    same = to_said[pairs.left] == to_true[pairs.right]
    pairs = Pairs(pairs.left[same], pairs.right[same])
    return one_to_one(pairs, np.abs(said.ends_ns[pairs.left] - moments.starts_ns[pairs.right]))


def _covered(rows: dict[str, Array], slow_ns: Array, moments: Spans, seen: Array, tolerances: Tolerances) -> Pairs:
    """Pair each gap event with every true handover inside its gap that nothing saw: a gap may hide several."""
    gaps, unseen = np.flatnonzero(rows["observed_gap"]), np.flatnonzero(~seen)
    ends_ns = rows["started_at_ns"][gaps]
    # The event says the first sample after the gap or the last one before; its time is not known, so both are allowed.
    lengths_ns = (np.nan_to_num(rows["gap_s"][gaps]) * NS_PER_S).astype(np.int64) + slow_ns[gaps]
    spans = Spans(rows["subject_id"][gaps], ends_ns - lengths_ns, ends_ns + lengths_ns)
    pairs = overlaps(spans, moments.only(unseen), tolerances.handover_s)
    return Pairs(gaps[pairs.left], unseen[pairs.right])


def _is_in_gap(moments: Spans, truth: dict[str, Array], outages: Outages, tolerances: Tolerances) -> Array:
    """A gap is long enough to lose a sample: the blink of a handover itself excuses nobody who missed it."""
    long = outages.spans.ends_ns - outages.spans.starts_ns >= int(tolerances.outage_floor_s * NS_PER_S)
    inside = overlaps(moments, outages.spans.only(long), tolerances.handover_s)
    return np.asarray(is_taken(inside.left, moments.starts_ns.size) | (truth["from_satellite_id"] == ""))


def _score_gaps(rows: dict[str, Array], covered: Pairs, gap: Array, at_ns: Array) -> EventScore:
    right = np.unique(covered.right)
    events, useful = int(rows["observed_gap"].sum()), np.unique(covered.left).size
    n = int(gap.sum())
    return EventScore(
        n=n,
        detected=right.size,
        missed=n - right.size,
        false=events - useful,
        recall=rate(right.size, n),
        precision=rate(useful, events),
        time_to_detect_s=quantiles(_lag_s(rows["decided_at_ns"][covered.left], at_ns[covered.right])),
        error_s=quantiles([]),
    )


def _lag_s(decided_at_ns: Array, at_ns: Array) -> Array:
    known = decided_at_ns != NONE_NS
    waits_s: Array = np.maximum((decided_at_ns - at_ns)[known] / NS_PER_S, 0)
    return waits_s
