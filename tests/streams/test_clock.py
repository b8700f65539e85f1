"""A shard's clock: who counts, and who no longer does."""

import numpy as np

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


def test_whose_terminals_are_blind_and_nobody_s_are_not():
    state = clock.hear(clock.new_state(3), "a", S, 10 * S, goodbye=False)
    state = clock.carry(state, "a", np.array([0]))
    state = clock.hear(state, "b", S, 10 * S, goodbye=False)
    state = clock.carry(state, "b", np.array([1]))
    state = clock.hear(state, "a", 2 * S, 10 * S, goodbye=True)

    assert clock.blind(state).tolist() == [True, False, False]
    assert clock.watched_since_ns(state, np.array([1, 2])).tolist() == [S, 0]
