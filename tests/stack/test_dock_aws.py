"""The EventBridge and CloudWatch sinks against moto behind a proxy that does wrong what a test tells it to."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from exporters.cloudwatch import CloudWatchSink
from exporters.delivery import Backoff, until_done
from exporters.eventbridge import EventBridgeSink
from ingest.contract.bus import Fatal, Retry
from tests.exporters.findings import NOON_NS, Log, S, a_directory, an_event, key_of
from tests.stack.servers.fault_proxy import (
    ACCESS_DENIED,
    BROKEN,
    THROTTLED,
    UNAVAILABLE,
    Cut,
    Hang,
    LoseReply,
    RefuseEntries,
)

ONE_TRY = {"retries": {"total_max_attempts": 1}, "read_timeout": 1}
NOON = datetime(2025, 10, 3, 12, tzinfo=UTC)


def delivered(sink, messages, attempts=10):
    """Write as the loop does, without its waits; return what was written and how many attempts failed."""
    failures = []

    def wait(_, away):
        failures.append(away)
        return len(failures) < attempts

    written = until_done(lambda: sink.write(messages), wait=wait, backoff=Backoff(), jitter=lambda: 0.0)
    return written, len(failures)


@pytest.fixture
def bus(moto, request):
    """A bus with a rule that puts everything of ours into a queue; `bus.ids()` empties it."""
    moto.reset()

    class Bus:
        name = "leowatch"
        events, sqs = moto.client("events"), moto.client("sqs")

        def ids(self):
            found = Counter()
            while received := self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
                for message in received:
                    found[json.loads(message["Body"])["detail"]["event_id"]] += 1
                    self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
            return found

    made = Bus()
    made.events.create_event_bus(Name=made.name)
    made.queue = made.sqs.create_queue(QueueName="all")["QueueUrl"]
    arn = made.sqs.get_queue_attributes(QueueUrl=made.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    made.events.put_rule(Name="all", EventBusName=made.name, EventPattern=json.dumps({"source": ["leowatch"]}))
    made.events.put_targets(Rule="all", EventBusName=made.name, Targets=[{"Id": "q", "Arn": arn}])
    return made


def thirteen():
    events = [an_event(at_s=i) for i in range(13)]
    return [Log().events(*events)], {f"{key_of(event)}.1" for event in events}


@pytest.mark.parametrize("fault", [THROTTLED, UNAVAILABLE, BROKEN, Cut(), Hang(3)])
def test_a_call_that_never_arrived_is_sent_again_and_every_event_arrives_once(bus, fault_proxy, fault):
    messages, ids = thirteen()
    fault_proxy.inject(fault, times=2, operation="PutEvents")
    _, failures = delivered(EventBridgeSink(fault_proxy.client("events", **ONE_TRY), bus.name, a_directory()), messages)
    assert failures == 2
    assert bus.ids() == Counter(ids)


def test_a_reply_that_is_lost_repeats_only_the_entries_of_that_call(bus, fault_proxy):
    messages, ids = thirteen()
    fault_proxy.inject(LoseReply(), operation="PutEvents")
    delivered(EventBridgeSink(fault_proxy.client("events", **ONE_TRY), bus.name, a_directory()), messages)
    found = bus.ids()
    assert set(found) == ids
    assert Counter(found.values()) == {2: 10, 1: 3}


def test_entries_that_are_throttled_in_a_call_are_sent_again_alone(bus, fault_proxy):
    messages, ids = thirteen()
    fault_proxy.inject(RefuseEntries((0, 7)), operation="PutEvents")
    delivered(EventBridgeSink(fault_proxy.client("events", **ONE_TRY), bus.name, a_directory()), messages)
    assert bus.ids() == Counter(ids)


def test_entries_that_are_refused_for_good_are_dead_letters_and_the_others_arrive(bus, fault_proxy):
    messages, ids = thirteen()
    fault_proxy.inject(RefuseEntries((3,), "NotAuthorizedForSourceException"), operation="PutEvents")
    sink = EventBridgeSink(fault_proxy.client("events", **ONE_TRY), bus.name, a_directory())
    written, failures = delivered(sink, messages)
    assert failures == 0
    (refused,) = written.refused
    assert set(bus.ids()) == ids - {json.loads(refused.value)["event_id"]}


def test_a_permission_withdrawn_in_mid_run_loses_nothing_and_one_never_given_is_fatal(bus, fault_proxy):
    sink = EventBridgeSink(fault_proxy.client("events", **ONE_TRY), bus.name, a_directory())
    fault_proxy.inject(ACCESS_DENIED, operation="PutEvents")
    messages, ids = thirteen()
    with pytest.raises(Fatal):
        sink.write(messages)
    delivered(sink, messages)
    fault_proxy.inject(ACCESS_DENIED, times=3, operation="PutEvents")
    later = an_event(at_s=99)
    _, failures = delivered(sink, [Log().events(later)])
    assert failures == 3
    assert bus.ids() == Counter({*ids, f"{key_of(later)}.1"})


def test_a_bus_that_is_not_there_is_fatal(bus, fault_proxy):
    with pytest.raises(Fatal, match="ResourceNotFound"):
        EventBridgeSink(fault_proxy.client("events", **ONE_TRY), "nowhere", a_directory()).write(thirteen()[0])


def cloudwatch(client):
    return CloudWatchSink(client, "Leowatch", a_directory(), now_ns=lambda: NOON_NS + 600 * S)


def maximum(moto, metric, dimensions, statistic="Maximum"):
    points = moto.client("cloudwatch").get_metric_statistics(
        Namespace="Leowatch", MetricName=metric, Dimensions=[{"Name": n, "Value": v} for n, v in dimensions.items()],
        StartTime=NOON, EndTime=NOON + timedelta(hours=1), Period=60, Statistics=[statistic],
    )["Datapoints"]  # fmt: skip
    return sorted((point["Timestamp"].minute, point[statistic]) for point in points)


def a_minute():
    log = Log()
    events = [an_event(at_s=i, decided_at_ns=NOON_NS + i * S) for i in range(5)]
    return [log.events(*events, clock_s=30), log.rollup(), log.events(clock_s=60), log.events(shard=1, clock_s=61)]


@pytest.mark.parametrize("fault", [THROTTLED, UNAVAILABLE, BROKEN, Cut(), Hang(3), LoseReply()])
def test_counts_read_with_maximum_are_right_whatever_happened_to_the_call(moto, fault_proxy, fault):
    moto.reset()
    fault_proxy.inject(fault, operation="PutMetricData")
    written, failures = delivered(cloudwatch(fault_proxy.client("cloudwatch", **ONE_TRY)), a_minute())
    assert (failures, written.held) == (1, {})
    assert maximum(moto, "events_count", {"Kind": "outage_started"}) == [(0, 5.0)]
    window = {"Gateway": "gw-1", "Pop": "fra", "Model": "pro"}
    assert maximum(moto, "bad_s", window) == [(0, 2.0)]
    assert maximum(moto, "pop_ping_latency_ms", window, "Average") == [(0, 30.0)]


def test_metrics_that_are_denied_before_the_first_datum_are_fatal_and_later_a_retry(moto, fault_proxy):
    moto.reset()
    sink, messages = cloudwatch(fault_proxy.client("cloudwatch", **ONE_TRY)), a_minute()
    fault_proxy.inject(ACCESS_DENIED, operation="PutMetricData")
    with pytest.raises(Fatal):
        sink.write(messages)
    delivered(sink, messages)
    fault_proxy.inject(ACCESS_DENIED, operation="PutMetricData")
    with pytest.raises(Retry):
        sink.write([Log().rollup(minute=3)])
