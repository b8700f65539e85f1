import numpy as np
import pytest

from simulators.attachments import Attachments

SECOND_NS = 1_000_000_000
NOW_NS = 1_759_449_600_000_000_000
UP = np.ones(3, dtype=bool)


@pytest.fixture
def attachments():
    made = Attachments(2, np.random.default_rng(1))
    made.follow(NOW_NS, np.array([[0, 0]]), UP)
    return made


def told(records):
    if not records:
        return []
    at_tenths = ((records["observed_at_ns"] - NOW_NS) // 100_000_000).tolist()
    columns = (records["terminal_index"].tolist(), records["gateway_index"].tolist(), records["attached"].tolist())
    return list(zip(at_tenths, *columns, strict=True))


def tenths(*rows):
    return np.array(rows)


def test_at_first_everyone_attaches_where_it_is_served():
    records = Attachments(2, np.random.default_rng(1)).follow(NOW_NS, np.array([[0, -1]]), UP)
    assert told(records) == [(0, 0, 0, 1)]


def test_who_changes_gateway_leaves_the_old_one_and_joins_the_new_one_at_once(attachments):
    records = attachments.follow(NOW_NS + SECOND_NS, np.array([[0, 2]]), UP)
    assert told(records) == [(10, 1, 0, 0), (10, 1, 2, 1)]


def test_who_stays_is_not_mentioned(attachments):
    assert told(attachments.follow(NOW_NS + SECOND_NS, np.array([[0, 0]]), UP)) == []


def test_who_is_lost_is_given_up_after_one_to_three_seconds_and_once(attachments):
    records = [attachments.follow(NOW_NS + second * SECOND_NS, np.array([[0, -1]]), UP) for second in range(1, 8)]
    given_up = [row for second in records for row in told(second)]
    assert len(given_up) == 1
    at_tenths, *who = given_up[0]
    assert who == [1, 0, 0]
    assert 20 <= at_tenths <= 40


def test_who_is_back_before_that_was_never_away(attachments):
    served = [[0, -1], [0, 0], [0, 0], [0, 0], [0, 0]]
    records = [attachments.follow(NOW_NS + (n + 1) * SECOND_NS, np.array([row]), UP) for n, row in enumerate(served)]
    assert [row for second in records for row in told(second)] == []


def test_a_gateway_that_fails_gives_everyone_up_in_the_very_tenth(attachments):
    down = np.array([False, True, True])
    serving = np.array([[0, 0]] * 3 + [[-1, -1]] * 7)
    assert told(attachments.follow(NOW_NS + SECOND_NS, serving, down)) == [(13, 0, 0, 0), (13, 1, 0, 0)]
    assert attachments.gateway.tolist() == [-1, -1]
