"""What terminals' rings tell of their gaps, in any order and as often as they like: records folded into runs, runs into stretches.

A terminal without a link keeps its samples for a quarter of an hour and tells them when it is back. A *record* is such a
sample, or one that came too late for its turn. Records that follow each other by sequence and say the same make a *run*;
a terminal seldom has more than a few. A *stretch* is a part of a gap without service. The rules:

- The first bad record begins a stretch and the first good one ends it, as live; a second of good ones between bad ones
  does not split it. It counts if its bad records alone last as long as a live bad run must.
- A hole between bad records is bad too, as nothing says otherwise. Any other hole is unknown, unless the gateway had
  given the terminal up (then it was silent), or a boot stands at its end (without power there is no record, and what was
  recorded before is forgotten; of a terminal never heard before, a record of booting says so), or the ring was full and begins bad (the hole is what it had no room for).
"""

from typing import NamedTuple

import numpy as np

from ingest.contract.columns import MISSING, Array, take
from streams.contract.events import CHAIN_LIMIT
from streams.contract.vocabulary import OutageCause
from streams.thresholds import Thresholds

Records = dict[str, Array]
GOOD = MISSING  # what a record without a cause says


class Gaps(NamedTuple):
    """Gaps to be judged, by rising place.

    Attributes:
        place: Whose.
        start_ns, end_ns: The last good moment before, and the first one after.
        boot_before, boot_after: Boot counts at both; -1 before the first sample ever, then the start is not known.
        detached: Whether a hole without records counts as silence.
        cadence_ns, hold_ns: How often the terminal measures, and how long a bad run must last.
    """

    place: Array
    start_ns: Array
    end_ns: Array
    boot_before: Array
    boot_after: Array
    detached: Array
    cadence_ns: Array
    hold_ns: Array


class Stretches(NamedTuple):
    """Parts of gaps without service, in order.

    Attributes:
        gap: Number of the gap.
        start_ns, end_ns: From the begin of the first bad record to that of the first good one.
        chain: Its causes in order.
        repeats: How often a cause came again after a good second.
    """

    gap: Array
    start_ns: Array
    end_ns: Array
    chain: Array
    repeats: Array


NOTHING = Stretches(*(np.empty(0, np.int64) for _ in Stretches._fields))


def no_records() -> Records:
    """Return a table of runs without any."""
    return {
        "place": np.empty(0, np.int64), "boot_count": np.empty(0, np.int32), "first": np.empty(0, np.int32),
        "last": np.empty(0, np.int32), "from_ns": np.empty(0, np.int64), "to_ns": np.empty(0, np.int64),
        "cause": np.empty(0, np.int8),
    }  # fmt: skip


def fold(runs: Records, records: Records) -> Records:
    """Return the runs with more runs or records in them; a record that is in them already changes nothing."""
    if not len(records["place"]):
        return runs
    both = {name: np.concatenate([runs[name], records[name].astype(runs[name].dtype)]) for name in runs}
    # Of those that begin together the longest comes first, and what lies within it is told already.
    order = np.lexsort((-both["last"], both["first"], both["boot_count"], both["place"]))
    both = take(both, order)
    life = np.cumsum(_changes(both["place"]) | _changes(both["boot_count"]))
    reached = np.maximum.accumulate((life << 32) + both["last"])
    told = np.append(False, (life[1:] << 32) + both["last"][1:] <= reached[:-1])
    new = ~told
    return _joined(take(both, new), life[new])


def _joined(runs: Records, life: Array) -> Records:
    """Join runs that follow each other and say the same."""
    begins = _changes(life) | _changes(runs["cause"])
    begins[1:] |= runs["first"][1:] != runs["last"][:-1] + 1
    heads = np.flatnonzero(begins)
    tails = np.append(heads[1:], len(begins)) - 1
    return {name: values[tails if name in {"last", "to_ns"} else heads] for name, values in runs.items()}


def _changes(values: Array) -> Array:
    """Say where a value differs from the one before; the first one does."""
    changed = np.ones(len(values), bool)
    changed[1:] = values[1:] != values[:-1]
    return changed


def forget(runs: Records, places: Array) -> Records:
    """Return the runs without those of some terminals."""
    if not len(runs["place"]):
        return runs
    return take(runs, ~np.isin(runs["place"], places))


class _Line(NamedTuple):
    """The rows of all gaps in order: the last good moment, the runs, the first good moment."""

    gap: Array
    edge: Array
    boot_count: Array
    begins_ns: Array
    to_ns: Array
    cause: Array

    def rows(self, chosen: Array) -> "_Line":
        return _Line(*(values[chosen] for values in self))


def stretches(runs: Records, gaps: Gaps, limits: Thresholds) -> Stretches:
    """Return the parts of gaps without service."""
    line = _with_holes(_line(runs, gaps), gaps, limits)
    line, resumes = _without_short_good(line, limits.merge_ns)
    bad = line.cause != GOOD
    heads = np.flatnonzero(bad & (_changes(line.gap) | _changes(bad)))
    if not len(heads):
        return NOTHING
    # A gap's line ends with a good moment, so what ends a stretch is the next row that is not bad.
    good = np.flatnonzero(~bad)
    ends = good[np.searchsorted(good, heads)]
    gap = line.gap[heads]
    start_ns = line.begins_ns[heads]
    near = np.abs(start_ns - gaps.start_ns[gap]) <= gaps.cadence_ns[gap] // 2
    long = line.to_ns[ends - 1] - start_ns >= gaps.hold_ns[gap] - limits.stamp_jitter_ns
    chain, repeats = _chains(line.cause, resumes, heads, ends)
    found = Stretches(gap, np.where(near, gaps.start_ns[gap], start_ns), line.begins_ns[ends], chain, repeats)
    return Stretches(*(values[long] for values in found))


