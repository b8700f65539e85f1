"""A thread that follows the side topics for the door: inventory, plan, control; all partitions, from the beginning, in no group."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from ingest.contract.bus import Message, Retry, message_of
from ingest.contract.inventory import Inventory
from ingest.contract.packing import Versions
from ingest.contract.topics import SIDE_TOPICS, TERMINAL_TELEMETRY
from ingest.in_force import InForce

log = structlog.get_logger()

_POLL_MS = 500
_BATCH_RECORDS = 5_000
_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class News:
    """What is in force from now on.

    Attributes:
        inventory: Who may send.
        versions: What frames name.
        partition_count: Of the topic that samples go to.
    """

    inventory: Inventory
    versions: Versions
    partition_count: int


class Feed:
    """Tells of everything that takes effect; what lay on the topics before it began is told at once.

    Args:
        connect: Opens a consumer that begins at the beginning and is in no group.
        hear: Is told, from the feed's own thread.
    """

    def __init__(self, connect: Callable[[], Any], hear: Callable[[News], None]) -> None:
        self._connect, self._hear = connect, hear
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self._said: News | None = None

    def start(self) -> None:
        """Follow from now on; Kafka may come later."""
        self._thread.start()

    def stop(self) -> None:
        """Stop following."""
        self._stopping.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._follow()
            except (KafkaError, Retry) as error:
                log.warning("side_topics_away", error=str(error))
                self._stopping.wait(_PAUSE_S)

    def _follow(self) -> None:
        consumer = self._connect()
        try:
            places = list(_places(consumer))
            partition_count = len(consumer.partitions_for_topic(TERMINAL_TELEMETRY.name) or ())
            if not partition_count:
                raise Retry(f"topic {TERMINAL_TELEMETRY.name} is not there yet")
            consumer.assign(places)
            consumer.seek_to_beginning(*places)
            ends = consumer.end_offsets(places)
            in_force = InForce()
            while not self._stopping.is_set():
                in_force.take(_fetch(consumer))
                if ends and any(consumer.position(place) < end for place, end in ends.items()):
                    continue
                ends = {}
                in_force.settle()
                self._tell(in_force, partition_count)
        finally:
            consumer.close()

    def _tell(self, in_force: InForce, partition_count: int) -> None:
        if in_force.inventory is None:
            return
        news = News(in_force.inventory, in_force.versions, partition_count)
        said = self._said
        if said is None or news.versions != said.versions:
            self._said = news
            self._hear(news)


def connector(bootstrap: str) -> Callable[[], KafkaConsumer]:
    """Return what opens a consumer of the side topics."""
    return partial(
        KafkaConsumer,
        bootstrap_servers=bootstrap,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )


def _places(consumer: KafkaConsumer) -> Iterator[TopicPartition]:
    for topic in SIDE_TOPICS:
        partitions = consumer.partitions_for_topic(topic.name)
        if not partitions:
            raise Retry(f"topic {topic.name} is not there yet")
        yield from (TopicPartition(topic.name, partition) for partition in sorted(partitions))


def _fetch(consumer: KafkaConsumer) -> Iterator[Message]:
    for records in consumer.poll(timeout_ms=_POLL_MS, max_records=_BATCH_RECORDS).values():
        yield from map(message_of, records)
