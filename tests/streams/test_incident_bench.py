"""Gateway frames and event frames in, incidents out: a fault is one, and planned work is none until it lasts too long."""

import numpy as np
import pytest
from msgspec import structs

from ingest.contract.bus import Message
from ingest.contract.columns import take
from ingest.contract.control import MaintenanceWindow
from ingest.contract.frame import encode
from ingest.contract.packing import Packer, Versions
from ingest.contract.plan import PLAN
from ingest.contract.telemetry import GATEWAY, LAYOUTS
from ingest.contract.topics import CONTACT_PLAN, GATEWAY_TELEMETRY, TOPIC_OF_KIND
from ingest.contract.vocabulary import SubjectKind
from streams.contract.catalogue import code_of
from streams.contract.detail import decode_detail
from streams.contract.events import EVENT, EventHeader, event_keys
from streams.contract.incidents import decode_incident
from streams.contract.topics import INCIDENTS, NETWORK_EVENTS, TERMINAL_EVENTS
from streams.contract.vocabulary import IncidentState
from streams.incident_bench import IncidentBench
from tests.make import HEALTHY, START_NS, S, columns, knowledge, plan_frame

LATENESS_NS = 30 * S


def window(end_s=120, *, gateway="g1", version=1):
    return MaintenanceWindow(
        window_id="w", subject_kind=SubjectKind.GATEWAY, subject_id=gateway, start_at_ns=START_NS,
        end_at_ns=START_NS + end_s * S, version=version, by="ann",
    )  # fmt: skip


def said(*windows, down=range(20, 200), seconds=240, version=1):
    """Play a network whose gateway 1 is down; return (network events, incidents) in order."""
    return played(
        GATEWAY.kind, lambda second, at_ns: gateways(at_ns, is_down=second in down), windows, seconds, version=version
    )


def played(kind, rows_at, windows, seconds, *, version=1):
    """Play a frame of one kind a second, and a tick after it; return (network events, incidents) in order."""
    packer = Packer(producer_id="feed", shard_count=1, partition_count=1)
    packer.versions = Versions(inventory=1, maintenance=version)
    bench, found = IncidentBench(knowledge(4, maintenance=windows)), []
    for second in range(seconds):
        at_ns = START_NS + second * S
        frame = packer.source(kind, "feed", rows_at(second, at_ns), at_ns)
        found += bench.handle(message(TOPIC_OF_KIND[kind], frame.value))
        header = EventHeader(
            kind=EVENT.kind, version=EVENT.version, shard=0, shard_count=1, watermark_ns=at_ns - LATENESS_NS,
            clock_ns=at_ns, inventory_version=1,
        )  # fmt: skip
        found += bench.handle(message(TERMINAL_EVENTS, encode(header, EVENT, {})))
    events = [decode_detail(r.value) for r in found if r.topic == NETWORK_EVENTS]
    return events, [decode_incident(r.value) for r in found if r.topic == INCIDENTS]


def gateways(at_ns, *, is_down):
    return {c.name: np.ones(4, c.numpy_type) for c in GATEWAY.columns if c.required} | {
        "gateway_index": np.arange(4, dtype=np.int32),
        "observed_at_ns": np.full(4, at_ns),
        "antennas_in_service_count": np.array([8, 0 if is_down else 8, 8, 8], np.int16),
        "fibre_a_up": np.ones(4, np.int8),
        "fibre_b_up": np.ones(4, np.int8),
    }


def message(topic, value):
    return Message(topic=topic.name, partition=0, offset=0, key=b"", value=value, timestamp_ms=0)


def told(events):
    return [(e["kind"], e["revision"], e.get("expected")) for e in events]


def test_a_gateway_that_falls_is_an_incident_that_is_paged():
    events, incidents = said()

    assert told(events) == [("gateway_isolated", 1, False), ("gateway_restored", 1, None)]
    assert {incident.root_id for incident in incidents} == {"g1"}
    assert any(incident.page_at for incident in incidents)


def test_a_gateway_that_is_worked_on_is_an_event_and_no_incident():
    events, incidents = said(window(end_s=220))

    assert told(events) == [("gateway_isolated", 1, True), ("gateway_restored", 1, None)]
    assert incidents == []


def test_work_that_outlasts_its_window_becomes_an_incident_then():
    events, incidents = said(window(end_s=120))

    assert told(events) == [
        ("gateway_isolated", 1, True), ("gateway_isolated", 2, False), ("gateway_restored", 1, None),
    ]  # fmt: skip
    assert len({event["event_key"] for event in events[:2]}) == 1
    assert events[1]["decided_at"].endswith("00:02:30Z")
    assert {incident.root_id for incident in incidents} == {"g1"}
    assert incidents[0].opened_at >= "2025-10-03T00:02:00Z"


def test_work_whose_gateway_is_back_a_little_late_is_no_incident():
    assert said(window(end_s=190))[1] == []


