"""What is wrong with the network by its own frames: said when it begins and when it ends, once, however the rows come."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.contract.columns import row_count
from ingest.contract.telemetry import LAYOUTS
from streams.contract.catalogue import KIND_BY_CODE, KIND_BY_NAME, code_of
from streams.contract.events import EVENT, cell_id_of, cell_number, event_keys
from streams.detectors.network import CONDITIONS, WATCHED, NetworkState, step
from streams.thresholds import Thresholds
from tests.make import HEALTHY, START_NS, S, columns, network_frame
from tests.reference.condition import spans

LIMITS = Thresholds()
WAIT_S = LIMITS.reorder_wait_ns / S


def play(frames, state=None):
    """Feed frames; return the events, one dictionary each, in the order in which they are said."""
    state, said = state or NetworkState(), []
    for frame in frames:
        state, events = step(state, frame, LIMITS)
        said += [{name: values[i] for name, values in events.items()} for i in range(row_count(events))]
    return said


def told(events):
    """Return events as (kind, revision, subject, start, end or None), in seconds."""
    return [
        (KIND_BY_CODE[e["event_code"]].kind, e["revision"], e["subject_index"], _s(e["started_at_ns"]), _s(e["ended_at_ns"]))
        for e in events
    ]  # fmt: skip


def _s(at_ns):
    return None if at_ns < 0 else (int(at_ns) - START_NS) / S


def lived(kind, is_bad, bad, *, seconds=200, every_s=1, others=()):
    """Yield frames of one subject that is `bad` in some seconds, and of healthy others."""
    for at_s in range(0, seconds, every_s):
        mine = {"at_s": at_s, **(bad if is_bad(at_s) else {})}
        yield network_frame(kind, [mine, *({"at_s": at_s, **other} for other in others)], at_s)


# A row that is beyond the line, and the kind that says so.
BAD = {
    "gateway_isolated": ("gateway", {"antennas_in_service_count": 0}),
    "fibre_cut": ("gateway", {"fibre_a_up": 0}),
    "redundancy_lost": ("gateway", {"antennas_in_service_count": 7}),
    "pop_lost": ("pop", {"pair_in_service_count": 0}),
    "private_attachment_down": ("pop_attachment", {"bgp_up": 0}),
    "security_degraded": ("gateway", {"macsec_state": 2}),
    "route_anomaly": ("pop_egress", {"invalid_routes_count": 40}),
    "ddos_mitigation": ("pop", {"mitigation_state": 1}),
    "egress_congested": ("pop_egress", {"loss_ratio": 0.03}),
    "satellite_failed": ("satellite", {"lifecycle": 6}),
    "satellite_lifecycle": ("satellite", {"lifecycle": 4}),
    "satellite_manoeuvre": ("satellite", {"lifecycle": 3, "thrusting": 1}),
    "isl_down": ("laser", {"laser_state": 0}),
    "cell_oversubscribed": ("satellite_beam", {"load_ratio": 1.0}),
}
OTHER = {"gateway": "gateway_index", "pop": "pop_index", "pop_egress": "pop_index", "pop_attachment": "tenant_index",
         "satellite": "satellite_index", "laser": "satellite_index", "satellite_beam": "beam_id"}  # fmt: skip


def test_every_condition_of_the_table_is_tried_here():
    assert set(BAD) == {condition.kind for condition in CONDITIONS}


@pytest.mark.parametrize("kind", BAD)
def test_what_goes_beyond_its_line_is_said_once_and_its_end_once(kind):
    layout, bad = BAD[kind]
    condition = next(each for each in CONDITIONS if each.kind == kind)
    other = {OTHER[layout]: 5} | ({"cell_id": cell_id_of(9)} if layout == "satellite_beam" else {})
    events = play(lived(layout, lambda at_s: 20 <= at_s < 100, bad, others=[other]))

    hold_s, return_s = condition.begins_after_ns(LIMITS) / S, condition.ends_after_ns(LIMITS) / S
    subject = int(cell_number(HEALTHY[layout]["cell_id"])) if kind == "cell_oversubscribed" else 0
    ended = condition.ended_by or kind
    assert told(events) == [(kind, 1, subject, 20, None), (ended, 1 if condition.ended_by else 2, subject, 20, 100)]
    assert [_s(e["decided_at_ns"]) for e in events] == [20 + hold_s + WAIT_S, 100 + return_s + WAIT_S]
    assert (events[0]["event_key"] == events[1]["event_key"]) == (condition.ended_by is None)
    assert set(events[0]) <= set(EVENT.names())


@pytest.mark.parametrize("kind", BAD)
def test_what_is_well_is_not_spoken_of(kind):
    assert play(lived(BAD[kind][0], lambda _: False, {}, seconds=120)) == []


@pytest.mark.parametrize(
    "condition", [c for c in CONDITIONS if c.begins_after_ns(LIMITS)], ids=lambda c: f"{c.layout.kind}-{c.kind}"
)
def test_a_blink_shorter_than_the_hold_is_nothing(condition):
    layout, bad = BAD[condition.kind]
    if layout != condition.layout.kind:
        layout, bad = condition.layout.kind, {"pair_in_service_count": 1}
    if condition.kind == "security_degraded":
        bad = {"macsec_state": 1}
    blink_s = condition.begins_after_ns(LIMITS) // S

    assert play(lived(layout, lambda at_s: 20 <= at_s < 20 + blink_s, bad)) == []
    assert len(play(lived(layout, lambda at_s: 20 <= at_s < 21 + blink_s, bad))) == 2


@pytest.mark.parametrize("kind", ["egress_congested", "cell_oversubscribed"])
def test_a_value_between_the_two_lines_neither_begins_nor_ends_anything(kind):
    layout, column, between = {
        "egress_congested": ("pop_egress", "loss_ratio", 0.015),
        "cell_oversubscribed": ("satellite_beam", "load_ratio", 0.93),
    }[kind]
    bad = BAD[kind][1][column]
    frames = [network_frame(layout, [{"at_s": s, column: bad if 100 <= s < 200 else between}], s) for s in range(400)]

    assert [event[:2] for event in told(play(frames))] == [(kind, 1)]


def test_both_fibres_cut_is_isolation_and_no_cut_of_one():
    both = {"fibre_a_up": 0, "fibre_b_up": 0}

    assert [e[:2] for e in told(play(lived("gateway", lambda s: 20 <= s < 60, both)))] == [
        ("gateway_isolated", 1), ("gateway_restored", 1),
    ]  # fmt: skip


def test_the_second_fibre_leaves_the_cut_of_the_first_standing():
    first, both = {"fibre_a_up": 0}, {"fibre_a_up": 0, "fibre_b_up": 0}
    frames = [
        network_frame("gateway", [{"at_s": s, **(both if 60 <= s < 90 else first if 20 <= s < 120 else {})}], s)
        for s in range(200)
    ]

    assert told(play(frames)) == [
        ("fibre_cut", 1, 0, 20, None), ("gateway_isolated", 1, 0, 60, None),
        ("gateway_restored", 1, 0, 60, 90), ("fibre_cut", 2, 0, 20, 120),
    ]  # fmt: skip


def test_keys_that_are_being_changed_for_a_minute_have_failed():
    events = play(lived("gateway", lambda s: 20 <= s < 130, {"macsec_state": 1}))

    assert told(events) == [("security_degraded", 1, 0, 20, None), ("security_degraded", 2, 0, 20, 130)]


def test_a_satellite_on_its_way_up_fires_and_does_not_manoeuvre():
    assert play(lived("satellite", lambda s: s >= 20, {"lifecycle": 1, "thrusting": 1})) == []


def test_a_satellite_of_which_an_optional_column_is_missing_is_judged_by_the_others():
    frames = list(lived("satellite", lambda s: s >= 20, {"lifecycle": 6}))
    for frame in frames:
        del frame.columns["thrusting"]

    assert [event[0] for event in told(play(frames))] == ["satellite_failed"]


@pytest.mark.parametrize("layout", ["gateway", "pop"])
def test_who_falls_silent_while_others_speak_is_out_since_it_was_last_heard(layout):
    name = f"{layout}_index"
    frames = [
        network_frame(layout, [{"at_s": s, name: i} for i in ([0, 1] if s <= 20 or s > 60 else [1])], s)
        for s in range(100)
    ]
    events = play(frames)

    assert [(subject, start, end) for _, _, subject, start, end in told(events)] == [(0, 20, None), (0, 20, 61)]
    assert _s(events[0]["decided_at_ns"]) == 20 + WAIT_S + LIMITS.network_silent_ns / S


def test_all_silent_at_once_is_our_own_ear():
    frames = [
        *(network_frame("gateway", [{"at_s": s, "gateway_index": i} for i in (0, 1)], s) for s in range(20)),
        *(network_frame("pop", [{"at_s": s}], s) for s in range(20, 90)),
    ]

    assert play(frames) == []


def test_the_reach_is_what_was_attached_while_it_was_well():
    bad = {"antennas_in_service_count": 0, "terminals_attached_count": 3}
    (event, _) = play(lived("gateway", lambda s: 20 <= s < 60, bad, others=[{"gateway_index": 1}]))

    assert event["terminals_affected_count"] == 40


def test_two_tenants_whose_attachments_fail_at_one_pop_at_one_instant_are_two_events():
    bad = {"attachment_up": 0, "pop_index": 2}
    events = play(
        network_frame("pop_attachment", [{"at_s": s, **bad, "tenant_index": i} for i in (3, 4)], s) for s in range(20)
    )

    assert [(e["subject_index"], e["from_pop_index"]) for e in events] == [(3, 2), (4, 2)]
    assert len({bytes(e["event_key"]) for e in events}) == 2


def test_two_lasers_of_a_satellite_are_two_events():
    rows = [{"laser_state": 0, "peer_satellite_index": peer, "direction": peer} for peer in (1, 2)]
    events = play(network_frame("laser", [{"at_s": s, **row} for row in rows], s) for s in range(0, 60, 10))

    assert [e["to_satellite_index"] for e in events] == [1, 2]


def test_a_cell_is_named_by_a_number_that_gives_its_id_back():
    cell_id = HEALTHY["satellite_beam"]["cell_id"]

    assert cell_id_of(int(cell_number(np.array([cell_id]))[0])) == cell_id


def test_what_is_told_afterwards_is_no_news():
    frames = list(lived("gateway", lambda _: True, {"antennas_in_service_count": 0}))
    late = [network_frame("gateway", [{"at_s": s, "antennas_in_service_count": 0}], s, stored=True) for s in range(30)]

    assert play(late) == []
    assert len(play(frames)) == 1


# --- however they come -----------------------------------------------------------------------------------------------

_VALUES = {
    "gateway": {"gateway_index": st.integers(0, 2), "antennas_in_service_count": st.sampled_from([0, 7, 8]),
                "fibre_a_up": st.sampled_from([0, 1]), "fibre_b_up": st.sampled_from([0, 1]),
                "macsec_state": st.sampled_from([-1, 0, 1, 2])},
    "pop": {"pop_index": st.integers(0, 2), "pair_in_service_count": st.integers(0, 2),
            "mitigation_state": st.sampled_from([-1, 0, 1])},
    "pop_egress": {"pop_index": st.integers(0, 1), "egress": st.integers(0, 2),
                   "loss_ratio": st.sampled_from([0.0, 0.015, 0.03, float("nan")]),
                   "invalid_routes_count": st.sampled_from([-1, 0, 9, 10])},
}  # fmt: skip


@st.composite
def histories(draw):
    """Draw rows of one kind of frame, an instant each, that stay as they are for long enough to matter."""
    kind = draw(st.sampled_from(sorted(_VALUES)))
    stretches = draw(
        st.lists(st.tuples(st.fixed_dictionaries(_VALUES[kind]), st.integers(1, 40)), min_size=1, max_size=12)
    )
    at_s, rows = draw(st.integers(0, 5)), []
    for row, length_s in stretches:
        rows += [{"at_s": at_s + i, **row} for i in range(length_s)]
        at_s += length_s if draw(st.booleans()) else 0
    return kind, rows


@settings(max_examples=25, deadline=None)
@given(histories(), st.integers(0, 2**32))
def test_the_slow_twin_says_the_same_however_rows_are_cut_shuffled_and_repeated(history, seed):
    kind, rows = history
    chance = random.Random(seed)
    # Each row arrives within the time that rows are waited for; some arrive twice.
    arrivals = sorted(
        (row["at_s"] + chance.uniform(0, WAIT_S - 0.01), i)
        for i, row in enumerate(rows)
        for _ in range(chance.choice([1, 1, 2]))
    )
    frames, last_s = [], max(row["at_s"] for row in rows)
    while arrivals:
        size = chance.randint(1, 6)
        part, arrivals = arrivals[:size], arrivals[size:]
        frames.append(network_frame(kind, [rows[i] for _, i in part], part[0][0]))
    frames.append(network_frame("satellite", [], last_s + WAIT_S))
    events = play(frames)

    plain = [
        dict(zip(made, values, strict=True))
        for made in [columns([_row(kind, r) for r in rows], LAYOUTS[kind], _row(kind, rows[0]))]
        for values in zip(*(v.tolist() for v in made.values()), strict=True)
    ]
    expected = set()
    for condition in CONDITIONS:
        if condition.layout.kind == kind:
            for (subject, *_), start, end, value in spans(condition, plain, LIMITS):
                expected.add((condition.kind, subject, start, None, round(value, 4)))
                if end is not None:
                    expected.add((condition.ended_by or condition.kind, subject, start, end, round(value, 4)))
    silent = {e["subject_index"] for e in events if np.isnan(e["observed_value"])}
    assert {_fact(e) for e in events if e["subject_index"] not in silent} == {e for e in expected if e[1] not in silent}


def _row(kind, row):
    return (
        {"observed_at_ns": START_NS + row["at_s"] * S} | HEALTHY[kind] | {k: v for k, v in row.items() if k != "at_s"}
    )


def _fact(event):
    kind, _, subject, _, _ = told([event])[0]
    end = int(event["ended_at_ns"])
    return (
        kind,
        int(subject),
        int(event["started_at_ns"]),
        None if end < 0 else end,
        round(float(event["observed_value"]), 4),
    )


def test_the_identity_of_an_event_is_that_of_its_kind_subject_and_start():
    (event,) = play(lived("gateway", lambda _: True, {"antennas_in_service_count": 0}, others=[{"gateway_index": 1}]))
    same = {
        "event_code": np.array([code_of("gateway_isolated")]), "subject_kind": np.array([2]),
        "subject_index": np.array([0]), "started_at_ns": np.array([START_NS]),
    }  # fmt: skip

    assert bytes(event["event_key"]) == bytes(event_keys(same)[0])


def test_every_column_that_an_event_carries_is_among_its_kinds_fields():
    for condition in CONDITIONS:
        fields = set(KIND_BY_NAME[condition.kind].fields)
        wanted = {condition.endpoint, "terminals_affected_count" if condition.reach else None} - {None}
        assert wanted <= fields, condition.kind
        assert ("ended_at_ns" in fields) == (condition.ended_by is None), condition.kind
        assert ("expected" in fields) == condition.excusable, condition.kind
    assert set(WATCHED) <= set(LAYOUTS)
