"""Reads what a worker must know of Kafka before it reads a frame: the deployment's identity, and the snapshots."""

from collections.abc import Collection
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient

from ingest.contract.bus import Fatal
from ingest.contract.topics import TERMINAL_TELEMETRY
from streams.contract.topics import SNAPSHOTS
from streams.resume import ResumePoints, resume_points, shards_of
from streams.shard import STATE_VERSIONS
from streams.snapshots import Deployment, Shelf, Snapshot

_POLL_MS = 500
# A fetch that is under way is waited for by every request behind it.
_WAIT_MS = 20


def identify(bootstrap: str, shard_count: int) -> Deployment:
    """Ask the broker which cluster and which telemetry topic this is.

    Raises:
        Fatal: The topics are not there, or their partitions do not fit the shards or each other.
    """
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        cluster = admin.describe_cluster()
        telemetry, snapshots = admin.describe_topics([TERMINAL_TELEMETRY.name, SNAPSHOTS.name])
    finally:
        admin.close()
    partition_count = len(telemetry["partitions"])
    if not partition_count or len(snapshots["partitions"]) != partition_count:
        raise Fatal(
            f"{TERMINAL_TELEMETRY.name} has {partition_count} partitions and {SNAPSHOTS.name} has "
            f"{len(snapshots['partitions'])}: create both with the same number"
        )
    if shard_count % partition_count:
        raise Fatal(
            f"{shard_count} shards do not spread over {partition_count} partitions of {TERMINAL_TELEMETRY.name}: "
            "the shard count must be a multiple of the partition count"
        )
    return Deployment(
        cluster_id=cluster["cluster_id"],
        topic_id=str(telemetry["topic_id"]),
        partition_count=partition_count,
        shard_count=shard_count,
        state_versions=STATE_VERSIONS,
    )


@dataclass(frozen=True, slots=True)
class Loaded:
    """What an assignment begins from.

    Attributes:
        snapshots: The newest of each shard that has one.
        superseded: Keys of everything in the topic by shard: to be buried once a newer snapshot stands.
        points: Where to read on.
    """

    snapshots: list[Snapshot]
    superseded: dict[int, list[bytes]]
    points: ResumePoints


async def load(bootstrap: str, partitions: Collection[int], deployment: Deployment) -> Loaded:
    """Read the snapshots of the shards that live in these partitions.

    Raises:
        Fatal: A snapshot is of another deployment, or of frames that the topic no longer knows of.
    """
    if not partitions:
        return Loaded([], {}, ResumePoints(offsets={}, lost_counts={}))
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest", fetch_max_wait_ms=_WAIT_MS
    )
    await consumer.start()
    try:
        homes = [TopicPartition(SNAPSHOTS.name, partition) for partition in partitions]
        sources = [TopicPartition(TERMINAL_TELEMETRY.name, partition) for partition in partitions]
        # Offsets of partitions that are not assigned cost a second of waiting for metadata each time.
        consumer.assign([*homes, *sources])
        consumer.pause(*sources)
        shelf = await _read_shelf(consumer, homes)
        earliest = {tp.partition: offset for tp, offset in (await consumer.beginning_offsets(sources)).items()}
        ends = {tp.partition: offset for tp, offset in (await consumer.end_offsets(sources)).items()}
    finally:
        await consumer.stop()
    counts = {"shard_count": deployment.shard_count, "partition_count": deployment.partition_count}
    shards = [shard for partition in partitions for shard in shards_of(partition, **counts)]
    found = [shelf.newest(shard, deployment) for shard in shards]
    snapshots = [snapshot for snapshot in found if snapshot is not None]
    return Loaded(
        snapshots=snapshots,
        superseded={shard: shelf.keys(shard) for shard in shards},
        points=resume_points((s.manifest for s in snapshots), **counts, earliest=earliest, ends=ends),
    )


async def _read_shelf(consumer: AIOKafkaConsumer, homes: Collection[TopicPartition]) -> Shelf:
    shelf = Shelf()
    await consumer.seek_to_beginning(*homes)
    ends = await consumer.end_offsets(homes)
    # A position moves past the records that compaction has removed, so it reaches the end.
    while any([await consumer.position(home) < ends[home] for home in homes]):
        for records in (await consumer.getmany(timeout_ms=_POLL_MS)).values():
            for record in records:
                shelf.put(record.key, record.value)
    return shelf
