"""Where reading goes on, and the guard that it goes on without a hole."""

import pytest

from ingest.contract.bus import Fatal
from streams.contract.snapshots import SnapshotManifest
from streams.resume import Place, Reading, resume_points, shards_of


def manifest(shard, offset):
    return SnapshotManifest(
        cluster_id="c", topic_id="t", partition_count=2, shard_count=4, shard=shard, source_partition=shard % 2,
        source_offset=offset, clock_ns=0, generation=1, chunk_count=0, byte_count=0, blake2b="", state_versions={},
    )  # fmt: skip


def points(*manifests, earliest=None, ends=None):
    return resume_points(
        manifests, shard_count=4, partition_count=2, earliest=earliest or {0: 0, 1: 0}, ends=ends or {0: 100, 1: 100}
    )


def test_the_shards_of_a_partition_are_those_that_leave_its_number():
    assert list(shards_of(1, shard_count=8, partition_count=4)) == [1, 5]


def test_a_partition_is_read_from_behind_the_lowest_of_its_shards_snapshots():
    assert points(manifest(0, 40), manifest(2, 30), manifest(1, 7), manifest(3, 8)).offsets == {0: 31, 1: 8}


def test_a_partition_with_a_shard_that_has_no_snapshot_is_read_from_its_beginning():
    assert points(manifest(0, 40), manifest(1, 7), earliest={0: 12, 1: 0}).offsets == {0: 12, 1: 0}


def test_only_assigned_partitions_are_read():
    assert points(manifest(0, 40), manifest(2, 30), earliest={0: 0}, ends={0: 100}).offsets == {0: 31}


def test_a_snapshot_at_the_last_frame_is_no_harm():
    assert points(manifest(0, 99), manifest(2, 99)).offsets[0] == 100


def test_a_snapshot_beyond_the_end_is_fatal():
    with pytest.raises(Fatal, match="cut back"):
        points(manifest(0, 100))


def test_frames_that_retention_deleted_are_counted_as_lost_and_passed_over():
    found = points(manifest(0, 40), manifest(2, 60), earliest={0: 50, 1: 0})

    assert found.offsets[0] == 50
    assert found.lost_counts == {0: 9}


def test_the_expected_frame_moves_the_reading_on():
    reading = Reading({0: 5})

    assert [reading.place(0, offset) for offset in (5, 6)] == [Place.NEXT, Place.NEXT]
    assert reading.expected == {0: 7}


def test_a_frame_that_was_seen_leaves_the_reading_where_it_is():
    reading = Reading({0: 5})

    assert reading.place(0, 4) is Place.SEEN
    assert reading.expected == {0: 5}


def test_a_jump_leaves_the_reading_where_it_is():
    reading = Reading({0: 5})

    assert reading.place(0, 6) is Place.JUMP
    assert reading.place(0, 5) is Place.NEXT


def test_partitions_are_followed_apart():
    reading = Reading({0: 5, 1: 0})

    assert reading.place(0, 5) is Place.NEXT
    assert reading.place(1, 0) is Place.NEXT


def test_what_retention_deleted_while_reading_is_given_up_and_counted():
    reading = Reading({0: 5})

    assert reading.skip_to(0, 9) == 4
    assert reading.place(0, 9) is Place.NEXT
    assert reading.skip_to(0, 2) == 0
    assert reading.expected == {0: 10}
