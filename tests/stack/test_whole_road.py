"""Eleven simulated minutes through every real server: each finding is where it should be, and one page is sent."""

import json
import os
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from influxdb_client import InfluxDBClient
from kafka import KafkaConsumer, TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from exporters.contract.topics import EXPORTERS_TOPICS
from exporters.parquet import connect
from ingest.contract.bus import Message
from ingest.contract.frame import decode
from ingest.contract.instants import NS_PER_S
from ingest.contract.topics import INGEST_TOPICS
from ingest.kafka_writer import KafkaWriter
from simulators.broadcast import play
from simulators.run import Settings, new_sky
from streams.contract.detail import InventoryNames, decode_detail, details
from streams.contract.events import EVENT_LAYOUTS, EventHeader
from streams.contract.incidents import decode_incident
from streams.contract.rollups import ROLLUP_LAYOUTS, RollupHeader
from streams.contract.topics import (
    GATEWAY_ROLLUPS,
    INCIDENTS,
    NETWORK_EVENTS,
    PARTIALS,
    STREAMS_TOPICS,
    TERMINAL_EVENTS,
)
from streams.contract.vocabulary import Audience
from streams.rollup_bench import REPLACE_EVERY_NS, RollupBench
from tests.stack import composed
from tests.stack.servers import kafka as kafkas
from tests.stack.servers.ports import free_port
from tests.stack.servers.web import get_text
from tests.stack.wall import has_found_its_pager, hurried_routes, hurried_rules, prometheus_config
from tests.streams.partial_sums import final

ROOT = Path(__file__).parents[2]
# Ten, and one in which the gateway that came back stays back for long enough to be believed.
MINUTES = 11
# Eleven simulated minutes in a minute and a half of ours: rules must hold at any speed, and a worker that shares two cores with
# another file of tests must keep up, or a gateway is known to be back before its terminals are known to be out.
SPEED = 8.0
TOLD_APART = ("outage_started", "outage_ended", "tilt_critical", "gateway_isolated", "gateway_restored")


def running(module, *arguments, log, **environment):
    """Run one of our processes."""
    everything = {**os.environ, **{name: str(value) for name, value in environment.items()}}
    return composed.started(composed.of(module, *arguments), log, everything)


def until(question, within_s, what):
    deadline_s = time.monotonic() + within_s
    while not (answer := question()):
        assert time.monotonic() < deadline_s, f"{what}: not within {within_s} s"
        time.sleep(0.25)
    return answer


def read_all(broker, topic):
    """Return every value that lies on a topic now."""
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap, enable_auto_commit=False)
    try:
        places = [TopicPartition(topic.name, p) for p in sorted(consumer.partitions_for_topic(topic.name))]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        ends = consumer.end_offsets(places)
        values = []
        while any(consumer.position(place) < end for place, end in ends.items()):
            values += [r.value for records in consumer.poll(timeout_ms=300).values() for r in records]
        return values
    finally:
        consumer.close()


class Road:
    """Everything at work, and what it said on Kafka in the end."""

    def __init__(self, broker, folder, aws, queue_url, webhook, monitor, inventory, labels):
        self.broker, self.folder, self.aws, self.queue_url = broker, folder, aws, queue_url
        self.webhook, self.monitor = webhook, monitor
        self.labels = labels
        self.inventory, self.names = inventory, InventoryNames(inventory)
        self.events = {}
        for value in read_all(broker, TERMINAL_EVENTS):
            frame = decode(value, EVENT_LAYOUTS, EventHeader)
            for detail in details(frame.columns, self.names) if frame.rows else ():
                self._keep(detail)
        for value in read_all(broker, NETWORK_EVENTS):
            self._keep(decode_detail(value))
        self.incidents = {}
        for value in read_all(broker, INCIDENTS):
            incident = decode_incident(value)
            self.incidents[incident.incident_id] = incident
        self.windows = final(read_all(broker, GATEWAY_ROLLUPS))

    def _keep(self, detail):
        known = self.events.get(detail["event_key"])
        if known is None or detail["revision"] > known["revision"]:
            self.events[detail["event_key"]] = detail

    def of(self, *kinds):
        return {key: detail for key, detail in self.events.items() if detail["kind"] in kinds}