@pytest.mark.parametrize("windows", [[window(gateway="g2")], [window(version=2)]], ids=["another", "not yet named"])
def test_a_window_that_does_not_hold_for_it_excuses_nothing(windows):
    assert told(said(*windows)[0])[0] == ("gateway_isolated", 1, False)


def row(kind, at_ns, **fields):
    return {"observed_at_ns": at_ns} | HEALTHY[kind] | fields


def of_network(kind, fields, *windows, bad=range(20, 100), seconds=200):
    """Play one row a second of one kind of frame, `fields` in its bad seconds; return (network events, incidents)."""

    def rows_at(second, at_ns):
        return columns([row(kind, at_ns, **(fields if second in bad else {}))], LAYOUTS[kind], row(kind, at_ns))

    return played(kind, rows_at, windows, seconds)


def test_a_link_in_the_clear_wakes_security_at_once_and_by_its_own_team():
    events, incidents = of_network("gateway", {"macsec_state": 2})

    assert [(e["kind"], e["revision"], e.get("ended_at") is not None) for e in events] == [
        ("security_degraded", 1, False), ("security_degraded", 2, True),
    ]  # fmt: skip
    assert incidents[-1].opening.audience.team == "soc"
    assert next(i for i in incidents if i.pages).page_at.endswith("00:00:50Z")


def test_planned_work_explains_a_cut_fibre_and_no_link_in_the_clear():
    cut, no_ticket = of_network("gateway", {"fibre_a_up": 0}, window(gateway="g0"))
    clear, incidents = of_network("gateway", {"macsec_state": 2}, window(gateway="g0"))

    assert [(e["revision"], e["expected"]) for e in cut] == [(1, True), (2, True)]
    assert no_ticket == []
    assert len(clear) == 2
    assert any(incident.pages for incident in incidents)


def test_work_on_a_pop_explains_the_attachments_that_hang_there():
    work = MaintenanceWindow(
        window_id="w", subject_kind=SubjectKind.POP, subject_id="p0", start_at_ns=START_NS,
        end_at_ns=START_NS + 120 * S, version=1, by="ann",
    )  # fmt: skip
    events, no_ticket = of_network("pop_attachment", {"attachment_up": 0}, work)

    assert [e["expected"] for e in events] == [True, True]
    assert no_ticket == []


def test_work_that_outlasts_its_window_is_said_again_and_its_end_comes_after_that():
    events, incidents = of_network("gateway", {"fibre_a_up": 0}, window(end_s=40, gateway="g0"), seconds=320)

    assert [(e["revision"], e["expected"], "ended_at" in e) for e in events] == [
        (1, True, False), (2, False, False), (3, False, True),
    ]  # fmt: skip
    assert incidents[-1].state is IncidentState.RESOLVED


def test_a_record_of_the_network_read_again_says_the_same_under_the_same_key():
    first, again = (of_network("pop", {"pair_in_service_count": 0})[0] for _ in range(2))

    assert first == again
    assert len(first) == 2


def test_a_plan_in_parts_is_heard_once_when_its_last_part_is_here():
    header, whole = plan_frame(0, {7: 1, 8: 2}, version=2, published_s=-10.0)
    bench, said = IncidentBench(knowledge(4)), []
    for part in (1, 0):
        about = structs.replace(header, supersedes=1, part=part, complete=part == 1)
        value = encode(about, PLAN, take(whole, slice(part, part + 1)))
        said.append([decode_detail(record.value)["kind"] for record in bench.handle(message(CONTACT_PLAN, value))])

    assert said == [[], ["plan_superseded"]]


def test_a_gateway_and_a_terminal_that_the_inventory_adds_are_known_from_then_on():
    small = knowledge(1)
    small.inventory.gateways[2:] = []
    bench = IncidentBench(small)
    packer = Packer(producer_id="gateways", shard_count=1, partition_count=1)
    bench.know(knowledge(4))
    frame = packer.source(GATEWAY.kind, "feed", gateways(START_NS, is_down=False), START_NS)
    bench.handle(message(GATEWAY_TELEMETRY, frame.value))
    started = START_NS + S
    outage = columns(
        [{"event_code": code_of("outage_started"), "subject_kind": 0, "subject_index": 3, "started_at_ns": started,
          "revision": 1, "from_gateway_index": 3, "ended_at_ns": -1}],
        EVENT, {"event_code": 0, "subject_kind": 0, "subject_index": 0, "started_at_ns": 0, "revision": 1,
                "from_gateway_index": -1, "ended_at_ns": -1},
    )  # fmt: skip
    header = EventHeader(
        kind=EVENT.kind, version=EVENT.version, shard=0, shard_count=1, watermark_ns=START_NS + 60 * S,
        clock_ns=START_NS + 90 * S, inventory_version=1,
    )  # fmt: skip
    found = bench.handle(message(TERMINAL_EVENTS, encode(header, EVENT, {"event_key": event_keys(outage), **outage})))

    assert [decode_incident(record.value).root_id for record in found if record.topic == INCIDENTS] == ["t3"]
