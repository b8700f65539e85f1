"""A terminal's first sample is the first one by its own count, whichever came first."""

from tests.make import frame, knowledge, sample, tick
from tests.streams.said import final, said

FIRST, SECOND = sample(5, serving_satellite_index=1), sample(6, serving_satellite_index=2)
REST = [frame([sample(s, serving_satellite_index=2)], s) for s in range(7, 20)]
PLAN = {slot: {7: 1} for slot in range(-1, 2)}


def test_the_first_two_samples_may_be_swapped():
    known = knowledge(1, plan=PLAN)
    in_order = final([frame([FIRST], 5), frame([SECOND], 6), *REST], known)

    assert len(in_order) == 1
    assert final([tick(5), frame([SECOND], 6), frame([FIRST], 6.5), *REST], known) == in_order
    assert final([tick(5), frame([SECOND, FIRST], 6), *REST], known) == in_order


def test_a_first_sample_waits_no_longer_than_one_behind_a_hole():
    _, state, _ = said([frame([SECOND], 6), tick(8)], knowledge(1, plan=PLAN))
    assert state.sequencer.sequence.tolist() == [-1]

    _, state, _ = said([frame([SECOND], 6), tick(8.1)], knowledge(1, plan=PLAN))
    assert state.sequencer.sequence.tolist() == [6]


def test_what_is_older_than_the_first_sample_that_went_on_is_late_and_no_repeat():
    _, _, counts = said([frame([SECOND], 6), tick(8.1), frame([FIRST], 9)], knowledge(1, plan=PLAN))

    assert counts["late_samples"] == 1
    assert counts["repeats"] == 0
