"""Where each place of the log begins, ends and was committed, and where a sink starts to read it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError
from kafka.structs import OffsetAndMetadata

from exporters.contract.sink import Place
from ingest.contract.bus import Fatal, Message, Retry, message_of
from ingest.contract.topics import Topic
from streams.contract.topics import replay_topic

# Longer than a broker needs that is there, and short enough to be told to stop.
_BOOTSTRAP_MS = 3_000


def topic_names(topics: Sequence[Topic], replay: str) -> list[str]:
    """Return the topics to read: the live ones, or those of a replay that somebody asked for by its id."""
    return [replay_topic(topic, replay).name if replay else topic.name for topic in topics]


class LogReader:
    """All partitions of some topics, read by one process that commits for itself, or not at all where it has no group.

    One process is one sink, so there is nothing to share: partitions are assigned by hand, and a destination that is away
    for an hour moves none of them.

    Raises:
        Retry: A topic is not there yet, or no broker.
    """

    def __init__(self, bootstrap: str, group: str | None, topics: Iterable[str], *, batch_records: int) -> None:
        self._batch_records = batch_records
        try:
            self._consumer = KafkaConsumer(
                bootstrap_servers=bootstrap,
                group_id=group,
                enable_auto_commit=False,
                auto_offset_reset="none",
                check_crcs=True,
                max_poll_records=batch_records,
                bootstrap_timeout_ms=_BOOTSTRAP_MS,
            )
        except KafkaTimeoutError as error:
            raise Retry(f"no broker answers at {bootstrap}") from error
        try:
            self._places = [TopicPartition(*place) for place in self._find(topics)]
        except Retry:
            self._consumer.close()  # who waits for a topic comes again and again
            raise
        self._consumer.assign(self._places)

    @property
    def beginnings(self) -> dict[Place, int]:
        """The first offset of each place that retention has left."""
        return _plain(self._consumer.beginning_offsets(self._places))

    @property
    def ends(self) -> dict[Place, int]:
        """The offset that the next record of each place will get."""
        return _plain(self._consumer.end_offsets(self._places))

    def committed(self) -> dict[Place, int]:
        """Return the committed offset of each place that has one."""
        found = {(p.topic, p.partition): self._consumer.committed(p) for p in self._places}
        return {place: offset for place, offset in found.items() if offset is not None}

    def offsets_at(self, at_ms: int) -> dict[Place, int]:
        """Return the first offset of each place at or after an instant; its end where there is none."""
        found = self._consumer.offsets_for_times(dict.fromkeys(self._places, at_ms))
        ends = self.ends
        return {
            (place.topic, place.partition): at.offset if at is not None else ends[place.topic, place.partition]
            for place, at in found.items()
        }

    def start(self, starts: Mapping[Place, int]) -> int:
        """Read on from these offsets; a place without one is read from its beginning.

        Returns:
            The number of records that retention deleted before they were read.

        Raises:
            Fatal: An offset lies beyond the end: the topic was made anew, and what is known of it is of another one.
        """
        beginnings, ends, lost = self.beginnings, self.ends, 0
        for place in beginnings:
            start = starts.get(place, beginnings[place])
            if start > ends[place]:
                raise Fatal(
                    f"{place[0]}-{place[1]} ends at {ends[place]} and {start} was reached: the topic was made anew; "
                    "delete the group's offsets, and move the files of the old topic away"
                )
            lost += max(0, beginnings[place] - start)
            self._consumer.seek(TopicPartition(*place), max(start, beginnings[place]))
        return lost

    def poll(self, timeout_s: float) -> list[Message]:
        """Return the next records, in order within a place."""
        polled = self._consumer.poll(timeout_ms=int(timeout_s * 1000), max_records=self._batch_records)
        return [message_of(record) for records in polled.values() for record in records]

    def positions(self) -> dict[Place, int]:
        """Return the offset of the next record of each place."""
        return {(p.topic, p.partition): self._consumer.position(p) for p in self._places}

    def commit(self, offsets: Mapping[Place, int]) -> None:
        """Say that what lies before these offsets need not be read again."""
        self._consumer.commit({TopicPartition(*place): OffsetAndMetadata(at, "", -1) for place, at in offsets.items()})

    def answers(self, within_s: float) -> bool:
        """Say whether the broker answers: polling alone waits for it in silence."""
        try:
            self._consumer.end_offsets(self._places[:1], timeout_ms=int(within_s * 1000))
        except KafkaError:
            return False
        return True

    def close(self) -> None:
        """Let go of the connection; nothing is committed."""
        self._consumer.close()

    def _find(self, topics: Iterable[str]) -> Iterator[Place]:
        for topic in topics:
            partitions = self._consumer.partitions_for_topic(topic)
            if not partitions:
                raise Retry(f"topic {topic} is not there yet")
            yield from ((topic, partition) for partition in sorted(partitions))


def _plain(offsets: Mapping[Any, int]) -> dict[Place, int]:
    return {(place.topic, place.partition): offset for place, offset in offsets.items()}
