"""Any delimited text with a header line, its columns mapped to the fields of a terminal sample.

    --map time=observed_at,sat=serving_satellite,rtt=pop_ping_latency_ms

A field is a column of a terminal frame, or one of three that are written differently in files: `observed_at` (Unix seconds,
or ISO 8601 where a time without an offset is UTC), `serving_satellite` and `terminal_id` (any string; numbered in the order
in which they appear).
"""

import csv
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum

import numpy as np

from ingest.contract.columns import MISSING, Array, Column
from ingest.contract.instants import NS_PER_S
from ingest.contract.telemetry import TERMINAL
from ingest.recorded.malformed import BadLines, BadLineTally, Malformed
from ingest.recorded.text import to_text

_OBSERVED_AT = "observed_at"
# Fields whose values are names: the column that their number goes to.
_NAMED = {"serving_satellite": "serving_satellite_index", "terminal_id": "terminal_index"}
_SECONDS = re.compile(r"[-+]?\d+(\.\d*)?([eE][-+]?\d{1,2})?")
_ABSENT = frozenset({"", "nan", "null", "none", "na", "n/a"})
# 2100-01-01: a larger "second" is a millisecond or a nanosecond.
_LATEST_S = 4_102_444_800
_HOW = "map at least one column to observed_at, as in --map time=observed_at,rtt=pop_ping_latency_ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class DelimitedSamples:
    """Samples in the order of time.

    Attributes:
        columns: By the names of a terminal frame's columns; `observed_at_ns` is always there.
        satellites: Name of each `serving_satellite_index`.
        terminals: Name of each `terminal_index`.
        bad_lines: What was left out.
    """

    columns: dict[str, Array]
    satellites: tuple[str, ...]
    terminals: tuple[str, ...]
    bad_lines: BadLines


def read_delimited(raw: bytes, name: str, fields: Mapping[str, str]) -> DelimitedSamples:
    """Read a delimited file, gzipped or not.

    Args:
        raw: The file.
        name: Its name, for messages.
        fields: Column of the file to field.

    Raises:
        Malformed: No such column or field, no `observed_at`, or no good line.
    """
    lines = to_text(raw, name).splitlines()
    delimiter = max(",;\t", key=lines[0].count)
    rows = csv.reader(lines, delimiter=delimiter)
    header = [title.strip() for title in next(rows)]
    targets, places = _targets(fields, name), _places(fields, header, name)
    names: dict[str, dict[str, int]] = {field: {} for field in _NAMED}
    readers = [_reader(field, names) for field in fields.values()]
    tally = BadLineTally(name)
    try:
        kept = _kept_rows(rows, places, readers, tally)
    except csv.Error as error:
        raise Malformed(name, f"no delimited text ({error})", _HOW, line=rows.line_num) from error
    bad_lines = tally.settle(len(kept), _HOW)
    return DelimitedSamples(
        columns=_by_time(kept, targets),
        satellites=tuple(names["serving_satellite"]),
        terminals=tuple(names["terminal_id"]),
        bad_lines=bad_lines,
    )


def _targets(fields: Mapping[str, str], name: str) -> list[Column]:
    """Return the frame column that each field goes to."""
    known = set(TERMINAL.names()) | set(_NAMED) | {_OBSERVED_AT}
    unknown = sorted(set(fields.values()) - known)
    if unknown:
        raise Malformed(name, f"no field is called {', '.join(unknown)}", f"use one of {', '.join(sorted(known))}")
    wanted = [_NAMED.get(field, "observed_at_ns" if field == _OBSERVED_AT else field) for field in fields.values()]
    twice = sorted({column for column in wanted if wanted.count(column) > 1})
    if twice or "observed_at_ns" not in wanted:
        raise Malformed(name, f"two columns for {', '.join(twice)}" if twice else "no column for observed_at", _HOW)
    return [TERMINAL.column(column) for column in wanted]