@pytest.fixture(scope="module")
def road(tmp_path_factory, influx, moto, prometheus, alertmanager):
    folder = tmp_path_factory.mktemp("road")
    with ExitStack() as up:
        (folder / "kafka").mkdir()
        broker = up.enter_context(kafkas.start(folder / "kafka"))
        broker.create_topics((*INGEST_TOPICS, *STREAMS_TOPICS, *EXPORTERS_TOPICS), partition_count=4)
        webhook = up.enter_context(_webhook())
        queue_url = _queue(moto)
        settings = Settings(
            terminals=120, minutes=MINUTES, seed=3, start_at_ns=time.time_ns() - (MINUTES + 1) * 60 * NS_PER_S
        )
        sky = new_sky(settings, truth_dir=folder / "truth")
        page_port = free_port()
        history, history_port = _start_everything(up, folder, broker, influx, moto, page_port)
        pager = alertmanager(hurried_routes(webhook.url))
        (folder / "rules").mkdir()
        monitor = prometheus(
            prometheus_config(
                page=f"127.0.0.1:{page_port}", rules=hurried_rules(folder / "rules"), alertmanager=pager.address
            )
        )
        until(lambda: has_found_its_pager(monitor), 30, "Prometheus finds Alertmanager")
        with KafkaWriter(broker.bootstrap) as writer:
            play(sky, writer, speed_ratio=SPEED, monotonic_s=time.monotonic, sleep_s=time.sleep)
        until(lambda: _all_said(broker, sky), 90, "the correlator resolves what is over")
        until(lambda: _all_merged(broker), 90, "the merge says every window's last word")
        until(lambda: _has_caught_up(history_port), 60, "the history has read everything")
        time.sleep(3)  # the last scrape, the last batch of each sink
        history.terminate()  # what it holds in memory goes to disk as it closes
        history.wait(20)
        labels = [json.loads(line) for line in (folder / "truth" / "labels.jsonl").read_text().splitlines()]
        yield Road(broker, folder, moto, queue_url, webhook, monitor, sky.inventory, labels)


def _webhook():
    from tests.stack.servers import webhook as webhooks

    return webhooks.start()


def _queue(moto):
    """Make a queue, and a rule that sends what we put on the bus into it."""
    sqs, events = moto.client("sqs"), moto.client("events")
    url = sqs.create_queue(QueueName="whole-road")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="whole-road", EventPattern=json.dumps({"source": ["leowatch"]}))
    events.put_targets(Rule="whole-road", Targets=[{"Id": "queue", "Arn": arn}])
    return url


def _start_everything(up, folder, broker, influx, moto, page_port):
    streams = {"STREAMS_KAFKA": broker.bootstrap, "STREAMS_METRICS_PORT": 0}
    dock = {
        "EXPORTERS_KAFKA": broker.bootstrap, "EXPORTERS_METRICS_PORT": 0, "EXPORTERS_RETRY_LONGEST_S": 1,
        "EXPORTERS_INFLUX_URL": influx.url, "EXPORTERS_INFLUX_TOKEN": influx.token, "EXPORTERS_INFLUX_ORG": influx.org,
        "EXPORTERS_INFLUX_BUCKET": influx.bucket, "EXPORTERS_AWS_ENDPOINT": moto.url,
        "EXPORTERS_PARQUET_FOLDER": folder / "history", "EXPORTERS_PARQUET_FILE_SPAN_S": 2,
        "EXPORTERS_PROMETHEUS_PORT": page_port, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "NO_PROXY": "127.0.0.1",
    }  # fmt: skip
    up.enter_context(running("streams", "worker", log=folder / "worker.log", **streams))
    up.enter_context(running("streams", "merge", log=folder / "merge.log", **streams))
    up.enter_context(running("streams", "correlator", log=folder / "correlator.log", **streams))
    for sink in ("influx", "prometheus", "eventbridge", "cloudwatch"):
        up.enter_context(running("exporters", sink, log=folder / f"{sink}.log", **dock))
    port = free_port()
    dock["EXPORTERS_METRICS_PORT"] = port
    return up.enter_context(running("exporters", "parquet", log=folder / "parquet.log", **dock)), port


def _has_caught_up(port):
    """Say whether an exporter has read every topic to its end."""
    page = text_string_to_metric_families(get_text(f"http://127.0.0.1:{port}/metrics"))
    lags = [sample.value for family in page for sample in family.samples if family.name == "leo_exporters_lag_records"]
    return bool(lags) and max(lags) == 0


