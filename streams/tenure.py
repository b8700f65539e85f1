"""What a worker holds between two rebalances: the state of its shards, how far it has read, when to snapshot.

A rebalance ends it for good, partitions that stay included: the next one begins from the snapshots, so that nothing
which an old one still does can reach the new one's state.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ingest.contract.instants import NS_PER_S
from streams.resume import Reading, ResumePoints
from streams.shard import from_arrays
from streams.snapshots import Snapshot
from streams.workbench import Standing, Workbench


@dataclass(slots=True)
class Keeping:
    """What is known of one shard's snapshots.

    Attributes:
        due_at_ns: When the next is due, by the shard's clock ...
        taken_bytes: ... or once so much has been taken in since the last.
        superseded: Keys to bury once a newer one stands.
        is_writing: One at a time.
    """

    due_at_ns: int = 0
    taken_bytes: int = 0
    superseded: list[bytes] = field(default_factory=list)
    is_writing: bool = False


class Tenure:
    """The partitions of one group generation."""

    def __init__(
        self,
        *,
        generation: int,
        points: ResumePoints,
        workbench: Workbench,
        shard_count: int,
        snapshot_every_s: float,
        snapshot_every_bytes: int,
    ) -> None:
        self.generation = generation
        self.reading = Reading(points.offsets)
        self.workbench = workbench
        self.shard_count = shard_count
        self._every_ns = int(snapshot_every_s * NS_PER_S)
        self._every_bytes = snapshot_every_bytes // shard_count
        self._keepings: dict[int, Keeping] = {}

    def restore(self, snapshots: Iterable[Snapshot], superseded: Mapping[int, list[bytes]]) -> None:
        """Put the shards' states in place, and remember what a newer snapshot will supersede."""
        for snapshot in snapshots:
            manifest = snapshot.manifest
            state = from_arrays(manifest.shard, self.shard_count, snapshot.arrays)
            self.workbench.restore(manifest.shard, Standing(state, manifest.source_offset, manifest.clock_ns))
        for shard, keys in superseded.items():
            self._keepings[shard] = Keeping(superseded=keys)

    def keeping(self, shard: int) -> Keeping:
        """Return what is known of a shard's snapshots."""
        return self._keepings.setdefault(shard, Keeping())

    def take(self, shard: int, byte_count: int) -> None:
        """Note what would have to be read again: a terminal that returns sends a quarter of an hour in a second."""
        self.keeping(shard).taken_bytes += byte_count

    def is_due(self, shard: int, clock_ns: int) -> bool:
        """Say whether a shard's snapshot is due; the first ones are spread over the period, so that they stay apart."""
        keeping = self.keeping(shard)
        if not keeping.due_at_ns:
            keeping.due_at_ns = clock_ns + self._every_ns * (shard + 1) // self.shard_count
        is_due = clock_ns >= keeping.due_at_ns or keeping.taken_bytes >= self._every_bytes
        if not is_due or keeping.is_writing:
            return False
        keeping.due_at_ns, keeping.taken_bytes = clock_ns + self._every_ns, 0
        return True
