"""A column: its name with the unit, its type, its range and its meaning, in one place.

From these come the gate's checks, the codec's schemas, the Parquet files and `docs/data-dictionary.md`.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum, IntFlag
from functools import cached_property
from typing import Any, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

Array: TypeAlias = npt.NDArray[Any]
Columns: TypeAlias = Mapping[str, Array]

# What stands for "not reported" in an integer column; in a float column it is NaN. No measured integer is negative.
MISSING = -1


class Column(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One column of a frame.

    Attributes:
        name: The field's term with its unit at the end.
        dtype: A numpy type code, or `V16` for a 128-bit key.
        required: A frame without it goes to the dead letter; an optional one that is missing reads as null.
        minimum: Lowest value the gate lets in (inclusive); None where any is allowed.
        maximum: Highest value the gate lets in (inclusive).
        resolution: Step in which the value is meaningful, in the column's unit; None for counts and indexes.
        choices: The closed list the value comes from.
        description: One sentence for the data dictionary.
    """

    name: str
    dtype: str
    description: str
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    resolution: float | None = None
    choices: type[IntEnum] | type[IntFlag] | None = None

    @property
    def arrow_type(self) -> pa.DataType:
        """The column's type in a record batch."""
        return pa.binary(16) if self.dtype == "V16" else pa.from_numpy_dtype(np.dtype(self.dtype))

    @cached_property
    def numpy_type(self) -> np.dtype[Any]:
        """The column's type in memory."""
        return np.dtype(self.dtype)

    def nulls(self, count: int) -> Array:
        """Return `count` values that say "not reported"."""
        if self.numpy_type.kind == "f":
            return np.full(count, np.nan, self.numpy_type)
        return np.zeros(count, self.numpy_type) if self.dtype == "V16" else np.full(count, MISSING, self.numpy_type)


class Layout(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The columns of one kind of frame, under one version.

    Attributes:
        kind: The frame's kind as its header names it.
        version: Schema version; a breaking change is a new topic and a new version.
        columns: In the order of the data dictionary.
        description: One sentence on what a row is.
    """

    kind: str
    version: int
    columns: tuple[Column, ...]
    description: str

    def column(self, name: str) -> Column:
        """Return the column of that name.

        Raises:
            KeyError: The layout has no such column.
        """
        return self._by_name[name]

    def names(self) -> tuple[str, ...]:
        """Return the names of all columns."""
        return tuple(self._by_name)

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    def __hash__(self) -> int:
        return hash((self.kind, self.version))

    def arrow_schema(self, names: Iterable[str] | None = None) -> pa.Schema:
        """Return the Arrow schema of all columns, or of those named."""
        wanted = set(self.names() if names is None else names)
        return pa.schema([(c.name, c.arrow_type) for c in self.columns if c.name in wanted])

    def empty(self) -> dict[str, Array]:
        """Return zero rows of every column."""
        return {column.name: column.nulls(0) for column in self.columns}


def row_count(columns: Columns) -> int:
    """Return the number of rows of a set of columns; no columns are no rows."""
    return len(next(iter(columns.values()))) if columns else 0


def take(columns: Columns, rows: Array | slice) -> dict[str, Array]:
    """Return those rows of every column."""
    return {name: values[rows] for name, values in columns.items()}


def concatenate(parts: Sequence[Columns], layout: Layout) -> dict[str, Array]:
    """Stack parts that may lack different optional columns; what a part lacks reads as null."""
    parts = [part for part in parts if row_count(part)]
    edges = np.cumsum([0, *map(row_count, parts)]).tolist()
    names = [name for name in layout.names() if any(name in part for part in parts)]
    return {name: _stacked(parts, edges, layout.column(name)) for name in names} if parts else layout.empty()


def _stacked(parts: Sequence[Columns], edges: list[int], column: Column) -> Array:
    having = [part[column.name] for part in parts if column.name in part]
    if len(having) == len(parts):
        return np.concatenate(having)
    whole = column.nulls(edges[-1])
    for part, start, end in zip(parts, edges, edges[1:], strict=False):
        if column.name in part:
            whole[start:end] = part[column.name]
    return whole
