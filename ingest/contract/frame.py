"""The frame codec: one Arrow IPC record batch with a JSON header in its schema's metadata.

    | Arrow stream | schema (column names, types, metadata {"leowatch": header}) | one record batch, lz4 | end mark |

A missing value is NaN in a float column and -1 in an integer column; a column of which nothing is known is left out.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Generic, TypeAlias, TypeVar

import msgspec
import numpy as np
import pyarrow as pa

from ingest.contract.columns import Array, Column, Columns, Layout, row_count
from ingest.contract.instants import At, Count

# The broker takes 1 MiB; the rest is room for the record's own header (design section 3).
FRAME_LIMIT_BYTES = 900_000
_HEADER_KEY = b"leowatch"
_Dtype: TypeAlias = "np.dtype[np.generic]"
# How an Arrow stream ends. Without it a frame of samples that is cut behind its schema reads as a tick.
_END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"
# Threads cost more than they bring: 125 rows of 34 columns took 440 us with and 100 without, 7,500 rows 670 and 560.
_WRITE = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)


class RejectReason(StrEnum):
    """Why something could not be let in; the value is the dead letter's `reason` header and a metric's label."""

    UNPARSEABLE = "unparseable"
    TRUNCATED = "truncated"
    TOO_LARGE = "too_large"
    UNKNOWN_KIND = "unknown_kind"
    SCHEMA_VERSION = "schema_version"
    SHARD_COUNT = "shard_count"
    WRONG_SHARD = "wrong_shard"
    MISSING_COLUMN = "missing_column"
    WRONG_TYPE = "wrong_type"
    NOT_A_NUMBER = "not_a_number"
    OUT_OF_RANGE = "out_of_range"
    UNKNOWN_CHOICE = "unknown_choice"
    UNKNOWN_TERMINAL = "unknown_terminal"
    UNKNOWN_FIELD = "unknown_field"
    FOREIGN_TENANT = "foreign_tenant"
    CLOCK_AHEAD = "clock_ahead"
    RATE_LIMITED = "rate_limited"
    STEP_FAILED = "step_failed"
    SINK_REFUSED = "sink_refused"


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """A record that is not let in: what, where, and how to mend it."""

    reason: RejectReason
    detail: str
    field: str | None = None
    index: int | None = None


class TelemetryHeader(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The metadata of a telemetry frame.

    Attributes:
        kind: The layout's kind.
        version: The layout's version.
        shard: Of a terminal, attachment or control frame; 0 elsewhere.
        shard_count: A reader refuses another number than the inventory's.
        received_at_ns: The door's clock; never backwards within a producer.
        producer_id: Who packed the frame.
        producer_sequence: Counts that producer's frames of this topic and shard, so that loss shows at every hop.
        stored: Backfill or replay: folded in, never a page.
        goodbye: The producer leaves; its clock no longer counts.
        inventory_version: In force at the door.
        plan_version: In force at the door; 0 where there is no plan.
        maintenance_version: In force at the door.
        threshold_version: In force at the door.
    """

    kind: str
    version: int
    received_at_ns: At
    producer_id: str
    producer_sequence: Count
    shard: Count = 0
    shard_count: Count = 0
    stored: bool = False
    goodbye: bool = False
    inventory_version: Count = 0
    plan_version: Count = 0
    maintenance_version: Count = 0
    threshold_version: Count = 0