def _line(runs: Records, gaps: Gaps) -> _Line:
    count = len(gaps.place)
    mine = np.minimum(np.searchsorted(gaps.place, runs["place"]), count - 1)
    begins_ns = runs["from_ns"] - gaps.cadence_ns[mine]
    inside = (gaps.place[mine] == runs["place"]) & (begins_ns < gaps.end_ns[mine])
    known = gaps.boot_before[mine] != MISSING
    inside &= ~known | (runs["to_ns"] > gaps.start_ns[mine])
    begins_ns = np.where(known, np.maximum(begins_ns, gaps.start_ns[mine]), begins_ns)
    everyone, good = np.arange(count), np.full(count, GOOD, np.int8)
    whole = _Line(
        gap=np.concatenate([everyone, mine[inside], everyone]),
        edge=np.concatenate([np.full(count, -1), np.zeros(int(inside.sum()), np.int64), np.full(count, 1)]),
        boot_count=np.concatenate([gaps.boot_before, runs["boot_count"][inside], gaps.boot_after]),
        begins_ns=np.concatenate([gaps.start_ns, begins_ns[inside], gaps.end_ns]),
        to_ns=np.concatenate([gaps.start_ns, runs["to_ns"][inside], gaps.end_ns]),
        cause=np.concatenate([good, runs["cause"][inside], good]),
    )
    return whole.rows(np.lexsort((whole.edge, whole.gap)))


def _with_holes(line: _Line, gaps: Gaps, limits: Thresholds) -> _Line:
    """Put a bad row into each hole that something says was without service; after a hole without power comes a boot."""
    here, after = slice(None, -1), slice(1, None)
    gap = line.gap[here]
    hole = (gap == line.gap[after]) & (line.begins_ns[after] - line.to_ns[here] > gaps.cadence_ns[gap] // 2)
    unknown = line.boot_count[here] == MISSING
    dark = np.where(unknown, line.cause[after] == OutageCause.BOOTING, line.boot_count[after] > line.boot_count[here])
    full = (line.edge[here] < 0) & (line.cause[after] != GOOD)
    full &= gaps.end_ns[gap] - line.begins_ns[after] >= limits.ring_ns
    silent = np.flatnonzero(hole & (dark | full | gaps.detached[gap]))
    booted = np.flatnonzero(hole & dark)
    cause = np.where(dark[silent], OutageCause.POWER, OutageCause.SILENT)
    holes = line.rows(silent)._replace(
        edge=np.zeros(len(silent), np.int64),
        begins_ns=line.to_ns[silent],
        to_ns=line.begins_ns[silent + 1],
        cause=cause,
    )
    until_ns = line.begins_ns[booted + 1]
    boots = line.rows(booted)._replace(
        edge=np.zeros(len(booted), np.int64), begins_ns=until_ns, to_ns=until_ns,
        cause=np.full(len(booted), OutageCause.BOOTING),
    )  # fmt: skip
    order = np.concatenate([3 * np.arange(len(line.gap)), 3 * silent + 1, 3 * booted + 2])
    whole = _Line(*(np.concatenate(columns) for columns in zip(line, holes, boots, strict=True)))
    return whole.rows(np.argsort(order))


def _without_short_good(line: _Line, merge_ns: int) -> tuple[_Line, Array]:
    """Leave out good seconds too few to end an outage; say which rows come after such."""
    bad = line.cause != GOOD
    heads = np.flatnonzero(_changes(line.gap) | _changes(bad))
    tails = np.append(heads[1:], len(bad)) - 1
    edges = np.add.reduceat(line.edge != 0, heads) > 0
    short = ~bad[heads] & ~edges & (line.to_ns[tails] - line.begins_ns[heads] <= merge_ns)
    dropped = np.repeat(short, tails - heads + 1)
    resumes = np.append(False, dropped[:-1])
    return line.rows(~dropped), resumes[~dropped]


def _chains(cause: Array, resumes: Array, heads: Array, ends: Array) -> tuple[Array, Array]:
    """Return the packed causes of each stretch, and how many parts of it repeat the cause before them."""
    size = ends - heads
    rows = np.repeat(heads - np.append(0, np.cumsum(size)[:-1]), size) + np.arange(int(size.sum()))
    first = np.append(0, np.cumsum(size)[:-1])
    turns = _changes(cause[rows])
    turns[first] = True
    rank = np.cumsum(turns)
    rank -= np.repeat(rank[first], size)
    counts = turns & (rank < CHAIN_LIMIT)
    packed = np.where(counts, (cause[rows].astype(np.int64) + 1) << (5 * np.minimum(rank, CHAIN_LIMIT - 1)), 0)
    again = ~counts & (turns | resumes[rows])
    return np.add.reduceat(packed, first), np.add.reduceat(again.astype(np.int64), first)
