"""A packer loses no row, numbers every frame, and lets time neither stop nor go back."""

from collections import defaultdict

import numpy as np
import pytest

from ingest.contract.frame import FRAME_LIMIT_BYTES, Frame, TelemetryHeader, decode
from ingest.contract.packing import Packer, Versions
from ingest.contract.telemetry import LAYOUTS, TERMINAL
from ingest.contract.topics import shard_from_key
from tests.make import START_NS


def packer(shard_count=4, partition_count=2):
    return Packer(producer_id="door-1", shard_count=shard_count, partition_count=partition_count)


def rows(count, **more):
    indexes = np.arange(count, dtype=np.int32)
    return {
        "terminal_index": indexes, "boot_count": np.ones(count, np.int32), "sequence": indexes,
        "observed_at_ns": np.full(count, START_NS), "state": np.ones(count, np.int8), **more,
    }  # fmt: skip


def frames(records):
    found = [decode(record.value, LAYOUTS, TelemetryHeader, shard_count=4) for record in records]
    assert all(isinstance(frame, Frame) for frame in found), found
    return found


def test_every_row_goes_into_the_frame_of_its_shard_and_the_record_to_its_partition():
    records = packer().samples(rows(10), START_NS)

    for record, frame in zip(records, frames(records), strict=True):
        assert set((frame.columns["terminal_index"] % 4).tolist()) == {frame.header.shard}
        assert shard_from_key(record.key) == frame.header.shard
        assert record.partition == frame.header.shard % 2
    assert sorted(i for frame in frames(records) for i in frame.columns["terminal_index"].tolist()) == list(range(10))


def test_the_rows_of_a_frame_come_by_terminal_and_each_terminal_s_in_the_order_they_came():
    mixed = rows(6, terminal_index=np.array([8, 0, 4, 1, 0, 8], np.int32))

    whole, other = frames(packer().samples(mixed, START_NS))

    assert whole.columns["terminal_index"].tolist() == [0, 0, 4, 8, 8]
    assert whole.columns["sequence"].tolist() == [1, 4, 2, 0, 5]
    assert other.columns["terminal_index"].tolist() == [1]


def test_a_frame_s_bytes_depend_on_its_own_rows_alone():
    among, mine = rows(12, state=np.arange(12, dtype=np.int8)), np.array([1, 5, 9])

    for company in (np.arange(12), np.array([1, 2, 5, 6, 9]), np.array([0, 1, 5, 9])):
        assert [r.value for r in packer().samples(among, START_NS, rows=mine)] == [
            r.value for r in packer().samples(among, START_NS, rows=company) if shard_from_key(r.key) == 1
        ]


def test_no_rows_are_no_frames():
    assert packer().samples(rows(4), START_NS, rows=np.array([], np.int64)) == []


def test_frames_of_a_shard_are_numbered_without_holes_samples_ticks_controls_and_goodbyes_alike():
    one = packer()
    records = [
        *one.samples(rows(3), START_NS), *one.ticks(START_NS), *one.control(START_NS, START_NS),
        *one.ticks(START_NS), *one.ticks(START_NS), *one.goodbye(START_NS),
    ]  # fmt: skip
    numbers = defaultdict(list)
    for frame in frames(records):
        numbers[frame.header.shard].append(frame.header.producer_sequence)

    assert set(numbers) == {0, 1, 2, 3}
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())


def test_a_shard_that_has_had_a_frame_gets_no_tick_for_that_second_and_one_for_the_next():
    one = packer()
    one.samples(rows(2), START_NS)

    assert [shard_from_key(record.key) for record in one.ticks(START_NS)] == [2, 3]
    one.ticks(START_NS)
    assert [shard_from_key(record.key) for record in one.ticks(START_NS)] == [0, 1, 2, 3]


def test_the_door_s_clock_never_goes_back():
    one = packer()
    one.ticks(START_NS + 5)

    assert {frame.header.received_at_ns for frame in frames(one.samples(rows(4), START_NS))} == {START_NS + 5}


def test_a_batch_over_the_frame_limit_is_cut_and_still_whole_and_numbered():
    noise, count = np.random.default_rng(1), 10_000
    columns = rows(count) | {
        column.name: noise.integers(0, 2**31 - 1, count).astype(column.numpy_type)
        for column in TERMINAL.columns
        if not column.required
    }
    columns["terminal_index"] = np.zeros(count, np.int32)

    records = packer().samples(columns, START_NS)

    assert len(records) > 2, "nothing was cut"
    assert all(len(record.value) <= FRAME_LIMIT_BYTES for record in records)
    assert [frame.header.producer_sequence for frame in frames(records)] == list(range(1, len(records) + 1))
    assert np.concatenate([f.columns["sequence"] for f in frames(records)]).tolist() == list(range(count))


def test_frames_name_the_versions_in_force_and_backfill_says_so():
    one = packer()
    one.versions = Versions(inventory=1, plan=2, maintenance=3, threshold=4)
    header = frames(one.samples(rows(1), START_NS, stored=True))[0].header

    assert header.stored
    assert (header.inventory_version, header.plan_version, header.maintenance_version) == (1, 2, 3)
    assert header.threshold_version == 4


def test_a_shard_count_that_partitions_do_not_divide_is_refused():
    with pytest.raises(ValueError, match="multiple"):
        packer(shard_count=4, partition_count=3)
