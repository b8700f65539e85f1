"""`leowatch simulate` fills a real Kafka, and makes the topics it needs; `create_topics` refuses what does not fit."""

import json
from collections import Counter

import numpy as np
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
from tests.leowatch import stopped_door
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
        frames = terminal_frames(broker)
        consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap, consumer_timeout_ms=2_000)
        consumer.assign([TopicPartition(topic.name, 0) for topic in TRUTH_TOPICS])
        consumer.seek_to_beginning()
        truth = Counter((record.topic, record.value) for record in consumer)
        consumer.close()

    assert all(isinstance(frame, Frame) for frame in frames)
    assert sum(frame.rows for frame in frames if frame.layout.kind == "terminal") == said["samples"]
    assert truth == Counter((record.topic.name, record.value) for record in truth_records(tmp_path / "truth"))


def test_while_the_door_is_stopped_no_time_passes_on_kafka_and_afterwards_terminals_tell_of_it(tmp_path):
    (tmp_path / "stopped.toml").write_text(stopped_door.SCENARIO)
    with kafkas.start(tmp_path) as broker:
        where = ["--to", "kafka", "--kafka", broker.bootstrap, "--scenario", str(tmp_path / "stopped.toml")]
        result = CliRunner().invoke(app, ["simulate", *where, *stopped_door.RUN])
        assert result.exit_code == 0, result.output
        frames = terminal_frames(broker)

    parts = [
        frame.columns
        | {"received_at_ns": np.full(frame.rows, frame.header.received_at_ns)}
        | {"stored": np.full(frame.rows, frame.header.stored)}
        for frame in frames
        if frame.layout.kind == "terminal" and frame.rows
    ]
    names = ("terminal_index", "observed_at_ns", "received_at_ns", "stored")
    stopped_door.check({name: np.concatenate([part[name] for part in parts]) for name in names})


def terminal_frames(broker):
    """Return every frame of the terminals' topic."""
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap, consumer_timeout_ms=2_000)
    consumer.assign([TopicPartition(TERMINAL_TELEMETRY.name, p) for p in range(4)])
    consumer.seek_to_beginning()
    frames = [decode(record.value, LAYOUTS, TelemetryHeader, shard_count=16) for record in consumer]
    consumer.close()
    return frames


def test_topics_are_made_once_and_another_partition_count_is_refused(kafka):
    assert create_topics(kafka.bootstrap, [SHARDED], partition_count=4).created == (SHARDED.name,)
    assert create_topics(kafka.bootstrap, [SHARDED], partition_count=4).created == ()
    with pytest.raises(Fatal, match=SHARDED.name):
        create_topics(kafka.bootstrap, [SHARDED], partition_count=8)
