"""What is planned when: the newest plan that was in force, a slot and a part at a time."""

import msgspec
import numpy as np
import pytest

from ingest.contract.columns import take
from streams.plan_book import KEPT_SLOTS, PlanBook
from tests.make import START_NS, S, knowledge, plan_frame


def book(*frames):
    found = PlanBook()
    for frame in frames:
        found.add(*frame)
    return found


def versions(book, at_s, version=None):
    plan = book.plan(START_NS, START_NS + at_s * S, version)
    return None if plan is None else plan.version


def test_a_plan_that_replaces_a_running_slot_holds_from_its_own_instant_on():
    found = book(plan_frame(0, {7: 1}), plan_frame(0, {7: 2}, version=2, from_s=12, published_s=10))

    assert [versions(found, s) for s in (0, 11, 12, 29)] == [1, 1, 2, 2]
    assert [stretch.start_ns for stretch in found.stretches(START_NS)] == [START_NS, START_NS + 12 * S]


def test_nobody_is_held_against_a_plan_before_it_was_said():
    found = book(plan_frame(0, {7: 1}), plan_frame(0, {7: 2}, version=2, published_s=10))

    assert [versions(found, s) for s in (0, 9, 10)] == [1, 1, 2]
    assert versions(book(plan_frame(0, {7: 1}, published_s=10)), 9) is None


def test_a_frame_that_does_not_know_a_version_is_judged_by_the_one_before():
    found = book(plan_frame(0, {7: 1}), plan_frame(0, {7: 2}, version=2, from_s=12, published_s=10))

    assert versions(found, 20, version=1) == 1


def test_a_plan_replaced_before_its_slot_began_never_held():
    found = book(plan_frame(0, {7: 1}), plan_frame(0, {7: 2}, version=2, published_s=-5))

    assert [stretch.plan.version for stretch in found.stretches(START_NS)] == [2]
    assert not found.is_split(START_NS, START_NS)


def test_of_two_plans_for_one_instant_the_newest_holds_in_whatever_order_they_came():
    frames = [plan_frame(0, {7: v}, version=v, from_s=f, published_s=5) for v, f in ((3, 8), (2, 12), (1, 6))]

    for order in (frames, frames[::-1]):
        assert [(s.plan.version, s.start_ns - START_NS) for s in book(*order).stretches(START_NS)] == [
            (1, 6 * S), (3, 8 * S),
        ]  # fmt: skip


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 1, 0]])
def test_a_plan_in_parts_counts_with_its_last_part_whatever_their_order(order):
    header, columns = plan_frame(0, {7: 1, 8: 2, 9: 3}, version=4)
    parts = [
        (msgspec.structs.replace(header, part=n, complete=n == 2), take(columns, slice(n, n + 1))) for n in range(3)
    ]  # fmt: skip
    found = PlanBook()
    for n in order[:-1]:
        found.add(*parts[n])
        assert found.version == 0
    found.add(*parts[order[-1]])

    assert found.version == 4
    assert rows(found, [7, 8, 9]) == [1, 2, 3]


def rows(book, cells, terminals=None):
    plan = book.plan(START_NS, START_NS)
    who = np.arange(len(cells)) if terminals is None else np.array(terminals)
    return book.rows(plan, np.array(cells), who)["satellite_index"].tolist()


def test_a_row_is_found_by_cell_and_a_terminal_that_is_singled_out_by_its_own():
    found = book(plan_frame(0, {9: 300, 7: -1, 8: 70_000}, terminals=[(3, 5)]))

    assert rows(found, [7, 8, 9, 11, -1], [0, 1, 2, 4, 3]) == [-1, 70_000, 300, -2, 5]


def test_a_day_of_slots_is_kept_and_no_more():
    found = book(*(plan_frame(slot, {7: 1}, version=slot + 1) for slot in range(KEPT_SLOTS + 2)))

    assert found.plan(START_NS + 30 * S, START_NS + 30 * S) is None
    assert found.plan(START_NS + 60 * S, START_NS + 60 * S).version == 3
    assert found.version == KEPT_SLOTS + 2


def test_a_terminal_for_which_the_new_plan_asks_the_same_has_its_turn_since_the_old_one():
    known = knowledge(
        2, terminals={0: {"cell_id": 7}, 1: {"cell_id": 8}}, plan={-1: {7: 1, 8: 1}, 0: {7: 2, 8: 2}},
        replans=[plan_frame(0, {7: 2, 8: 4}, version=2, from_s=12, published_s=10)],
    )  # fmt: skip
    turn = known.turn(0, START_NS + 12 * S, 2)

    assert turn.satellite.tolist() == [2, 4]
    assert turn.before.tolist() == [1, 2]
    assert ((turn.since_ns - START_NS) // S).tolist() == [0, 12]
