"""A shard's clock: who counts, and who no longer does."""

from streams import clock
from tests.make import S


def heard(*spoken):
    """Return the clock after (producer, second, goodbye or not) in order."""
    state = clock.new_state(1)
    for producer, second, *goodbye in spoken:
        state = clock.hear(state, producer, second * S, 10 * S, goodbye=bool(goodbye))
    return state


def test_the_clock_is_that_of_the_slowest_live_producer():
    assert heard(("a", 1), ("b", 3), ("a", 5)).clock_ns == 3 * S


def test_a_producer_that_says_goodbye_no_longer_counts():
    assert heard(("a", 5), ("b", 3), ("b", 4, "goodbye"), ("a", 9)).clock_ns == 9 * S


def test_a_producer_that_was_ahead_and_took_leave_does_not_silence_the_others():
    state = heard(("a", 5), ("ahead", 14), ("ahead", 60, "goodbye"), ("a", 15))

    assert state.live == (True, False)
    assert state.clock_ns == 15 * S


def test_a_producer_silent_for_ten_seconds_by_the_others_clocks_has_left():
    assert heard(("a", 5), ("b", 5), ("a", 14)).clock_ns == 5 * S
    assert heard(("a", 5), ("b", 5), ("a", 15)).clock_ns == 15 * S


def test_the_clock_stands_when_everyone_has_left():
    assert heard(("a", 5), ("a", 9, "goodbye")).clock_ns == 5 * S
