"""An inventory file is judged whole; what has an index keeps it; nothing goes; the version rises only with a change."""

import msgspec
import pytest

from ingest.contract.bus import Fatal
from ingest.contract.inventory import Inventory
from ingest.inventory_file import apply, changes, read_inventory
from tests.make import inventory


class Log:
    def __init__(self):
        self.keys, self.flushed_at = [], []

    def send(self, topic, *, key, value, partition=0, headers=()):
        self.keys.append(key)

    def flush(self):
        self.flushed_at.append(len(self.keys))


def written(tmp_path, text):
    path = tmp_path / "inventory.jsonl"
    path.write_bytes(text)
    return path


def test_a_file_is_read_back(tmp_path):
    assert read_inventory(written(tmp_path, inventory(3).to_lines())).records() == inventory(3).records()


def test_every_wrong_line_is_named(tmp_path):
    lines = inventory(2).to_lines().splitlines()
    lines[1:1] = [b"{", b'{"type": "moon"}', b'{"type": "tenant", "tenant_id": "x", "tenant_index": -1}']
    with pytest.raises(Fatal) as error:
        read_inventory(written(tmp_path, b"\n".join(lines)))

    assert [line.split(":")[1] for line in str(error.value).splitlines()] == ["2", "3", "4"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b'{"type":"terminal","terminal_id":"t0","terminal_index":2,"tenant_index":0}', "id 't0' stands in line"),
        (b'{"type":"terminal","terminal_id":"t9","terminal_index":1,"tenant_index":0}', "index 1 stands in line"),
        (b'{"type":"terminal","terminal_id":"t2","terminal_index":2,"tenant_index":7}', "no tenant has index 7"),
        (b'{"type":"gateway","gateway_id":"g9","gateway_index":4,"pop_index":9}', "no PoP has index 9"),
        (b'{"type":"deployment","version":1,"shard_count":1}', "deployment 0 stands in line"),
        (b'{"type":"deployment","version":1,"shard_count":3}', "no power of two"),
        (b'{"type":"terminal","terminal_id":"t9","terminal_index":9,"tenant_index":0}', "dense"),
    ],
)
def test_what_contradicts_itself_is_refused(tmp_path, line, says):
    with pytest.raises(Fatal, match=says):
        read_inventory(written(tmp_path, inventory(2).to_lines() + line))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(Fatal, match=r"nowhere\.jsonl"):
        read_inventory(tmp_path / "nowhere.jsonl")


def test_the_first_one_is_written_whole_and_the_deployment_follows_once_the_rest_is_safe():
    log = Log()
    found = apply(None, inventory(3), log)

    assert len(log.keys) == len(inventory(3).records())
    assert (log.keys[-1], log.flushed_at) == (b"deployment", [len(log.keys) - 1, len(log.keys)])
    assert found.summary()["version"] == 1


def test_applied_twice_nothing_is_written():
    log = Log()
    found = apply(inventory(3), inventory(3), log)

    assert (log.keys, found.summary()) == ([], {"version": 1, "added": {}, "changed": {}, "written": 0})


def test_a_change_writes_what_changes_and_raises_the_version():
    log = Log()
    found = apply(inventory(3, version=4), inventory(4, terminals={1: {"cadence_s": 60.0}}), log)

    assert log.keys == [b"t1", b"t3", b"deployment"]
    assert found.summary() == {"version": 5, "added": {"terminal": 1}, "changed": {"terminal": 1}, "written": 3}
    assert found.inventory.version == 5


def test_an_id_that_two_kinds_share_is_written_for_the_one_that_changed():
    def with_pop(country):
        records = [r for r in inventory(1).records() if getattr(r, "pop_id", "") != "p0"]
        pop = next(r for r in inventory(1).records() if getattr(r, "pop_id", "") == "p0")
        gateway = next(r for r in records if getattr(r, "gateway_id", "") == "g0")
        records.remove(gateway)
        return Inventory([*records, msgspec.structs.replace(pop, pop_id="x", country=country),
                          msgspec.structs.replace(gateway, gateway_id="x")])  # fmt: skip

    found = changes(with_pop("DE"), with_pop("FR"))
    assert [(r.topic.name, r.key) for r in found.records][:-1] == [("inventory.pop.v1", b"x")]


def test_other_slots_are_a_change():
    first, *rest = inventory(2).records()
    found = changes(inventory(2), Inventory([msgspec.structs.replace(first, slot_length_s=15.0), *rest]))

    assert [record.key for record in found.records] == [b"deployment"]
    assert found.inventory.version == 2


def swapped():
    """Return the inventory with two terminals' indexes exchanged."""
    places = {"t0": 1, "t1": 0}
    return Inventory(
        msgspec.structs.replace(r, terminal_index=places[r.terminal_id])
        if getattr(r, "terminal_id", "") in places
        else r
        for r in inventory(3).records()
    )


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (inventory(2), "terminal t2 would go"),
        (inventory(3, shard_count=2), "shard_count would go from 1 to 2"),
        (swapped(), "t0 would go from index 0 to 1"),
    ],
)
def test_what_may_never_change_is_refused(wanted, says):
    with pytest.raises(Fatal, match=says):
        changes(inventory(3), wanted)
