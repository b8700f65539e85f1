import msgspec
import pytest

from exporters.reading import last_revisions, read, read_all, replayed
from exporters.routing import is_ordinary
from ingest.contract.frame import RejectReason
from streams.contract.topics import INCIDENTS, TERMINAL_EVENTS
from tests.exporters.findings import NOON_NS, Log, S, a_directory, a_frame, an_event


def what(message):
    return read(message, message.value, a_directory())


def test_a_tick_says_the_time_and_nothing_else():
    reading = what(Log().events(clock_s=90))
    assert (reading.events, reading.clock_ns) == ((), NOON_NS + 90 * S)


def test_a_deletion_says_nothing():
    assert list(read_all([Log().message(INCIDENTS, None)], a_directory())) == []


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"{", RejectReason.UNPARSEABLE),
        (b"[]", RejectReason.UNPARSEABLE),
        (b"{}", RejectReason.MISSING_COLUMN),
    ],
)
def test_a_network_event_that_cannot_be_read_is_rejected_with_its_reason(value, reason):
    assert what(Log().network(value)).rejected.reason is reason


@pytest.mark.parametrize("instant", ["started_at", "ended_at"])
def test_a_network_event_without_a_real_instant_is_rejected(instant):
    assert what(Log().network(**{instant: "noon"})).rejected.reason is RejectReason.UNPARSEABLE


def test_a_network_event_of_a_newer_catalogue_is_counted_and_passed_over():
    reading = what(Log().network(kind="moon_in_the_way"))
    assert (reading.unknown_count, reading.events, reading.rejected) == (1, (), None)


def test_a_truncated_frame_is_rejected():
    message = Log().message(TERMINAL_EVENTS, a_frame(an_event())[:-40])
    assert what(message).rejected.reason in {RejectReason.TRUNCATED, RejectReason.UNPARSEABLE}


def test_a_word_outside_its_closed_list_is_rejected_and_does_not_raise():
    assert what(Log().events(an_event(cause=99))).rejected.reason is RejectReason.OUT_OF_RANGE


def test_a_topic_that_is_not_exported_is_rejected():
    message = msgspec.structs.replace(Log().network(), topic="truth.label.v1")
    assert what(message).rejected.reason is RejectReason.UNKNOWN_KIND


def test_a_replay_is_read_as_what_it_replays():
    message = msgspec.structs.replace(Log().network(), topic="replay.r1.events.network.v1")
    assert replayed(message.topic) == "events.network.v1"
    assert len(what(message).events) == 1


def test_of_several_revisions_in_a_batch_the_last_one_stays():
    events = [{"event_key": "a", "revision": 1}, {"event_key": "b", "revision": 1}, {"event_key": "a", "revision": 3}]
    assert last_revisions([*events, {"event_key": "a", "revision": 2}]) == [events[2], events[1]]


@pytest.mark.parametrize(
    ("event", "ordinary"),
    [
        ({"kind": "handover", "conformance": "on_time"}, True),
        ({"kind": "handover"}, True),
        ({"kind": "gateway_handover"}, True),
        ({"kind": "handover", "conformance": "late"}, False),
        ({"kind": "handover", "conformance": "on_time", "ping_pong": True}, False),
        ({"kind": "handover", "conformance": "on_time", "ping_pong": False, "short_stay": False}, True),
        ({"kind": "outage_started"}, False),
    ],
)
def test_only_a_handover_as_planned_is_ordinary(event, ordinary):
    assert is_ordinary(event) is ordinary
