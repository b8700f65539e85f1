"""The door as a process before a real broker: what it says 200 to is on Kafka, and what Kafka does not hold gets no 200."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from hashlib import sha256
from pathlib import Path

import pytest
from kafka import KafkaConsumer, TopicPartition

from ingest.contract.bus import Fatal, Retry
from ingest.contract.files import FrameFile
from ingest.contract.frame import FRAME_LIMIT_BYTES, TelemetryHeader, decode
from ingest.contract.instants import to_rfc3339
from ingest.contract.telemetry import LAYOUTS, TERMINAL
from ingest.contract.topics import INGEST_DEADLETTER, INGEST_TOPICS, TERMINAL_TELEMETRY
from ingest.inventory_file import apply
from ingest.inventory_topics import read_topics
from ingest.kafka_writer import REQUEST_LIMIT_BYTES, KafkaWriter
from ingest.topics_admin import create_topics
from tests.make import columns, inventory
from tests.stack import composed
from tests.stack.servers import kafka as kafkas
from tests.stack.servers.ports import free_port

ROOT = Path(__file__).parents[2]
TOKEN = "an-open-secret"
KAFKA_TIMEOUT_S = 2.0
SHARDS, PARTITIONS = 4, 2


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    """A broker of our own: it is stopped, and the telemetry topic has no other name."""
    with kafkas.start(tmp_path_factory.mktemp("door-kafka")) as running:
        create_topics(running.bootstrap, INGEST_TOPICS, partition_count=PARTITIONS)
        with KafkaWriter(running.bootstrap) as writer:
            apply(None, inventory(8, shard_count=SHARDS), writer)
        yield running


@contextlib.contextmanager
def open_door(broker, folder, **settings):
    """Run the door; yield its port."""
    port = free_port()
    (folder / "tokens.json").write_text(json.dumps({sha256(TOKEN.encode()).hexdigest(): "tenant-0"}))
    asked = {
        "kafka": broker.bootstrap, "port": port, "tokens": folder / "tokens.json", "producer_id": "door-test",
        "kafka_timeout_s": KAFKA_TIMEOUT_S, **settings,
    }  # fmt: skip
    environment = {**os.environ, **{f"INGEST_{name.upper()}": str(value) for name, value in asked.items()}}
    with (folder / "door.log").open("wb") as log:
        process = subprocess.Popen(composed.of("ingest", "door"), cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            until(lambda: ask(port, "GET", "/readyz")[0] == 200, 30, (folder / "door.log").read_text)
            yield port
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0, (folder / "door.log").read_text()


@pytest.fixture(scope="module")
def door(broker, tmp_path_factory):
    with open_door(broker, tmp_path_factory.mktemp("door")) as port:
        yield port


def until(question, within_s, what=lambda: ""):
    deadline_s = time.monotonic() + within_s
    while not (answer := question()):
        assert time.monotonic() < deadline_s, f"not within {within_s} s {what()}"
        time.sleep(0.05)
    return answer


def ask(port, method, path, body=None, *, token=TOKEN):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, {"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())
    except OSError:
        return 0, b"", {}
    finally:
        connection.close()


def sample(sequence, **fields):
    return {
        "terminal_id": "t3", "boot_count": 1, "sequence": sequence, "observed_at": to_rfc3339(time.time_ns()),
        "state": "connected", "pop_ping_drop_ratio": 0.0, **fields,
    }  # fmt: skip


def send(port, *samples):
    status, body, headers = ask(port, "POST", "/v1/samples", json.dumps({"samples": samples}))
    return status, json.loads(body or b"null"), headers


class Tail:
    """Reads a topic from where it ends now."""

    def __init__(self, broker, topic):
        self._consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap, enable_auto_commit=False)
        places = [TopicPartition(topic.name, p) for p in sorted(self._consumer.partitions_for_topic(topic.name))]
        self._consumer.assign(places)
        self._consumer.seek_to_end(*places)
        self._places = places
        for place in places:
            self._consumer.position(place)

    def read(self):
        """Return what lies there at this very moment, and nothing that comes later."""
        ends = self._consumer.end_offsets(self._places)
        found = []
        while any(self._consumer.position(place) < end for place, end in ends.items()):
            found += [r for records in self._consumer.poll(timeout_ms=200).values() for r in records]
        return found

    def close(self):
        self._consumer.close()


@pytest.fixture
def telemetry(broker):
    with contextlib.closing(Tail(broker, TERMINAL_TELEMETRY)) as tail:
        yield tail


def frames(tail, kind="terminal"):
    found = [(record, decode(record.value, LAYOUTS, TelemetryHeader)) for record in tail.read()]
    return [
        (record, frame)
        for record, frame in found
        if (frame.header.producer_id, frame.header.kind) == ("door-test", kind)
    ]


def test_a_batch_is_a_frame_of_its_shard_on_kafka_before_the_caller_hears_200(door, telemetry):
    status, answer, _ = send(door, sample(1), sample(2))
    samples = [(record, frame) for record, frame in frames(telemetry) if frame.rows]

    assert (status, answer) == (200, {"accepted": 2, "rejected": []})
    assert [frame.columns["sequence"].tolist() for _, frame in samples] == [[1, 2]]
    record, frame = samples[0]
    assert (record.partition, record.key, frame.header.shard) == (3 % PARTITIONS, b"\0\0\0\3", 3)
    assert (frame.header.inventory_version, frame.header.stored) == (1, False)


def test_a_shard_without_samples_hears_the_time_every_second(door, telemetry):
    def all_shards_spoke_twice():
        ticks.extend(frame.header.shard for _, frame in frames(telemetry) if not frame.rows)
        return all(ticks.count(shard) >= 2 for shard in range(SHARDS))

    ticks = []
    until(all_shards_spoke_twice, 10)


def test_what_was_refused_is_a_dead_letter_with_the_sample_as_it_came(door, broker):
    with contextlib.closing(Tail(broker, INGEST_DEADLETTER)) as letters:
        _, answer, _ = send(door, sample(3), sample(4, tilt_angle_deg=400.0))
        found = letters.read()

    assert [(each["index"], each["field"], each["reason"]) for each in answer["rejected"]] == [
        (1, "tilt_angle_deg", "out_of_range")
    ]
    headers = {name: value.decode() for name, value in found[0].headers}
    assert len(found) == 1
    assert (headers["reason"], headers["field"], headers["topic"]) == (
        "out_of_range",
        "tilt_angle_deg",
        "http:/v1/samples",
    )
    assert found[0].key == b"tenant-0"
    assert json.loads(found[0].value)["tilt_angle_deg"] == 400.0


def test_without_kafka_callers_get_503_in_time_and_200_again_once_it_is_back(door, broker, telemetry):
    os.kill(broker.process.pid, signal.SIGSTOP)
    try:
        began_s = time.monotonic()
        status, _, headers = send(door, sample(10))
        took_s = time.monotonic() - began_s
        at_once_s = time.monotonic()
        again, _, _ = send(door, sample(10))
        at_once_s = time.monotonic() - at_once_s
        ready = ask(door, "GET", "/readyz")[0]
        alive = ask(door, "GET", "/healthz")[0]
    finally:
        os.kill(broker.process.pid, signal.SIGCONT)

    assert (status, again, ready, alive) == (503, 503, 503, 200)
    assert int(headers["retry-after"]) >= 1
    assert took_s < 2 * KAFKA_TIMEOUT_S + 1
    assert at_once_s < 0.5
    until(lambda: send(door, sample(11))[0] == 200, 20)
    assert [11] in [frame.columns["sequence"].tolist() for _, frame in frames(telemetry) if frame.rows]


def test_another_version_of_the_inventory_is_said_in_every_shard_and_lets_its_new_terminals_in(door, broker, telemetry):
    with KafkaWriter(broker.bootstrap) as writer:
        found = apply(read_topics(broker.bootstrap), inventory(9, shard_count=SHARDS), writer)
        assert apply(read_topics(broker.bootstrap), inventory(9, shard_count=SHARDS), writer).records == ()

    assert found.summary() == {"version": 2, "added": {"terminal": 1}, "changed": {}, "written": 2}
    until(lambda: send(door, sample(1, terminal_id="t8"))[1]["accepted"] == 1, 15)
    told = [frame.header for _, frame in frames(telemetry, "control")]
    assert sorted(header.shard for header in told) == list(range(SHARDS))
    assert {header.inventory_version for header in told} == {2}


def test_a_door_that_is_told_to_stop_takes_leave_of_every_shard(broker, tmp_path, telemetry):
    with open_door(broker, tmp_path, producer_id="door-leaving"):
        pass

    found = [decode(record.value, LAYOUTS, TelemetryHeader).header for record in telemetry.read()]
    leaving = [h for h in found if h.producer_id == "door-leaving" and h.goodbye]
    assert sorted(header.shard for header in leaving) == list(range(SHARDS))


def test_fifty_megabytes_get_413_and_the_door_stays_small(door):
    pid = until(lambda: _pid_of(door), 5)
    before_kb = _resident_kb(pid)

    def chunks():
        for _ in range(50):
            yield b" " * 1_000_000

    connection = http.client.HTTPConnection("127.0.0.1", door, timeout=30)
    with contextlib.closing(connection), contextlib.suppress(ConnectionError):
        connection.request("POST", "/v1/samples", chunks(), {"Authorization": f"Bearer {TOKEN}"}, encode_chunked=True)
        assert connection.getresponse().status == 413
    grown_kb = _resident_kb(pid) - before_kb

    assert grown_kb < 30_000
    assert send(door, sample(20))[0] == 200
    page = ask(door, "GET", "/metrics")[1].decode()
    assert 'leo_ingest_bodies_rejected_total{reason="too_large"} 1.0' in page


def _pid_of(port):
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            environment = (folder / "environ").read_bytes().split(b"\0")
            if f"INGEST_PORT={port}".encode() in environment and b"ingest" in (folder / "cmdline").read_bytes():
                return int(folder.name)
    return None


def _resident_kb(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def test_a_file_of_frames_goes_onto_kafka_checked_and_takes_its_leave(broker, tmp_path, telemetry):
    path = tmp_path / "terminal.parquet"
    samples = columns([{"observed_at_ns": time.time_ns(), "sequence": n, "terminal_index": 3} for n in range(4)])
    samples["tilt_angle_deg"][2] = 400
    with FrameFile(path, TERMINAL) as file:
        file.write(samples)
    environment = {**os.environ, "INGEST_KAFKA": broker.bootstrap, "INGEST_PRODUCER_ID": "door"}
    command = [sys.executable, "-m", "ingest", "frames", str(path)]
    with contextlib.closing(Tail(broker, INGEST_DEADLETTER)) as letters:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        refused = letters.read()

    found = [decode(record.value, LAYOUTS, TelemetryHeader) for record in telemetry.read()]
    mine = [frame for frame in found if frame.header.producer_id == "door-file"]
    assert json.loads(done.stdout) == {"accepted": 3, "rejected": 1}
    assert [frame.columns["sequence"].tolist() for frame in mine if frame.rows] == [[0, 1, 3]]
    assert sorted(frame.header.shard for frame in mine if frame.header.goodbye) == list(range(SHARDS))
    assert [dict(record.headers)["reason"] for record in refused] == [b"out_of_range"]


def test_topics_are_made_once_and_another_partition_count_is_refused(broker):
    again = create_topics(broker.bootstrap, INGEST_TOPICS, partition_count=PARTITIONS)

    assert (again.created, len(again.present)) == ((), len(INGEST_TOPICS))
    with pytest.raises(Fatal, match=r"telemetry.terminal.v1 has 2 partitions and should have 4"):
        create_topics(broker.bootstrap, INGEST_TOPICS, partition_count=4)


def test_a_record_over_the_brokers_limit_is_an_error_and_one_of_a_full_frame_is_none(broker):
    with KafkaWriter(broker.bootstrap) as writer:
        writer.send(INGEST_DEADLETTER, key=b"k", value=os.urandom(FRAME_LIMIT_BYTES))
        writer.flush()
        with pytest.raises(Fatal, match="over the limit"):
            writer.send(INGEST_DEADLETTER, key=b"k", value=bytes(REQUEST_LIMIT_BYTES))


def test_a_record_over_a_topics_own_limit_is_an_error(broker):
    broker.set_topic(INGEST_DEADLETTER.name, {"max.message.bytes": "1000"})
    try:
        with KafkaWriter(broker.bootstrap) as writer:
            writer.send(INGEST_DEADLETTER, key=b"k", value=os.urandom(5000))
            with pytest.raises(Fatal, match=r"max\.message\.bytes"):
                writer.flush()
    finally:
        broker.unset_topic(INGEST_DEADLETTER.name, "max.message.bytes")


def test_a_writer_writes_again_after_the_broker_was_away_and_leaves_no_thread_behind(broker):
    with KafkaWriter(broker.bootstrap, within_s=1.0) as writer:

        def put():
            for _ in range(4):
                writer.send(INGEST_DEADLETTER, key=b"k", value=b"v" * 100)
            writer.flush()

        put()
        before_count = threading.active_count()
        os.kill(broker.process.pid, signal.SIGSTOP)
        try:
            for _ in range(3):
                with pytest.raises(Retry):
                    put()
        finally:
            os.kill(broker.process.pid, signal.SIGCONT)
        put()

        assert threading.active_count() <= before_count
