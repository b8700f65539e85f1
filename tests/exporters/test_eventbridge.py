import json

import pytest

from exporters.eventbridge import EventBridgeSink
from exporters.eventbridge_entries import (
    CALL_BYTES,
    Entry,
    check_bus,
    event_entry,
    incident_entry,
    outcome,
    size_bytes,
)
from ingest.contract.bus import Fatal, Retry
from ingest.contract.frame import Rejected, RejectReason
from streams.contract.catalogue import CATALOGUE, KIND_BY_NAME
from streams.contract.vocabulary import IncidentState
from tests.exporters.aws_doubles import TIMEOUT, Client, refusal
from tests.exporters.findings import NOON, Log, a_directory, an_event, an_incident


def a_detail(**fields):
    return {
        "event_id": "ab.1", "event_key": "ab", "kind": "outage_started", "detail_type": "TerminalOutageStarted",
        "subject_kind": "terminal", "subject_id": "t-3", "started_at": NOON, **fields,
    }  # fmt: skip


def a_sink(client, **how):
    return EventBridgeSink(client, "leowatch", a_directory(), **how)


def sent_ids(client):
    return [json.loads(entry["Detail"])["event_id"] for call in client.calls for entry in call]


def nested(levels):
    detail = {}
    for _ in range(levels):
        detail = {"in": detail}
    return detail


def test_an_entry_carries_the_event_as_the_catalogue_says_it():
    entry = event_entry(a_detail(cause="power"))
    assert (entry.source, entry.detail_type, entry.time) == ("leowatch", "TerminalOutageStarted", NOON)
    assert entry.resources == ("leowatch:terminal:t-3",)
    assert json.loads(entry.detail) == a_detail(cause="power")


def test_every_detail_type_of_the_catalogue_fits_and_no_source_is_amazons():
    assert all(isinstance(event_entry(a_detail(detail_type=kind.detail_type)), Entry) for kind in CATALOGUE)
    assert not event_entry(a_detail()).source.startswith("aws.")


