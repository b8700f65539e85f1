"""Each guard fires when its fault is provoked, on the real broker."""

import msgspec
import pytest

from ingest.contract.frame import TelemetryHeader, encode
from ingest.contract.packing import Record
from ingest.contract.telemetry import TERMINAL
from ingest.contract.topics import TERMINAL_TELEMETRY, shard_key
from streams.contract.topics import SNAPSHOTS, STREAMS_DEADLETTER
from tests.chaos.saboteur import AFTER_FRAMES, LEAP
from tests.chaos.traffic import PARTITION_COUNT, SHARD_COUNT, START_AT_NS, Traffic, inventory
from tests.chaos.world import World, in_memory

TERMINAL_COUNT = 400
SECONDS = 90
EXIT_FATAL = 2


@pytest.fixture(scope="module")
def network():
    return inventory(TERMINAL_COUNT)


@pytest.fixture(scope="module")
def records():
    return [r for second in Traffic(terminal_count=TERMINAL_COUNT, seed=3).seconds(SECONDS) for r in second]


@pytest.fixture
def world(kafka, tmp_path, network):
    world = World(kafka, tmp_path)
    world.publish(network)
    return world


def test_a_consumer_that_leaps_is_led_back_and_no_frame_is_missed(world, network):
    records = [r for second in Traffic(terminal_count=TERMINAL_COUNT, seed=3).seconds(260) for r in second]
    assert sum(record.partition == 0 for record in records) > AFTER_FRAMES + LEAP, "there is something to leap to"
    expected, _ = in_memory(records, network)
    world.send(records)
    worker = world.worker("worker-a", module="tests.chaos.saboteur")
    worker.start()
    said = world.said(expected)

    assert worker.metric("seeks_back_total") >= 1
    assert worker.metric('frames_dropped_total{reason="jump"}') >= 1
    worker.stop()
    assert said.rows == expected.rows


def test_a_frame_that_a_rebalance_overtakes_in_the_middle_is_dropped_and_said_by_whoever_holds_its_shard_now(
    world, records, network
):
    expected, _ = in_memory(records, network)
    world.send(records)
    late, other = world.worker("worker-a", module="tests.chaos.laggard"), world.worker("worker-b")
    late.start()
    world.wait_for(lambda: late.metric("assignments_total") >= 1)
    other.start()
    world.wait_for(lambda: late.metric('frames_dropped_total{reason="generation"}') >= 1)
    said = world.said(expected)
    assignments = late.metric("assignments_total")
    late.stop()
    other.stop()

    assert assignments >= 2
    assert said.repeat_count > 0, "what the late one had said already was not said again"
    assert said.rows == expected.rows
    assert said.conflict_count == 0


def test_snapshots_of_a_topic_that_was_created_anew_stop_the_worker(world, records):
    world.send(records)
    worker = world.worker("worker-a")
    worker.start()
    world.wait_for(lambda: world.read(SNAPSHOTS, PARTITION_COUNT))
    worker.stop()
    with world.kafka.admin() as admin:
        admin.delete_topics([TERMINAL_TELEMETRY.name])
    world.kafka.create_topics([TERMINAL_TELEMETRY], PARTITION_COUNT)
    worker.start()
    world.wait_for(lambda: not worker.is_running)

    assert worker.exit_code == EXIT_FATAL
    assert "topic_id" in worker.log.read_text()


def test_frames_that_retention_deleted_before_they_were_read_are_counted_as_lost(world, records):
    world.send(records)
    worker = world.worker("worker-a", snapshot_every_s=10)
    worker.start()
    world.wait_for(lambda: worker.metric("snapshots_written_total") >= SHARD_COUNT * 4)
    worker.stop()
    world.send(records)
    world.delete_before_end()
    worker.start()
    world.wait_for(lambda: worker.metric("frames_lost") > 0)
    worker.stop()

    assert "frames_lost_to_retention" in worker.log.read_text()


def test_frames_that_cannot_be_read_become_dead_letters_and_nothing_stalls(world, records, network):
    good = next(record for record in records if record.partition == 1 and len(record.value) > 2000)
    shard = int.from_bytes(good.key, "big")
    bad = {
        "unparseable": b"this is no frame",
        "truncated": good.value[: len(good.value) // 2],
        "shard_count": tick(shard, shard_count=SHARD_COUNT * 2),
        "schema_version": tick(shard, version=9),
        "unknown_kind": tick(shard, kind="toaster"),
        "wrong_shard": tick((shard + 4) % SHARD_COUNT),
    }
    stream = list(records)
    for place, value in enumerate(bad.values()):
        stream.insert(100 * (place + 1), Record(topic=good.topic, key=shard_key(shard), value=value, partition=1))
    expected, _ = in_memory(stream, network)
    undisturbed, _ = in_memory(records, network)
    world.send(stream)
    worker = world.worker("worker-a")
    worker.start()
    said = world.said(expected)
    letters = [dict(record.headers) for record in world.read(STREAMS_DEADLETTER)]
    worker.stop()

    assert {letter["reason"].decode() for letter in letters} == set(bad)
    assert all(letter["partition"] == b"1" for letter in letters)
    assert said.rows.keys() == undisturbed.rows.keys()


def tick(shard, **changes):
    header = TelemetryHeader(
        kind=TERMINAL.kind, version=TERMINAL.version, received_at_ns=START_AT_NS, producer_id="chaos",
        producer_sequence=1, shard=shard, shard_count=SHARD_COUNT,
    )  # fmt: skip
    return encode(msgspec.structs.replace(header, **changes), TERMINAL, {})
