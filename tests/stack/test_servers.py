"""Each server is the real thing and does what our rooms will ask of it; each fault is the one that was asked for."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import botocore.exceptions
import influxdb_client
import prometheus_client
import pyarrow as pa
import pytest
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import MessageSizeTooLargeError
from kafka.record import util as kafka_checksums

from ingest.contract.topics import Spread, Topic
from tests.stack.servers import fault_proxy as faults
from tests.stack.servers import moto as motos
from tests.stack.servers import places
from tests.stack.servers.daemon import Daemon, NotStarted, running
from tests.stack.servers.fault_proxy import Cut, Hang, LoseReply, RefuseEntries, Seen
from tests.stack.servers.ports import free_port

NOON_NS = 1_759_492_800_000_000_000  # 2025-10-03T12:00:00Z
ONE_TRY = {"retries": {"total_max_attempts": 1}, "read_timeout": 2}


def a_topic(name, **how):
    return Topic(name=name, key="none", value="bytes", description="A test's own.", **how)


def sent(bootstrap, topic, *values, partition=0):
    producer = KafkaProducer(bootstrap_servers=bootstrap, max_request_size=4_000_000)
    try:
        return [producer.send(topic, value, partition=partition).get(timeout=10) for value in values]
    finally:
        producer.close()


def read(bootstrap, topic, count, partition=0):
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, consumer_timeout_ms=10_000)
    try:
        assigned = TopicPartition(topic, partition)
        consumer.assign([assigned])
        consumer.seek_to_beginning(assigned)
        return list(itertools.islice(consumer, count))
    finally:
        consumer.close()


def an_lz4_frame():
    batch = pa.record_batch({"observed_at_ns": pa.array(range(5_000), pa.int64())})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes(), batch


def test_kafka_gives_back_an_lz4_frame_whose_checksum_a_c_library_checks(kafka):
    assert kafka_checksums.crc32c_c is not None, "kafka-python falls back to Python: 8.6 MB/s"
    kafka.create_topics([a_topic("test.frames", spread=Spread.SHARD)])
    frame, batch = an_lz4_frame()
    sent(kafka.bootstrap, "test.frames", frame, partition=3)
    (record,) = read(kafka.bootstrap, "test.frames", 1, partition=3)
    assert (record.partition, record.offset) == (3, 0)
    assert pa.ipc.open_stream(record.value).read_next_batch().equals(batch)


def test_kafka_gives_a_topic_the_partitions_and_settings_of_its_contract(kafka):
    compacted = a_topic("test.settings", spread=Spread.SHARD, compacted=True)
    kafka.create_topics([compacted, a_topic("test.single")], partition_count=16)
    with kafka.admin() as admin:
        counts = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}
        asked = [ConfigResource(ConfigResourceType.TOPIC, "test.settings")]
        settings = admin.describe_configs(asked)["topic"]["test.settings"]
    assert (counts["test.settings"], counts["test.single"]) == (16, 1)
    assert settings["cleanup.policy"]["value"] == "compact"


def test_kafka_refuses_a_message_over_its_limit(kafka):
    kafka.create_topics([a_topic("test.limit")])
    with pytest.raises(MessageSizeTooLargeError):
        sent(kafka.bootstrap, "test.limit", os.urandom(1_100_000))
    sent(kafka.bootstrap, "test.limit", os.urandom(900_000))


def test_kafka_refuses_what_a_test_tells_it_to_refuse_until_told_otherwise(kafka):
    kafka.create_topics([a_topic("test.refusal")])
    kafka.set_topic("test.refusal", {"max.message.bytes": "1"})
    with pytest.raises(MessageSizeTooLargeError):
        sent(kafka.bootstrap, "test.refusal", b"an event")
    kafka.unset_topic("test.refusal", "max.message.bytes")
    assert sent(kafka.bootstrap, "test.refusal", b"an event")[0].offset == 0


def test_kafka_still_holds_after_a_kill_what_it_had_acknowledged(kafka):
    kafka.create_topics([a_topic("test.kill")])
    sent(kafka.bootstrap, "test.kill", b"before")
    kafka.process.kill()
    kafka.process.start()
    sent(kafka.bootstrap, "test.kill", b"after")
    assert [record.value for record in read(kafka.bootstrap, "test.kill", 2)] == [b"before", b"after"]


def test_influxdb_answers_in_flux_what_was_written_and_keeps_a_repeated_point_once(influx):
    with influxdb_client.InfluxDBClient(influx.url, influx.token, org=influx.org) as client:
        line = f"answered,gateway=g7 gap_ms=21i {NOON_NS}"
        with client.write_api(write_options=SYNCHRONOUS) as write:
            write.write(influx.bucket, record=[line, line])
            write.write(influx.bucket, record=line)
        flux = f"""from(bucket: "{influx.bucket}") |> range(start: 2025-10-03T00:00:00Z, stop: 2025-10-04T00:00:00Z)
            |> filter(fn: (r) => r._measurement == "answered")"""
        found = [
            (record.get_measurement(), record["gateway"], record.get_value())
            for table in client.query_api().query(flux)
            for record in table.records
        ]
    assert found == [("answered", "g7", 21)]


def test_influxdb_refuses_a_stranger(influx):
    with (
        influxdb_client.InfluxDBClient(influx.url, "wrong", org=influx.org) as client,
        client.write_api(write_options=SYNCHRONOUS) as write,
        pytest.raises(ApiException) as refused,
    ):
        write.write(influx.bucket, record=f"handover gap_ms=1i {NOON_NS}")
    assert refused.value.status == 401


@contextmanager
def a_gauge_to_scrape(value):
    registry = prometheus_client.CollectorRegistry()
    prometheus_client.Gauge("leo_incidents_open", "Incidents that are open.", registry=registry).set(value)
    port = free_port()
    server, thread = prometheus_client.start_http_server(port, "127.0.0.1", registry)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def a_rule_file(folder):
    rule = {"alert": "GatewayIsolated", "expr": "leo_incidents_open > 0", "labels": {"severity": "page"}}
    file = folder / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "test", "interval": "1s", "rules": [rule]}]}))
    return str(file)


def test_a_scraped_gauge_becomes_a_rule_becomes_a_page(prometheus, alertmanager, webhook, tmp_path):
    receiver = {"name": "noc", "webhook_configs": [{"url": webhook.url}]}
    pager = alertmanager({"route": {"receiver": "noc", "group_wait": "0s"}, "receivers": [receiver]})
    with a_gauge_to_scrape(1) as target:
        monitor = prometheus(
            {
                "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                "rule_files": [a_rule_file(tmp_path)],
                "scrape_configs": [{"job_name": "leo", "static_configs": [{"targets": [target]}]}],
                "alerting": {"alertmanagers": [{"static_configs": [{"targets": [pager.address]}]}]},
            }
        )
        page = webhook.wait_for(lambda page: page["status"] == "firing")
        assert [sample["value"][1] for sample in monitor.query("leo_incidents_open")] == ["1"]
        assert [alert["state"] for alert in monitor.alerts()] == ["firing"]
    assert page["commonLabels"]["alertname"] == "GatewayIsolated"
    assert [alert["labels"]["severity"] for alert in pager.alerts()] == ["page"]


def an_event(incident_id="i1"):
    return {"Source": "leowatch", "DetailType": "GatewayIsolated", "Detail": json.dumps({"incident_id": incident_id})}


def a_queue_of_events(moto, name):
    events, queues = moto.client("events"), moto.client("sqs")
    url = queues.create_queue(QueueName=name)["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name=name, EventPattern=json.dumps({"detail-type": ["GatewayIsolated"]}))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    return lambda: [
        json.loads(message["Body"])["detail"]["incident_id"]
        for message in queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    ]


def test_eventbridge_carries_an_event_that_matches_a_rule_to_its_queue(moto):
    moto.reset()
    arrived = a_queue_of_events(moto, "arrivals")
    answer = moto.client("events").put_events(Entries=[an_event(), {**an_event("i2"), "DetailType": "Other"}])
    assert answer["FailedEntryCount"] == 0
    assert arrived() == ["i1"]


def test_cloudwatch_gives_back_the_datum_that_was_put(moto):
    moto.reset()
    at_s = NOON_NS // 1_000_000_000
    cloudwatch = moto.client("cloudwatch")
    datum = {"MetricName": "OutageCount", "Timestamp": at_s, "Value": 3.0, "Unit": "Count"}
    cloudwatch.put_metric_data(Namespace="leowatch", MetricData=[datum])
    metric = {"Metric": {"Namespace": "leowatch", "MetricName": "OutageCount"}, "Period": 60, "Stat": "Maximum"}
    found = cloudwatch.get_metric_data(
        MetricDataQueries=[{"Id": "m", "MetricStat": metric}], StartTime=at_s - 60, EndTime=at_s + 60
    )
    assert found["MetricDataResults"][0]["Values"] == [3.0]


SERVICES = {
    "eventbridge": lambda proxy: proxy.client("events", **ONE_TRY).put_events(Entries=[an_event()]),
    "cloudwatch": lambda proxy: proxy.client("cloudwatch", **ONE_TRY).list_metrics(),
    "sts": lambda proxy: proxy.client("sts", **ONE_TRY).get_caller_identity(),
}


@pytest.mark.parametrize("call", SERVICES.values(), ids=SERVICES)
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (faults.THROTTLED, "Throttling"),
        (faults.UNAVAILABLE, "ServiceUnavailable"),
        (faults.BROKEN, "InternalFailure"),
        (faults.ACCESS_DENIED, "AccessDenied"),
    ],
)
def test_a_refusal_is_understood_by_the_client_and_the_next_call_passes(fault_proxy, call, fault, code):
    fault_proxy.inject(fault)
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        call(fault_proxy)
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == fault.status
    assert call(fault_proxy)["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_client_that_may_retry_gets_through_two_throttles(fault_proxy):
    fault_proxy.inject(faults.THROTTLED, times=2)
    fault_proxy.client("events", retries={"total_max_attempts": 3}).put_events(Entries=[an_event()])
    assert [seen.fault for seen in fault_proxy.seen] == [faults.THROTTLED, faults.THROTTLED, None]


def test_a_fault_for_one_operation_spares_the_others(fault_proxy):
    fault_proxy.inject(Cut(), operation="PutEvents")
    client = fault_proxy.client("events", **ONE_TRY)
    client.list_rules()
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        client.put_events(Entries=[an_event()])
    assert fault_proxy.seen == [Seen("ListRules", None), Seen("PutEvents", Cut())]


def test_a_server_that_says_nothing_makes_the_client_time_out(fault_proxy):
    fault_proxy.inject(Hang(for_s=30.0))
    client = fault_proxy.client("events", retries={"total_max_attempts": 1}, read_timeout=0.2)
    with pytest.raises(botocore.exceptions.ReadTimeoutError):
        client.list_rules()


def test_a_connection_cut_before_the_request_was_passed_on_delivers_nothing(moto, fault_proxy):
    moto.reset()
    arrived = a_queue_of_events(moto, "cut")
    fault_proxy.inject(Cut())
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        fault_proxy.client("events", **ONE_TRY).put_events(Entries=[an_event()])
    assert arrived() == []


def test_a_lost_reply_leaves_the_event_delivered(moto, fault_proxy):
    moto.reset()
    arrived = a_queue_of_events(moto, "lost-reply")
    fault_proxy.inject(LoseReply())
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        fault_proxy.client("events", **ONE_TRY).put_events(Entries=[an_event()])
    assert arrived() == ["i1"]


def test_refused_entries_are_marked_in_their_places_and_the_others_arrive(moto, fault_proxy):
    moto.reset()
    arrived = a_queue_of_events(moto, "partial")
    fault_proxy.inject(RefuseEntries((0, 2)))
    answer = fault_proxy.client("events").put_events(Entries=[an_event("i0"), an_event("i1"), an_event("i2")])
    assert [entry.get("ErrorCode") for entry in answer["Entries"]] == [
        "ThrottlingException",
        None,
        "ThrottlingException",
    ]
    assert answer["FailedEntryCount"] == 2
    assert arrived() == ["i1"]


def a_daemon(folder, program, **how):
    return Daemon("sleeper", [sys.executable, "-c", program], folder, **{"is_ready": lambda: True, **how})


def test_a_server_that_ends_early_is_reported_with_the_end_of_its_log(tmp_path):
    daemon = a_daemon(tmp_path, "raise SystemExit('no such folder')", is_ready=lambda: False)
    with pytest.raises(NotStarted, match=r"ended before it answered(?s:.*)no such folder"):
        daemon.start()


def test_a_server_that_never_answers_is_killed_at_its_deadline(tmp_path):
    daemon = a_daemon(tmp_path, "import time; time.sleep(60)", is_ready=lambda: False, ready_within_s=0.2)
    with pytest.raises(NotStarted, match="did not answer within"):
        daemon.start()
    assert not daemon.is_running


A_POLITE_SERVER = """
import pathlib, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
pathlib.Path(sys.argv[1], "ready").touch()
signal.sigwait([signal.SIGTERM])
pathlib.Path(sys.argv[1], "goodbye").touch()
"""


def test_a_frozen_server_can_still_be_stopped_in_order(tmp_path):
    command = [sys.executable, "-c", A_POLITE_SERVER, str(tmp_path)]
    with running(Daemon("polite", command, tmp_path, is_ready=(tmp_path / "ready").exists)) as daemon:
        daemon.pause()
    assert (tmp_path / "goodbye").exists()


def test_servers_die_with_a_test_process_that_is_killed(tmp_path):
    keeper = (
        "import pathlib, time\n"
        "from tests.stack.servers.daemon import Daemon\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        f"command = ['sh', '-c', 'touch {tmp_path!s}/up; exec sleep 60']\n"
        "daemon = Daemon('sleeper', command, folder, is_ready=(folder / 'up').exists)\n"
        "daemon.start()\n"
        "print(daemon.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    root = Path(__file__).parent.parent.parent
    with subprocess.Popen([sys.executable, "-c", keeper], stdout=subprocess.PIPE, text=True, cwd=root) as process:
        pid = int(process.stdout.readline())
        assert _is_alive(pid)
        process.send_signal(signal.SIGKILL)
    deadline_s = time.monotonic() + 5
    while _is_alive(pid) and time.monotonic() < deadline_s:
        time.sleep(0.02)
    assert not _is_alive(pid)


def _is_alive(pid):
    """Whether a process runs; a zombie that nobody has buried does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_missing_server_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.delenv("LEOWATCH_INFLUXD", raising=False)
    monkeypatch.setenv("LEOWATCH_CACHE", str(tmp_path))
    with pytest.raises(places.Missing, match=r"setup\.sh influxd.*LEOWATCH_INFLUXD"):
        places.influxd()


def test_the_setup_script_and_the_tests_agree_on_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.delenv("LEOWATCH_KAFKA", raising=False)
    monkeypatch.setenv("LEOWATCH_CACHE", str(tmp_path))
    script = Path(__file__).parent / "setup.sh"
    checked = subprocess.run([script, "--check", "kafka", "prometheus"], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr.split(";")[0]) == (1, "stack: missing: kafka")
    with pytest.raises(places.Missing):
        places.kafka_jars()
    (tmp_path / f"kafka-{places.versions()['KAFKA_VERSION']}").mkdir()
    (places.cache() / f"kafka-{places.versions()['KAFKA_VERSION']}" / "kafka_2.13-x.jar").touch()
    assert subprocess.run([script, "--check", "kafka"], check=False).returncode == 0
    assert places.kafka_jars().parent == tmp_path


def test_the_clients_never_use_the_credentials_of_the_person(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a-real-one")
    client = motos.client("events", "http://127.0.0.1:1")
    assert client._request_signer._credentials.access_key == "test"
