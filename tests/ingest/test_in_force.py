"""What frames name: the newest of each, once it is whole."""

import pytest

from ingest.contract.bus import Message
from ingest.contract.packing import Versions
from ingest.contract.topics import CONTACT_PLAN, CONTROL_RECORDS, INVENTORY_TERMINAL
from ingest.in_force import InForce
from streams.side_inputs import SideInputs
from tests.ingest.side import message, plan, stock, threshold, window


def in_force(*messages):
    found = InForce()
    found.take(messages)
    found.settle()
    return found


def test_nothing_is_in_force_before_anything_was_said():
    assert in_force().versions == Versions()
    assert in_force().inventory is None


def test_of_each_topic_the_newest_version_is_named():
    found = in_force(*stock(3), plan(7), plan(5), window(2), window(4), threshold(6), threshold(1))

    assert found.versions == Versions(inventory=3, plan=7, maintenance=4, threshold=6)


def test_a_plan_is_named_once_its_last_part_is_here_whatever_their_order():
    found = in_force(plan(7, part=1))
    assert found.plan_version == 0
    found.take([plan(7, part=0, complete=False)])

    assert found.plan_version == 7


@pytest.mark.parametrize("missing", range(12))
def test_an_inventory_with_a_record_on_its_way_is_not_named_and_the_one_before_holds(missing):
    later = stock(2, count=5)
    missing %= len(later)
    found = in_force(*stock(1))
    found.take([*later[:missing], *later[missing + 1 :]])
    found.settle()
    # What did not change has the same bytes in both: only what is new can be missed.
    is_new = later[missing].value not in {m.value for m in stock(1)}
    assert found.inventory.version == (1 if is_new else 2)
    found.take([later[missing]])
    found.settle()

    assert found.inventory.version == 2
    assert len(found.inventory.terminals) == 5


def test_a_record_that_was_deleted_is_gone():
    terminals = [m for m in stock(1, count=5) if m.topic == INVENTORY_TERMINAL.name]
    gone = Message(
        topic=INVENTORY_TERMINAL.name, partition=0, offset=0, key=terminals[4].key, value=None, timestamp_ms=0
    )
    found = in_force(*stock(1, count=5))
    found.take([gone, *stock(2, count=4)])
    found.settle()

    assert len(found.inventory.terminals) == 4


def test_what_cannot_be_read_is_counted_and_passed_over():
    broken = [message(topic, b"x", b"{") for topic in (INVENTORY_TERMINAL, CONTROL_RECORDS, CONTACT_PLAN)]
    found = in_force(*broken, *stock(1))

    assert found.refused_count == 3
    assert found.versions == Versions(inventory=1)


def test_whatever_the_door_names_the_workshop_has_once_it_has_read_the_same():
    said = [
        *stock(2), plan(3), plan(9, part=0, complete=False), window(5), threshold(4, name="no_such_thing"),
        threshold(6, value=-1.0), message(CONTROL_RECORDS, b"x", b"{"),
    ]  # fmt: skip
    workshop = SideInputs()
    workshop.take(said)
    workshop.settle()
    named = in_force(*said).versions

    assert named == Versions(inventory=2, plan=3, maintenance=5, threshold=6)
    known = workshop.knowledge
    assert (known.inventory.version, known.plan.version) == (named.inventory, named.plan)
    assert (known.maintenance_version, known.threshold_version) == (named.maintenance, named.threshold)
