"""What a ring tells of a gap: each rule by its name; the gap is from 10 to 40 unless told."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.contract.columns import MISSING
from streams.contract.events import unpack_chain
from streams.contract.vocabulary import OutageCause
from streams.detectors import ring
from streams.thresholds import Thresholds
from tests.make import S

LIMITS = Thresholds()
LOST, SEARCHES, WELL = OutageCause.NO_DOWNLINK, OutageCause.SEARCHING, ring.GOOD


def records(causes, *, place=0, boot=1):
    """Return records: second to cause; the sequence is the second."""
    seconds = np.array(list(causes), np.int64)
    return {
        "place": np.full(len(causes), place), "boot_count": np.full(len(causes), boot), "first": seconds,
        "last": seconds, "from_ns": seconds * S, "to_ns": seconds * S, "cause": np.array(list(causes.values()), np.int64),
    }  # fmt: skip


def told(*parts):
    runs = ring.no_records()
    for part in parts:
        runs = ring.fold(runs, part)
    return runs


def stretches(runs, *, end=40, hold=2, boot_before=1, boot_after=1, detached=False, limits=LIMITS):
    """Return (start, end, causes, repeats) of the gap of place 0."""
    gaps = ring.Gaps(
        place=np.array([0]), start_ns=np.array([10 * S]), end_ns=np.array([end * S]), boot_before=np.array([boot_before]),
        boot_after=np.array([boot_after]), detached=np.array([detached]), cadence_ns=np.array([S]),
        hold_ns=np.array([hold * S]),
    )  # fmt: skip
    found = ring.stretches(runs, gaps, limits)
    return [
        (start // S, over // S, unpack_chain(chain), repeats)
        for start, over, chain, repeats in zip(*(values.tolist() for values in found[1:]), strict=True)
    ]


def over(first, last, cause):
    return dict.fromkeys(range(first, last), cause)


@pytest.mark.parametrize(
    ("ring_of", "parts"),
    [
        (over(11, 41, WELL), []),
        (over(11, 41, LOST), [(10, 40, [LOST], 0)]),
        (over(11, 20, WELL) | {20: LOST} | over(21, 41, WELL), []),
        (over(11, 20, WELL) | over(20, 22, LOST) | over(22, 41, WELL), [(19, 21, [LOST], 0)]),
        (over(11, 15, LOST) | {15: WELL} | over(16, 19, LOST) | over(19, 41, WELL), [(10, 18, [LOST], 1)]),
        (
            over(11, 15, LOST) | over(15, 17, WELL) | over(17, 19, SEARCHES) | over(19, 41, WELL),
            [(10, 14, [LOST], 0), (16, 18, [SEARCHES], 0)],
        ),
        (over(11, 15, LOST) | over(15, 18, SEARCHES) | over(18, 41, WELL), [(10, 17, [LOST, SEARCHES], 0)]),
        (over(11, 13, LOST) | over(20, 22, LOST) | over(22, 41, WELL), [(10, 21, [LOST], 0)]),
        (over(20, 23, LOST) | over(23, 41, WELL), [(19, 22, [LOST], 0)]),
        (over(11, 13, LOST) | over(20, 41, WELL), [(10, 19, [LOST], 0)]),
        ({}, []),
    ],
    ids=[
        "well throughout", "bad throughout", "one bad second", "two bad seconds", "a good second does not split",
        "two good seconds split", "causes in order", "a hole between bad ones is bad", "a hole before is unknown",
        "a hole after lasts until the first good one", "nothing told",
    ],
)  # fmt: skip
def test_what_a_ring_tells(ring_of, parts):
    assert stretches(told(records(ring_of))) == parts


def test_a_hole_is_silence_where_the_gateway_had_let_go():
    assert stretches(told(), detached=True) == [(10, 40, [OutageCause.SILENT], 0)]
    bad = records(over(20, 23, LOST) | over(23, 41, WELL))
    assert stretches(told(bad), detached=True) == [(10, 22, [OutageCause.SILENT, LOST], 0)]


def test_a_hole_that_a_boot_ends_was_without_power():
    power = [OutageCause.POWER, OutageCause.BOOTING]
    boots = records(over(30, 41, OutageCause.BOOTING), boot=2)

    assert stretches(told(boots), boot_after=2) == [(10, 40, power, 0)]
    assert stretches(told(), boot_after=2) == [(10, 40, power, 0)]


def test_what_was_recorded_before_the_power_went_is_not_without_it():
    kept = told(records(over(11, 20, WELL)), records(over(30, 41, OutageCause.BOOTING), boot=2))

    assert stretches(kept, boot_after=2) == [(19, 40, [OutageCause.POWER, OutageCause.BOOTING], 0)]


def test_a_full_ring_that_begins_bad_had_no_room_for_the_rest():
    short = Thresholds(ring_ns=15 * S)

    assert stretches(told(records(over(20, 41, LOST))), limits=short) == [(10, 40, [OutageCause.SILENT, LOST], 0)]
    assert stretches(told(records(over(20, 41, WELL))), limits=short) == []
    assert stretches(told(records(over(30, 41, LOST))), limits=short) == [(29, 40, [LOST], 0)]


def test_a_gap_whose_start_is_not_known_begins_where_the_ring_says():
    early = told(records(over(3, 20, LOST) | over(20, 41, WELL)))

    assert stretches(early, boot_before=MISSING) == [(2, 19, [LOST], 0)]
    assert stretches(early) == stretches(told(records(over(11, 20, LOST) | over(20, 41, WELL))))
    before = told(records(over(3, 8, LOST) | over(8, 41, WELL)))
    assert stretches(before, boot_before=MISSING) == [(2, 7, [LOST], 0)]
    assert stretches(before) == []


def test_a_bad_run_counts_from_the_length_that_its_terminal_needs():
    one = told(records({20: LOST} | over(21, 41, WELL)))

    assert stretches(one, hold=1) == [(19, 20, [LOST], 0)]


@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_records_may_come_in_any_order_and_twice(seed):
    chance = random.Random(seed)
    rows = []
    for place in range(3):
        cause = LOST
        for second in range(11, 41):
            cause = chance.choice([cause, cause, cause, LOST, SEARCHES, WELL])
            if chance.random() < 0.9:
                rows.append(records({second: cause}, place=place, boot=1 + second // 30))
    once = told(*rows)
    again = rows + chance.choices(rows, k=20)
    chance.shuffle(again)

    whole = {name: np.concatenate([row[name] for row in again]) for name in once}
    for runs in (told(*again), told(whole)):
        assert {name: values.tolist() for name, values in runs.items()} == {n: v.tolist() for n, v in once.items()}
    assert len(once["place"]) < len(rows)


def test_forgotten_terminals_leave_the_others_alone():
    both = told(records(over(11, 20, LOST)), records(over(11, 20, LOST), place=1))

    assert ring.forget(both, np.array([0]))["place"].tolist() == [1]
