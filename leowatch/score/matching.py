"""One-to-one matching: nothing is found twice, and nothing answers for two."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[Any]
NS_PER_S = 1_000_000_000
# Microseconds keep (owner, instant) inside 64 bits for a million terminals over 100 days.
NS_PER_KEY = 1_000


class Spans(NamedTuple):
    """Half-open intervals, each of one owner; an instant starts and ends at once."""

    owners: Array
    starts_ns: Array
    ends_ns: Array

    def only(self, mask: Array) -> "Spans":
        """Return those where the mask is true."""
        return Spans(self.owners[mask], self.starts_ns[mask], self.ends_ns[mask])


class Pairs(NamedTuple):
    """Places on both sides that belong together."""

    left: Array
    right: Array


def overlaps(left: Spans, right: Spans, reach_s: float) -> Pairs:
    """Return every pair of one owner that overlaps or misses by less than `reach_s`.

    The right side's spans of one owner are disjoint, so sorting by start sorts by end too.
    """
    if left.starts_ns.size == 0 or right.starts_ns.size == 0:
        return Pairs(np.empty(0, np.int64), np.empty(0, np.int64))
    left_keys, right_keys = _keys(left, right, reach_s)
    order = np.argsort(right_keys.starts_ns, kind="stable")
    reach = int(reach_s * NS_PER_S) // NS_PER_KEY
    first = np.searchsorted(right_keys.ends_ns[order], left_keys.starts_ns - reach, side="left")
    beyond = np.searchsorted(right_keys.starts_ns[order], left_keys.ends_ns + reach, side="right")
    counts = np.maximum(beyond - first, 0)
    lefts = np.repeat(np.arange(left.starts_ns.size), counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return Pairs(lefts, order[np.repeat(first, counts) + within])


def _keys(left: Spans, right: Spans, reach_s: float) -> tuple[Spans, Spans]:
    """Put all owners on one axis, each in a stretch of its own too wide to reach across."""
    codes, _ = pd.factorize(np.concatenate([left.owners, right.owners]))
    begin_ns = min(left.starts_ns.min(), right.starts_ns.min())
    width_ns = max(left.ends_ns.max(), right.ends_ns.max()) - begin_ns + int(4 * (reach_s + 1) * NS_PER_S)
    offsets = codes * (int(width_ns) // NS_PER_KEY)
    keyed = []
    for spans, offset in ((left, offsets[: left.owners.size]), (right, offsets[left.owners.size :])):
        starts = (spans.starts_ns - begin_ns) // NS_PER_KEY + offset
        keyed.append(Spans(spans.owners, starts, (spans.ends_ns - begin_ns) // NS_PER_KEY + offset))
    return keyed[0], keyed[1]


def one_to_one(pairs: Pairs, cost: Array) -> Pairs:
    """Keep the cheapest pairs so that no place is used twice: round by round, those that prefer each other."""
    order = np.lexsort((pairs.right, pairs.left, cost))
    left, right = pairs.left[order], pairs.right[order]
    kept: list[Pairs] = []
    while left.size:
        # In order of cost, a pair that is the first of both its ends is preferred by both.
        mutual = _is_first(left) & _is_first(right)
        kept.append(Pairs(left[mutual], right[mutual]))
        free = ~(np.isin(left, left[mutual]) | np.isin(right, right[mutual]))
        left, right = left[free], right[free]
    if not kept:
        return Pairs(np.empty(0, np.int64), np.empty(0, np.int64))
    return Pairs(np.concatenate([p.left for p in kept]), np.concatenate([p.right for p in kept]))


def _is_first(values: Array) -> Array:
    _, places = np.unique(values, return_index=True)
    first = np.zeros(values.size, dtype=bool)
    first[places] = True
    return first


def is_taken(places: Array, count: int) -> Array:
    """Return which of `count` places occur."""
    taken = np.zeros(count, dtype=bool)
    taken[places] = True
    return taken
