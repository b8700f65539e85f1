"""What the plan leads terminals through: each terminal at an instant of its own, and how many in all."""

import numpy as np

from ingest.contract.vocabulary import SubjectKind
from streams.planned_ways import PlannedWays
from tests.make import START_NS, S, knowledge, plan_frame

CELLS = {0: {"cell_id": 7}, 1: {"cell_id": 7}, 2: {"cell_id": 8}, 3: {"cell_id": -1}}


def satellites(ways, *asked):
    terminals, at_s = (np.array(each) for each in zip(*asked, strict=True))
    return ways.planned_ways(terminals, START_NS + at_s * S)[SubjectKind.SATELLITE].tolist()


def test_each_terminal_is_asked_of_the_plan_of_its_own_instant():
    ways = PlannedWays(knowledge(plan={0: {7: 1, 8: 2}, 1: {7: 3, 8: 4}}, terminals=CELLS))

    assert satellites(ways, (0, 5), (2, 5), (0, 35), (1, 29), (2, 30)) == [1, 2, 3, 1, 4]


def test_a_plan_that_replaced_a_running_slot_s_holds_from_its_instant_on():
    again = plan_frame(0, {7: 5, 8: 2}, version=2, from_s=12, published_s=10)
    ways = PlannedWays(knowledge(plan={0: {7: 1, 8: 2}}, replans=[again], terminals=CELLS))

    assert satellites(ways, (0, 11), (0, 12)) == [1, 5]


def test_who_is_singled_out_has_a_way_of_its_own_and_who_is_not_planned_has_none():
    single = plan_frame(1, {7: 1}, terminals=[(3, 6)])
    ways = PlannedWays(knowledge(plan={0: {7: 1}}, replans=[single], terminals=CELLS))

    assert satellites(ways, (3, 35))[0] == 6
    assert all(index < 0 for index in satellites(ways, (2, 35), (3, 5), (0, 95)))


def test_the_load_of_a_thing_is_the_number_of_terminals_led_through_it():
    ways = PlannedWays(knowledge(plan={0: {7: 1, 8: 2}}, terminals=CELLS))

    loads = ways.planned_loads(START_NS + 5 * S)

    assert (loads[SubjectKind.SATELLITE][1], loads[SubjectKind.SATELLITE][2]) == (2, 1)
    assert loads[SubjectKind.GATEWAY][1] == 3
    assert ways.planned_loads(START_NS + 95 * S)[SubjectKind.GATEWAY] == {}


def test_who_moves_is_nobody_s_load():
    ways = PlannedWays(knowledge(replans=[plan_frame(0, {7: 1}, terminals=[(3, 6)])], terminals=CELLS))

    assert ways.planned_loads(START_NS)[SubjectKind.SATELLITE][6] == 0


def test_a_newer_plan_and_a_terminal_that_the_inventory_adds_are_known_from_then_on():
    ways = PlannedWays(knowledge(2, plan={0: {7: 1}}, terminals=CELLS))
    ways.know(knowledge(3, plan={0: {7: 1, 8: 9}}, terminals=CELLS))

    assert satellites(ways, (2, 5)) == [9]
    assert ways.planned_loads(START_NS)[SubjectKind.SATELLITE][9] == 1
