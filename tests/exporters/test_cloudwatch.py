import msgspec
import pytest

from exporters.cloudwatch import CloudWatchSink
from exporters.cloudwatch_data import Datum, Statistics, check_namespace, complaint, size_bytes
from ingest.contract.bus import Fatal, Retry
from ingest.contract.frame import RejectReason
from tests.exporters.aws_doubles import TIMEOUT, Client, refusal
from tests.exporters.findings import NOON_NS, Log, S, a_directory, an_event

NOW_NS = NOON_NS + 3600 * S
PLACE = ("events.terminal.v1", 0)


def a_datum(**changes):
    whole = Datum(metric="events_count", dimensions=(("Kind", "handover"),), at_ns=NOON_NS, unit="Count", value=1.0)
    return msgspec.structs.replace(whole, **changes)


def some_dimensions(count):
    return tuple((f"D{i}", "v") for i in range(count))


def four(value):
    return Statistics(count=1.0, total=value, minimum=1.0, maximum=1.0)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"metric": ""}, RejectReason.TOO_LARGE),
        ({"metric": "m" * 256}, RejectReason.TOO_LARGE),
        ({"dimensions": some_dimensions(31)}, RejectReason.TOO_LARGE),
        ({"dimensions": (("", "v"),)}, RejectReason.TOO_LARGE),
        ({"dimensions": (("n" * 256, "v"),)}, RejectReason.TOO_LARGE),
        ({"dimensions": (("n", "v" * 1025),)}, RejectReason.TOO_LARGE),
        ({"dimensions": (("n", ""),)}, RejectReason.TOO_LARGE),
        ({"dimensions": (("n", " "),)}, RejectReason.OUT_OF_RANGE),
        ({"dimensions": (("n", "Zürich"),)}, RejectReason.OUT_OF_RANGE),
        ({"dimensions": ((":n", "v"),)}, RejectReason.OUT_OF_RANGE),
        ({"unit": "dB"}, RejectReason.UNKNOWN_CHOICE),
        ({"resolution_s": 2}, RejectReason.UNKNOWN_CHOICE),
        ({"value": float("nan")}, RejectReason.NOT_A_NUMBER),
        ({"value": float("inf")}, RejectReason.NOT_A_NUMBER),
        ({"value": -float("inf")}, RejectReason.NOT_A_NUMBER),
        ({"value": 2.0**361}, RejectReason.OUT_OF_RANGE),
        ({"value": four(float("nan"))}, RejectReason.NOT_A_NUMBER),
        ({"value": four(-(2.0**361))}, RejectReason.OUT_OF_RANGE),
        ({"at_ns": NOW_NS - 14 * 86_400 * S - 1}, RejectReason.OUT_OF_RANGE),
        ({"at_ns": NOW_NS + 2 * 3600 * S + 1}, RejectReason.OUT_OF_RANGE),
    ],
)
def test_what_amazon_would_refuse_is_rejected_here(changes, reason):
    assert complaint(a_datum(**changes), NOW_NS).reason is reason


@pytest.mark.parametrize(
    "changes",
    [
        {}, {"metric": "m" * 255}, {"dimensions": some_dimensions(30)}, {"dimensions": ()}, {"value": 2.0**360},
        {"dimensions": (("n" * 255, "v" * 1024),)}, {"unit": "None"}, {"resolution_s": 1}, {"value": four(2.0**360)},
        {"at_ns": NOW_NS - 14 * 86_400 * S}, {"at_ns": NOW_NS + 2 * 3600 * S},
    ],
)  # fmt: skip
def test_what_is_just_within_a_limit_is_taken(changes):
    assert complaint(a_datum(**changes), NOW_NS) is None


@pytest.mark.parametrize(
    ("namespace", "is_wrong"),
    [("Leowatch", False), ("n" * 255, False), ("", True), ("n" * 256, True), (":n", True), ("AWS/Leo", True)],
)
def test_a_namespace_is_not_amazons(namespace, is_wrong):
    assert (check_namespace(namespace) is not None) is is_wrong


def a_sink(client):
    return CloudWatchSink(client, "Leowatch", a_directory(), now_ns=lambda: NOW_NS)


def values(client, metric="events_count"):
    return [
        (datum["Timestamp"].minute, datum["Dimensions"][0]["Value"], datum["Value"])
        for call in client.calls
        for datum in call
        if datum["MetricName"] == metric
    ]


def decided(second, **how):
    return an_event(at_s=second, decided_at_ns=NOON_NS + second * S, **how)


def test_a_minute_is_told_once_when_it_is_over_for_every_shard_and_held_until_then():
    client, log = Client(), Log()
    sink = a_sink(client)
    tick, first = log.events(clock_s=1), log.events(decided(5), decided(50), clock_s=59)
    assert sink.write([tick, first]).held == {PLACE: 1}
    assert sink.write([log.events(decided(70), clock_s=90)]).held == {PLACE: 1}
    assert sink.write([log.events(shard=1, clock_s=59)]).held == {PLACE: 1}
    assert client.calls == []
    assert sink.write([log.events(shard=1, clock_s=60)]).held == {PLACE: 2}
    sink.write([log.events(shard=1, clock_s=61)])
    assert values(client) == [(0, "outage_started", 2.0)]


