"""A broker with traffic on it, workers that can be harmed, and the events that are there in the end."""

import os
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from ingest.contract.frame import decode
from ingest.contract.packing import inventory_records
from ingest.contract.topics import INGEST_TOPICS, TERMINAL_TELEMETRY
from streams.contract.catalogue import KIND_BY_CODE
from streams.contract.events import EVENT_LAYOUTS, EventHeader
from streams.contract.topics import STREAMS_TOPICS, TERMINAL_EVENTS
from streams.knowledge import Knowledge
from streams.workbench import Workbench
from tests.chaos.traffic import PARTITION_COUNT
from tests.stack.servers.daemon import Daemon
from tests.stack.servers.ports import free_port

POLL_S = 0.1


@dataclass
class Said:
    """What is found in event frames.

    Attributes:
        rows: The columns of each event's last revision, by key.
        conflict_count: Rows with the key and revision of another, and other content.
        reached: The last source offset of each shard that an event frame named.
        frame_count: Event frames, ticks included.
        repeat_count: Rows that were there before.
        kinds: Of the events.
    """

    rows: dict[bytes, bytes] = field(default_factory=dict)
    conflict_count: int = 0
    reached: dict[int, int] = field(default_factory=dict)
    frame_count: int = 0
    repeat_count: int = 0
    kinds: set[str] = field(default_factory=set)
    _seen: dict[tuple[bytes, int], bytes] = field(default_factory=dict)
    _revisions: dict[bytes, int] = field(default_factory=dict)

    def put(self, value):
        """Take an event frame in."""
        frame = decode(value, EVENT_LAYOUTS, EventHeader)
        shard = frame.header.shard
        self.frame_count += 1
        self.reached[shard] = max(self.reached.get(shard, -1), frame.header.source_offset)
        if frame.rows:
            self._put_rows(frame)

    def _put_rows(self, frame):
        self.kinds |= {KIND_BY_CODE[code].kind for code in set(frame.columns["event_code"].tolist())}
        names = sorted(name for name in frame.columns if name not in ("event_key", "revision"))
        table = np.rec.fromarrays([frame.columns[name] for name in names], names=names)
        keys, revisions = frame.columns["event_key"].tolist(), frame.columns["revision"].tolist()
        for content, key, revision in zip((row.tobytes() for row in table), keys, revisions, strict=True):
            earlier = self._seen.setdefault((key, revision), content)
            self.conflict_count += earlier != content
            self.repeat_count += earlier is not content
            if revision >= self._revisions.get(key, 0):
                self._revisions[key] = revision
                self.rows[key] = content


def stepped(bench, records):
    """Yield what a workbench says of records in their order, without Kafka."""
    offsets = Counter()
    for record in records:
        offset = offsets[record.partition]
        offsets[record.partition] += 1
        yield from bench.handle(key=record.key, value=record.value, partition=record.partition, offset=offset, at_ns=0)


def in_memory(records, inventory) -> tuple[Said, Counter]:
    """Step the same records at one workbench and return what it says."""
    knowledge = Knowledge(inventory=inventory)
    bench, said = Workbench(partition_count=PARTITION_COUNT, knowledge=lambda: knowledge), Said()
    for out in stepped(bench, records):
        if out.topic == TERMINAL_EVENTS:
            said.put(out.value)
    return said, bench.counts


class Worker(Daemon):
    """A worker's process; its name is its slot in the group."""

    metrics_port: int

    def metric(self, line):
        """Return the value of one line of its metrics; 0 while it is not there."""
        try:
            with urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5) as answer:
                lines = answer.read().decode().splitlines()
        except URLError:
            return 0.0
        return next(
            (float(found.rsplit(" ", 1)[1]) for found in lines if found.startswith(f"leo_streams_{line} ")), 0.0
        )

    @property
    def exit_code(self):
        """How it ended; None while it has not."""
        return self._process.poll()


