"""True outages held against outage events: found or not, how far off, for which cause, expected or not."""

from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from leowatch.score.bounds import Quantiles, Rate, quantiles, rate
from leowatch.score.files import NONE_NS
from leowatch.score.matching import NS_PER_S, Array, Pairs, Spans, is_taken, one_to_one, overlaps
from leowatch.score.tolerances import EXPECTED_GAPS, OUTAGE_CAUSES, Tolerances

# Longer than any run: a cost that comes after all others.
_LAST_NS = 1 << 60

Confusion = dict[str, dict[str, int]]


class Outages:
    """Outages of terminals, merged; the cause of a merged one is that of its first part that shows in a sample."""

    def __init__(self, spans: Spans, causes: Array, label_ids: Array, expected: Array) -> None:
        self.spans = spans
        self.causes = causes
        self.label_ids = label_ids
        self.expected = expected

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        places: dict[str, list[int]] = {}
        for place, owner in enumerate(self.spans.owners.tolist()):
            places.setdefault(owner, []).append(place)
        return places

    def places_of(self, terminal_id: str) -> list[int]:
        """Return where a terminal's outages stand."""
        return self._places.get(terminal_id, [])


class EventScore(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of finding held against truth, without incidents.

    Attributes:
        apart: Findings or truths that neither count for nor against, by why.
        error_s: Distance between the true instant and the one that the event says.
    """

    n: int
    detected: int
    missed: int
    false: int
    recall: Rate
    precision: Rate
    time_to_detect_s: Quantiles
    error_s: Quantiles
    apart: dict[str, int] = {}


class OutageScore(msgspec.Struct, frozen=True, kw_only=True):
    """Outages and expected gaps apart, and what was said of their causes.

    Attributes:
        cause_right: By true cause, how many found ones were given a cause that names it; of those that were over for long
            enough to be told of.
        expectedness_right: Found ones whose `expected` says what geometry says.
    """

    outage: EventScore
    expected_gap: EventScore
    confusion: Confusion
    cause_right: dict[str, Rate]
    expectedness_right: Rate


def true_outages(table: dict[str, Array], run_end_ns: int, tolerances: Tolerances) -> Outages:
    """Merge the truth's intervals; those that stand end with the run. It is expected only if every part is."""
    ends_ns = np.where(table["ended_at_ns"] == NONE_NS, run_end_ns, table["ended_at_ns"])
    codes, _ = pd.factorize(table["terminal_id"])
    order = np.lexsort((table["started_at_ns"], codes))
    owners, starts_ns, ends_ns = table["terminal_id"][order], table["started_at_ns"][order], ends_ns[order]
    if order.size == 0:
        return Outages(Spans(owners, starts_ns, ends_ns), table["cause"], table["label_id"], np.zeros(0, dtype=bool))
    begins = np.ones(order.size, dtype=bool)
    # The latest end so far, as one interval may lie inside another.
    reached_ns = pd.Series(ends_ns).groupby(codes[order]).cummax().to_numpy()
    near = starts_ns[1:] - reached_ns[:-1] <= int(tolerances.outage_merge_s * NS_PER_S)
    begins[1:] = (owners[1:] != owners[:-1]) | ~near
    firsts = np.flatnonzero(begins)
    causes, label_ids = table["cause"][order], table["label_id"][order]
    gap = np.isin(causes.astype(str), sorted(EXPECTED_GAPS))
    shows = ends_ns - starts_ns >= int(tolerances.visible_s * NS_PER_S)
    telling = np.minimum.reduceat(np.where(shows, np.arange(order.size), order.size), firsts)
    telling = np.where(telling < order.size, telling, firsts)
    return Outages(
        Spans(owners[firsts], starts_ns[firsts], np.maximum.reduceat(ends_ns, firsts)),
        causes[telling],
        label_ids[telling],
        np.logical_and.reduceat(gap, firsts),
    )


class FoundOutages:
    """Outages as events say them: the start joined to its end."""

    def __init__(self, events: dict[str, Array], run_end_ns: int) -> None:
        """Join on terminal and start; the ended event knows more, so it says the cause; withdrawn ones are gone."""
        ours = events["source"] != "terminal"
        frame = pd.DataFrame({name: events[name] for name in ("subject_id", "started_at_ns", "ended_at_ns", "decided_at_ns", "cause", "expected")})  # fmt: skip
        key = ["subject_id", "started_at_ns"]
        started = frame[ours & (events["kind"] == "outage_started")].drop_duplicates(key)
        ended = frame[ours & (events["kind"] == "outage_ended")].drop_duplicates(key)
        gone = frame.loc[events["kind"] == "outage_withdrawn", key].drop_duplicates()
        whole = started.merge(ended, on=key, how="outer", suffixes=("_first", "_last"))
        whole = whole.merge(gone, on=key, how="left", indicator=True)
        whole = whole[whole["_merge"] == "left_only"]
        starts_ns = whole["started_at_ns"].to_numpy(dtype=np.int64)
        ends_ns = whole["ended_at_ns_last"].fillna(run_end_ns).to_numpy(dtype=np.int64)
        self.spans = Spans(whole["subject_id"].to_numpy(dtype=object), starts_ns, np.maximum(ends_ns, starts_ns))
        self.decided_at_ns = _either(whole["decided_at_ns_first"], whole["decided_at_ns_last"]).to_numpy(dtype=np.int64)
        self.causes = _either(whole["cause_last"], whole["cause_first"]).to_numpy(dtype=object)
        self.expected = _either(whole["expected_last"], whole["expected_first"]).to_numpy(dtype=bool)


def _either(first: "pd.Series[Any]", second: "pd.Series[Any]") -> "pd.Series[Any]":
    return first.where(first.notna(), second)


def score_outages(
    true: Outages, found: FoundOutages, cadences_s: dict[str, float], run_end_ns: int, tolerances: Tolerances
) -> OutageScore:
    """Match one to one by overlap and count outages and expected gaps apart, by what truth says they were.

    A finding on an outage shorter than the floor is right, but the outage need not have been found. One that tells two
    outages as one has found both where samples cannot tell them apart.
    """
    slow_s = slowness_s(true.spans.owners, cadences_s)
    floor_s = np.maximum(slow_s + 1, tolerances.outage_floor_s)
    long = true.spans.ends_ns - true.spans.starts_ns >= (floor_s * NS_PER_S).astype(np.int64)
    touching = overlaps(found.spans, true.spans, tolerances.outage_reach_s)
    off_ns = np.abs(found.spans.starts_ns[touching.left] - true.spans.starts_ns[touching.right])
    # What need not be found does not take the answer from what must be.
    pairs = one_to_one(touching, off_ns + np.where(long[touching.right], 0, _LAST_NS))
    together = _told_together(true.spans, touching, tolerances.outage_apart_s + 2 * slow_s)
    together &= ~is_taken(pairs.right, long.size)
    rows = {}
    for is_gap in (False, True):
        mine = true.expected[pairs.right] == is_gap
        left, right = pairs.left[mine & long[pairs.right]], pairs.right[mine & long[pairs.right]]
        short = int(np.sum(mine & ~long[pairs.right]))
        unmatched = ~is_taken(pairs.left, found.causes.size) & (found.expected == is_gap)
        due = long & (true.expected == is_gap)
        n, false = int(due.sum()), int(unmatched.sum())
        merged = int(np.sum(due & together))
        rows[is_gap] = EventScore(
            n=n,
            detected=left.size + merged,
            missed=n - left.size - merged,
            false=false,
            recall=rate(left.size + merged, n),
            precision=rate(left.size + short, left.size + short + false),
            time_to_detect_s=_since(found.decided_at_ns[left], true.spans.starts_ns[right]),
            error_s=quantiles(np.abs(found.spans.starts_ns[left] - true.spans.starts_ns[right]) / NS_PER_S),
            apart={"shorter_than_floor": short, "told_with_another": merged},
        )
    judged = long[pairs.right]
    known = judged & (true.spans.ends_ns[pairs.right] <= run_end_ns - int(tolerances.cause_wait_s * NS_PER_S))
    said, was = found.causes[pairs.left[known]], true.causes[pairs.right[known]]
    agreed = found.expected[pairs.left[judged]] == true.expected[pairs.right[judged]]
    matrix = confusion(was, said)
    return OutageScore(
        outage=rows[False],
        expected_gap=rows[True],
        confusion=matrix,
        cause_right={cause: _right(cause, answers) for cause, answers in matrix.items()},
        expectedness_right=rate(int(agreed.sum()), agreed.size),
    )


def _told_together(true: Spans, touching: Pairs, apart_s: Array) -> Array:
    """Say which true outages a finding tells together with one next to them that samples cannot tell apart from it."""
    told = set(zip(touching.left.tolist(), touching.right.tolist(), strict=True))
    near = np.zeros(true.owners.size, bool)
    near[1:] = true.owners[1:] == true.owners[:-1]
    near[1:] &= true.starts_ns[1:] - true.ends_ns[:-1] < (apart_s[1:] * NS_PER_S).astype(np.int64)
    together = np.zeros(near.size, bool)
    for left, right in told:
        if near[right] and (left, right - 1) in told:
            together[right - 1 : right + 1] = True
    return together


def slowness_s(owners: Array, cadences_s: dict[str, float]) -> Array:
    """Return by how much each terminal's cadence is longer than a second."""
    return np.array([max(0.0, cadences_s.get(owner, 1.0) - 1.0) for owner in owners.tolist()])


def confusion(was: Array, said: Array) -> Confusion:
    """Count what was said of each truth."""
    return confusion_of(zip(was.tolist(), said.tolist(), strict=True))


def confusion_of(pairs: Iterable[tuple[str, str]]) -> Confusion:
    """Count pairs of a truth and what was said of it."""
    matrix: Confusion = {}
    for (truth, answer), count in sorted(Counter(pairs).items()):
        matrix.setdefault(truth or "none", {})[answer or "none"] = count
    return matrix


def _right(cause: str, answers: dict[str, int]) -> Rate:
    names = OUTAGE_CAUSES.get(cause, frozenset({cause}))
    return rate(sum(count for answer, count in answers.items() if answer in names), sum(answers.values()))


def _since(decided_at_ns: Array, started_at_ns: Array) -> Quantiles:
    known = decided_at_ns != NONE_NS
    return quantiles(np.maximum((decided_at_ns - started_at_ns)[known] / NS_PER_S, 0))
