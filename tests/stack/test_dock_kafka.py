"""Exporters as processes between a real broker and real destinations, killed between write and commit, and restarted."""

import json
import signal
from collections import Counter

import influxdb_client
import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporters.parquet import connect
from tests.exporters.findings import Log, an_event, key_of
from tests.stack import dock
from tests.stack.servers import kafka as kafkas
from tests.stack.servers.ports import free_port
from tests.stack.servers.web import get_text

EVENTS = 12


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    """A broker of our own: the inventory's topics have no other name."""
    with kafkas.start(tmp_path_factory.mktemp("dock-kafka")) as running:
        dock.lay_out(running)
        yield running


@pytest.fixture
def replay(request, broker):
    name = request.node.name.replace("_", "-")[:60]
    dock.create_findings(broker, name)
    return name


def outages(log):
    """Return a shard's records: each event, then each again as a revision, and a tick."""
    events = [an_event(terminal=2 * (i % 4), at_s=i, cause=0) for i in range(EVENTS)]
    revised = [{**event, "revision": 2, "cause": 13} for event in events]
    messages = [log.events(*pair, clock_s=60 + n) for n, pair in enumerate(zip(events, revised, strict=True))]
    return {key_of(event) for event in events}, [*messages, log.events(clock_s=200), log.events(shard=1, clock_s=200)]


def test_parquet_holds_each_event_once_though_it_was_killed_between_file_and_commit(broker, replay, tmp_path):
    keys, messages = outages(Log())
    dock.put_messages(broker, replay, messages)
    settings = {"parquet_folder": tmp_path / "history", "parquet_file_rows": 1, "batch_records": 5}
    for _ in range(2):
        dock.run_until_killed_at_commit("parquet", broker, replay, **settings)
    with dock.exporting("parquet", broker, replay, tmp_path / "log", **settings):
        topic = f"replay.{replay}.events.terminal.v1"
        group = "leowatch-exporters-parquet"
        dock.until(lambda: dock.committed(broker, group, topic) == EVENTS + 1)
    with connect(tmp_path / "history") as history:
        rows = history.execute("SELECT event_key, revision, cause FROM events").fetchall()
        files = f"{tmp_path}/history/events/*.parquet"
        offsets = history.execute(f"SELECT partition, \"offset\" FROM '{files}'").fetchall()
    assert sorted(rows) == sorted((key, 2, "power") for key in keys)
    assert max(Counter(offsets).values()) == 1


def test_influx_holds_each_event_once_though_it_was_killed_between_write_and_commit(broker, replay, influx, tmp_path):
    keys, messages = outages(Log())
    dock.put_messages(broker, replay, messages)
    settings = {
        "influx_url": influx.url, "influx_token": influx.token, "influx_org": influx.org, "influx_bucket": influx.bucket
    }  # fmt: skip
    dock.run_until_killed_at_commit("influx", broker, replay, **settings, batch_records=5)
    topic = f"replay.{replay}.events.terminal.v1"
    with dock.exporting("influx", broker, replay, tmp_path / "log", **settings):
        dock.until(lambda: dock.committed(broker, "leowatch-exporters-influx", topic) == EVENTS + 1)
    flux = f"""from(bucket: "{influx.bucket}") |> range(start: 2025-10-03T00:00:00Z, stop: 2025-10-04T00:00:00Z)
        |> filter(fn: (r) => r._measurement == "event" and r.kind == "outage_started")
        |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")"""
    with influxdb_client.InfluxDBClient(influx.url, influx.token, org=influx.org) as client:
        records = [record for table in client.query_api().query(flux) for record in table.records]
    found = [(record["event_key"], record["revision"], record["cause"]) for record in records]
    assert sorted(found) == sorted((key, 2, "power") for key in keys)


def test_eventbridge_repeats_after_a_kill_carry_the_same_id(broker, replay, moto, tmp_path):
    keys, messages = outages(Log())
    dock.put_messages(broker, replay, messages)
    events, sqs = moto.client("events"), moto.client("sqs")
    bus = replay[:40]
    events.create_event_bus(Name=bus)
    queue = sqs.create_queue(QueueName=bus)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = json.dumps({"source": ["leowatch"], "detail": {"cause": ["power"]}})
    events.put_rule(Name=bus, EventBusName=bus, EventPattern=pattern)
    events.put_targets(Rule=bus, EventBusName=bus, Targets=[{"Id": "q", "Arn": arn}])
    settings = {"aws_endpoint": moto.url, "eventbridge_bus": bus}
    dock.run_until_killed_at_commit("eventbridge", broker, replay, **settings, batch_records=5)
    topic = f"replay.{replay}.events.terminal.v1"
    with dock.exporting("eventbridge", broker, replay, tmp_path / "log", **settings):
        dock.until(lambda: dock.committed(broker, "leowatch-exporters-eventbridge", topic) == EVENTS + 1)
    ids = Counter()
    while received := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        for message in received:
            ids[json.loads(message["Body"])["detail"]["event_id"]] += 1
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert set(ids) == {f"{key}.2" for key in keys}
    assert max(ids.values()) == 2  # those of the batch whose commit was lost, and no more often


