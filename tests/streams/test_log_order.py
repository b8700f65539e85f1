"""Out of many partitions one order, the same however the reading was cut."""

import random

from ingest.contract.bus import Message
from streams.log_order import LogOrder

A, B = ("a", 0), ("b", 0)
NONE = frozenset()


def message(place, timestamp_ms, offset=0):
    topic, partition = place
    return Message(topic=topic, partition=partition, offset=offset, key=b"", value=b"", timestamp_ms=timestamp_ms)


def times(messages):
    return [(m.topic, m.timestamp_ms) for m in messages]


def test_the_older_record_comes_first_wherever_it_stands():
    order = LogOrder([A, B])
    order.put([message(A, 1), message(A, 4), message(B, 2), message(B, 3)])

    assert times(order.take(NONE)) == [("a", 1), ("b", 2), ("b", 3), ("a", 4)]


def test_the_order_within_a_place_is_kept_though_its_times_go_back():
    order = LogOrder([A, B])
    order.put([message(A, 5, 0), message(A, 1, 1), message(B, 3)])

    assert times(order.take(NONE)) == [("b", 3), ("a", 5), ("a", 1)]


def test_a_place_of_which_more_is_known_to_come_holds_the_others_up():
    order = LogOrder([A, B])
    order.put([message(A, 1), message(B, 2)])

    assert times(order.take(frozenset([A]))) == [("a", 1)]
    order.put([message(A, 3)])
    assert times(order.take(NONE)) == [("b", 2), ("a", 3)]


def test_a_place_that_was_read_to_its_end_holds_nobody_up():
    order = LogOrder([A, B])
    order.put([message(B, 2)])

    assert times(order.take(frozenset([B]))) == [("b", 2)]
    assert list(order.take(frozenset([A]))) == []


def test_however_the_reading_is_cut_the_order_is_the_same():
    chance = random.Random(4)
    logs = {place: sorted(chance.choices(range(1_000), k=60)) for place in [("a", 0), ("a", 1), ("b", 0)]}

    def read(cut):
        order, read_to, found = LogOrder(logs), dict.fromkeys(logs, 0), []
        while any(read_to[place] < len(log) for place, log in logs.items()):
            for place, log in logs.items():
                to = min(len(log), read_to[place] + cut())
                order.put(message(place, log[at], at) for at in range(read_to[place], to))
                read_to[place] = to
            unread = frozenset(place for place, log in logs.items() if read_to[place] < len(log))
            found += [(m.topic, m.partition, m.offset) for m in order.take(unread)]
        return found

    assert read(lambda: 60) == read(lambda: 1) == read(lambda: chance.randint(0, 9))
