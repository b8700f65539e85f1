import itertools

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from exporters.contract.metrics import NETWORK_METRICS
from exporters.network_state import _Remembered
from exporters.prometheus import PrometheusSink, scrape_app
from ingest.contract.frame import encode
from ingest.contract.vocabulary import SubjectKind
from streams.contract.incidents import Opening
from streams.contract.rollups import ROLLUP, RollupHeader
from streams.contract.topics import GATEWAY_ROLLUPS
from streams.contract.vocabulary import Audience, Conformance, IncidentState, OutageCause, Severity
from tests.exporters.findings import NOON, NOON_NS, Log, S, a_directory, an_event


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def sink():
    caught_up = PrometheusSink(a_directory())
    caught_up.is_caught_up = True
    return caught_up


def scraped(sink):
    registry = CollectorRegistry()
    registry.register(sink)
    text = generate_latest(registry).decode()
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_every_metric_of_the_contract_is_there_with_its_type_labels_and_sentence(log, sink):
    started = an_event(cause=13)
    sink.write([log.events(started, an_event("handover", gap_s=1.0)), log.incident(), log.rollup()])
    sink.write([log.events(shard=1)])
    families = {family.name: family for family in sink.collect()}
    for metric in NETWORK_METRICS:
        family = families[metric.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (metric.type.value, metric.help)
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(metric.labels)
    assert len(families) == len(NETWORK_METRICS)


def test_an_event_is_counted_once_however_often_it_comes_and_however_often_it_is_revised(log, sink):
    ended = an_event("outage_ended", cause=13, duration_s=40.0, ended_at_ns=NOON_NS + 40 * S)
    revised = {**ended, "revision": 2, "duration_s": 42.0}
    sink.write([log.events(ended), log.events(ended)])
    sink.write([log.events(revised), log.events(ended), log.events(revised)])
    found = scraped(sink)
    assert found["leo_events_total", "outage_ended"] == 1
    assert found["leo_outage_seconds_total", "power"] == 42


def test_a_revision_of_what_was_long_forgotten_counts_nothing(log, sink):
    ended = an_event("outage_ended", cause=13, duration_s=40.0, revision=2)
    sink.write([log.events(ended)])
    found = scraped(sink)
    assert found["leo_events_total", "outage_ended"] == 0
    assert ("leo_outage_seconds_total", "power") not in found


def test_keys_are_forgotten_ten_minutes_of_log_time_later():
    remembered = _Remembered(600 * S)
    for second in range(2_000):
        remembered.put(("a", 0), second, 1.0, second * S)
    assert [1398 in remembered, 1399 in remembered, 1999 in remembered] == [False, True, True]


def test_handovers_are_counted_by_gateway_and_conformance_and_their_gaps_in_buckets(log, sink):
    handovers = [
        an_event("handover", at_s=i, to_gateway_index=1, conformance=int(Conformance.LATE), gap_s=gap_s)
        for i, gap_s in enumerate([0.0, 2.5])
    ]
    sink.write([log.events(*handovers, an_event("handover", at_s=9))])
    found = scraped(sink)
    assert found["leo_handovers_total", "late", "gw-1"] == 2
    assert found["leo_handovers_total", "none", "none"] == 1
    assert found["leo_handover_interruption_seconds_bucket", "2.0"] == 1
    assert found["leo_handover_interruption_seconds_count",] == 2
    assert found["leo_handover_interruption_seconds_sum",] == 2.5


def test_a_terminal_is_down_from_start_to_end_and_a_repeated_start_does_not_bring_it_down_again(log, sink):
    started = an_event(cause=13, from_gateway_index=1)
    sink.write([log.events(started)])
    assert scraped(sink)["leo_terminals_down_count", "gw-1"] == 1
    sink.write([log.events(an_event("outage_ended", ended_at_ns=NOON_NS + 9 * S)), log.events(started)])
    assert ("leo_terminals_down_count", "gw-1") not in scraped(sink)


def test_an_incident_is_open_on_the_wall_only_while_it_pages_and_under_the_labels_of_its_opening(log, sink):
    sink.write([log.incident(page_at=None)])
    assert not [name for name, *_ in scraped(sink) if name == "leo_incidents_open"]
    labels = ("gateway_isolated", "inc-0123456789abcdef", "critical", "noc")
    sink.write([log.incident(revision=2, severity=Severity.WARNING, cause="regional_outage")])
    found = scraped(sink)
    assert found["leo_incidents_open", *labels] == 1
    assert found["leo_incident_terminals_affected_count", labels[1]] == 5
    sink.write([log.incident(revision=3, state=IncidentState.RESOLVED, resolved_at=NOON), log.incident(revision=2)])
    found = scraped(sink)
    assert ("leo_incidents_open", *labels) not in found
    assert found["leo_incidents_total", "gateway_isolated", "critical"] == 1


def test_what_is_not_safe_is_on_the_wall_under_the_team_of_security(log, sink):
    opening = Opening(cause="security_degraded", severity=Severity.CRITICAL, audience=Audience.SOC_PAGE)
    sink.write([log.incident(cause="security_degraded", audience=Audience.SOC_PAGE, opening=opening)])
    labels = ("security_degraded", "inc-0123456789abcdef", "critical", "soc")
    assert scraped(sink)["leo_incidents_open", *labels] == 1


def test_a_restart_that_finds_only_the_last_revision_on_the_compacted_topic_labels_as_before(log, sink):
    changed = log.incident(revision=9, severity=Severity.WARNING, cause="regional_outage")
    sink.write([log.incident(), changed])
    again = PrometheusSink(a_directory())
    again.is_caught_up = True
    again.write([changed])
    labelled = [{one for one in scraped(s) if one[0] == "leo_incidents_open"} for s in (sink, again)]
    assert labelled[0] == labelled[1] != set()


def test_an_incident_from_before_the_field_is_labelled_by_what_it_says(log, sink):
    sink.write([log.incident(opening=None, cause="regional_outage")])
    assert scraped(sink)["leo_incidents_open", "regional_outage", "inc-0123456789abcdef", "critical", "noc"] == 1


@pytest.mark.parametrize(
    "quiet", [{"audience": Audience.TICKET}, {"stored": True}, {"state": IncidentState.ACKNOWLEDGED}]
)
def test_an_incident_that_wakes_nobody_is_not_open_on_the_wall(log, sink, quiet):
    sink.write([log.incident(**quiet)])
    assert not [name for name, *_ in scraped(sink) if name == "leo_incidents_open"]


def test_a_window_is_counted_once_and_a_correction_adds_only_what_is_new(log, sink):
    sink.write([log.rollup(), log.rollup(), log.rollup(revision=2, bad_s=5.0, unknown_s=0.0)])
    found = scraped(sink)
    assert found["leo_gateway_samples_total", "gw-1"] == 60
    assert found["leo_service_bad_seconds_total", "gw-1"] == 5
    assert found["leo_gateway_pop_ping_latency_seconds_bucket", "gw-1", "0.03"] == 50
    assert found["leo_gateway_pop_ping_latency_seconds_bucket", "gw-1", "0.04"] == 60
    assert found["leo_gateway_pop_ping_latency_seconds_count", "gw-1"] == 60
    assert found["leo_gateway_pop_ping_latency_seconds_sum", "gw-1"] == 1.8


def test_seconds_that_are_taken_away_and_given_back_are_counted_once(log, sink):
    sink.write([log.rollup(revision=revision, good_s=good_s) for revision, good_s in ((1, 60.0), (2, 40.0), (3, 60.0))])
    assert scraped(sink)["leo_service_good_seconds_total", "gw-1"] == 60


def test_a_window_that_is_corrected_after_two_hours_is_still_known(log, sink):
    sink.write([log.rollup(), log.rollup(minute=121), log.rollup(revision=2, bad_s=5.0)])
    found = scraped(sink)
    assert found["leo_gateway_samples_total", "gw-1"] == 120
    assert found["leo_service_bad_seconds_total", "gw-1"] == 5 + 2


def test_the_watermark_is_told_only_when_every_shard_has_been_heard(log, sink):
    sink.write([log.events(shard=0, clock_s=90)])
    assert ("leo_pipeline_watermark_timestamp_seconds",) not in scraped(sink)
    sink.write([log.events(shard=1, clock_s=60)])
    found = scraped(sink)
    assert found["leo_pipeline_watermark_timestamp_seconds",] == NOON_NS / S + 30
    assert found["leo_pipeline_clock_timestamp_seconds",] == NOON_NS / S + 90
    assert found["leo_pipeline_shards_seen_count",] == 2


def test_a_restart_at_the_epoch_shows_the_numbers_it_showed_before(log, sink):
    messages = [log.events(an_event(at_s=i), clock_s=60 + i) for i in range(5)]
    held = sink.write(messages[:3]).held
    sink.write(messages[3:])
    before = scraped(sink)
    again = PrometheusSink(a_directory(), epoch=held)
    again.is_caught_up = True
    again.write(messages)
    assert scraped(again) == before


def test_a_new_epoch_begins_with_a_scrape_and_no_event_falls_between(log):
    sink = PrometheusSink(a_directory(), epoch_span_ms=100_000)
    sink.is_caught_up = True
    total = last = 0

    def scrape():
        nonlocal total, last
        value = scraped(sink)["leo_events_total", "outage_started"]
        total += value if value < last else value - last  # what Prometheus' increase() does
        last = value
        return value

    messages = [log.events(an_event(at_s=i), clock_s=60 + i * 30) for i in range(12)]
    values, held = [], {}
    for message in messages:
        held = sink.write([message]).held
        values.append(scrape())
    assert total == 12
    assert max(values) < 12
    assert held["events.terminal.v1", 0] > 0
    again = PrometheusSink(a_directory(), epoch=held, epoch_span_ms=100_000)
    again.write(messages)
    assert scraped(again)["leo_events_total", "outage_started"] == last


def test_what_lies_before_the_epoch_says_who_is_down_but_is_not_counted(log):
    sink = PrometheusSink(a_directory(), epoch={("events.terminal.v1", 0): 1})
    sink.write([log.events(an_event(cause=13, from_gateway_index=1))])
    found = scraped(sink)
    assert found["leo_events_total", "outage_started"] == 0
    assert found["leo_terminals_down_count", "gw-1"] == 1


def test_a_scrape_is_refused_until_the_log_is_caught_up():
    sink, said = PrometheusSink(a_directory()), []
    app = scrape_app(sink)
    environ = {"PATH_INFO": "/metrics", "REQUEST_METHOD": "GET", "QUERY_STRING": ""}
    app(environ, lambda status, _: said.append(status))
    sink.is_caught_up = True
    body = b"".join(app(environ, lambda status, _: said.append(status)))
    assert [status.split()[0] for status in said] == ["503", "200"]
    assert b"leo_events_total" in body


def test_three_hundred_gateways_with_every_cause_and_conformance_stay_under_twenty_thousand_series():
    gateways, log = 300, Log()
    sink = PrometheusSink(a_directory(gateways=gateways))
    outages = [
        an_event(terminal=0, at_s=i, from_gateway_index=g, cause=int(c))
        for i, (g, c) in enumerate(itertools.product(range(gateways), OutageCause))
    ]
    handovers = [
        an_event("handover", terminal=0, at_s=i, to_gateway_index=g, conformance=c)
        for i, (g, c) in enumerate(itertools.product(range(gateways), [-1, *map(int, Conformance)]))
    ]
    header = RollupHeader(kind="rollup", version=1, window_start_ns=NOON_NS, window_end_ns=NOON_NS + 60 * S)
    ones = {c.name: np.ones(gateways, c.numpy_type) for c in ROLLUP.columns}
    ones |= {
        "gateway_index": np.arange(gateways, dtype="i4"),
        "pop_index": np.zeros(gateways, "i4"),
        "window_start_ns": np.full(gateways, NOON_NS, "i8"),
    }
    incidents = [log.incident(incident_id=f"inc-{i:016x}", root_kind=SubjectKind.GATEWAY) for i in range(300)]
    rollup = log.message(GATEWAY_ROLLUPS, encode(header, ROLLUP, ones))
    sink.write([log.events(*outages[:2400]), log.events(*outages[2400:]), log.events(*handovers), rollup, *incidents])
    assert 10_000 < sum(len(family.samples) for family in sink.collect()) < 20_000
