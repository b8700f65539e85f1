"""The frame codec: one Arrow IPC record batch with a JSON header in its schema's metadata.

    | Arrow stream | schema (column names, types, metadata {"leowatch": header}) | one record batch, lz4 | end mark |

A missing value is NaN in a float column and -1 in an integer column; a column of which nothing is known is left out.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Generic, TypeVar

import msgspec
import numpy as np
import pyarrow as pa

from ingest.contract.columns import Array, Column, Columns, Layout, row_count
from ingest.contract.instants import At, Count

# The broker takes 1 MiB; the rest is room for the record's own header (design section 3).
FRAME_LIMIT_BYTES = 900_000
_HEADER_KEY = b"leowatch"
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
def _schema(layout: Layout, names: tuple[str, ...]) -> pa.Schema:
    return layout.arrow_schema(names)


def encode(header: msgspec.Struct, layout: Layout, columns: Columns) -> bytes:
    """Pack columns into a frame's bytes.

    Raises:
        KeyError: A required column is missing, or the layout does not know one.
        ValueError: Columns differ in length.
    """
    names = tuple(name for name in layout.names() if name in columns)
    if len(names) != len(columns):
        raise KeyError(f"{layout.kind} has no column {sorted(set(columns) - set(names))}")
    rows = row_count(columns)
    if rows:
        absent = [c.name for c in layout.columns if c.required and c.name not in columns]
        if absent:
            raise KeyError(f"a {layout.kind} frame needs {absent}")
    schema = _schema(layout, names).with_metadata({_HEADER_KEY: _encoder.encode(header)})
    arrays = [_to_arrow(columns[field.name], field.type) for field in schema]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema, options=_WRITE) as writer:
        if rows:
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
    value: bytes = sink.getvalue().to_pybytes()
    return value


def _to_arrow(values: Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_fixed_size_binary(kind):
        raw = np.ascontiguousarray(values)
        return pa.FixedSizeBinaryArray.from_buffers(kind, len(raw), [None, pa.py_buffer(raw)])
    return pa.array(np.ascontiguousarray(values, dtype=_numpy_type(kind)))


@lru_cache(maxsize=64)
def _numpy_type(kind: pa.DataType) -> "np.dtype[np.generic]":
    # Asked of pyarrow, this costs more than the conversion.
    found: np.dtype[np.generic] = np.dtype(kind.to_pandas_dtype())
    return found


@lru_cache(maxsize=64)
def _read_options(included: tuple[int, ...] | None) -> pa.ipc.IpcReadOptions:
    # Threads fight over two cores that are already busy: measured 2.8-3.4 M samples/s without, 1.1-2.5 with.
    return pa.ipc.IpcReadOptions(use_threads=False, included_fields=list(included) if included is not None else None)


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
        schema = pa.ipc.open_stream(value).schema
        names = tuple(schema.names)
    except _DAMAGE as error:
        return Rejected(reason=RejectReason.UNPARSEABLE, detail=f"not an Arrow stream: {error}")
    if len(set(names)) < len(names):
        return Rejected(reason=RejectReason.UNPARSEABLE, detail="two columns of one name")
    try:
        header = msgspec.json.decode((schema.metadata or {}).get(_HEADER_KEY, b""), type=header_type)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return Rejected(reason=RejectReason.UNPARSEABLE, detail=f"no readable header in the schema's metadata: {error}")
    layout = layouts.get(getattr(header, "kind", ""))
    refusal = _refuse_header(header, layout, shard_count)
    if refusal is not None or layout is None:
        return refusal or Rejected(reason=RejectReason.UNKNOWN_KIND, detail="no kind")
    return _read_columns(value, schema, names, header, layout, only)


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


@lru_cache(maxsize=256)
def _selection(
    layout: Layout, names: tuple[str, ...], only: frozenset[str] | None
) -> tuple[tuple[int, ...], tuple[tuple[Column, bool], ...]]:
    """Return which fields of a schema to read, and which columns are asked for, with whether the schema has them."""
    known, there = set(layout.names()), set(names)
    wanted = tuple(i for i, name in enumerate(names) if name in known and (only is None or name in only))
    return wanted, tuple((c, c.name in there) for c in layout.columns if only is None or c.name in only)


def _read_columns(
    value: bytes, schema: pa.Schema, names: tuple[str, ...], header: H, layout: Layout, only: frozenset[str] | None
) -> Frame[H] | Rejected:
    if not value.endswith(_END_OF_STREAM):
        return Rejected(reason=RejectReason.TRUNCATED, detail="the frame has no end mark: rows may be missing")
    wanted, expected = _selection(layout, names, only)
    try:
        batches = list(pa.ipc.open_stream(value, options=_read_options(wanted if only is not None else None)))
        for batch in batches:
            batch.validate()
    except _DAMAGE as error:
        return Rejected(reason=RejectReason.TRUNCATED, detail=f"the record batch ends early or is damaged: {error}")
    if len(batches) > 1:
        return Rejected(reason=RejectReason.UNPARSEABLE, detail=f"{len(batches)} record batches; a frame has one")
    rows = batches[0].num_rows if batches else 0
    columns: dict[str, Array] = {}
    for column, is_there in expected:
        if not is_there:
            if column.required and rows:
                detail = f"a {layout.kind} frame needs {column.name}"
                return Rejected(reason=RejectReason.MISSING_COLUMN, detail=detail, field=column.name)
            continue
        if not batches:
            columns[column.name] = column.nulls(0)
            continue
        values = _from_arrow(batches[0].column(column.name), column.numpy_type, column.arrow_type)
        if values is None:
            detail = f"{column.name} is {schema.field(column.name).type}; it should be {column.arrow_type}"
            return Rejected(reason=RejectReason.WRONG_TYPE, detail=detail, field=column.name)
        columns[column.name] = values
    return Frame(header=header, layout=layout, columns=columns, rows=rows)


def _from_arrow(values: pa.Array, numpy_type: "np.dtype[np.generic]", arrow_type: pa.DataType) -> Array | None:
    if values.type != arrow_type:
        return None
    if pa.types.is_fixed_size_binary(arrow_type):
        start = values.offset * 16
        raw = values.buffers()[1]
        return np.frombuffer(raw, dtype=numpy_type, count=len(values), offset=start)
    if values.null_count:
        values = values.fill_null(float("nan") if numpy_type.kind == "f" else -1)
    found: Array = values.to_numpy(zero_copy_only=False)
    return found