def _places(fields: Mapping[str, str], header: list[str], name: str) -> list[int]:
    absent = [column for column in fields if column not in header]
    if absent:
        raise Malformed(
            name, f"no column is called {', '.join(absent)}", f"its columns are {', '.join(header)}", line=1
        )
    return [header.index(column) for column in fields]


def _kept_rows(
    rows: Iterable[list[str]], places: list[int], readers: Sequence[Callable[[str], float | int]], tally: BadLineTally
) -> list[list[float | int]]:
    kept: list[list[float | int]] = []
    for number, row in enumerate(rows, start=2):
        if not row:
            continue
        try:
            kept.append([read(row[place].strip()) for read, place in zip(readers, places, strict=True)])
        except IndexError:
            tally.add(number, f"{len(row)} columns; {max(places) + 1} are needed")
        except ValueError as error:
            tally.add(number, str(error))
    return kept


def _by_time(kept: list[list[float | int]], targets: list[Column]) -> dict[str, Array]:
    arrays = {
        column.name: np.array(values, column.numpy_type)
        for column, values in zip(targets, zip(*kept, strict=True), strict=True)
    }
    order = np.argsort(arrays["observed_at_ns"], kind="stable")
    return {name: values[order] for name, values in arrays.items()}


def _reader(field: str, names: dict[str, dict[str, int]]) -> Callable[[str], float | int]:
    if field in _NAMED:
        return lambda text: names[field].setdefault(text, len(names[field])) if text else MISSING
    if field == _OBSERVED_AT:
        return to_observed_at_ns
    column = TERMINAL.column(field)
    return lambda text: _value(text, column)


def field_value(field: str, text: str) -> float | int:
    """Read one value of a column of a terminal frame.

    Raises:
        ValueError: No such column, or no value of it.
    """
    if field not in TERMINAL.names():
        raise ValueError(f"no field is called {field}; use one of {', '.join(TERMINAL.names())}")
    return _value(text.strip(), TERMINAL.column(field))


def to_observed_at_ns(text: str) -> int:
    """Read Unix seconds or ISO 8601; a time without an offset is UTC.

    Raises:
        ValueError: It is neither.
    """
    at_ns = _from_seconds(text) if _SECONDS.fullmatch(text) else _from_iso(text)
    if not 0 <= at_ns < _LATEST_S * NS_PER_S:
        raise ValueError(f"{text} is no Unix time in seconds, nor a date of this century")
    return at_ns


def _from_seconds(text: str) -> int:
    # A float64 holds today's Unix time to 0.2 us only.
    return int(Decimal(text) * NS_PER_S)


def _from_iso(text: str) -> int:
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(moment.replace(microsecond=0).timestamp()) * NS_PER_S + moment.microsecond * 1000


def _value(text: str, column: Column) -> float | int:
    whole = column.numpy_type.kind == "i"
    if text.lower() in _ABSENT:
        return MISSING if whole else np.nan
    if column.choices is not None and issubclass(column.choices, IntEnum):
        return _choice(text, column.choices)
    try:
        number = int(text) if whole else float(text)
    except ValueError as error:
        raise ValueError(f"{column.name} is {text[:40]!r}, which is no {'whole ' if whole else ''}number") from error
    least = -np.inf if column.minimum is None else column.minimum
    most = _largest(column) if column.maximum is None else column.maximum
    if not least <= number <= most:  # NaN compares false
        raise ValueError(f"{column.name} is {text[:40]}; it lies between {least:g} and {most:g}")
    return number


def _largest(column: Column) -> float:
    return np.iinfo(column.numpy_type).max if column.numpy_type.kind == "i" else np.inf


def _choice(text: str, choices: type[IntEnum]) -> int:
    named = {str(int(choice)): choice for choice in choices} | {choice.name: choice for choice in choices}
    if text.upper() not in named:
        raise ValueError(f"{text[:40]!r} is none of {', '.join(choices.__members__)}")
    return int(named[text.upper()])
