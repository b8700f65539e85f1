"""One fault is one incident, whatever order its events come in."""

import random
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from ingest.contract.instants import NS_PER_S, to_rfc3339
from ingest.contract.inventory import Deployment, Gateway, Inventory, Pop, Tenant, Terminal
from ingest.contract.vocabulary import ServiceClass, SubjectKind
from streams.contract.catalogue import code_of
from streams.contract.detail import InventoryNames
from streams.contract.events import cell_number, event_keys
from streams.contract.incidents import decode_incident, encode_incident
from streams.contract.vocabulary import Audience, IncidentState, Remediation
from streams.incidents.correlator import Correlator
from streams.incidents.notice import children_columns
from tests.make import HEALTHY

START_NS = 1_759_449_600 * NS_PER_S
LATENESS_NS = 30 * NS_PER_S


def inventory(terminals=20, per_cell=10, service=ServiceClass.CONSUMER, special=()):
    """Return an inventory; `special` maps a terminal to fields that differ."""
    special = dict(special)
    return Inventory(
        [
            Deployment(version=1, shard_count=2),
            Tenant(tenant_id="t0", tenant_index=0),
            Pop(pop_id="p0", pop_index=0),
            Gateway(gateway_id="gw-a", gateway_index=0, pop_index=0),
            Gateway(gateway_id="gw-b", gateway_index=1, pop_index=0),
            *(
                Terminal(
                    terminal_id=f"ut-{i}", terminal_index=i, tenant_index=0,
                    **{"cell_id": i // per_cell, "service": service} | special.get(i, {}),
                )
                for i in range(terminals)
            ),
        ]
    )  # fmt: skip


def event(kind, subject, start_s, *, end_s=None, gateway=-1, decided_s=None, subject_kind=SubjectKind.TERMINAL, **more):
    row = {
        "event_code": np.array([code_of(kind)], np.int16),
        "subject_kind": np.array([subject_kind], np.int8),
        "subject_index": np.array([subject], np.int32),
        "started_at_ns": np.array([START_NS + int(start_s * NS_PER_S)]),
        "ended_at_ns": np.array([-1 if end_s is None else START_NS + int(end_s * NS_PER_S)]),
        "from_gateway_index": np.array([gateway], np.int32),
        "revision": np.array([1], np.int16),
        **{name: np.array([value]) for name, value in more.items()},
    }
    at_s = decided_s if decided_s is not None else (end_s if end_s is not None else start_s) + 5
    return at_s, {"event_key": event_keys(row), **row}


class Ways:
    """A plan that leads terminals through gateways, as a function says."""

    def __init__(self, planned, stock):
        self.planned, self.stock = planned, stock

    def planned_ways(self, terminals, at_ns):
        gateways = [self.planned(t, at) for t, at in zip(terminals.tolist(), at_ns.tolist(), strict=True)]
        nothing = np.full(len(terminals), -1)
        return {SubjectKind.POP: nothing, SubjectKind.GATEWAY: np.array(gateways, int), SubjectKind.SATELLITE: nothing}

    def planned_loads(self, at_ns):
        gateways = Counter(self.planned(terminal.terminal_index, at_ns) for terminal in self.stock.terminals)
        return {SubjectKind.POP: Counter(), SubjectKind.GATEWAY: gateways, SubjectKind.SATELLITE: Counter()}


def run(events, *, seconds=330, stock=None, planned=lambda _terminal, _at_ns: -1, seed=None, asks=1):
    """Play events at their decision second; return every change, in order."""
    stock = stock or inventory()
    correlator = Correlator(
        inventory=stock, names=InventoryNames(stock), ways=Ways(planned, stock), changes=lambda _: []
    )
    events = list(events)
    if seed is not None:
        random.Random(seed).shuffle(events)
    changes = []
    for second in range(seconds):
        for at_s, columns in events:
            if second - 1 < at_s <= second:
                correlator.hear(columns)
        now_ns = START_NS + second * NS_PER_S
        for shard in range(stock.shard_count):
            correlator.tick(shard, now_ns - LATENESS_NS, now_ns)
        for _ in range(asks):
            changes += correlator.advance()
    return changes


def last(changes):
    return {change.incident.incident_id: change.incident for change in changes}


def gateway_failure(gateway=0, start_s=60, end_s=120, terminals=range(8)):
    yield event("gateway_isolated", gateway, start_s, decided_s=start_s + 5, subject_kind=SubjectKind.GATEWAY)
    yield event(
        "gateway_restored", gateway, start_s, end_s=end_s, decided_s=end_s + 10, subject_kind=SubjectKind.GATEWAY
    )
    for i in terminals:
        yield event("outage_started", i, start_s + i % 3, gateway=gateway)
        yield event("outage_ended", i, start_s + i % 3, end_s=end_s - i % 2, gateway=gateway)


def test_a_gateway_failure_is_one_incident_with_its_terminals_as_children_and_one_page():
    changes = run(gateway_failure())

    (incident,) = last(changes).values()
    assert (incident.root_kind, incident.root_id, incident.cause) == (SubjectKind.GATEWAY, "gw-a", "gateway_isolated")
    assert incident.audience is Audience.NOC_PAGE
    assert incident.terminals_affected_count == 8
    assert incident.terminals_down_count == 0
    assert incident.state is IncidentState.RESOLVED
    assert incident.remediation is Remediation.MANUAL
    assert sum(a.incident.pages and not b.incident.pages for b, a in pairwise(changes)) <= 1
    assert any(change.incident.pages for change in changes)


def test_every_child_is_told_exactly_once():
    changes = run(gateway_failure())

    told = [child.event_key for change in changes for child in change.children]
    assert len(told) == len(set(told)) == 16
    assert len(children_columns(changes[-1].children)["event_key"]) == len(changes[-1].children)


def test_the_order_in_which_events_arrive_changes_nothing():
    straight = [change.incident for change in run(gateway_failure())]

    for seed in range(5):
        assert [change.incident for change in run(gateway_failure(), seed=seed)] == straight


def test_an_outage_that_begins_otherwise_and_meets_the_dead_gateway_in_its_next_slot_is_a_child():
    def planned(_terminal, at_ns):
        return 0 if at_ns >= START_NS + 90 * NS_PER_S else 1

    events = [
        event("gateway_isolated", 0, 60, subject_kind=SubjectKind.GATEWAY),
        event("outage_started", 3, 84, gateway=1),
        event("outage_ended", 3, 84, end_s=120, gateway=1),
    ]

    (incident,) = last(run(events, planned=planned)).values()
    assert (incident.root_id, incident.terminals_affected_count) == ("gw-a", 1)


def test_a_short_outage_before_the_slot_of_the_dead_gateway_is_none_of_its_children():
    def planned(_terminal, at_ns):
        return 0 if at_ns >= START_NS + 90 * NS_PER_S else 1

    events = [
        event("gateway_isolated", 0, 60, subject_kind=SubjectKind.GATEWAY),
        event("outage_started", 3, 65, gateway=1),
        event("outage_ended", 3, 65, end_s=88, gateway=1),
    ]

    found = {incident.root_id: incident for incident in last(run(events, planned=planned)).values()}
    assert found["gw-a"].terminals_affected_count == 0
    assert len(found) == 2


def test_an_outage_of_a_terminal_that_seldom_reports_is_the_gateways_though_it_is_dated_before_the_fall():
    stock = inventory(special={3: {"cadence_s": 15.0}})
    events = [
        event("gateway_isolated", 0, 60, subject_kind=SubjectKind.GATEWAY),
        event("outage_started", 3, 48, gateway=0),
        event("outage_started", 4, 48, gateway=0),
    ]

    found = {incident.root_id: incident for incident in last(run(events, stock=stock)).values()}
    assert found["gw-a"].terminals_affected_count == 1
    assert stock.terminals[4].terminal_id in found


def test_terminals_that_move_are_of_no_cell_and_make_no_area():
    stock = inventory(special={i: {"cell_id": -1} for i in range(20)})
    found = last(run([event("outage_started", i, 60) for i in range(12)], stock=stock))

    assert {incident.root_kind for incident in found.values()} == {SubjectKind.TERMINAL}


def test_a_terminal_that_the_plan_moves_onto_the_dead_gateway_is_a_child_though_it_was_served_by_another():
    events = [
        event("gateway_isolated", 0, 60, subject_kind=SubjectKind.GATEWAY),
        event("outage_started", 3, 90, gateway=1),
    ]

    (incident,) = last(run(events, planned=lambda terminal, _at_ns: 0 if terminal == 3 else 1)).values()

    assert incident.root_id == "gw-a"
    assert incident.terminals_affected_count == 1


def test_a_gateway_that_is_back_within_its_deadline_pages_nobody_and_counts_as_automatic():
    changes = run(gateway_failure(end_s=75))

    assert not any(change.incident.pages for change in changes)
    (incident,) = last(changes).values()
    assert incident.remediation is Remediation.AUTO


def led_round(at_s, *, left=0):
    """A gateway that stays down; all of its terminals but some are led round it at a time."""
    yield event("gateway_isolated", 0, 60, decided_s=65, subject_kind=SubjectKind.GATEWAY)
    for i in range(20):
        yield event("outage_started", i, 60, gateway=0)
        if i >= left:
            yield event("outage_ended", i, 60, end_s=at_s, gateway=0)


def test_a_gateway_that_its_terminals_are_led_round_in_time_pages_nobody():
    (incident,) = last(run(led_round(85))).values()

    assert not incident.pages
    assert (incident.terminals_affected_count, incident.terminals_down_count) == (20, 0)
    assert last(run(led_round(85, left=2))).popitem()[1].pages is False
    assert last(run(led_round(85, left=3))).popitem()[1].pages is True


def test_a_gateway_that_its_terminals_are_led_round_too_late_is_paged():
    (incident,) = last(run(led_round(91))).values()

    assert incident.page_at == to_rfc3339(START_NS + (60 + 30 + 30) * NS_PER_S)


def test_terminals_that_stay_down_when_their_gateway_is_back_have_incidents_of_their_own():
    events = [*gateway_failure(terminals=range(1, 20)), event("outage_started", 0, 60, gateway=0)]

    found = {incident.root_id: incident for incident in last(run(events)).values()}

    assert found["gw-a"].state is IncidentState.RESOLVED
    assert (found["gw-a"].terminals_affected_count, found["gw-a"].terminals_down_count) == (20, 0)
    assert found["ut-0"].is_open
    assert found["ut-0"].audience is Audience.TENANT
    assert len(found) == 2


def test_the_first_of_an_area_has_an_incident_of_its_own_name_when_it_stays_down_alone():
    stock = inventory(20, per_cell=20)
    events = [event("outage_started", i, 60 + 0.1 * i) for i in range(20)]
    events += [event("outage_ended", i, 60 + 0.1 * i, end_s=130) for i in range(1, 20)]

    found = {incident.root_kind: incident for incident in last(run(events, stock=stock)).values()}

    assert found[SubjectKind.CELL].state is IncidentState.RESOLVED
    assert (found[SubjectKind.TERMINAL].root_id, found[SubjectKind.TERMINAL].is_open) == ("ut-0", True)


def test_a_gateway_of_which_more_than_a_tenth_stay_down_is_not_over():
    events = [*gateway_failure(terminals=range(3, 20)), *(event("outage_started", i, 60, gateway=0) for i in range(3))]

    (incident,) = last(run(events)).values()

    assert incident.is_open
    assert incident.terminals_down_count == 3


def test_an_outage_that_began_just_before_its_gateways_fall_and_is_over_is_its_child():
    events = [
        event("outage_started", 3, 59, gateway=0),
        event("outage_ended", 3, 59, end_s=80, gateway=0),
        event("gateway_isolated", 0, 60, decided_s=65, subject_kind=SubjectKind.GATEWAY),
    ]

    (incident,) = last(run(events)).values()
    assert (incident.root_id, incident.terminal_ids) == ("gw-a", ["ut-3"])


def test_an_outage_that_is_withdrawn_leaves_nobody_down():
    events = [event("outage_started", 3, 60), event("outage_withdrawn", 3, 60, end_s=100)]

    (incident,) = last(run(events)).values()
    assert incident.terminals_down_count == 0
    assert incident.state is IncidentState.RESOLVED


def test_a_withdrawn_suspicion_does_not_end_the_outage_that_followed_it():
    events = [
        event("outage_started", 3, 60),
        event("outage_withdrawn", 3, 40, end_s=100),
    ]

    (incident,) = last(run(events)).values()
    assert incident.terminals_down_count == 1


def test_a_gateway_that_flaps_every_two_minutes_is_one_incident_and_one_page():
    flaps = [part for start_s in (60, 180, 300) for part in gateway_failure(start_s=start_s, end_s=start_s + 60)]

    changes = run(flaps, seconds=600)

    (incident,) = last(changes).values()
    assert incident.state is IncidentState.RESOLVED
    assert len({change.incident.page_at for change in changes if change.incident.pages}) == 1


def test_an_incident_names_the_earlier_ones_of_its_root():
    twice = [part for start_s in (60, 400) for part in gateway_failure(start_s=start_s, end_s=start_s + 60)]

    first, second = last(run(twice, seconds=700)).values()

    assert (first.similar, second.similar) == ([], [first.incident_id])


def test_a_second_trouble_of_a_root_joins_its_incident_and_wakes_whom_it_must():
    cut = event("fibre_cut", 0, 40, subject_kind=SubjectKind.GATEWAY)
    changes = run([cut, *gateway_failure(start_s=100, end_s=300)], seconds=250)

    assert len(last(changes)) == 1
    before = [change.incident for change in changes if change.incident.page_at is None]
    assert (before[0].audience, before[0].cause) == (Audience.TICKET, "fibre_cut")
    (incident,) = last(changes).values()
    assert (incident.audience, incident.cause) == (Audience.NOC_PAGE, "gateway_isolated")
    assert incident.page_at == to_rfc3339(START_NS + (100 + 30 + 30) * NS_PER_S)


def test_what_a_ticket_is_left_of_when_the_page_is_over_wakes_nobody_again():
    cut = event("fibre_cut", 0, 40, subject_kind=SubjectKind.GATEWAY)

    (incident,) = last(run([cut, *gateway_failure(start_s=100, end_s=115)], seconds=500)).values()

    assert incident.is_open
    assert incident.page_at is None


def test_what_is_not_safe_wakes_at_once_and_apart_from_service():
    broken = event("route_anomaly", 0, 60, subject_kind=SubjectKind.POP)
    changes = run([broken, *gateway_failure()], seconds=100)

    security = [change.incident for change in changes if change.incident.audience is Audience.SOC_PAGE]
    assert security[0].revision == 1
    assert security[0].pages
    assert security[0].root_id == "p0"
    assert len(last(changes)) == 2


def test_a_trouble_that_ends_with_a_revision_of_its_own_is_resolved():
    begun = event("fibre_cut", 0, 60, subject_kind=SubjectKind.GATEWAY)
    at_s, ended = event("fibre_cut", 0, 60, end_s=90, subject_kind=SubjectKind.GATEWAY)

    (incident,) = last(run([begun, (at_s, ended | {"revision": np.array([2], np.int16)})])).values()

    assert incident.state is IncidentState.RESOLVED


def places(stock_cells, *, apart_deg):
    """Cells in a row, so far apart in latitude."""
    return {
        i: {"cell_id": cell, "latitude_deg": cell * apart_deg, "longitude_deg": 9.0}
        for cell in stock_cells
        for i in range(cell * 10, cell * 10 + 10)
    }


def test_near_cells_that_fail_one_after_the_other_are_one_area_and_far_ones_two():
    outages = [event("outage_started", i, 60 if i < 10 else 130) for i in range(20)]

    near = last(run(outages, stock=inventory(60, special=places(range(6), apart_deg=0.5))))
    far = last(run(outages, stock=inventory(60, special=places(range(6), apart_deg=5.0))))

    assert [(one.root_kind, one.terminals_down_count) for one in near.values()] == [(SubjectKind.CELL, 20)]
    assert [one.terminals_down_count for one in far.values()] == [10, 10]


def test_cells_that_have_a_silent_gateway_in_common_are_that_gateways_incident():
    stock = inventory(100, special=places(range(10), apart_deg=5.0))
    outages = [event("outage_started", i, 60) for i in range(30)]

    (incident,) = last(run(outages, stock=stock, planned=lambda terminal, _: 0 if terminal < 33 else 1)).values()

    assert (incident.root_id, incident.cause) == ("gw-a", "regional_outage")
    assert incident.confidence_ratio < 0.9
    assert incident.pages


def test_terminals_of_one_gateway_that_go_down_one_after_the_other_say_nothing_of_it():
    stock = inventory(100, special=places(range(10), apart_deg=5.0))
    outages = [event("outage_started", i * 10, 60 + 16 * i) for i in range(8)]

    found = last(run(outages, stock=stock, planned=lambda terminal, _: 0 if terminal % 10 == 0 else 1))

    assert {incident.root_kind for incident in found.values()} == {SubjectKind.TERMINAL}


def found_dead_later(*, end_s):
    """An area of eight terminals, and their gateway, which is only said to be dead when they have paged."""
    yield from (event("outage_started", i, 60, gateway=0) for i in range(8))
    yield from (event("outage_ended", i, 60, end_s=end_s, gateway=0) for i in range(8))
    yield event("gateway_isolated", 0, 60, decided_s=140, subject_kind=SubjectKind.GATEWAY)
    yield event("gateway_restored", 0, 60, end_s=end_s, subject_kind=SubjectKind.GATEWAY)


def test_what_became_a_gateways_incident_explains_its_old_area_no_longer():
    other = event("outage_started", 9, 160, gateway=1)

    found = last(run([*found_dead_later(end_s=300), other], planned=lambda terminal, _: int(terminal == 9))).values()

    assert sorted(one.root_id for one in found) == ["gw-a", "ut-9"]


def test_a_gateways_second_fall_explains_nothing_that_began_between_the_two():
    again = event("gateway_isolated", 0, 400, subject_kind=SubjectKind.GATEWAY)
    between = event("outage_started", 12, 330)

    found = last(run([*found_dead_later(end_s=150), between, again], planned=lambda *_: 0, seconds=500)).values()

    assert [one.root_id for one in found if one.terminals_down_count] == ["ut-12"]


def test_when_most_of_all_terminals_are_out_whatever_leads_them_it_is_the_control_plane():
    seldom = {i: {"cadence_s": 60.0} for i in range(5, 100, 20)}
    stock = inventory(100, special={i: seldom.get(i, {}) | at for i, at in places(range(10), apart_deg=5.0).items()})
    outages = [event("outage_started", i, 20 if i in seldom else 60) for i in range(100) if i % 10]

    (incident,) = last(run(outages, stock=stock)).values()

    assert (incident.root_kind, incident.root_id) == (SubjectKind.CONTROL_PLANE, "control-plane")
    assert incident.terminals_down_count == 90


def test_those_that_went_down_alone_just_before_are_a_part_of_what_many_have_in_common():
    early = [event("outage_started", i, 60) for i in range(4)]
    late = [event("outage_started", i, 120) for i in range(4, 9)]

    changes = run([*early, *late])

    found = last(changes)
    standing = [incident for incident in found.values() if incident.is_open]
    assert [(one.root_kind, one.terminals_down_count) for one in standing] == [(SubjectKind.CELL, 9)]
    assert len(found) == 5
    merged = [incident for incident in found.values() if not incident.is_open]
    assert len(merged) == 4
    assert all(any(standing[0].incident_id in line.says for line in one.timeline) for one in merged)


def test_those_whose_outage_is_over_are_not_counted_with_those_that_follow():
    early = [event("outage_started", i, 60) for i in range(4)] + [
        event("outage_ended", i, 60, end_s=100) for i in range(4)
    ]
    late = [event("outage_started", i, 120) for i in range(4, 8)]

    assert {incident.root_kind for incident in last(run([*early, *late])).values()} == {SubjectKind.TERMINAL}


def test_one_that_is_out_again_before_its_incident_is_over_is_counted_with_those_that_follow():
    events = [event("outage_started", 0, 60), event("outage_ended", 0, 60, end_s=100), event("outage_started", 0, 115)]
    events += [event("outage_started", i, 130) for i in range(1, 5)]

    standing = [incident for incident in last(run(events)).values() if incident.is_open]

    assert [(one.root_kind, one.terminals_down_count) for one in standing] == [(SubjectKind.CELL, 5)]


def test_a_dead_cell_and_one_more_terminal_of_a_gateway_say_nothing_of_the_gateway():
    stock = inventory(100, special=places(range(10), apart_deg=5.0))
    outages = [event("outage_started", i, 60) for i in range(11)]

    found = last(run(outages, stock=stock, planned=lambda terminal, _: 0 if terminal < 20 else 1)).values()

    assert sorted((one.root_kind, one.terminals_down_count) for one in found) == [
        (SubjectKind.TERMINAL, 1), (SubjectKind.CELL, 10),
    ]  # fmt: skip


def test_who_reports_seldom_is_asked_of_the_plan_of_when_the_others_went_down():
    seldom = {i: {"cadence_s": 60.0} for i in (0, 10)}
    at = places(range(10), apart_deg=5.0)
    stock = inventory(100, special={i: seldom.get(i, {}) | there for i, there in at.items()})
    behind = [*range(0, 100, 10), 1]

    def planned(terminal, at_ns):
        return 0 if terminal in behind and at_ns < START_NS + 80 * NS_PER_S else 1

    outages = [event("outage_started", i, 30 if i in seldom else 60) for i in behind]

    (incident,) = last(run(outages, stock=stock, planned=planned)).values()
    assert (incident.root_id, incident.terminals_down_count) == ("gw-a", 11)


def test_more_out_than_a_plan_led_through_a_gateway_says_nothing_of_it():
    stock = inventory(100, special=places(range(10), apart_deg=5.0))

    def planned(terminal, at_ns):
        return 0 if terminal % 10 == 0 and at_ns > START_NS + 61 * NS_PER_S else 1

    outages = [event("outage_started", i, 60 if i == 55 else 62) for i in (55, *range(0, 90, 10))]

    found = last(run(outages, stock=stock, planned=planned)).values()
    assert {one.root_kind for one in found} == {SubjectKind.TERMINAL}


def test_nobody_who_was_woken_for_a_terminal_loses_it_to_a_gateway_that_is_found_dead_later():
    stock = inventory(special={0: {"service": ServiceClass.CRITICAL_OT}})
    events = [
        event("outage_started", 0, 60, gateway=0),
        event("gateway_isolated", 0, 60, decided_s=140, subject_kind=SubjectKind.GATEWAY),
    ]

    found = {incident.root_kind: incident for incident in last(run(events, stock=stock)).values()}

    assert found[SubjectKind.TERMINAL].pages
    assert found[SubjectKind.GATEWAY].terminals_affected_count == 0


def test_nobody_who_was_woken_for_a_terminal_is_told_that_it_is_resolved_because_its_area_fails():
    stock = inventory(special={0: {"service": ServiceClass.CRITICAL_OT}})
    events = [event("outage_started", 0, 60), *(event("outage_started", i, 130) for i in range(1, 8))]

    found = {incident.root_kind: incident for incident in last(run(events, stock=stock)).values()}

    assert found[SubjectKind.TERMINAL].pages
    assert found[SubjectKind.CELL].terminals_down_count == 7


def test_an_area_whose_gateway_is_found_dead_later_keeps_its_incident_and_its_page():
    outages = [event("outage_started", i, 60, gateway=0) for i in range(8)]
    late = event("gateway_isolated", 0, 60, decided_s=140, subject_kind=SubjectKind.GATEWAY)

    changes = run([*outages, late], planned=lambda *_: 0)

    (incident,) = last(changes).values()
    assert (incident.root_id, incident.cause) == ("gw-a", "gateway_isolated")
    assert {change.incident.root_kind for change in changes} == {SubjectKind.CELL, SubjectKind.GATEWAY}
    pages = [change.incident.pages for change in changes]
    assert sum(now and not before for before, now in pairwise([False, *pages])) == 1
    assert len({change.incident.opening for change in changes if change.incident.pages}) == 1


def test_one_terminal_out_is_its_tenants_and_pages_no_one():
    changes = run([event("outage_started", 5, 60, gateway=1), event("outage_ended", 5, 60, end_s=200, gateway=1)])

    (incident,) = last(changes).values()
    assert (incident.root_kind, incident.root_id, incident.audience) == (SubjectKind.TERMINAL, "ut-5", Audience.TENANT)
    assert not any(change.incident.pages for change in changes)
    assert incident.state is IncidentState.RESOLVED


def test_a_critical_terminal_pages_its_own_team():
    stock = inventory(service=ServiceClass.CRITICAL_OT)

    changes = run([event("outage_started", 5, 60, gateway=1)], stock=stock)

    assert {change.incident.audience for change in changes} == {Audience.OT_PAGE}
    assert changes[-1].incident.pages


def test_an_outage_is_nobodys_incident_until_it_has_lasted():
    changes = run([event("outage_started", 6, 60), event("outage_ended", 6, 60, end_s=79)])

    assert changes == []


def test_an_expected_gap_and_a_short_outage_are_no_incidents():
    events = [
        event("outage_started", 5, 60, expected=1),
        event("outage_ended", 5, 60, end_s=200, expected=1),
        event("outage_started", 6, 60),
        event("outage_ended", 6, 60, end_s=70),
    ]

    assert run(events) == []


def test_a_stored_outage_opens_nothing():
    assert run([event("outage_started", 5, 60, stored=1)]) == []


def test_half_a_cell_out_with_no_gateway_to_blame_is_one_area_incident():
    changes = run(event("outage_started", i, 60 + i % 4, gateway=1) for i in range(6))

    (incident,) = last(changes).values()
    assert (incident.root_kind, incident.cause, incident.terminals_affected_count) == (
        SubjectKind.CELL,
        "regional_outage",
        6,
    )
    assert incident.pages


def test_few_of_a_cell_out_are_as_many_incidents_and_no_page():
    changes = run(event("outage_started", i, 60, gateway=1) for i in range(4))

    assert len(last(changes)) == 4
    assert not any(change.incident.pages for change in changes)


def test_an_antenna_knocked_over_owns_the_outages_that_follow_from_it():
    events = [
        event("tilt_critical", 5, 60, decided_s=72, tilt_change_deg=44.0),
        event("outage_started", 5, 90, gateway=1),
        event("outage_ended", 5, 90, end_s=150, gateway=1),
    ]

    (incident,) = last(run(events)).values()

    assert (incident.root_id, incident.cause) == ("ut-5", "tilt_critical")
    assert incident.is_open  # the antenna still lies there
    assert incident.children_count == 2


def test_an_outage_after_the_face_was_disturbed_has_that_for_its_cause_until_it_stands_again():
    events = [
        event("tilt_disturbed", 5, 50, decided_s=56),
        event("outage_started", 5, 90),
        event("outage_ended", 5, 90, end_s=150),
        event("tilt_restored", 5, 50, end_s=160),
        event("outage_started", 5, 250),
    ]

    assert [incident.cause for incident in last(run(events)).values()] == ["tilt_disturbed", "outage_started"]


def test_an_outage_whose_antenna_is_found_fallen_later_keeps_its_incident_and_changes_its_cause():
    events = [
        event("outage_started", 5, 60, gateway=1),
        event("outage_ended", 5, 60, end_s=110, gateway=1),
        event("tilt_critical", 5, 112, decided_s=124, tilt_change_deg=50.0),
        event("tilt_restored", 5, 112, end_s=200, decided_s=210),
    ]

    changes = run(events)

    (incident,) = last(changes).values()
    assert incident.cause == "tilt_critical"
    assert incident.state is IncidentState.RESOLVED


def critical_outage(*, antenna_found_s):
    """Return the revisions of an outage that pages 30 s after its start, its antenna being found fallen some time."""
    events = [
        event("outage_started", 3, 60, decided_s=65),
        event("tilt_critical", 3, 60, decided_s=antenna_found_s),
        event("outage_ended", 3, 60, end_s=200),
    ]
    return [change.incident for change in run(events, stock=inventory(service=ServiceClass.CRITICAL_OT))]


def test_what_an_alert_is_labelled_by_does_not_change_while_it_pages():
    revisions = critical_outage(antenna_found_s=150)
    paging = [one for one in revisions if one.pages]
    assert {one.cause for one in paging} == {"outage_started", "tilt_critical"}
    assert {one.opening.cause for one in revisions} == {"outage_started"}
    assert len({one.opening for one in revisions}) == 1


def test_what_is_learnt_before_anybody_is_woken_is_what_the_alert_is_labelled_by():
    revisions = critical_outage(antenna_found_s=62)
    assert {one.opening.cause for one in revisions if one.pages} == {"tilt_critical"}


def test_a_repeated_event_changes_nothing():
    once = run(gateway_failure())
    twice = run([*gateway_failure(), *gateway_failure()])

    assert [c.incident for c in twice] == [c.incident for c in once]


def test_what_is_said_does_not_depend_on_how_often_it_is_asked():
    once, often = run(gateway_failure()), run(gateway_failure(), asks=3)

    assert [change.incident for change in often] == [change.incident for change in once]


def test_nothing_is_decided_before_the_lowest_watermark_moves():
    stock = inventory()
    correlator = Correlator(
        inventory=stock, names=InventoryNames(stock), ways=Ways(lambda *_: -1, stock), changes=lambda _: []
    )
    for shard in range(stock.shard_count):
        correlator.tick(shard, START_NS, START_NS + LATENESS_NS)
    correlator.advance()
    correlator.hear(event("gateway_isolated", 0, -60, subject_kind=SubjectKind.GATEWAY)[1])

    assert correlator.advance() == []
    for shard in range(stock.shard_count):
        correlator.tick(shard, START_NS + 1, START_NS + LATENESS_NS)
    assert [change.incident.revision for change in correlator.advance()] == [1]


def test_nothing_is_decided_before_every_shard_has_been_heard():
    stock = inventory()
    correlator = Correlator(
        inventory=stock, names=InventoryNames(stock), ways=Ways(lambda *_: -1, stock), changes=lambda _: []
    )
    correlator.hear(event("gateway_isolated", 0, 60, subject_kind=SubjectKind.GATEWAY)[1])
    correlator.tick(0, START_NS + 1000 * NS_PER_S, START_NS + 1030 * NS_PER_S)

    assert correlator.advance() == []


def test_an_incident_survives_its_json_form():
    incident = run(gateway_failure())[-1].incident

    assert decode_incident(encode_incident(incident)) == incident
    assert incident.started_at == to_rfc3339(START_NS + 60 * NS_PER_S)


# --- troubles that the network tells of itself -------------------------------------------------------------------------


def trouble(kind, root, index, start_s=60, end_s=120, **more):
    """Yield both revisions of a condition of the network."""
    yield event(kind, index, start_s, decided_s=start_s + 5, subject_kind=root, **more)
    yield event(kind, index, start_s, end_s=end_s, decided_s=end_s + 10, subject_kind=root, revision=2, **more)


def out(terminals, start_s=60, end_s=120, **more):
    for i in terminals:
        yield event("outage_started", i, start_s + i % 3, **more)
        yield event("outage_ended", i, start_s + i % 3, end_s=end_s, **more)


def led_by(kind, index):
    """Return a plan that leads every terminal through one thing."""

    def ways(_, terminals, __):
        found = {
            each: np.full(len(terminals), -1) for each in (SubjectKind.POP, SubjectKind.GATEWAY, SubjectKind.SATELLITE)
        }
        return found | {kind: np.full(len(terminals), index)}

    return ways


@pytest.mark.parametrize(
    ("kind", "root", "severity", "audience"),
    [
        ("fibre_cut", SubjectKind.GATEWAY, "warning", Audience.TICKET),
        ("redundancy_lost", SubjectKind.POP, "warning", Audience.TICKET),
        ("egress_congested", SubjectKind.POP, "warning", Audience.TICKET),
        ("pop_lost", SubjectKind.POP, "critical", Audience.NOC_PAGE),
        ("plan_overdue", SubjectKind.CONTROL_PLANE, "critical", Audience.NOC_PAGE),
        ("satellite_failed", SubjectKind.SATELLITE, "critical", Audience.NOC_PAGE),
        ("satellite_manoeuvre", SubjectKind.SATELLITE, "info", Audience.NOBODY),
        ("security_degraded", SubjectKind.GATEWAY, "critical", Audience.SOC_PAGE),
        ("route_anomaly", SubjectKind.POP, "critical", Audience.SOC_PAGE),
    ],
)
def test_a_trouble_of_the_network_is_one_incident_of_its_audience(kind, root, severity, audience):
    (incident,) = last(run(trouble(kind, root, 0))).values()

    assert (incident.root_kind, incident.root_index, incident.cause) == (root, 0, kind)
    assert (incident.severity, incident.audience) == (severity, audience)
    assert incident.state is IncidentState.RESOLVED
    assert (incident.page_at is not None) == audience.pages


def test_a_failover_is_of_an_instant_and_leaves_no_incident_that_never_ends():
    (_, failover), _ = trouble("gateway_failover", SubjectKind.GATEWAY, 0)

    assert run([(65, failover)]) == []


@pytest.mark.parametrize("kind", ["satellite_lifecycle", "ddos_mitigation", "isl_down", "plan_superseded"])
def test_what_nobody_is_to_hear_of_is_no_incident(kind):
    assert run(trouble(kind, SubjectKind.POP, 0)) == []


@pytest.mark.parametrize(
    ("kind", "root"),
    [
        ("pop_lost", SubjectKind.POP), ("satellite_failed", SubjectKind.SATELLITE),
        ("satellite_manoeuvre", SubjectKind.SATELLITE), ("plan_overdue", SubjectKind.CONTROL_PLANE),
    ],
)  # fmt: skip
def test_what_takes_the_service_of_terminals_is_the_root_of_their_outages(monkeypatch, kind, root):
    monkeypatch.setattr(Ways, "planned_ways", led_by(root, 0))

    (incident,) = last(run([*trouble(kind, root, 0), *out(range(12))])).values()
    assert (incident.root_kind, incident.cause) == (root, kind)
    assert (incident.terminals_affected_count, incident.terminals_down_count) == (12, 0)


def test_a_full_cell_is_named_by_its_id_and_a_tenants_attachment_is_rooted_at_its_pop():
    cell_id = HEALTHY["satellite_beam"]["cell_id"]
    number = int(cell_number(np.array([cell_id]))[0])
    (full,) = last(run(trouble("cell_oversubscribed", SubjectKind.CELL, number))).values()
    private = trouble("private_attachment_down", SubjectKind.TENANT, 0, from_pop_index=0)
    (attachment,) = last(run(private)).values()

    assert (full.root_kind, full.root_id, full.audience) == (SubjectKind.CELL, f"{cell_id:x}", Audience.TICKET)
    assert (attachment.root_kind, attachment.root_id) == (SubjectKind.POP, "p0")


def test_of_two_tenants_attachments_at_a_pop_the_second_stands_when_the_first_is_back():
    first = trouble("private_attachment_down", SubjectKind.TENANT, 0, end_s=100, from_pop_index=0)
    second = trouble("private_attachment_down", SubjectKind.TENANT, 1, end_s=140, from_pop_index=0)
    (incident,) = last(run([*first, *second])).values()

    assert incident.resolved_at == to_rfc3339(START_NS + (140 + 90 + 30) * NS_PER_S)