@pytest.mark.parametrize(
    ("detail", "reason"),
    [
        (a_detail(detail_type="T" * 129), RejectReason.TOO_LARGE),
        (a_detail(detail_type=""), RejectReason.TOO_LARGE),
        (a_detail(text="x" * CALL_BYTES), RejectReason.TOO_LARGE),
        (a_detail(text="é" * (CALL_BYTES // 2)), RejectReason.TOO_LARGE),
        (a_detail(deep=nested(1000)), RejectReason.TOO_LARGE),
        (a_detail(number=2**63), RejectReason.OUT_OF_RANGE),
        (a_detail(deep={"list": [{"number": -(2**63) - 1}]}), RejectReason.OUT_OF_RANGE),
    ],
)
def test_what_amazon_would_refuse_is_rejected_here(detail, reason):
    assert event_entry(detail).reason is reason


@pytest.mark.parametrize(
    "detail", [a_detail(detail_type="T" * 128), a_detail(number=2**63 - 1), a_detail(low=-(2**63))]
)
def test_what_is_just_within_a_limit_is_taken(detail):
    assert isinstance(event_entry(detail), Entry)


def test_the_size_counts_time_source_type_detail_and_resources_in_bytes():
    entry = Entry(event_id="", source="abc", detail_type="de", time=NOON, resources=("fg",), detail='"é"')
    assert size_bytes(entry) == 14 + 3 + 2 + 2 + 4


@pytest.mark.parametrize(("bus", "is_wrong"), [("", True), ("b", False), ("b" * 1600, False), ("b" * 1601, True)])
def test_a_bus_has_a_name_of_a_length(bus, is_wrong):
    assert (check_bus(bus) is not None) is is_wrong


@pytest.mark.parametrize("code", ["InternalFailure", "ThrottlingException"])
def test_only_amazons_own_failures_are_sent_again(code):
    assert outcome([{"EventId": "1"}, {"ErrorCode": code}]).retried == [1]


@pytest.mark.parametrize(
    "code",
    [
        "AccessDeniedException", "InvalidAccountIdException", "InvalidArgument", "MalformedDetail", "RedactionFailure",
        "NotAuthorizedForSourceException", "NotAuthorizedForDetailTypeException",
    ],
)  # fmt: skip
def test_what_no_retry_can_mend_is_refused(code):
    assert outcome([{"ErrorCode": code, "ErrorMessage": "no"}]).refused == [(0, f"{code}: no")]


def test_an_incident_says_in_its_type_what_state_it_has_come_to():
    opened, over = incident_entry(an_incident()), incident_entry(an_incident(revision=4, state=IncidentState.RESOLVED))
    assert (opened.detail_type, opened.event_id) == ("IncidentOpen", "inc-0123456789abcdef.1")
    assert (over.detail_type, over.event_id) == ("IncidentResolved", "inc-0123456789abcdef.4")
    assert not {opened.detail_type, over.detail_type} & {kind.detail_type for kind in KIND_BY_NAME.values()}


def test_calls_carry_at_most_ten_entries_and_ordinary_handovers_are_left_out():
    client, log = Client(), Log()
    events = [an_event(terminal=i % 8, at_s=i) for i in range(25)] + [an_event("handover", at_s=99)]
    a_sink(client).write([log.events(*events)])
    assert [len(call) for call in client.calls] == [10, 10, 5]
    opted_in = Client()
    a_sink(opted_in, ordinary_handovers=True).write([log.events(*events)])
    assert len(sent_ids(opted_in)) == 26


def test_of_a_call_that_fails_in_part_only_those_entries_are_sent_again():
    client, log = Client({1: "ThrottlingException", 2: "MalformedDetail"}, {1: "MalformedDetail"}), Log()
    sink, messages = a_sink(client), [log.events(*(an_event(at_s=i) for i in range(3)))]
    with pytest.raises(Retry, match="ThrottlingException"):
        sink.write(messages)
    written = sink.write(messages)
    first, again = client.calls
    assert [len(first), len(again)] == [3, 2]  # the malformed one is asked about again: its refusal was not yet kept
    assert first[0]["Detail"] not in {entry["Detail"] for entry in again}
    assert [refusal.rejected.reason for refusal in written.refused] == [RejectReason.SINK_REFUSED]


def test_an_entry_refused_for_good_goes_to_the_dead_letters_alone():
    client, log = Client({1: "AccessDeniedException"}), Log()
    written = a_sink(client).write([log.events(*(an_event(at_s=i) for i in range(3)))])
    (refused,) = written.refused
    assert refused.rejected.reason is RejectReason.SINK_REFUSED
    assert json.loads(refused.value)["started_at"] == "2025-10-03T12:00:01Z"


def test_a_reply_that_is_lost_repeats_the_same_id_and_a_reply_that_came_repeats_none():
    client, log = Client(TIMEOUT), Log()
    sink, messages = a_sink(client), [log.events(an_event()), log.events(an_event())]
    with pytest.raises(Retry):
        sink.write(messages)
    sink.write(messages)
    sink.write(messages)
    ids = sent_ids(client)
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_a_revision_is_another_id_and_is_sent():
    client, log = Client(), Log()
    sink = a_sink(client)
    sink.write([log.events(an_event())])
    sink.write([log.events(an_event(revision=2))])
    assert [event_id[-2:] for event_id in sent_ids(client)] == [".1", ".2"]


@pytest.mark.parametrize(
    "error", [refusal("ThrottlingException"), refusal("InternalException", 500), refusal("x", 503)]
)
def test_amazon_being_away_is_a_retry(error):
    with pytest.raises(Retry):
        a_sink(Client(error)).write([Log().events(an_event())])


def test_a_denial_is_fatal_before_the_first_entry_and_a_retry_after_it():
    log, denied = Log(), refusal("AccessDeniedException")
    with pytest.raises(Fatal):
        a_sink(Client(denied)).write([log.events(an_event())])
    sink = a_sink(Client({}, denied))
    sink.write([log.events(an_event())])
    with pytest.raises(Retry):
        sink.write([log.events(an_event(at_s=1))])


def test_a_call_that_is_refused_whole_is_halved_to_the_bad_entry():
    client, log = Client(refusal("ValidationException"), refusal("ValidationException")), Log()
    written = a_sink(client).write([log.events(*(an_event(at_s=i) for i in range(2)))])
    assert [len(call) for call in client.calls] == [2, 1, 1]
    assert len(written.refused) == 1


def test_an_unnamed_bus_is_fatal_before_the_first_record():
    with pytest.raises(Fatal, match="EXPORTERS_EVENTBRIDGE_BUS"):
        EventBridgeSink(Client(), "", a_directory())


def test_an_entry_that_is_too_large_is_a_value_and_not_an_error():
    assert isinstance(event_entry(a_detail(text="x" * 300_000)), Rejected)