def test_an_event_that_comes_again_or_is_revised_is_not_counted_again():
    client, log = Client(), Log()
    a_sink(client).write(
        [
            log.events(decided(5), clock_s=9), log.events(decided(5), clock_s=9), log.events(decided(5, revision=2), clock_s=9),
            log.events(clock_s=60), log.events(shard=1, clock_s=60),
        ]
    )  # fmt: skip
    assert values(client) == [(0, "outage_started", 1.0)]


def test_a_restart_from_what_was_held_tells_the_same_minute_the_same():
    client, log = Client(), Log()
    sink = a_sink(client)
    messages = [log.events(decided(5), clock_s=9), log.events(decided(65), clock_s=70), log.events(shard=1, clock_s=70)]
    held = sink.write(messages).held
    assert held == {PLACE: 1}
    again = a_sink(client)
    last = [log.events(clock_s=120), log.events(shard=1, clock_s=120)]
    again.write([m for m in messages + last if m.offset >= held.get((m.topic, m.partition), 0)])
    assert values(client) == [(0, "outage_started", 1.0), (1, "outage_started", 1.0)]


def test_an_event_that_comes_after_its_minute_was_told_makes_the_maximum_right():
    client, log = Client(), Log()
    sink = a_sink(client)
    sink.write(
        [log.network(decided_at="2025-10-03T12:00:05Z"), log.events(clock_s=90), log.events(shard=1, clock_s=90)]
    )
    late = log.network(key="cd" * 16, decided_at="2025-10-03T12:00:55Z")
    assert sink.write([late]).held == {}
    assert values(client) == [(0, "gateway_isolated", 1.0), (0, "gateway_isolated", 2.0)]


def test_an_incident_is_counted_in_the_minute_of_its_opening():
    client, log = Client(), Log()
    a_sink(client).write(
        [log.incident(), log.incident(revision=2), log.events(clock_s=90), log.events(shard=1, clock_s=90)]
    )
    assert values(client, "incidents_count") == [(0, "gateway_isolated", 1.0)]


def test_a_window_is_put_once_and_its_corrections_are_left_out():
    client, log = Client(), Log()
    sink = a_sink(client)
    sink.write([log.rollup()])
    sink.write([log.rollup(), log.rollup(revision=2, bad_s=9.0)])
    (call,) = client.calls
    found = {datum["MetricName"]: datum for datum in call}
    assert found["bad_s"]["Value"] == 2.0
    assert found["pop_ping_latency_ms"]["StatisticValues"] == {
        "SampleCount": 60.0, "Sum": 1800.0, "Minimum": 25.0, "Maximum": 40.0
    }  # fmt: skip
    assert {d["Name"]: d["Value"] for d in found["bad_s"]["Dimensions"]} == {
        "Gateway": "gw-1",
        "Pop": "fra",
        "Model": "pro",
    }


def test_data_go_in_few_calls_of_at_most_a_thousand():
    client, log = Client(), Log()
    a_sink(client).write([log.rollup(gateway=i % 3, minute=i // 3 - 60) for i in range(150)])
    counts = [len(call) for call in client.calls]
    assert max(counts) <= 1000
    assert len(counts) == 2
    assert sum(counts) == 150 * 7


def test_a_full_call_of_the_longest_data_stays_under_a_megabyte():
    longest = a_datum(metric="m" * 255, dimensions=tuple((f"{i:0255d}", "v" * 1024) for i in range(30)))
    assert size_bytes(longest) > 255 + 30 * (255 + 1024)
    assert 1000 * size_bytes(a_datum()) < 1_000_000


def test_a_lost_reply_puts_the_same_datum_again_and_nothing_else():
    client, log = Client(TIMEOUT), Log()
    sink = a_sink(client)
    messages = [log.events(decided(5), clock_s=9), log.events(clock_s=60), log.events(shard=1, clock_s=60)]
    with pytest.raises(Retry):
        sink.write(messages)
    assert sink.write(messages).held == {}
    assert values(client) == [(0, "outage_started", 1.0)] * 2


def test_a_datum_out_of_its_time_goes_to_the_dead_letters_even_if_amazon_is_away_meanwhile():
    client, log = Client(TIMEOUT), Log()
    sink = a_sink(client)
    messages = [log.rollup(minute=-30 * 1440), log.rollup()]
    with pytest.raises(Retry):
        sink.write(messages)
    refused = sink.write(messages).refused
    assert {refusal.rejected.reason for refusal in refused} == {RejectReason.OUT_OF_RANGE}
    assert len(refused) == len(client.calls[0])


def test_a_throttled_call_is_a_retry_and_a_first_denial_is_fatal():
    with pytest.raises(Retry):
        a_sink(Client(refusal("Throttling"))).write([Log().rollup()])
    with pytest.raises(Fatal):
        a_sink(Client(refusal("AccessDenied", 403))).write([Log().rollup()])