def _all_said(broker, sky):
    """Say whether the gateway's incident is there and over."""
    incidents = {i.incident_id: i for i in map(decode_incident, read_all(broker, INCIDENTS))}
    return any(i.cause == "gateway_isolated" and not i.is_open for i in incidents.values()) and sky is not None


def _all_merged(broker):
    """Say whether the wholes come to what one bench makes of the partials."""
    bench = RollupBench()
    for value in read_all(broker, PARTIALS):
        bench.handle(Message(topic=PARTIALS.name, partition=0, offset=0, key=b"", value=value, timestamp_ms=0))
    said = [*bench.advance(0), *bench.advance(REPLACE_EVERY_NS)]
    return said and final(record.value for record in said) == final(read_all(broker, GATEWAY_ROLLUPS))


def test_each_fault_is_an_incident_with_the_right_root(road):
    broken = {label["root_id"] for label in road.labels}
    assert len(broken) == len(road.labels) == 3
    told = {
        i.incident_id: (i.root_id, i.cause, i.audience, i.started_at, i.changed_at, i.revision)
        for i in road.incidents.values()
    }
    roots = [incident.root_id for incident in road.incidents.values() if incident.root_id in broken]
    assert sorted(roots) == sorted(broken), told
    # Hills and trees take service from single terminals, too; that is for their tenants, or a critical one's own team.
    others = [incident for incident in road.incidents.values() if incident.root_id not in broken]
    assert {incident.audience for incident in others} <= {Audience.TENANT, Audience.OT_PAGE}, told


def test_the_gateway_failure_is_one_page_and_the_other_two_are_none(road):
    broken = {label["root_id"]: label["kind"] for label in road.labels}
    kinds = {i.incident_id: broken[i.root_id] for i in road.incidents.values() if i.root_id in broken}
    pages = [p for p in road.webhook.pages if p["receiver"] != "heartbeat" and p["status"] == "firing"]
    paged = [kinds.get(page["groupLabels"]["incident_id"]) for page in pages]
    assert paged.count("gateway_down") == 1
    assert {*paged} <= {"gateway_down", None}
    page = pages[paged.index("gateway_down")]
    assert {alert["labels"]["alertname"] for alert in page["alerts"]} == {"GatewayIsolated"}
    others = {page["receiver"] for page, kind in zip(pages, paged, strict=True) if kind is None}
    assert others <= {"ot-page"}, "a critical terminal behind a hill pages its own team, and nobody pages the NOC"


def test_each_event_is_found_by_its_key_in_influx(road, influx):
    wanted = road.of(*TOLD_APART)
    flux = f"""
        from(bucket: "{influx.bucket}") |> range(start: -1h)
          |> filter(fn: (r) => r._measurement == "event" and r._field == "event_key") |> keep(columns: ["_value"])
    """
    with InfluxDBClient(influx.url, influx.token, org=influx.org) as client:
        found = {row.get_value() for table in client.query_api().query(flux) for row in table.records}

    assert len(wanted) > 10
    assert set(wanted) <= found


def test_each_event_is_found_once_by_its_key_in_parquet(road):
    keys = connect(road.folder / "history").sql("select event_key, count(*) from events group by 1").fetchall()
    found = {(key.hex() if isinstance(key, bytes) else key): count for key, count in keys}

    assert set(road.events) <= set(found)
    assert set(found.values()) == {1}


def test_each_remarkable_event_reaches_the_queue_through_eventbridge(road):
    wanted = set(road.of(*TOLD_APART))
    sqs, found = road.aws.client("sqs"), set()

    def everything():
        got = sqs.receive_message(QueueUrl=road.queue_url, MaxNumberOfMessages=10).get("Messages", [])
        for message in got:
            found.add(json.loads(message["Body"])["detail"].get("event_key"))
            sqs.delete_message(QueueUrl=road.queue_url, ReceiptHandle=message["ReceiptHandle"])
        return wanted <= found

    until(everything, 60, "EventBridge delivers")


def test_prometheus_counts_every_kind_right(road):
    counted = {
        row["metric"]["kind"]: float(row["value"][1])
        for row in road.monitor.query("sum by (kind) (leo_events_total) > 0")
    }
    kinds = {detail["kind"] for detail in road.events.values()}

    assert counted == {kind: len(road.of(kind)) for kind in kinds}


