"""The correlator's process: one for a deployment; it reads findings from their beginning and says only what is new.

Incidents are a pure function of the findings, so a restart derives the same revisions again; those that the topic already
holds are not said twice, and nobody is woken twice.
"""

import time
from collections.abc import Iterator
from typing import Any

import structlog
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import CoordinatorNotAvailableError

from ingest.contract.bus import Fatal, Message
from ingest.contract.packing import Record
from streams.contract.incidents import decode_incident
from streams.contract.topics import INCIDENT_CHILDREN, INCIDENTS
from streams.incident_bench import READS, IncidentBench
from streams.merge import Merge
from streams.settings import Settings
from streams.side_reader import SideReader

log = structlog.get_logger()

# Two correlators would each page for what they see: membership of this group says that one is there.
GROUP = "leowatch-correlator"
_POLL_MS = 200
_BATCH_RECORDS = 2_000
_DELIVERY_S = 30.0


class CorrelatorWorker:
    """Carries findings to the incident bench, and what it says to Kafka."""

    def __init__(self, settings: Settings) -> None:
        """Claim the place, and read what has been said before.

        Raises:
            Fatal: Another correlator is at work, or a topic is missing.
        """
        refuse_company(settings.kafka)
        self._claim = KafkaConsumer(
            INCIDENTS.name, bootstrap_servers=settings.kafka, group_id=GROUP, enable_auto_commit=False,
            session_timeout_ms=int(settings.session_timeout_s * 1000),
            heartbeat_interval_ms=int(settings.heartbeat_s * 1000),
        )  # fmt: skip
        self._side = SideReader(settings.kafka)
        self._side.start()
        self._bench = IncidentBench(self._side.knowledge())
        self._consumer = KafkaConsumer(
            bootstrap_servers=settings.kafka, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest",
            check_crcs=True,
        )  # fmt: skip
        self._places = list(self._find())
        self._consumer.assign(self._places)
        self._consumer.seek_to_beginning(*self._places)
        self._merge = Merge((place.topic, place.partition) for place in self._places)
        self._producer = KafkaProducer(bootstrap_servers=settings.kafka, acks="all", linger_ms=5)
        self._said = said_before(settings.kafka)
        self._children_are_new = True

    def run(self) -> None:
        """Work until the process is told to stop.

        Raises:
            KafkaError: The broker refused a record or took too long: a restart derives it again.
        """
        while True:
            self.turn()

    def turn(self) -> None:
        """Read what is there, decide, and say it."""
        self._claim.poll(timeout_ms=0)
        polled = self._consumer.poll(timeout_ms=_POLL_MS, max_records=_BATCH_RECORDS)
        self._merge.put(_message(record) for records in polled.values() for record in records)
        ends = self._consumer.end_offsets(self._places)
        unread = frozenset(
            (place.topic, place.partition) for place in self._places if self._consumer.position(place) < ends[place]
        )
        self._bench.know(self._side.knowledge())
        said: list[Record] = []
        for message in self._merge.take(unread):
            said += self._bench.handle(message)
            said += self._bench.advance()
        self._say([record for record in said if self._is_new(record)])

    def _is_new(self, record: Record) -> bool:
        """Say whether a record has not been said by a correlator before this one; children come with their incident."""
        if record.topic == INCIDENTS:
            incident = decode_incident(record.value)
            new = incident.revision > self._said.get(record.key, 0)
            self._said[record.key] = max(incident.revision, self._said.get(record.key, 0))
            self._children_are_new = new
            return new
        if record.topic == INCIDENT_CHILDREN:
            return self._children_are_new
        return True

    def _say(self, records: list[Record]) -> None:
        sent = [
            self._producer.send(
                record.topic.name, key=record.key, value=record.value, partition=record.partition,
                headers=list(record.headers),
            )
            for record in records
        ]  # fmt: skip
        deadline_s = time.monotonic() + _DELIVERY_S
        for future in sent:
            future.get(timeout=max(0.1, deadline_s - time.monotonic()))

    def _find(self) -> Iterator[TopicPartition]:
        for topic in READS:
            partitions = self._consumer.partitions_for_topic(topic.name)
            if not partitions:
                raise Fatal(f"topic {topic.name} is not there: create the topics first")
            yield from (TopicPartition(topic.name, partition) for partition in sorted(partitions))

    def close(self) -> None:
        """Leave the place to the next one."""
        self._producer.close()
        self._consumer.close()
        self._side.stop()
        self._claim.close()


def refuse_company(bootstrap: str) -> None:
    """Make sure that no other correlator is at work.

    Raises:
        Fatal: There is one.
    """
    groups = _describe(bootstrap)
    members = sum(len(group["members"]) for group in (groups.values() if isinstance(groups, dict) else groups))
    if members:
        raise Fatal(f"another correlator is at work (group {GROUP} has {members} member): stop it first")


def _describe(bootstrap: str) -> Any:
    """Ask who is in the group; a broker that has never had one needs a moment to find its coordinator."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    deadline_s = time.monotonic() + _DELIVERY_S
    try:
        while True:
            try:
                return admin.describe_groups([GROUP])
            except CoordinatorNotAvailableError:
                if time.monotonic() > deadline_s:
                    raise
                time.sleep(0.2)
    finally:
        admin.close()


def said_before(bootstrap: str) -> dict[bytes, int]:
    """Return the highest revision of each incident that the topic holds."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False)
    try:
        place = TopicPartition(INCIDENTS.name, 0)
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        end = consumer.end_offsets([place])[place]
        said: dict[bytes, int] = {}
        while consumer.position(place) < end:
            for records in consumer.poll(timeout_ms=_POLL_MS).values():
                for record in records:
                    if record.value is not None:
                        said[record.key] = max(decode_incident(record.value).revision, said.get(record.key, 0))
        return said
    finally:
        consumer.close()


def _message(record: Any) -> Message:
    return Message(
        topic=record.topic, partition=record.partition, offset=record.offset, key=record.key or b"", value=record.value,
        timestamp_ms=record.timestamp,
    )  # fmt: skip
