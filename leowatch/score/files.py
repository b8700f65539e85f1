"""The files that the judge reads, checked against the schema that truth's own contract generated.

ScoreError
  MissingFile   there is no such file, or folder of them
  BadFile       it is there and is not what it should be
"""

import json
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
import pyarrow.parquet as pq

from leowatch.score.matching import Array

NONE_NS = -1
_BLOCK_BYTES = 16 << 20  # above the longest line that a contract allows, 128 kB


class ScoreError(Exception):
    """The judge cannot judge."""


class MissingFile(ScoreError):  # noqa: N818 - named for what it says, as the tree above
    """There is no such file."""


class BadFile(ScoreError):  # noqa: N818 - named for what it says, as the tree above
    """The file is not what it should be."""


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """One fault, as `labels.jsonl` has it."""

    label_id: str
    kind: str
    root_kind: str
    root_id: str
    started_at: str
    ended_at: str | None
    affected_terminal_ids: list[str]
    page: bool
    audience: str
    page_by_s: float | None = None
    remediation: str = "none"
    decoy: bool = False


class IncidentRevision(msgspec.Struct, frozen=True, kw_only=True):
    """One published revision of an incident: the fields that are judged."""

    incident_id: str
    revision: int
    root_kind: str | int
    root_id: str
    cause: str
    started_at: str
    opened_at: str
    changed_at: str
    resolved_at: str | None = None
    terminals_affected_count: int = 0
    terminal_ids: list[str] = []
    title: str = ""
    remediation: str = "none"


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page that woke a team."""

    incident_id: str
    team: str
    at: str
    root_kind: str
    root_id: str
    title: str = ""
    cause: str = ""


class _Terminal(msgspec.Struct, frozen=True, kw_only=True):
    """A terminal's line of the inventory: the fields that are used."""

    terminal_id: str
    cadence_s: float = 1.0


EVENT = pa.schema(
    [
        ("event_key", pa.string()),
        ("revision", pa.int64()),
        ("kind", pa.string()),
        ("subject_kind", pa.string()),
        ("subject_id", pa.string()),
        ("started_at", pa.string()),
        ("ended_at", pa.string()),
        ("decided_at", pa.string()),
        ("from_satellite_id", pa.string()),
        ("to_satellite_id", pa.string()),
        ("handover_class", pa.list_(pa.string())),
        ("conformance", pa.string()),
        ("observed_gap", pa.bool_()),
        ("gap_s", pa.float64()),
        ("cause", pa.string()),
        ("expected", pa.bool_()),
        ("source", pa.string()),
    ]
)

_Record = TypeVar("_Record")


def read_labels(truth_dir: Path) -> list[Label]:
    """Read the faults."""
    return _lines(truth_dir / "labels.jsonl", Label)


def read_incidents(path: Path) -> list[IncidentRevision]:
    """Read every revision."""
    return _lines(path, IncidentRevision)


def read_pages(path: Path) -> list[Page]:
    """Read the pages."""
    return _lines(path, Page)


def read_cadences_s(inventory_file: Path) -> dict[str, float]:
    """Read how often terminals measure, of those that do not every second."""
    decoder = msgspec.json.Decoder(_Terminal)
    lines = (line for line in _present(inventory_file).read_bytes().splitlines() if b'"terminal"' in line)
    found = (decoder.decode(line) for line in lines)
    return {each.terminal_id: each.cadence_s for each in found if each.cadence_s != 1.0}


def read_truth_table(truth_dir: Path, name: str) -> dict[str, Array]:
    """Read one of the truth tables as arrays; a null instant is -1, a null word is empty."""
    path = _present(truth_dir / f"{name}.parquet")
    fields = truth_schema()[path.name]
    try:
        table = pq.read_table(path, columns=[field["name"] for field in fields])
    except (pa.ArrowException, ValueError) as error:
        raise BadFile(f"{path}: {error}") from error
    found = {field.name: str(field.type) for field in table.schema}
    for field in fields:
        if found.get(field["name"]) != field["type"]:
            raise BadFile(
                f"{path}: column {field['name']} is {found.get(field['name'], 'missing')}, not {field['type']}"
            )
    return {column: _values(table[column]) for column in table.column_names}


