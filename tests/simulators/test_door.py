"""A door under trouble: twice, late, and not at all."""

import numpy as np

from ingest.contract.frame import TelemetryHeader, decode
from ingest.contract.packing import Packer
from ingest.contract.telemetry import LAYOUTS
from simulators.door import Door
from simulators.run import Settings
from simulators.steering import DoorConditions
from tests.simulators.lived import live_through

S = 1_000_000_000
NOW = 1_759_449_600 * S


def door(**conditions):
    packer = Packer(producer_id="sky", shard_count=4, partition_count=2)
    return Door(packer, DoorConditions(**conditions), 100, np.random.default_rng(3))


def columns(at_ns):
    count = 100
    return {
        "terminal_index": np.arange(count, dtype=np.int32), "boot_count": np.ones(count, dtype=np.int32),
        "sequence": np.full(count, at_ns // S % 1000, dtype=np.int32), "observed_at_ns": np.full(count, at_ns),
        "state": np.ones(count, dtype=np.int8),
    }  # fmt: skip


def told(records):
    frames = [decode(record.value, LAYOUTS, TelemetryHeader) for record in records]
    return sorted(
        (t, s)
        for f in frames
        for t, s in zip(f.columns["terminal_index"].tolist(), f.columns["sequence"].tolist(), strict=True)
    )


def test_without_trouble_everything_is_told_once():
    assert len(told(door().samples(columns(NOW), np.arange(100), NOW))) == 100


def test_some_terminals_are_told_twice():
    found = told(door(duplicated_ratio=0.3).samples(columns(NOW), np.arange(100), NOW))
    assert 110 < len(found) < 150
    assert len(set(found)) == 100


def test_some_terminals_come_late_and_none_is_lost():
    mine = door(late_ratio=0.2, late_s=3.0)
    found = [told(mine.samples(columns(NOW + n * S), np.arange(100), NOW + n * S)) for n in range(6)]
    assert all(len(rows) < 100 for rows in found[:3])
    assert all(len(rows) == 100 for rows in found[3:])
    assert len({row for rows in found for row in rows}) == sum(map(len, found))


def test_what_gateways_say_while_the_door_is_stopped_is_said_afterwards():
    conditions = DoorConditions(stopped=True)
    mine = Door(Packer(producer_id="sky", shard_count=4, partition_count=2), conditions, 100, np.random.default_rng(3))
    said = {
        "terminal_index": np.array([1], dtype=np.int32), "observed_at_ns": np.array([NOW]),
        "gateway_index": np.array([0], dtype=np.int32), "attached": np.array([0], dtype=np.int8),
    }  # fmt: skip
    assert mine.attachments(said, NOW) == []
    conditions.stopped = False
    assert len(mine.attachments({}, NOW + S)) == 1
    assert mine.attachments({}, NOW + 2 * S) == []


def test_a_stopped_door_writes_nothing_and_terminals_tell_afterwards_what_they_kept(tmp_path):
    path = tmp_path / "stopped.toml"
    path.write_text('name = "stopped"\n[[fault]]\nkind = "door_stopped"\nstart_s = 10\nduration_s = 12\n')
    lived = live_through(
        Settings(terminals=30, minutes=0.6, scenario=str(path), plan_ahead_s=60, edge_ratio=0), tmp_path / "truth"
    )
    silent = [second for second in lived.seconds if not [r for r in second.records if r.topic.name.startswith("telem")]]
    assert [(second.at_ns - lived.sky.settings.first_at_ns) // S for second in silent] == list(range(10, 22))
    live, stored = (
        np.bincount(lived.rows("terminal", stored=kept)["terminal_index"], minlength=30) for kept in (False, True)
    )
    heard = live == 36 - 12
    assert heard.sum() > 15
    assert (stored[heard] == 12).all()
    assert not lived.truth("outages").label_id.notna().any()
