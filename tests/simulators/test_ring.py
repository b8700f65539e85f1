import numpy as np

from simulators.ring import KEPT_NS, Ring

SECOND_NS = 1_000_000_000
NOW_NS = 1_759_449_600_000_000_000


def samples(at_ns, *terminals):
    return {
        "terminal_index": np.array(terminals, dtype=np.int32),
        "observed_at_ns": np.full(len(terminals), at_ns),
    }


def ring_of(count=4):
    return Ring(count, np.random.default_rng(1))


def told_over(ring, seconds, live):
    return [ring.tell(NOW_NS + second * SECOND_NS, live) for second in seconds]


def test_what_is_kept_is_told_in_order_some_seconds_after_service_is_back():
    ring = ring_of()
    for second in range(3):
        ring.keep(NOW_NS + second * SECOND_NS, samples(NOW_NS + second * SECOND_NS, 1, 2))
    live = np.array([True, True, False, True])
    told = told_over(ring, range(3, 10), live)
    at = [second for second, columns in enumerate(told) if columns]
    assert len(at) == 1
    assert 2 <= at[0] <= 5
    assert told[at[0]]["terminal_index"].tolist() == [1, 1, 1]
    assert np.diff(told[at[0]]["observed_at_ns"]).tolist() == [SECOND_NS, SECOND_NS]


def test_who_is_lost_again_before_telling_waits_anew():
    ring = ring_of()
    ring.keep(NOW_NS, samples(NOW_NS, 1))
    live, dark = np.ones(4, dtype=bool), np.zeros(4, dtype=bool)
    assert not ring.tell(NOW_NS + SECOND_NS, live)
    assert not ring.tell(NOW_NS + 2 * SECOND_NS, dark)
    assert not ring.tell(NOW_NS + 60 * SECOND_NS, live)
    assert ring.tell(NOW_NS + 66 * SECOND_NS, live)


def test_what_is_older_than_a_quarter_of_an_hour_is_lost():
    ring = ring_of()
    ring.keep(NOW_NS, samples(NOW_NS, 1))
    later_ns = NOW_NS + KEPT_NS + SECOND_NS
    ring.keep(later_ns, samples(later_ns, 1))
    ring.tell(later_ns, np.ones(4, dtype=bool))
    told = ring.tell(later_ns + 9 * SECOND_NS, np.ones(4, dtype=bool))
    assert told["observed_at_ns"].tolist() == [later_ns]


def test_a_terminal_that_loses_power_forgets_and_the_others_do_not():
    ring = ring_of()
    ring.keep(NOW_NS, samples(NOW_NS, 0, 1))
    ring.forget(np.array([1]))
    ring.tell(NOW_NS, np.ones(4, dtype=bool))
    assert ring.tell(NOW_NS + 9 * SECOND_NS, np.ones(4, dtype=bool))["terminal_index"].tolist() == [0]
