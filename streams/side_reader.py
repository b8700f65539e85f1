"""A thread that follows the side topics, all partitions from the beginning, in no consumer group."""

import threading
from collections.abc import Iterable, Iterator

from kafka import KafkaConsumer, TopicPartition

from ingest.contract.bus import Fatal, Message
from ingest.contract.topics import Topic
from streams.knowledge import Knowledge
from streams.side_inputs import SIDE_TOPICS, SideInputs

_POLL_MS = 500
# A batch as large as this says that more is waiting: an inventory of a million is made up once, not for each batch.
_BATCH_RECORDS = 5_000


class SideReader:
    """Knows what the side topics say: up to their ends from `start` on, and what comes after."""

    def __init__(self, bootstrap: str, *, topics: Iterable[Topic] = SIDE_TOPICS) -> None:
        self._consumer = KafkaConsumer(
            bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
        )
        self._topics = [topic.name for topic in topics]
        self._inputs = SideInputs()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="side-reader", daemon=True)

    def knowledge(self) -> Knowledge:
        """Return what is known now."""
        known = self._inputs.knowledge
        if known is None:
            raise Fatal("the inventory topics hold no whole inventory: `leowatch inventory apply FILE` writes one")
        return known

    def start(self) -> None:
        """Read what is there, wait until there is an inventory, and follow from then on."""
        places = list(self._places())
        self._consumer.assign(places)
        self._consumer.seek_to_beginning(*places)
        ends = self._consumer.end_offsets(places)
        while any(self._consumer.position(place) < end for place, end in ends.items()):
            self._take()
        while self._inputs.knowledge is None:
            self._take()
        self._thread.start()

    def stop(self) -> None:
        """Stop following."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self._consumer.close()

    def _places(self) -> Iterator[TopicPartition]:
        for topic in self._topics:
            partitions = self._consumer.partitions_for_topic(topic)
            if not partitions:
                raise Fatal(f"topic {topic} is not there: create the topics first")
            yield from (TopicPartition(topic, partition) for partition in sorted(partitions))

    def _follow(self) -> None:
        while not self._stopping.is_set():
            self._take()

    def _take(self) -> None:
        polled = self._consumer.poll(timeout_ms=_POLL_MS, max_records=_BATCH_RECORDS)
        batch = [
            Message(
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                key=record.key or b"",
                value=record.value,
                timestamp_ms=record.timestamp,
            )
            for records in polled.values()
            for record in records
        ]
        self._inputs.take(batch)
        if len(batch) < _BATCH_RECORDS:
            self._inputs.settle()
