"""The plan topic: what is replaced is said once, a gateway that is left is named, and a plan that does not come is missed."""

import numpy as np
import pytest

from ingest.contract.plan import PlanHeader
from ingest.contract.plan_parts import PlanParts
from streams.contract.catalogue import KIND_BY_CODE
from streams.detectors.planning import PlanningState, hear, listen
from streams.thresholds import Thresholds
from tests.make import SLOT_NS, START_NS, S

LIMITS = Thresholds()


def slot(number, gateways, *, at_s=-60, supersedes=0, from_s=0, part=0, complete=True):
    """Return a slot's plan: header, and the gateway of each cell."""
    start_ns = START_NS + number * SLOT_NS
    header = PlanHeader(
        kind="plan", version=1, plan_version=1, slot_start_ns=start_ns, slot_end_ns=start_ns + SLOT_NS,
        valid_from_ns=start_ns + from_s * S, published_at_ns=START_NS + at_s * S, supersedes=supersedes, part=part,
        complete=complete,
    )  # fmt: skip
    cells, at = np.array(list(gateways), np.int64), np.array(list(gateways.values()), np.int32)
    return header, {"cell_id": cells, "gateway_index": at}


def play(plans, state=None, clock_s=0):
    state, said, parts = state or PlanningState(), [], PlanParts()
    for header, rows in plans:
        whole = parts.put(header, rows)
        if whole is not None:
            state, events = hear(state, header, whole, START_NS + clock_s * S)
            said += events
    return state, [told(event) for event in said]


def told(event):
    ended_ns = int(event["ended_at_ns"][0])
    return (
        KIND_BY_CODE[int(event["event_code"][0])].kind,
        int(event["revision"][0]),
        (int(event["started_at_ns"][0]) - START_NS) / S,
        None if ended_ns < 0 else (ended_ns - START_NS) / S,
    )


def overdue(state, seconds):
    said = []
    for at_s in seconds:
        state, events = listen(state, START_NS + at_s * S, LIMITS)
        said += [told(event) for event in events]
    return state, said


def test_plans_that_replace_others_at_one_instant_are_one_event():
    first = [slot(n, {1: 0}) for n in range(4)]
    again = [slot(n, {1: 0}, at_s=10, supersedes=1) for n in range(1, 4)]

    assert play([*first, *again, *again])[1] == [("plan_superseded", 1, 10, None)]


def test_a_plan_that_replaces_nothing_is_not_spoken_of():
    assert play([slot(n, {1: 0}) for n in range(4)])[1] == []


def test_a_gateway_that_the_running_slots_new_plan_has_left_is_named_with_where_most_of_it_went():
    state, _ = play([slot(0, {1: 3, 2: 3, 3: 3, 4: 0}), slot(1, {1: 3})])
    header, rows = slot(0, {1: 5, 2: 6, 3: 6, 4: 0}, at_s=12, supersedes=1, from_s=12)
    _, (_, failover) = hear(state, header, [rows], START_NS)

    assert told(failover) == ("gateway_failover", 1, 12, None)
    assert (failover["subject_index"].tolist(), failover["to_gateway_index"].tolist()) == ([3], [6])


@pytest.mark.parametrize(
    ("after", "from_s"), [({1: 3, 2: 5}, 12), ({1: 5, 2: 5}, 0)], ids=["one cell stays", "from the slot's start on"]
)
def test_a_gateway_that_is_used_on_or_not_from_the_start_has_not_failed_over(after, from_s):
    state, _ = play([slot(0, {1: 3, 2: 3})])

    assert [e[0] for e in play([slot(0, after, at_s=12, supersedes=1, from_s=from_s)], state)[1]] == ["plan_superseded"]


def test_a_plan_in_parts_counts_when_its_last_part_is_here():
    state, _ = play([slot(0, {1: 3}, complete=False), slot(0, {2: 3}, part=1)])
    first, last = (
        slot(0, cells, at_s=12, supersedes=1, from_s=12, part=part, complete=part == 1)
        for part, cells in enumerate([{1: 5}, {2: 3}])
    )
    state, said = play([first, last], state)

    assert [event[0] for event in said] == ["plan_superseded"]
    assert state.until_ns == START_NS + SLOT_NS


def test_a_plan_that_ends_in_half_a_slot_is_overdue_until_a_slot_is_planned_again():
    state, _ = play([slot(n, {1: 0}) for n in range(3)])
    state, said = overdue(state, range(120))
    assert said == [("plan_overdue", 1, 75, None)]

    state, _ = play([slot(3, {1: 0}, at_s=95)], state, clock_s=95)
    state, said = overdue(state, range(95, 100))
    assert said == []  # less than a slot ahead is not enough again

    state, _ = play([slot(n, {1: 0}, at_s=120) for n in range(3, 6)], state, clock_s=120)
    assert overdue(state, range(120, 150))[1] == [("plan_overdue", 2, 75, 120)]


def test_a_plan_that_comes_while_more_than_half_a_slot_is_left_is_not_missed():
    state, _ = play([slot(0, {1: 0})])
    for number in range(1, 6):
        state, said = overdue(state, range(number * 30 - 30, number * 30 - 15))
        assert said == []
        state, _ = play([slot(number, {1: 0})], state)


def test_before_anything_is_planned_nothing_is_missed():
    assert overdue(PlanningState(), range(100))[1] == []


def test_slots_that_are_over_are_forgotten():
    state, _ = play([slot(n, {1: 0}) for n in range(50)], clock_s=40 * 30)

    assert len(state.cells) <= 12
