"""Where reading goes on after an assignment, and the guard that it goes on without a hole."""

from collections.abc import Iterable, Mapping
from enum import Enum, auto

import msgspec

from ingest.contract.bus import Fatal
from streams.contract.snapshots import SnapshotManifest


class ResumePoints(msgspec.Struct, frozen=True, kw_only=True):
    """Where reading goes on.

    Attributes:
        offsets: Next offset to read of each partition: behind the lowest of its shards' snapshots.
        lost_counts: Frames that retention deleted before a shard had them in a snapshot, by shard.
    """

    offsets: dict[int, int]
    lost_counts: dict[int, int]


def shards_of(partition: int, *, shard_count: int, partition_count: int) -> range:
    """Return the shards that live in a partition."""
    return range(partition, shard_count, partition_count)


def resume_points(
    manifests: Iterable[SnapshotManifest],
    *,
    shard_count: int,
    partition_count: int,
    earliest: Mapping[int, int],
    ends: Mapping[int, int],
) -> ResumePoints:
    """Return where each assigned partition is to be read from.

    A shard without a snapshot begins at the partition's earliest frame.

    Args:
        manifests: The newest of each shard that has one.
        shard_count: Of the deployment.
        partition_count: Of the telemetry topic.
        earliest: First offset that each assigned partition still holds.
        ends: The offset behind the last of each.

    Raises:
        Fatal: A snapshot stands beyond the end of its partition.
    """
    next_of_shard: dict[int, int] = {}
    for manifest in manifests:
        if manifest.source_offset >= ends[manifest.source_partition]:
            raise Fatal(
                f"the snapshot of shard {manifest.shard} stands at offset {manifest.source_offset}, but partition "
                f"{manifest.source_partition} ends at {ends[manifest.source_partition]}: the telemetry topic was cut "
                "back; delete the snapshots to begin anew"
            )
        next_of_shard[manifest.shard] = manifest.source_offset + 1
    offsets = {
        partition: max(
            first,
            min(
                next_of_shard.get(shard, first)
                for shard in shards_of(partition, shard_count=shard_count, partition_count=partition_count)
            ),
        )
        for partition, first in earliest.items()
    }
    lost = {
        shard: earliest[shard % partition_count] - following
        for shard, following in next_of_shard.items()
        if following < earliest[shard % partition_count]
    }
    return ResumePoints(offsets=offsets, lost_counts=lost)


class Place(Enum):
    """How a frame stands to the one that is expected."""

    NEXT = auto()
    SEEN = auto()
    JUMP = auto()


class Reading:
    """Follows the offsets of each partition: a frame is the one after the last, or it is not processed."""

    def __init__(self, offsets: Mapping[int, int]) -> None:
        self.expected = dict(offsets)

    def place(self, partition: int, offset: int) -> Place:
        """Say how a frame stands; only the next one moves the reading on."""
        expected = self.expected[partition]
        if offset == expected:
            self.expected[partition] = offset + 1
            return Place.NEXT
        return Place.SEEN if offset < expected else Place.JUMP

    def skip_to(self, partition: int, earliest: int) -> int:
        """Give up what retention has deleted; return how many frames that is."""
        lost_count = max(earliest - self.expected[partition], 0)
        self.expected[partition] += lost_count
        return lost_count