class World:
    """Kafka with our topics, an inventory and traffic."""

    def __init__(self, kafka, folder: Path, *, group="chaos"):
        self.kafka = kafka
        self._folder = folder
        self._group = group
        kafka.create_topics([*INGEST_TOPICS, *STREAMS_TOPICS], PARTITION_COUNT)
        self._producer = KafkaProducer(bootstrap_servers=kafka.bootstrap, linger_ms=5)

    def publish(self, inventory):
        """Write the inventory onto its topics."""
        self.send(inventory_records(inventory))

    def send(self, records):
        """Write records."""
        for record in records:
            self._producer.send(record.topic.name, key=record.key, value=record.value, partition=record.partition)
        self._producer.flush()

    def alone(self, verb) -> Worker:
        """Return a process of which a deployment has one, not yet started."""
        return self.worker(verb, verb=verb)

    def worker(self, name, *, module="streams", verb="worker", **settings) -> Worker:
        """Return a worker, not yet started."""
        port = free_port()
        environment = {
            "STREAMS_KAFKA": self.kafka.bootstrap,
            "STREAMS_GROUP": self._group,
            "STREAMS_INSTANCE": name,
            "STREAMS_SESSION_TIMEOUT_S": "6",
            "STREAMS_HEARTBEAT_S": "1",
            "STREAMS_METRICS_PORT": str(port),
            "PYTHONPATH": os.pathsep.join(sys.path),
            **{f"STREAMS_{key.upper()}": str(value) for key, value in settings.items()},
        }
        worker = Worker(
            name, [sys.executable, "-m", module, verb], self._folder,
            is_ready=lambda: True, environment=environment,
        )  # fmt: skip
        worker.metrics_port = port
        return worker

    def delete_before_end(self):
        """Delete all telemetry but the last frame of each partition, as retention would."""
        consumer = KafkaConsumer(bootstrap_servers=self.kafka.bootstrap, group_id=None)
        ends = consumer.end_offsets(_places(TERMINAL_TELEMETRY))
        consumer.close()
        with self.kafka.admin() as admin:
            admin.delete_records({place: end - 1 for place, end in ends.items()})

    def progress(self, topic=TERMINAL_EVENTS) -> int:
        """Return how many records a topic of shards has."""
        consumer = KafkaConsumer(bootstrap_servers=self.kafka.bootstrap, group_id=None)
        try:
            return sum(consumer.end_offsets(_places(topic)).values())
        finally:
            consumer.close()

    def wait_for(self, condition, within_s=90.0):
        """Return once something holds."""
        deadline_s = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < deadline_s, f"not within {within_s} s"
            time.sleep(POLL_S)

    def read(self, topic, partition_count=1):
        """Return every record of a topic."""
        consumer = KafkaConsumer(bootstrap_servers=self.kafka.bootstrap, group_id=None, enable_auto_commit=False)
        places = [TopicPartition(topic.name, partition) for partition in range(partition_count)]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        ends, found = consumer.end_offsets(places), []
        try:
            while any(consumer.position(place) < end for place, end in ends.items()):
                found += [record for records in consumer.poll(timeout_ms=500).values() for record in records]
        finally:
            consumer.close()
        return found

    def said(self, expected: Said, within_s=90.0) -> Said:
        """Read events until every shard has reached the last frame that says anything in memory."""
        said = Said()
        consumer = KafkaConsumer(bootstrap_servers=self.kafka.bootstrap, group_id=None, enable_auto_commit=False)
        places = _places(TERMINAL_EVENTS)
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        deadline_s = time.monotonic() + within_s
        try:
            while said.reached != expected.reached:
                assert time.monotonic() < deadline_s, f"reached {said.reached}, expected {expected.reached}"
                for records in consumer.poll(timeout_ms=500).values():
                    for record in records:
                        said.put(record.value)
        finally:
            consumer.close()
        return said


def _places(topic):
    return [TopicPartition(topic.name, partition) for partition in range(PARTITION_COUNT)]
