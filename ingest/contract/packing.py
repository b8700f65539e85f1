"""A door's bookkeeping: rows cut into frames by shard, numbered, timed and ticking; for every process that writes telemetry."""

from collections import Counter

import msgspec
import numpy as np
import pyarrow as pa

from ingest.contract.columns import Array, Columns, Layout, row_count, take
from ingest.contract.frame import FRAME_LIMIT_BYTES, TelemetryHeader, encode, encode_batch, to_batch
from ingest.contract.inventory import Inventory, InventoryRecord, encode_record
from ingest.contract.telemetry import ATTACHMENT, CONTROL, LAYOUTS, TERMINAL, shard_of
from ingest.contract.topics import (
    INVENTORY_GATEWAY,
    INVENTORY_POP,
    INVENTORY_SATELLITE,
    INVENTORY_TENANT,
    INVENTORY_TERMINAL,
    TERMINAL_TELEMETRY,
    TOPIC_OF_KIND,
    Topic,
    shard_key,
)

# Full rows of noise take 137 bytes (1.09 MB at 8,000), simulated ones about half of it; a batch over the limit is halved.
FRAME_ROWS = 8_000
# Arrow pads a column of a slice to 8 bytes; the narrowest has one byte a row.
_PADDED_ROWS = 8
_NO_ROWS = to_batch(TERMINAL, {})


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A record ready for the bus."""

    topic: Topic
    key: bytes
    value: bytes
    partition: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()


def inventory_records(inventory: Inventory) -> list[Record]:
    """Return the records of the inventory topics, the deployment last: what it counts is there when it comes."""
    entries: list[tuple[Topic, str, InventoryRecord]] = [(INVENTORY_TENANT, r.tenant_id, r) for r in inventory.tenants]
    entries += [(INVENTORY_SATELLITE, r.satellite_id, r) for r in inventory.satellites]
    entries += [(INVENTORY_GATEWAY, r.gateway_id, r) for r in inventory.gateways]
    entries += [(INVENTORY_POP, r.pop_id, r) for r in inventory.pops]
    entries += [(INVENTORY_TERMINAL, r.terminal_id, r) for r in inventory.terminals]
    deployment = msgspec.structs.replace(inventory.deployment, counts=inventory.counts())
    entries += [(INVENTORY_TERMINAL, "deployment", deployment)]
    return [Record(topic=topic, key=key.encode(), value=encode_record(record)) for topic, key, record in entries]


class Versions(msgspec.Struct, frozen=True, kw_only=True):
    """What is in force at the door; named in every frame."""

    inventory: int = 0
    plan: int = 0
    maintenance: int = 0
    threshold: int = 0


class Packer:
    """Packs one producer's rows; it holds the producer's sequence numbers and its clock, which never goes back."""

    def __init__(self, *, producer_id: str, shard_count: int, partition_count: int) -> None:
        if shard_count % partition_count:
            raise ValueError(f"shard_count {shard_count} is no multiple of the partition count {partition_count}")
        self._producer_id = producer_id
        self._shard_count = shard_count
        self._partition_count = partition_count
        self._sequences: Counter[tuple[str, int | bytes]] = Counter()
        self._spoken: set[int] = set()
        self._clock_ns = 0
        self.versions = Versions()

    def samples(
        self, columns: Columns, received_at_ns: int, *, stored: bool = False, rows: Array | None = None
    ) -> list[Record]:
        """Pack terminal samples, in any order, into frames of their shards; with `rows`, only those."""
        return self._by_shard(TERMINAL, columns, received_at_ns, stored=stored, rows=rows)

    def attachments(self, columns: Columns, received_at_ns: int) -> list[Record]:
        """Pack attach and detach records into the shards of their terminals."""
        return self._by_shard(ATTACHMENT, columns, received_at_ns)

    def control(self, effective_at_ns: int, received_at_ns: int) -> list[Record]:
        """Say in every shard's own order that the versions in force have changed."""
        batch = to_batch(CONTROL, {"effective_at_ns": np.array([effective_at_ns])})
        return [self._frame(CONTROL, batch, shard, received_at_ns) for shard in range(self._shard_count)]

    def ticks(self, received_at_ns: int) -> list[Record]:
        """Return an empty frame for each shard that has had none since the last call: time moves only by the log."""
        silent = [shard for shard in range(self._shard_count) if shard not in self._spoken]
        records = [self._frame(TERMINAL, _NO_ROWS, shard, received_at_ns) for shard in silent]
        self._spoken.clear()
        return records

    def goodbye(self, received_at_ns: int) -> list[Record]:
        """Take leave of every shard, so that this producer's clock no longer counts."""
        return [
            self._frame(TERMINAL, _NO_ROWS, shard, received_at_ns, goodbye=True) for shard in range(self._shard_count)
        ]

    def source(self, kind: str, source: str, columns: Columns, received_at_ns: int) -> Record:
        """Pack rows of a satellite, gateway or PoP feed; the key is the feed."""
        topic, key = TOPIC_OF_KIND[kind], source.encode()
        header = self._header(LAYOUTS[kind], (topic.name, key), received_at_ns)
        return Record(topic=topic, key=key, value=encode(header, LAYOUTS[kind], columns))

    def _by_shard(
        self,
        layout: Layout,
        columns: Columns,
        received_at_ns: int,
        *,
        stored: bool = False,
        rows: Array | None = None,
    ) -> list[Record]:
        rows = np.arange(row_count(columns)) if rows is None else rows
        if not len(rows):
            return []
        order, edges = _by_shard(rows, columns["terminal_index"], self._shard_count)
        lined_up, starts = _apart(order, edges)
        batch = to_batch(layout, take(columns, lined_up))
        counts = np.diff(edges)
        return [
            record
            for shard in np.flatnonzero(counts).tolist()
            for part in _portions(batch.slice(starts[shard], counts[shard]))
            for record in self._fitting(layout, part, shard, received_at_ns, stored=stored)
        ]

    def _fitting(
        self, layout: Layout, batch: pa.RecordBatch, shard: int, received_at_ns: int, *, stored: bool
    ) -> list[Record]:
        record = self._frame(layout, batch, shard, received_at_ns, stored=stored)
        if len(record.value) <= FRAME_LIMIT_BYTES:
            return [record]
        self._sequences[TERMINAL_TELEMETRY.name, shard] -= 1
        middle = -(-batch.num_rows // 2)
        return [
            fitting
            for half in (batch.slice(0, middle), batch.slice(middle))
            for fitting in self._fitting(layout, half, shard, received_at_ns, stored=stored)
        ]

    def _frame(
        self,
        layout: Layout,
        batch: pa.RecordBatch,
        shard: int,
        received_at_ns: int,
        *,
        stored: bool = False,
        goodbye: bool = False,
    ) -> Record:
        header = self._header(
            layout, (TERMINAL_TELEMETRY.name, shard), received_at_ns, shard=shard, stored=stored, goodbye=goodbye
        )
        self._spoken.add(shard)
        return Record(
            topic=TERMINAL_TELEMETRY,
            key=shard_key(shard),
            partition=shard % self._partition_count,
            value=encode_batch(header, batch),
        )

    def _header(
        self,
        layout: Layout,
        sequence_of: tuple[str, int | bytes],
        received_at_ns: int,
        *,
        shard: int = 0,
        stored: bool = False,
        goodbye: bool = False,
    ) -> TelemetryHeader:
        self._clock_ns = max(self._clock_ns, received_at_ns)
        self._sequences[sequence_of] += 1
        return TelemetryHeader(
            kind=layout.kind,
            version=layout.version,
            received_at_ns=self._clock_ns,
            producer_id=self._producer_id,
            producer_sequence=self._sequences[sequence_of],
            shard=shard,
            shard_count=self._shard_count,
            stored=stored,
            goodbye=goodbye,
            inventory_version=self.versions.inventory,
            plan_version=self.versions.plan,
            maintenance_version=self.versions.maintenance,
            threshold_version=self.versions.threshold,
        )


def _by_shard(rows: Array, terminals: Array, shard_count: int) -> tuple[Array, Array]:
    """Return rows in the order of their shards, and where each shard's begin and end.

    Within a shard they come in the order of their terminals, which a reader takes three times as fast, and each
    terminal's in theirs.
    """
    whose = terminals[rows]
    if not bool((whose[1:] >= whose[:-1]).all()):
        rows = rows[np.argsort(whose, kind="stable")]
        whose = terminals[rows]
    shards = shard_of(whose, shard_count).astype(np.uint16)
    order = np.argsort(shards, kind="stable")
    return rows[order], np.searchsorted(shards[order], np.arange(shard_count + 1))


def _apart(order: Array, edges: Array) -> tuple[Array, Array]:
    """Fill each shard's rows up with its own last one, so that what pads its frame is nobody else's; say where each starts.

    Something stands before the first, since of a slice that starts at 0 Arrow writes more than it pads others with.
    """
    counts = np.diff(edges)
    room = -(-counts // _PADDED_ROWS) * _PADDED_ROWS
    starts = _PADDED_ROWS + np.cumsum(room) - room
    lined_up = np.concatenate([np.repeat(order[0], _PADDED_ROWS), np.repeat(order[edges[1:] - 1], room)])
    lined_up[np.arange(len(order)) + np.repeat(starts - edges[:-1], counts)] = order
    return lined_up, starts


def _portions(batch: pa.RecordBatch) -> list[pa.RecordBatch]:
    return [batch.slice(start, FRAME_ROWS) for start in range(0, batch.num_rows, FRAME_ROWS)]