def test_prometheus_is_refused_until_caught_up_and_shows_the_same_totals_after_a_kill(broker, replay, tmp_path):
    _, messages = outages(Log())
    dock.put_messages(broker, replay, messages)
    port = free_port()
    for _ in range(2):
        with dock.exporting("prometheus", broker, replay, tmp_path / "log", prometheus_port=port) as process:
            found = dock.until(lambda: scraped(port))
            process.kill()
        assert found["leo_events_total", "outage_started"] == EVENTS
        assert found["leo_pipeline_shards_seen_count",] == 2


def test_a_second_exporter_of_a_sink_stands_by_until_the_first_has_gone(broker, replay, tmp_path):
    _, messages = outages(Log())
    first, second = free_port(), free_port()
    with dock.exporting("prometheus", broker, replay, tmp_path / "first", prometheus_port=first) as leader:
        dock.put_messages(broker, replay, messages)
        dock.until(lambda: scraped(first))
        with dock.exporting("prometheus", broker, replay, tmp_path / "second", prometheus_port=second) as follower:
            dock.until(lambda: "another exporter of this sink is at work" in (tmp_path / "second").read_text())
            assert follower.poll() is None
            assert body(f"http://127.0.0.1:{second}/metrics") == ""
            leader.terminate()
            assert leader.wait(15) == 0
            found = dock.until(lambda: scraped(second))
            assert found["leo_events_total", "outage_started"] == EVENTS
    assert follower.returncode == 0


def test_an_exporter_that_slept_while_another_took_its_seat_stands_up(broker, replay, tmp_path):
    settings = {"parquet_folder": tmp_path / "history"}
    sleeper_log, waker_log = tmp_path / "sleeper", tmp_path / "waker"
    metrics = free_port()
    with dock.exporting("parquet", broker, replay, sleeper_log, metrics_port=metrics, **settings) as sleeper:
        dock.until(lambda: "leo_exporters_lag_records{" in body(f"http://127.0.0.1:{metrics}/metrics"))
        sleeper.send_signal(signal.SIGSTOP)
        metrics = free_port()
        with dock.exporting("parquet", broker, replay, waker_log, metrics_port=metrics, **settings) as waker:
            dock.until(lambda: "leo_exporters_lag_records{" in body(f"http://127.0.0.1:{metrics}/metrics"))
            sleeper.send_signal(signal.SIGCONT)
            gone = dock.until(lambda: [p for p in (sleeper, waker) if p.poll() is not None])
    assert {process.returncode for process in gone} == {1}


def test_a_record_that_cannot_be_read_becomes_a_dead_letter_and_the_next_one_is_exported(broker, replay, tmp_path):
    log = Log()
    dock.put_messages(broker, replay, [log.network(b"{ no json"), log.network()])
    settings = {"parquet_folder": tmp_path / "history", "parquet_file_rows": 1}
    topic = f"replay.{replay}.events.network.v1"
    with dock.exporting("parquet", broker, replay, tmp_path / "log", **settings):
        dock.until(lambda: dock.committed(broker, "leowatch-exporters-parquet", topic) == 2)
    ((value, headers),) = [letter for letter in dock.dead_letters(broker) if letter[1]["topic"] == topic]
    assert value == b"{ no json"
    assert (headers["reason"], headers["partition"], headers["offset"]) == ("unparseable", "0", "0")
    with connect(tmp_path / "history") as history:
        assert history.execute("SELECT kind FROM events").fetchall() == [("gateway_isolated",)]


def test_a_wrong_token_ends_with_2_before_the_first_record_and_sigterm_ends_with_0(broker, replay, influx, tmp_path):
    settings = {"influx_url": influx.url, "influx_org": influx.org, "influx_bucket": influx.bucket}
    with dock.exporting("influx", broker, replay, tmp_path / "log", influx_token="wrong", **settings) as process:
        assert process.wait(30) == 2
    assert "EXPORTERS_INFLUX_TOKEN" in (tmp_path / "log").read_text()
    metrics = free_port()
    with dock.exporting(
        "influx", broker, replay, tmp_path / "log", influx_token=influx.token, metrics_port=metrics, **settings
    ) as process:
        dock.until(lambda: "leo_exporters_lag_records{" in body(f"http://127.0.0.1:{metrics}/metrics"))
        assert body(f"http://127.0.0.1:{metrics}/healthz") == "alive\n"
    assert process.returncode == 0


def body(url):
    try:
        return get_text(url)
    except OSError:  # a URLError is one
        return ""


def scraped(port):
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(body(f"http://127.0.0.1:{port}/metrics"))
        for sample in family.samples
    }
