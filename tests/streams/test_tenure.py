"""What a worker holds between two rebalances: restored shards, and snapshots that stay apart."""

from streams.contract.snapshots import decode_manifest
from streams.resume import ResumePoints
from streams.shard import STATE_VERSIONS, new_state, to_arrays
from streams.snapshots import Deployment, Snapshot, cut
from streams.tenure import Tenure
from streams.workbench import Workbench

NS_PER_S = 1_000_000_000
START_AT_NS = 1_759_449_600 * NS_PER_S
SHARD_COUNT = 4
DEPLOYMENT = Deployment(
    cluster_id="c", topic_id="t", partition_count=2, shard_count=SHARD_COUNT, state_versions=STATE_VERSIONS
)


def tenure(every_s=30.0, every_bytes=10**9):
    return Tenure(
        generation=1,
        points=ResumePoints(offsets={0: 0, 1: 0}, lost_counts={}),
        workbench=Workbench(partition_count=2, knowledge=lambda: None),
        shard_count=SHARD_COUNT,
        snapshot_every_s=every_s,
        snapshot_every_bytes=every_bytes,
    )


def due_seconds(held, shard, seconds, start_s=0):
    return [s for s in range(start_s, start_s + seconds) if held.is_due(shard, START_AT_NS + s * NS_PER_S)]


def test_a_shard_is_kept_once_a_period_of_its_own_clock():
    seconds = due_seconds(tenure(), 3, 95)

    assert seconds == [30, 60, 90]


def test_the_first_snapshots_of_the_shards_are_spread_over_the_period():
    held = tenure()

    assert [due_seconds(held, shard, 31)[0] for shard in range(SHARD_COUNT)] == [8, 15, 23, 30]


def test_a_clock_that_leaps_asks_for_one_snapshot_and_not_for_all_that_were_missed():
    held = tenure()
    held.is_due(3, START_AT_NS)

    assert due_seconds(held, 3, 35, start_s=1000) == [1000, 1030]


def test_a_shard_is_kept_as_soon_as_its_share_of_the_bytes_has_been_taken_in():
    held = tenure(every_bytes=4_000)
    held.is_due(3, START_AT_NS)
    held.take(3, 999)
    held.take(2, 5_000)
    assert not held.is_due(3, START_AT_NS + NS_PER_S)
    held.take(3, 1)
    assert held.is_due(3, START_AT_NS + NS_PER_S)

    # From then on both bounds count anew.
    assert due_seconds(held, 3, 35, start_s=2) == [31]


def test_a_snapshot_that_is_being_written_is_waited_for():
    held = tenure()
    held.is_due(3, START_AT_NS)
    held.keeping(3).is_writing = True
    assert not held.is_due(3, START_AT_NS + 40 * NS_PER_S)
    held.keeping(3).is_writing = False

    assert held.is_due(3, START_AT_NS + 41 * NS_PER_S)


def test_a_restored_shard_stands_where_its_snapshot_was_taken():
    records = cut(
        to_arrays(new_state(2, SHARD_COUNT)),
        deployment=DEPLOYMENT, shard=2, source_offset=77, clock_ns=START_AT_NS, generation=1,
    )  # fmt: skip
    held = tenure()
    held.restore([Snapshot(decode_manifest(records[-1][1]), to_arrays(new_state(2, SHARD_COUNT)))], {2: [b"old"]})
    standing = held.workbench.standing(2)

    assert (standing.offset, standing.clock_ns) == (77, START_AT_NS)
    assert held.keeping(2).superseded == [b"old"]
    assert held.workbench.standing(0) is None
