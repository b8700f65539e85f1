import pytest

from exporters.delivery import Backoff, Positions, Recent, RefusedWhole, RetryAfter, cut, isolate, until_done
from ingest.contract.bus import Retry
from ingest.contract.topics import Topic
from tests.exporters.findings import Log

A_TOPIC = Topic(name="a", key="", value="", description="")


def refusing(bad, sent):
    def send(items):
        if bad & set(items):
            raise RefusedWhole("bad item")
        sent.extend(items)

    return send


def test_a_bad_item_is_found_by_halving_and_all_others_are_sent_once():
    sent = []
    assert isolate(range(100), refusing({17, 63}, sent)) == [(17, "bad item"), (63, "bad item")]
    assert sent == [i for i in range(100) if i not in {17, 63}]


def test_halving_ends_at_once_where_the_destination_refuses_every_item():
    calls = []

    def send(items):
        calls.append(items)
        raise RefusedWhole("beyond retention", every=True)

    assert len(isolate(range(1000), send)) == 1000
    assert len(calls) == 1


def test_a_destination_that_goes_away_while_halving_is_not_taken_for_a_refusal():
    def send(items):
        raise Retry("away") if len(items) < 4 else RefusedWhole("bad item")

    with pytest.raises(Retry):
        isolate(range(8), send)


def test_nothing_is_sent_for_no_items():
    assert isolate([], refusing(set(), None)) == []


@pytest.mark.parametrize(
    ("attempt", "jitter", "expected_s"),
    [(0, 1.0, 0.5), (0, 0.0, 0.25), (3, 1.0, 4.0), (9, 1.0, 30.0), (5000, 0.0, 15.0)],
)
def test_the_delay_doubles_up_to_the_longest_and_half_of_it_is_chance(attempt, jitter, expected_s):
    assert Backoff().delay_s(attempt, jitter) == expected_s


def test_batches_keep_both_limits_and_an_item_over_the_size_stands_alone():
    batches = list(cut([3, 3, 3, 50, 1, 1, 1], count=2, size=10, size_of=lambda item: item))
    assert batches == [[3, 3], [3], [50], [1, 1], [1]]


def test_a_destination_that_names_a_time_is_left_alone_for_so_long():
    waits, results = [], iter([RetryAfter("busy", 17.0), Retry("away"), "done"])

    def attempt():
        result = next(results)
        if isinstance(result, Retry):
            raise result
        return result

    def wait(delay_s, _):
        waits.append(delay_s)
        return True

    assert until_done(attempt, wait=wait, backoff=Backoff(), jitter=lambda: 1.0) == "done"
    assert waits == [17.0, 1.0]


def test_retrying_ends_with_the_fate_where_there_is_no_time_left():
    def attempt():
        raise Retry("away")

    with pytest.raises(Retry):
        until_done(attempt, wait=lambda *_: False, backoff=Backoff(), jitter=lambda: 1.0)


def test_what_is_held_is_not_committed_and_what_follows_it_neither():
    log, positions = Log(), Positions()
    positions.take([log.message(A_TOPIC, b"") for _ in range(5)])
    assert positions.committable({}) == {("a", 0): 5}
    assert positions.committable({("a", 0): 2}) == {("a", 0): 2}


def test_an_offset_that_is_passed_over_is_counted():
    log, positions = Log(), Positions()
    messages = [log.message(A_TOPIC, b"") for _ in range(5)]
    positions.take([messages[0], messages[3], messages[4]])
    assert positions.jumps == 2


def test_recent_ids_are_forgotten_oldest_first():
    recent = Recent(limit=2)
    for item in "abac":
        recent.add(item)
    assert ["a" in recent, "b" in recent, "c" in recent] == [True, False, True]
