"""One-to-one matching against a slow twin that tries everything."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from leowatch.score.matching import NS_PER_S, Pairs, Spans, one_to_one, overlaps

REACH_S = 2.0
OWNERS = st.sampled_from("abc")
ANY_SPANS = st.lists(st.tuples(OWNERS, st.integers(0, 60), st.integers(0, 20)), max_size=25)


def spans(rows):
    return Spans(
        np.array([owner for owner, _, _ in rows], dtype=object),
        np.array([start * NS_PER_S for _, start, _ in rows], dtype=np.int64),
        np.array([(start + length) * NS_PER_S for _, start, length in rows], dtype=np.int64),
    )


def disjoint(rows):
    """Keep the rows of each owner that begin after those before them have ended."""
    kept, until = [], {}
    for owner, start, length in sorted(rows):
        if start > until.get(owner, -1):
            kept.append((owner, start, length))
            until[owner] = start + length
    return kept


@given(left=ANY_SPANS, right=ANY_SPANS.map(disjoint))
@settings(deadline=None)
def test_every_overlap_within_reach_is_found_and_no_other(left, right):
    pairs = overlaps(spans(left), spans(right), REACH_S)

    expected = {
        (i, j)
        for i, (a, start, length) in enumerate(left)
        for j, (b, begin, long) in enumerate(right)
        if a == b and start - REACH_S <= begin + long and begin <= start + length + REACH_S
    }
    found = list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))
    assert len(found) == len(set(found))
    assert set(found) == expected


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 5)), max_size=40))
@settings(deadline=None)
def test_the_cheapest_pairs_are_kept_as_one_by_one_would(rows):
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    kept = one_to_one(Pairs(table[:, 0], table[:, 1]), table[:, 2])

    used_left, used_right, expected = set(), set(), set()
    for left, right, _ in sorted(rows, key=lambda row: (row[2], row[0], row[1])):
        if left not in used_left and right not in used_right:
            used_left.add(left)
            used_right.add(right)
            expected.add((left, right))
    assert set(zip(kept.left.tolist(), kept.right.tolist(), strict=True)) == expected


def test_neighbours_of_another_owner_are_never_matched():
    assert overlaps(spans([("a", 0, 1)]), spans([("b", 0, 1)]), REACH_S).left.size == 0


def test_nothing_matches_nothing():
    nothing = overlaps(spans([]), spans([("a", 0, 1)]), REACH_S)

    assert nothing.left.size == one_to_one(nothing, nothing.left).left.size == 0