@cache
def truth_schema() -> dict[str, Any]:
    """Return the schema of the truth files, as their contract generated it."""
    found: dict[str, Any] = json.loads((Path(__file__).parent / "truth.schema.json").read_text())
    return found


def read_events(path: Path) -> dict[str, Array]:
    """Read the last revision of every event as arrays; instants become nanoseconds, -1 where there is none."""
    _present(path)
    if path.stat().st_size == 0:
        return event_arrays(EVENT.empty_table())
    try:
        table = pj.read_json(
            path,
            read_options=pj.ReadOptions(block_size=_BLOCK_BYTES),
            parse_options=pj.ParseOptions(explicit_schema=EVENT, unexpected_field_behavior="ignore"),
        )
        return event_arrays(table)
    except pa.ArrowException as error:
        raise BadFile(f"{path}: {error}") from error


def event_arrays(table: Any) -> dict[str, Array]:
    """Return an event table's last revisions as arrays."""
    for name in ("event_key", "kind", "subject_id", "started_at"):
        if table[name].null_count:
            raise BadFile(f"an event has no {name}")
    moments = {f"{name}_ns": _instants(table[name]) for name in ("started_at", "ended_at", "decided_at")}
    moves = _satellite_changed(table["handover_class"].combine_chunks())
    plain = [
        name for name in table.column_names if name not in {"started_at", "ended_at", "decided_at", "handover_class"}
    ]
    arrays = {name: _values(table[name]) for name in plain} | moments | {"satellite_changed": moves}
    return {name: values[_last_revisions(arrays)] for name, values in arrays.items()}


def _satellite_changed(classes: Any) -> Array:
    """Return which lists name the satellite; a row that names no class is judged as if it did."""
    changed = np.array(classes.is_null().to_numpy(zero_copy_only=False))
    named = pc.equal(pc.list_flatten(classes), "satellite").to_numpy(zero_copy_only=False)
    changed[pc.list_parent_indices(classes).to_numpy()[named.astype(bool)]] = True
    return changed


def _last_revisions(arrays: dict[str, Array]) -> Array:
    codes, _ = pd.factorize(arrays["event_key"])
    order = np.lexsort((arrays["revision"], codes))
    keys = codes[order]
    last = np.ones(keys.size, dtype=bool)
    last[:-1] = keys[1:] != keys[:-1]
    return np.sort(order[last])


def instant_ns(text: str) -> int:
    """Read one RFC 3339 instant."""
    try:
        return int(pc.cast(pa.scalar(text), pa.timestamp("ns", "UTC")).value)
    except pa.ArrowException as error:
        raise BadFile(f"{text!r} is no RFC 3339 instant") from error


def _instants(texts: Any) -> Array:
    return np.asarray(pc.fill_null(pc.cast(texts, pa.timestamp("ns", "UTC")).cast(pa.int64()), NONE_NS).to_numpy())


def _values(column: Any) -> Array:
    kind = column.type
    if pa.types.is_string(kind):
        return np.asarray(pc.fill_null(column, "").to_numpy(), dtype=object)
    if pa.types.is_boolean(kind):
        return np.asarray(pc.fill_null(column, False).to_numpy(), dtype=bool)
    if pa.types.is_floating(kind):
        return np.asarray(pc.fill_null(column, float("nan")).to_numpy())
    return np.asarray(pc.fill_null(column, NONE_NS).to_numpy())


def _lines(path: Path, record: type[_Record]) -> list[_Record]:
    decoder = msgspec.json.Decoder(record)
    records = []
    for number, line in enumerate(_present(path).read_bytes().splitlines(), start=1):
        if line.strip():
            try:
                records.append(decoder.decode(line))
            except msgspec.MsgspecError as error:
                raise BadFile(f"{path}, line {number}: {error}") from error
    return records


def _present(path: Path) -> Path:
    if not path.is_file():
        raise MissingFile(
            f"{path} is not there: the judge needs every file of a run, an empty one where nothing happened"
        )
    return path
