import numpy as np
import pytest

from simulators.matching import NONE, matched

# Owners 0, 1, 2 like candidate 0 best, then candidate 1; owner 3 sees nobody.
OWNER = np.array([0, 0, 1, 1, 2, 2], np.int32)
CANDIDATE = np.array([0, 1, 0, 1, 0, 1], np.int32)
LIKING = np.array([9.0, 5, 9, 5, 9, 5])


def match(room, need=(1, 1, 1, 1), rank=(0.0, 0, 0, 0)):
    return matched(OWNER, CANDIDATE, LIKING, room=np.array(room), need=np.array(need), rank=np.array(rank)).tolist()


def test_with_room_for_all_everyone_gets_the_best():
    assert match([3, 3]) == [0, 0, 0, NONE]


def test_who_is_turned_away_gets_the_next_best_and_the_last_one_nobody():
    assert match([1, 1]) == [0, 1, NONE, NONE]


def test_the_greatest_rank_is_served_first():
    assert match([1, 1], rank=(0, 1, 2, 0)) == [NONE, 1, 0, NONE]


def test_who_needs_more_than_is_left_goes_elsewhere():
    assert match([2, 9], need=(2, 2, 1, 1)) == [0, 1, 1, NONE]


def test_nobody_there_is_nobody_chosen():
    none = np.empty(0, np.int32)
    chosen = matched(none, none, np.empty(0), room=np.array([1]), need=np.ones(2, np.int64), rank=np.zeros(2))
    assert chosen.tolist() == [NONE, NONE]


@pytest.mark.parametrize("seed", range(5))
def test_no_room_is_overfilled_and_nobody_is_turned_away_where_the_largest_would_fit(seed):
    rng = np.random.default_rng(seed)
    owner, candidate = np.nonzero(rng.random((40, 12)) < 0.3)
    need, room = rng.integers(1, 4, 40), rng.integers(0, 8, 12)
    chosen = matched(
        owner.astype(np.int32), candidate.astype(np.int32), rng.random(len(owner)), room=room, need=need,
        rank=rng.random(40),
    )  # fmt: skip
    used = np.bincount(chosen[chosen != NONE], weights=need[chosen != NONE], minlength=12)
    assert (used <= room).all()
    smallest_left = [(room - used)[candidate[owner == one]] for one in np.flatnonzero(chosen == NONE)]
    assert all((left < 3).all() for left in smallest_left if len(left))