H = TypeVar("H", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Frame(Generic[H]):
    """A decoded frame: its header and its columns; optional columns that were not sent are absent.

    Attributes:
        header: The metadata.
        layout: What the columns mean.
        columns: Name to array, all of the same length.
        rows: That length; 0 is a tick.
    """

    header: H
    layout: Layout
    columns: dict[str, Array]
    rows: int

    def column(self, name: str) -> Array:
        """Return a column, or nulls where it was not sent."""
        values = self.columns.get(name)
        return self.layout.column(name).nulls(self.rows) if values is None else values


_encoder = msgspec.json.Encoder()
# What Arrow raises over bytes that somebody has damaged; text that is no UTF-8 among them (found by flipping bytes).
_DAMAGE = (pa.ArrowException, OSError, ValueError, KeyError)


@lru_cache(maxsize=256)
def _schema(layout: Layout, names: tuple[str, ...]) -> tuple[pa.Schema, tuple[tuple[str, pa.DataType, _Dtype], ...]]:
    """Return a schema, and its columns with their two types: asked of pyarrow, a type costs more than a conversion."""
    kinds = tuple((c.name, c.arrow_type, c.numpy_type) for c in layout.columns if c.name in names)
    return layout.arrow_schema(names), kinds


def encode(header: msgspec.Struct, layout: Layout, columns: Columns) -> bytes:
    """Pack columns into a frame's bytes.

    Raises:
        KeyError: A required column is missing, or the layout does not know one.
        ValueError: Columns differ in length.
    """
    return encode_batch(header, to_batch(layout, columns))


def to_batch(layout: Layout, columns: Columns) -> pa.RecordBatch:
    """Turn columns into a batch of which each frame is a slice: to slice costs a twentieth of turning them.

    Raises:
        KeyError: A required column is missing, or the layout does not know one.
        ValueError: Columns differ in length.
    """
    names = tuple(name for name in layout.names() if name in columns)
    if len(names) != len(columns):
        raise KeyError(f"{layout.kind} has no column {sorted(set(columns) - set(names))}")
    if row_count(columns):
        absent = [c.name for c in layout.columns if c.required and c.name not in columns]
        if absent:
            raise KeyError(f"a {layout.kind} frame needs {absent}")
    schema, kinds = _schema(layout, names)
    arrays = [_to_arrow(columns[name], arrow_type, numpy_type) for name, arrow_type, numpy_type in kinds]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def encode_batch(header: msgspec.Struct, batch: pa.RecordBatch) -> bytes:
    """Pack a batch into a frame's bytes; one without rows is a tick.

    Arrow pads a slice's columns to 8 bytes with what follows it in the batch.
    """
    schema = batch.schema.with_metadata({_HEADER_KEY: _encoder.encode(header)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema, options=_WRITE) as writer:
        if batch.num_rows:
            writer.write_batch(batch)
    value: bytes = sink.getvalue().to_pybytes()
    return value


def _to_arrow(values: Array, arrow_type: pa.DataType, numpy_type: _Dtype) -> pa.Array:
    raw = np.ascontiguousarray(values, dtype=numpy_type)
    return pa.Array.from_buffers(arrow_type, len(raw), [None, pa.py_buffer(raw)])


@lru_cache(maxsize=64)
def _read_options(fields: tuple[int, ...]) -> pa.ipc.IpcReadOptions:
    # Threads fight over two cores that are already busy: measured 2.8-3.4 M samples/s without, 1.1-2.5 with.
    return pa.ipc.IpcReadOptions(use_threads=False, included_fields=list(fields))


def decode(
    value: bytes,
    layouts: dict[str, Layout],
    header_type: type[H],
    *,
    only: frozenset[str] | None = None,
    shard_count: int | None = None,
) -> Frame[H] | Rejected:
    """Unpack a frame's bytes, or say why they are no frame.

    An unknown column is ignored; a missing optional one reads as null; a missing required one is rejected.

    Args:
        value: The bytes of a Kafka value.
        layouts: The kinds that may come, by name.
        header_type: The header's record; it has at least `kind` and `version`.
        only: Decompress these columns alone.
        shard_count: The number the reader works with; another one in the header is refused.
    """
    if len(value) > FRAME_LIMIT_BYTES:
        return Rejected(
            reason=RejectReason.TOO_LARGE, detail=f"{len(value)} bytes; a frame has at most {FRAME_LIMIT_BYTES}"
        )
    try:
        schema = pa.ipc.open_stream(pa.py_buffer(value)).schema
        names = tuple(schema.names)
    except _DAMAGE as error:
        return Rejected(reason=RejectReason.UNPARSEABLE, detail=f"not an Arrow stream: {error}")
    try:
        header = msgspec.json.decode((schema.metadata or {}).get(_HEADER_KEY, b""), type=header_type)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return Rejected(reason=RejectReason.UNPARSEABLE, detail=f"no readable header in the schema's metadata: {error}")
    layout = layouts.get(getattr(header, "kind", ""))
    refusal = _refuse_header(header, layout, shard_count)
    if refusal is not None or layout is None:
        return refusal or Rejected(reason=RejectReason.UNKNOWN_KIND, detail="no kind")
    return _read_columns(value, names, header, layout, only)


def _refuse_header(header: msgspec.Struct, layout: Layout | None, shard_count: int | None) -> Rejected | None:
    kind, version = getattr(header, "kind", ""), getattr(header, "version", 0)
    theirs = getattr(header, "shard_count", 0)
    if layout is None:
        return Rejected(reason=RejectReason.UNKNOWN_KIND, detail=f"kind {kind!r} is not read here")
    if version != layout.version:
        detail = f"{kind} version {version}; version {layout.version} is read here"
        return Rejected(reason=RejectReason.SCHEMA_VERSION, detail=detail)
    if shard_count is not None and theirs != shard_count:
        detail = f"written for {theirs} shards; the inventory says {shard_count}"
        return Rejected(reason=RejectReason.SHARD_COUNT, detail=detail)
    if shard_count is not None and getattr(header, "shard", 0) >= shard_count:
        detail = f"shard {getattr(header, 'shard', 0)} of {shard_count}"
        return Rejected(reason=RejectReason.WRONG_SHARD, detail=detail)
    return None


@dataclass(frozen=True, slots=True)
class _Selection:
    """What is read of the frames of one schema.

    Attributes:
        fields: Numbers of the fields that are decompressed.
        schema: What they should be.
        columns: Their names and types in memory.
        lacking: A required column that the frames do not have.
    """

    fields: tuple[int, ...]
    schema: pa.Schema
    columns: tuple[tuple[str, _Dtype], ...]
    lacking: Column | None


@lru_cache(maxsize=256)
def _selection(layout: Layout, names: tuple[str, ...], only: frozenset[str] | None) -> _Selection | None:
    """Return what is read of columns of those names; None where two have one name."""
    if len(set(names)) < len(names):
        return None
    asked = [c for c in layout.columns if only is None or c.name in only]
    wanted = {c.name for c in asked}
    fields = tuple(i for i, name in enumerate(names) if name in wanted)
    columns = [layout.column(names[i]) for i in fields]
    return _Selection(
        fields=fields,
        schema=pa.schema([(c.name, c.arrow_type) for c in columns]),
        columns=tuple((c.name, c.numpy_type) for c in columns),
        lacking=next((c for c in asked if c.required and c.name not in names), None),
    )


def _read_columns(
    value: bytes, names: tuple[str, ...], header: H, layout: Layout, only: frozenset[str] | None
) -> Frame[H] | Rejected:
    if not value.endswith(_END_OF_STREAM):
        return Rejected(reason=RejectReason.TRUNCATED, detail="the frame has no end mark: rows may be missing")
    selection = _selection(layout, names, only)
    if selection is None:
        return Rejected(reason=RejectReason.UNPARSEABLE, detail="two columns of one name")
    try:
        batches = list(pa.ipc.open_stream(pa.py_buffer(value), options=_read_options(selection.fields)))
        for batch in batches:
            batch.validate()
    except _DAMAGE as error:
        return Rejected(reason=RejectReason.TRUNCATED, detail=f"the record batch ends early or is damaged: {error}")
    if len(batches) > 1:
        return Rejected(reason=RejectReason.UNPARSEABLE, detail=f"{len(batches)} record batches; a frame has one")
    refusal = _refuse_columns(batches[0], selection, layout) if batches else None
    if refusal is not None:
        return refusal
    rows = sum(batch.num_rows for batch in batches)
    if rows:
        # Where nothing is asked for, Arrow reads everything.
        arrays = zip(selection.columns, batches[0].columns, strict=False)
        columns = {name: _from_arrow(values, numpy_type) for (name, numpy_type), values in arrays}
    else:
        columns = {name: np.empty(0, numpy_type) for name, numpy_type in selection.columns}
    return Frame(header=header, layout=layout, columns=columns, rows=rows)


def _refuse_columns(batch: pa.RecordBatch, selection: _Selection, layout: Layout) -> Rejected | None:
    if selection.lacking is not None and batch.num_rows:
        name = selection.lacking.name
        return Rejected(reason=RejectReason.MISSING_COLUMN, detail=f"a {layout.kind} frame needs {name}", field=name)
    # Where nothing is asked for, Arrow reads everything: it is not looked at.
    if not selection.fields or batch.schema.equals(selection.schema):
        return None
    for found, wanted in zip(batch.schema, selection.schema, strict=True):
        if found.type != wanted.type:
            detail = f"{found.name} is {found.type}; it should be {wanted.type}"
            return Rejected(reason=RejectReason.WRONG_TYPE, detail=detail, field=found.name)
    return None


def _from_arrow(values: pa.Array, numpy_type: _Dtype) -> Array:
    if values.null_count:
        values = values.fill_null(float("nan") if numpy_type.kind == "f" else -1)
    if numpy_type.kind != "V":
        return np.from_dlpack(values)
    # pyarrow's own `to_numpy` imports pandas first: a second of a worker's start.
    start = values.offset * numpy_type.itemsize
    return np.frombuffer(values.buffers()[1], dtype=numpy_type, count=len(values), offset=start)
