"""`leowatch simulate` fills a real Kafka, and makes the topics it needs; `create_topics` refuses what does not fit."""

import json
from collections import Counter

import pytest
from kafka import KafkaConsumer, TopicPartition
from typer.testing import CliRunner

from ingest.contract.bus import Fatal
from ingest.contract.frame import Frame, TelemetryHeader, decode
from ingest.contract.telemetry import LAYOUTS
from ingest.contract.topics import TERMINAL_TELEMETRY, Spread, Topic
from ingest.topics_admin import create_topics
from leowatch.__main__ import app
from leowatch.truth_records import truth_records
from simulators.contract.topics import TRUTH_TOPICS
from tests.stack.servers import kafka as kafkas

SHARDED = Topic(name="admin.shards.v1", key="", value="", description="", spread=Spread.SHARD, retention_s=3600)


def test_a_simulated_minute_lands_on_kafka_as_frames_that_anyone_can_read(tmp_path):
    with kafkas.start(tmp_path) as broker:
        result = CliRunner().invoke(
            app,
            [
                "simulate",
                "--to",
                "kafka",
                "--kafka",
                broker.bootstrap,
                "--terminals",
                "30",
                "--minutes",
                "1",
                "--speed",
                "0",
                "--truth-topics",
                "--truth-out",
                str(tmp_path / "truth"),
            ],
        )
        assert result.exit_code == 0, result.output
        said = json.loads(result.stdout.splitlines()[-1])
        consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap, consumer_timeout_ms=2_000)
        places = [TopicPartition(TERMINAL_TELEMETRY.name, p) for p in range(4)]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        frames = [decode(record.value, LAYOUTS, TelemetryHeader, shard_count=16) for record in consumer]
        consumer.assign([TopicPartition(topic.name, 0) for topic in TRUTH_TOPICS])
        consumer.seek_to_beginning()
        truth = Counter((record.topic, record.value) for record in consumer)
        consumer.close()

    assert all(isinstance(frame, Frame) for frame in frames)
    assert sum(frame.rows for frame in frames if frame.layout.kind == "terminal") == said["samples"]
    assert truth == Counter((record.topic.name, record.value) for record in truth_records(tmp_path / "truth"))


def test_topics_are_made_once_and_another_partition_count_is_refused(kafka):
    assert create_topics(kafka.bootstrap, [SHARDED], partition_count=4).created == (SHARDED.name,)
    assert create_topics(kafka.bootstrap, [SHARDED], partition_count=4).created == ()
    with pytest.raises(Fatal, match=SHARDED.name):
        create_topics(kafka.bootstrap, [SHARDED], partition_count=8)
