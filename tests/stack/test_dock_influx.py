"""The InfluxDB sink against the real server: what it refuses, and when it is away."""

import influxdb_client
import pytest

from exporters.influx import Destination, InfluxSink
from exporters.influx_points import event_line
from ingest.contract.bus import Fatal, Retry
from tests.exporters.findings import NOON, Log, a_directory, an_event, key_of

DAY = "range(start: 2025-10-03T00:00:00Z, stop: 2025-10-04T00:00:00Z)"


@pytest.fixture
def bucket(influx, request):
    """A bucket of the test's own."""
    with influxdb_client.InfluxDBClient(influx.url, influx.token, org=influx.org) as client:
        return client.buckets_api().create_bucket(bucket_name=request.node.name, org=influx.org).name


def a_destination(influx, into, **how):
    return Destination(**{"url": influx.url, "token": influx.token, "org": influx.org, "bucket": into} | how)


def values(influx, bucket, measurement, field):
    with influxdb_client.InfluxDBClient(influx.url, influx.token, org=influx.org) as client:
        flux = f"""from(bucket: "{bucket}") |> {DAY}
            |> filter(fn: (r) => r._measurement == "{measurement}" and r._field == "{field}") |> group()"""
        return sorted(record.get_value() for table in client.query_api().query(flux) for record in table.records)


@pytest.mark.parametrize("wrong", [{"token": "wrong"}, {"bucket": "nowhere"}, {"org": "nobody"}])
def test_a_wrong_setting_is_fatal_before_the_first_record(influx, wrong):
    with pytest.raises(Fatal, match="EXPORTERS_INFLUX"):
        InfluxSink(a_destination(influx, influx.bucket, **wrong), a_directory())


@pytest.mark.parametrize("gzip", [True, False])
def test_events_incidents_and_windows_are_found_by_flux_and_once_though_written_twice(influx, bucket, gzip):
    log = Log()
    sink = InfluxSink(a_destination(influx, bucket, gzip=gzip), a_directory())
    events = [an_event(cause=13), an_event("tilt_critical", terminal=1, tilt_change_deg=40.0)]
    messages = [log.events(*events), log.network(), log.incident(), log.rollup()]
    for _ in range(2):
        assert sink.write(messages).refused == []
    keys = [key_of(event) for event in events]
    assert values(influx, bucket, "event", "event_key") == sorted([*keys, "ab" * 16])
    assert values(influx, bucket, "incident", "state") == ["open"]
    assert values(influx, bucket, "rollup_gateway", "samples_count") == [60]


def test_two_handovers_of_a_terminal_in_the_same_nanosecond_are_two_points(influx, bucket):
    handovers = [an_event("handover", conformance=3, to_satellite_index=i) for i in range(2)]
    InfluxSink(a_destination(influx, bucket), a_directory()).write([Log().events(*handovers)])
    assert values(influx, bucket, "event", "event_key") == sorted(map(key_of, handovers))


def test_a_line_whose_type_conflicts_is_found_and_the_others_are_stored(influx, bucket):
    with influxdb_client.InfluxDBClient(influx.url, influx.token, org=influx.org) as client:
        text_first = {
            "event_key": "00" * 16, "revision": 1, "kind": "x", "subject_kind": "gateway", "subject_id": "g", "started_at": NOON
        }  # fmt: skip
        line = event_line(text_first).replace("revision=1i", 'duration_s="somebody else\'s text"')
        client.write_api(write_options=influxdb_client.client.write_api.SYNCHRONOUS).write(bucket, record=line)
    log = Log()
    good = [an_event(terminal=i) for i in range(7)]
    bad = an_event("outage_ended", duration_s=3.0)
    sink = InfluxSink(a_destination(influx, bucket), a_directory())
    (refused,) = sink.write([log.events(*good[:4], bad, *good[4:])]).refused
    assert key_of(bad).encode() in refused.value
    assert "conflict" in refused.rejected.detail
    assert set(values(influx, bucket, "event", "event_key")) >= {key_of(event) for event in good}


def test_what_lies_beyond_retention_is_refused_without_a_search(influx):
    with influxdb_client.InfluxDBClient(influx.url, influx.token, org=influx.org) as client:
        hour = influxdb_client.BucketRetentionRules(type="expire", every_seconds=3600)
        client.buckets_api().create_bucket(bucket_name="an-hour", org=influx.org, retention_rules=hour)
    sink = InfluxSink(a_destination(influx, "an-hour"), a_directory())
    asked = []
    send = sink._send_text
    sink._send_text = lambda text: (asked.append(text), send(text))
    refused = sink.write([Log().events(*(an_event(terminal=i) for i in range(8)))]).refused
    assert len(refused) == 8
    assert len(asked) == 1


def test_a_server_that_is_killed_is_a_retry_and_after_it_everything_is_there(influx, bucket):
    sink = InfluxSink(a_destination(influx, bucket), a_directory())
    messages = [Log().events(an_event())]
    influx.process.kill()
    with pytest.raises(Retry):
        sink.write(messages)
    influx.process.start()
    sink.write(messages)
    assert values(influx, bucket, "event", "event_key") == [key_of(an_event())]
