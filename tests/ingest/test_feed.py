"""The feed tells of what takes effect: all at once what was there, then each change, and after a breakdown no more than changed."""

import threading
from types import SimpleNamespace

import pytest
from kafka.errors import KafkaError

from ingest.contract.topics import SIDE_TOPICS, TERMINAL_TELEMETRY
from ingest.feed import Feed
from tests.ingest.side import plan, stock, threshold

NAMES = {topic.name for topic in SIDE_TOPICS}


class Topics:
    """The side topics, as consumers of them see them; one batch a poll."""

    def __init__(self, *batches, lying=0):
        self.batches = list(batches)
        self.lying = lying  # so many batches lie there before anybody asks
        self.names = NAMES | {TERMINAL_TELEMETRY.name}
        self.opened, self.closed = 0, 0
        self.breaks_at = None
        self.read_out = threading.Event()

    def connect(self):
        self.opened += 1
        return Consumer(self)


class Consumer:
    def __init__(self, topics):
        self.topics, self.polled = topics, 0

    def partitions_for_topic(self, name):
        return {0, 1} if name in self.topics.names else None

    def assign(self, places):
        self.places = places

    def seek_to_beginning(self, *places):
        self.polled = 0

    def end_offsets(self, places):
        return {places[0]: self.topics.lying}

    def position(self, place):
        return self.polled

    def poll(self, **_):
        if self.polled == self.topics.breaks_at:
            self.topics.breaks_at = None
            raise KafkaError("gone")
        if self.polled >= len(self.topics.batches):
            self.topics.read_out.set()
            return {}
        batch = self.topics.batches[self.polled]
        self.polled += 1
        return {"place": [record(m) for m in batch]}

    def close(self):
        self.topics.closed += 1


def record(message):
    return SimpleNamespace(
        topic=message.topic, partition=0, offset=message.offset, key=message.key, value=message.value, timestamp=0,
        headers=[],
    )  # fmt: skip


def heard(topics, monkeypatch):
    """Follow until everything was read; return what was told."""
    monkeypatch.setattr("ingest.feed._PAUSE_S", 0.0)
    news = []
    feed = Feed(topics.connect, news.append)
    feed.start()
    assert topics.read_out.wait(5)
    feed.stop()
    assert topics.opened == topics.closed
    return [(n.versions.inventory, n.versions.plan, n.versions.threshold) for n in news]


def test_what_lay_there_is_told_at_once_and_then_each_change(monkeypatch):
    topics = Topics(stock(1), [plan(3)], [plan(4)], [threshold(2)], lying=2)

    assert heard(topics, monkeypatch) == [(1, 3, 0), (1, 4, 0), (1, 4, 2)]


def test_what_changes_nothing_is_not_told(monkeypatch):
    topics = Topics(stock(1), [], [plan(3, complete=False)], [plan(3, part=1)])

    assert heard(topics, monkeypatch) == [(1, 0, 0), (1, 3, 0)]


def test_nothing_is_told_before_there_is_an_inventory(monkeypatch):
    assert heard(Topics([plan(3)], stock(1)), monkeypatch) == [(1, 3, 0)]


def test_after_a_breakdown_everything_is_read_again_and_only_what_is_new_is_told(monkeypatch):
    topics = Topics(stock(1), [plan(3)], [plan(4)], lying=2)
    topics.breaks_at = 2

    found = heard(topics, monkeypatch)

    assert topics.opened == 2
    assert found == [(1, 3, 0), (1, 4, 0)]


@pytest.mark.parametrize("missing", [TERMINAL_TELEMETRY.name, SIDE_TOPICS[0].name])
def test_a_topic_that_is_not_there_yet_is_waited_for(missing, monkeypatch):
    topics = Topics(stock(1))
    topics.names = topics.names - {missing}
    threading.Timer(0.05, lambda: setattr(topics, "names", NAMES | {TERMINAL_TELEMETRY.name})).start()

    assert heard(topics, monkeypatch) == [(1, 0, 0)]
    assert topics.opened > 1