def test_cloudwatch_counts_every_told_kind_right(road):
    cloudwatch = road.aws.client("cloudwatch")
    metrics = cloudwatch.list_metrics(Namespace="Leowatch", MetricName="events_count")["Metrics"]
    now_s = time.time()
    for metric in metrics:
        kind = metric["Dimensions"][0]["Value"]
        points = cloudwatch.get_metric_statistics(
            Namespace="Leowatch", MetricName="events_count", Dimensions=metric["Dimensions"], Period=60,
            StartTime=now_s - 3600, EndTime=now_s + 60, Statistics=["Maximum"],
        )["Datapoints"]  # fmt: skip
        said = sum(point["Maximum"] for point in points)
        # The minute that the run ends in is never over for every shard, so it is not told.
        last_minute = sum(1 for d in road.of(kind).values() if d.get("decided_at", "") >= _last_minute(road))
        assert len(road.of(kind)) - last_minute <= said <= len(road.of(kind)), kind
    assert {"handover", "outage_started", "gateway_isolated"} <= {m["Dimensions"][0]["Value"] for m in metrics}


def _last_minute(road):
    return max(d["decided_at"] for d in road.events.values())[:16]


def _samples(road):
    return sum(total.get("samples_count", 0) for total in road.windows.values())


def test_each_window_is_found_in_influx_as_its_last_revision_says_it(road, influx):
    def total(field):
        flux = f"""
            from(bucket: "{influx.bucket}") |> range(start: -1h)
              |> filter(fn: (r) => r._measurement == "rollup_gateway" and r._field == "{field}") |> group() |> sum()
        """
        with InfluxDBClient(influx.url, influx.token, org=influx.org) as client:
            return client.query_api().query(flux)[0].records[0].get_value()

    assert len({key[0] for key in road.windows}) >= MINUTES - 2
    assert total("samples_count") == _samples(road) > 50_000
    assert total("bad_s") == pytest.approx(sum(found.get("bad", 0) for found in road.windows.values()) / NS_PER_S)


def test_each_window_is_found_once_in_parquet_as_its_last_revision_says_it(road):
    rows = connect(road.folder / "history").sql("""
        select epoch_ns(window_start_at), gateway_id, pop_id, samples_count, good_s from rollups where samples_count > 0
    """).fetchall()  # fmt: skip
    ids = {"gateway": [g.gateway_id for g in road.inventory.gateways], "pop": [p.pop_id for p in road.inventory.pops]}
    found = [(at, gateway, pop, count, round(good_s * NS_PER_S)) for at, gateway, pop, count, good_s in rows]
    said = [
        (at, ids["gateway"][gateway] if gateway >= 0 else None, ids["pop"][pop] if pop >= 0 else None,
         total["samples_count"], total.get("good", 0))
        for (at, gateway, pop, _), total in road.windows.items() if "samples_count" in total
    ]  # fmt: skip
    assert sorted(map(str, found)) == sorted(map(str, said))


def test_prometheus_has_every_sample_and_bad_second_of_the_windows(road):
    def total(metric):
        return float(road.monitor.query(f"sum({metric})")[0]["value"][1])

    bad_s = sum(found.get("bad", 0) for found in road.windows.values()) / NS_PER_S
    assert total("leo_gateway_samples_total") == _samples(road)
    # A counter keeps what a correction takes away.
    assert bad_s - 0.001 <= total("leo_service_bad_seconds_total") <= 1.1 * bad_s + 60


def test_cloudwatch_has_the_windows_as_they_were_said_first(road):
    pages = road.aws.client("cloudwatch").get_paginator("list_metrics")
    metrics = [m for page in pages.paginate(Namespace="Leowatch", MetricName="samples_count") for m in page["Metrics"]]
    gateways = {each["Value"] for metric in metrics for each in metric["Dimensions"] if each["Name"] == "Gateway"}
    frames = [decode(value, ROLLUP_LAYOUTS, RollupHeader) for value in read_all(road.broker, GATEWAY_ROLLUPS)]
    first = [frame.columns["gateway_index"].tolist() for frame in frames if frame.header.revision == 1 and frame.rows]
    said = {road.inventory.gateways[index].gateway_id for indexes in first for index in indexes if index >= 0}

    assert said
    assert said <= gateways, "the stand-in is shared: other tests put windows of their gateways there, too"
