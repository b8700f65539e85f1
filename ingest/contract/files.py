"""File forms: Parquet for frames, one file a layout, null where a value is missing; records of JSON are lines."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.contract.columns import MISSING, Array, Column, Columns, Layout, row_count
from ingest.contract.frame import TelemetryHeader

# A group is what a reader decompresses at once; small frames are gathered until there are so many rows.
ROW_GROUP_ROWS = 100_000


class FrameLine(msgspec.Struct, frozen=True, kw_only=True):
    """One telemetry frame of a run, a line of JSON: with it, rows of a Parquet file become the frames again that they came in.

    Attributes:
        header: As it was on the wire; ticks, goodbyes and versions in force are nowhere else.
        rows: How many of the next rows of its kind's file it holds; a tick has none.
    """

    header: TelemetryHeader
    rows: int = 0


encode_frame_line = msgspec.json.Encoder().encode
decode_frame_line = msgspec.json.Decoder(FrameLine).decode


class FrameFile:
    """Writes rows of one layout into a Parquet file, a group at a time, so that memory is flat however long a run is.

    Args:
        path: The file; its folder is there.
        layout: What the columns mean; its name and version go into the file's metadata.
        extra: Columns besides the layout's, such as the header's facts.
    """

    def __init__(self, path: Path, layout: Layout, extra: tuple[Column, ...] = ()) -> None:
        self._columns = (*layout.columns, *extra)
        facts = {"leowatch.kind": layout.kind, "leowatch.version": str(layout.version)}
        self._schema = pa.schema([(c.name, c.arrow_type) for c in self._columns], metadata=facts)
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0

    def write(self, columns: Columns) -> None:
        """Add rows; a column that is not there is null."""
        rows = row_count(columns)
        if not rows:
            return
        arrays = [_to_file(column, columns.get(column.name), rows) for column in self._columns]
        self._waiting.append(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._waiting_rows += rows
        if self._waiting_rows >= ROW_GROUP_ROWS:
            self._flush()

    def close(self) -> None:
        """Write what waits, and the file's end: without it nobody can read the file."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.Table.from_batches(self._waiting))
            self._waiting, self._waiting_rows = [], 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_frames(path: Path, layout: Layout) -> Iterator[dict[str, Array]]:
    """Yield the columns of a file, a row group at a time; columns that the layout does not know are left out.

    Raises:
        ValueError: The file is no Parquet file, or lacks a required column.
    """
    try:
        source = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError(f"{path}: not a Parquet file: {error}") from error
    with source:
        known = [column for column in layout.columns if column.name in source.schema_arrow.names]
        lacking = [c.name for c in layout.columns if c.required and c not in known]
        if lacking:
            raise ValueError(f"{path}: a file of {layout.kind} frames needs {', '.join(lacking)}")
        for group in range(source.num_row_groups):
            table = source.read_row_group(group, columns=[column.name for column in known])
            yield {column.name: _from_file(column, table.column(column.name)) for column in known}


def _to_file(column: Column, values: Array | None, rows: int) -> pa.Array:
    if values is None:
        return pa.nulls(rows, column.arrow_type)
    if column.dtype == "V16":
        raw = np.ascontiguousarray(values)
        return pa.FixedSizeBinaryArray.from_buffers(column.arrow_type, rows, [None, pa.py_buffer(raw)])
    values = values.astype(column.numpy_type, copy=False)
    missing = np.isnan(values) if column.numpy_type.kind == "f" else values == MISSING
    return pa.array(values, type=column.arrow_type, mask=missing if not column.required and missing.any() else None)


def _from_file(column: Column, values: pa.ChunkedArray) -> Array:
    if column.dtype == "V16":
        return np.frombuffer(b"".join(values.to_pylist()), dtype="V16")
    if values.type != column.arrow_type:
        values = values.cast(column.arrow_type)
    filled = pc.fill_null(values, float("nan") if column.numpy_type.kind == "f" else MISSING)
    found: Array = filled.to_numpy()
    return found
