"""An inventory is dense, typed and says which line is wrong."""

import json

import msgspec
import pytest

from ingest.contract.inventory import Deployment, Inventory, Tenant, Terminal, decode_record
from ingest.contract.packing import inventory_records
from tests.make import inventory

BASE = [Deployment(version=1, shard_count=2), Tenant(tenant_id="a", tenant_index=0)]


def terminal(index, **more):
    return Terminal(terminal_id=f"t{index}", terminal_index=index, tenant_index=0, **more)


def test_the_file_form_gives_the_same_inventory_whatever_the_order_of_its_lines():
    stock = inventory(5, shard_count=4)
    shuffled = b"\n\n".join(reversed(stock.to_lines().splitlines()))

    again = Inventory.from_lines(shuffled)

    assert again.records() == stock.records()
    assert (again.version, again.shard_count) == (1, 4)


@pytest.mark.parametrize("terminals", [[terminal(0), terminal(2)], [terminal(0), terminal(0)]], ids=["a hole", "twins"])
def test_indexes_with_holes_or_twins_are_refused(terminals):
    with pytest.raises(ValueError, match="terminal_index"):
        Inventory([*BASE, *terminals])


def test_an_inventory_without_a_deployment_is_refused():
    with pytest.raises(ValueError, match="deployment"):
        Inventory([terminal(0)])


def test_the_newest_deployment_holds():
    assert Inventory([*BASE, Deployment(version=3, shard_count=2), Deployment(version=2, shard_count=2)]).version == 3


def test_a_bad_line_is_named_by_its_number():
    lines = Inventory(BASE).to_lines() + b'{"type":"terminal","terminal_id":"t0"}\n'

    with pytest.raises(ValueError, match="line 3"):
        Inventory.from_lines(lines)


@pytest.mark.parametrize(
    "record",
    [
        {"type": "deployment", "version": 1, "shard_count": 24},
        {"type": "terminal", "terminal_id": "t", "terminal_index": 0, "tenant_index": 0, "latitude_deg": 91},
        {"type": "terminal", "terminal_id": "a b", "terminal_index": 0, "tenant_index": 0},
        {"type": "terminal", "terminal_id": "t", "terminal_index": -1, "tenant_index": 0},
        {"type": "terminal", "terminal_id": "t", "terminal_index": 0, "tenant_index": 0, "country": "deu"},
        {"type": "teapot", "teapot_id": "t"},
    ],
    ids=["no power of two", "latitude", "a space in an id", "negative index", "country", "unknown type"],
)
def test_a_record_out_of_range_is_refused_where_it_stands(record):
    with pytest.raises(msgspec.ValidationError):
        decode_record(json.dumps(record).encode())


def test_what_is_on_the_topics_is_no_inventory_before_its_last_record_is_there():
    records = [decode_record(record.value) for record in inventory_records(inventory())]

    assert Inventory(records).counts() == inventory().counts()
    for missing in range(len(records) - 1):
        with pytest.raises(ValueError, match=r"counts|dense"):
            Inventory(records[:missing] + records[missing + 1 :])
