"""All partitions of some topics on Kafka, read in one order and in no consumer group."""

from collections.abc import Iterable, Iterator

from kafka import KafkaConsumer, TopicPartition

from ingest.contract.bus import Fatal, Message, message_of
from ingest.contract.topics import Topic
from streams.log_order import LogOrder, Place

_POLL_MS = 200
# A poll takes what one fetch of every partition brings (1 MB each): the broker is asked for the ends once for all of it.
_BATCH_RECORDS = 10_000


class OrderedReader:
    """Reads topics from their beginning, or from an instant on.

    Args:
        bootstrap: Brokers.
        topics: What to read.
        from_ms: Broker's time of the first record wanted; None for all that retention has left.

    Raises:
        Fatal: A topic is missing.
    """

    def __init__(self, bootstrap: str, topics: Iterable[Topic], *, from_ms: int | None = None) -> None:
        self._consumer = KafkaConsumer(
            bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest",
            check_crcs=True, max_poll_records=_BATCH_RECORDS,
        )  # fmt: skip
        places = list(places_of(self._consumer, topics))
        self._consumer.assign(places)
        self._consumer.seek_to_beginning(*places)
        if from_ms is not None:
            self._seek(places, from_ms)
        self._order = LogOrder((place.topic, place.partition) for place in places)

    def read(self) -> Iterator[Message]:
        """Wait a moment for more, then yield what is next in order; what may have something older before it waits."""
        polled = self._consumer.poll(timeout_ms=_POLL_MS)
        self._order.put(message_of(record) for records in polled.values() for record in records)
        return self._order.take(self._unread())

    def close(self) -> None:
        """Let go of the connection."""
        self._consumer.close()

    def _unread(self) -> frozenset[Place]:
        """Return the places that have more than was read; asked once for all that a poll brought."""
        places = self._consumer.assignment()
        ends = self._consumer.end_offsets(list(places))
        return frozenset((p.topic, p.partition) for p in places if self._consumer.position(p) < ends[p])

    def _seek(self, places: Iterable[TopicPartition], from_ms: int) -> None:
        for place, found in self._consumer.offsets_for_times(dict.fromkeys(places, from_ms)).items():
            if found is None:
                self._consumer.seek_to_end(place)
            else:
                self._consumer.seek(place, found.offset)


def places_of(consumer: KafkaConsumer, topics: Iterable[Topic]) -> Iterator[TopicPartition]:
    """Yield every partition of topics.

    Raises:
        Fatal: A topic is missing.
    """
    for topic in topics:
        partitions = consumer.partitions_for_topic(topic.name)
        if not partitions:
            raise Fatal(f"topic {topic.name} is not there: create the topics first")
        yield from (TopicPartition(topic.name, partition) for partition in sorted(partitions))


def written(bootstrap: str, topic: Topic) -> Iterator[Message]:
    """Yield what a topic of one partition holds by now, oldest first."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False)
    try:
        place = TopicPartition(topic.name, 0)
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        end = consumer.end_offsets([place])[place]
        while consumer.position(place) < end:
            for records in consumer.poll(timeout_ms=_POLL_MS).values():
                yield from map(message_of, records)
    finally:
        consumer.close()
