"""The workshop's topics on a real broker, and an exporter's process in front of them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from exporters.contract.topics import EXPORTERS_DEADLETTER
from exporters.reading import FINDING_TOPICS
from ingest.contract.packing import inventory_records
from ingest.contract.topics import INVENTORY_TOPICS
from streams.contract.topics import replay_topic
from tests.exporters.findings import an_inventory
from tests.stack import composed
from tests.stack.servers.ports import free_port

ROOT = Path(__file__).parents[2]


def lay_out(broker):
    """Create the inventory's topics with an inventory in them, and the dead letters' topic."""
    broker.create_topics([*INVENTORY_TOPICS, EXPORTERS_DEADLETTER], partition_count=2)
    put(broker, [(r.topic.name, 0, r.value) for r in inventory_records(an_inventory())])


def create_findings(broker, replay):
    """Create the topics of a test's own replay."""
    broker.create_topics([replay_topic(topic, replay) for topic in FINDING_TOPICS], partition_count=2)


def put(broker, records):
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, linger_ms=5)
    try:
        for number, (topic, partition, value) in enumerate(records):
            producer.send(topic, value, key=str(number).encode(), partition=partition)
        producer.flush(timeout=20)
    finally:
        producer.close()


def put_messages(broker, replay, messages):
    put(broker, [(f"replay.{replay}.{m.topic}", m.partition, m.value) for m in messages])


def committed(broker, group, topic, partition=0):
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap, group_id=group, enable_auto_commit=False)
    try:
        return consumer.committed(TopicPartition(topic, partition))
    finally:
        consumer.close()


def dead_letters(broker):
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap, consumer_timeout_ms=1_500)
    place = TopicPartition(EXPORTERS_DEADLETTER.name, 0)
    try:
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        return [(record.value, {name: value.decode() for name, value in record.headers}) for record in consumer]
    finally:
        consumer.close()


def environment(broker, replay, **settings):
    own = {f"EXPORTERS_{name.upper()}": str(value) for name, value in settings.items()}
    aws = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "NO_PROXY": "127.0.0.1"}
    basis = {
        "EXPORTERS_KAFKA": broker.bootstrap,
        "EXPORTERS_REPLAY": replay,
        "EXPORTERS_METRICS_PORT": str(free_port()),
    }
    return {**os.environ, **aws, **basis, "EXPORTERS_RETRY_LONGEST_S": "0.5", **own}


def exporting(name, broker, replay, log, **settings):
    """Run an exporter."""
    return composed.started(composed.of("exporters", name), log, environment(broker, replay, **settings))


def run_until_killed_at_commit(name, broker, replay, **settings):
    """Run an exporter until it dies between its write and its commit."""
    script = Path(__file__).parent / "killed_at_commit.py"
    killed = subprocess.run(
        [sys.executable, str(script), name],
        env={**environment(broker, replay, **settings), "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr


def until(question, within_s=90.0):
    """Ask until the answer is true; return it."""
    deadline_s = time.monotonic() + within_s
    while not (answer := question()):
        assert time.monotonic() < deadline_s, f"not within {within_s} s"
        time.sleep(0.1)
    return answer
