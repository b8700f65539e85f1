import re

import pytest

from exporters.influx_points import event_line, incident_line, point_time_ns, rollup_lines
from exporters.reading import read
from streams.contract.vocabulary import IncidentState
from tests.exporters.findings import NOON, NOON_NS, Log, S, a_directory, an_event, an_incident

KEY = "0000002a" + "00" * 12


def an_event_said(**fields):
    return {
        "event_id": f"{KEY}.1", "event_key": KEY, "revision": 1, "kind": "outage_started", "severity": "warning",
        "subject_kind": "terminal", "subject_id": "t-3", "started_at": NOON, **fields,
    }  # fmt: skip


def test_an_event_is_a_point_under_its_kind_and_terminal_with_types_that_never_change():
    line = event_line(
        an_event_said(
            cause="power", cause_chain=["power", "booting"], from_satellite_id="60001", expected=False, duration_s=40,
            merged_count=2, ended_at="2025-10-03T12:00:40Z",
        )
    )  # fmt: skip
    assert line == (
        f'event,kind=outage_started,terminal_id=t-3 event_key="{KEY}",revision=1i,severity="warning",'
        f'started_at_ns={NOON_NS}i,ended_at_ns={NOON_NS + 40 * S}i,duration_s=40.0,from_satellite_id="60001",cause="power",'
        f'cause_chain="power,booting",expected=false,merged_count=2i {NOON_NS + 42}'
    )


def test_a_revision_lands_on_the_point_it_revises():
    first, second = (event_line(an_event_said(revision=r, cause=c)) for r, c in ((1, "unknown"), (2, "power")))
    assert (first.split()[0], first.split()[-1]) == (second.split()[0], second.split()[-1])


def test_two_events_of_a_terminal_in_the_same_nanosecond_are_two_points_within_the_millisecond():
    one, other = an_event_said(), an_event_said(event_key="0000002b" + "00" * 12)
    assert point_time_ns(one) != point_time_ns(other)
    assert 0 <= point_time_ns(other) - NOON_NS < 1_000_000


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("a b", r"gateway_id=a\ b,kind"),
        ("a,b=c", r"gateway_id=a\,b\=c,kind"),
        ("a\\", "gateway_id=a/,kind"),
        ("a\nb", r"gateway_id=a\ b,kind"),
    ],
)
def test_an_id_cannot_break_out_of_its_tag(given, written):
    assert written in event_line(an_event_said(subject_kind="gateway", subject_id=given))


def test_a_text_cannot_break_out_of_its_quotes():
    line = incident_line(an_incident(title='says "no" \\ and\nends'))
    assert r'title="says \"no\" \\ and ends"' in line
    assert "\n" not in line


def test_a_number_that_is_none_is_left_out():
    assert "duration_s" not in event_line(an_event_said(duration_s=float("nan")))


def test_an_incident_stays_at_its_opening_while_its_fields_change():
    opened = incident_line(an_incident())
    over = incident_line(an_incident(revision=9, state=IncidentState.RESOLVED, resolved_at="2025-10-03T12:09:00Z"))
    assert opened.startswith('incident,incident_id=inc-0123456789abcdef state="open",')
    assert 'state="resolved"' in over
    assert opened.split()[-1] == over.split()[-1] == str(NOON_NS)


def test_a_window_is_a_point_by_gateway_model_and_pop_without_what_is_not_known():
    message = Log().rollup(minute=1, drop_sum=float("nan"))
    (line,) = rollup_lines(read(message, message.value, a_directory()).rollup, a_directory().names(0))
    assert line.startswith("rollup_gateway,gateway_id=gw-1,model=pro,pop_id=fra revision=1i,samples_count=60i,")
    assert line.endswith(f" {NOON_NS + 60 * S}")
    assert "drop_sum" not in line
    assert "rtt_sum_ms=1800.0" in line


def test_every_field_of_a_real_event_is_well_formed():
    message = Log().events(
        an_event("handover", to_satellite_index=2, gap_s=1.5, conformance=2, ping_pong=1, handover_class=5)
    )
    (event,) = read(message, message.value, a_directory()).events
    fields = event_line(event).split(" ")[1]
    assert re.fullmatch(r'(\w+=("[^"]*"|-?\d+i|-?[\d.e+-]+|true|false),?)+', fields)
    assert 'to_satellite_id="60002"' in fields
    assert 'handover_class="satellite,gateway"' in fields
