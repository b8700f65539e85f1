"""Which rows a Parquet file holds, what it is called, and how the last revision is read out of many.

    DIR/events/events.terminal.v1-3-00000000000000000120-00000000000000000241.parquet
        table  topic           partition  first offset         last offset

The files say themselves how far a place has been exported, so a record that comes again is known to be there already.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

import msgspec
import pyarrow as pa

from exporters.contract.sink import Place
from exporters.event_fields import FORMS, Form
from exporters.reading import Reading
from ingest.contract.frame import Frame
from ingest.contract.instants import from_rfc3339
from ingest.contract.vocabulary import SubjectKind, TerminalModel
from streams.contract.detail import InventoryNames
from streams.contract.incidents import Incident, encode_incident
from streams.contract.rollups import ROLLUP, RollupHeader
from streams.contract.topics import GATEWAY_ROLLUPS, INCIDENTS, NETWORK_EVENTS, TERMINAL_EVENTS, replayed

TABLE_OF_TOPIC = {
    TERMINAL_EVENTS.name: "events",
    NETWORK_EVENTS.name: "events",
    INCIDENTS.name: "incidents",
    GATEWAY_ROLLUPS.name: "rollups",
}
_INSTANT = pa.timestamp("ns", tz="UTC")
_ORIGIN = [("topic", pa.string()), ("partition", pa.int32()), ("offset", pa.int64())]
_IDENTITY = [
    ("event_key", pa.string()), ("revision", pa.int32()), ("kind", pa.string()), ("detail_type", pa.string()),
    ("severity", pa.string()), ("subject_kind", pa.string()), ("subject_id", pa.string()), ("started_at", _INSTANT),
]  # fmt: skip


_ARROW = {
    Form.INSTANT: _INSTANT,
    Form.WORDS: pa.list_(pa.string()),
    Form.WORD: pa.string(),
    Form.FLAG: pa.bool_(),
    Form.REAL: pa.float64(),
    Form.WHOLE: pa.int64(),
}
EVENTS_SCHEMA = pa.schema(
    [
        *_IDENTITY,
        *((name, _ARROW[form]) for name, form in FORMS.items()),
        *_ORIGIN,
    ]
)
_EVENT_NAMES = frozenset(EVENTS_SCHEMA.names)
_EVENT_INSTANTS = frozenset({"started_at", *(name for name, form in FORMS.items() if form is Form.INSTANT)})
_INCIDENT_INSTANTS = ("started_at", "opened_at", "changed_at", "resolved_at", "page_at")
_INCIDENT_WORDS = (
    "incident_id",
    "state",
    "severity",
    "audience",
    "root_kind",
    "root_id",
    "cause",
    "title",
    "remediation",
)
_INCIDENT_COUNTS = (
    "revision", "terminals_affected_count", "terminals_down_count", "cells_affected_count", "tenants_affected_count",
    "children_count",
)  # fmt: skip
INCIDENTS_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in _INCIDENT_WORDS),
        *((name, _INSTANT) for name in _INCIDENT_INSTANTS),
        *((name, pa.int64()) for name in _INCIDENT_COUNTS),
        ("confidence_ratio", pa.float64()),
        ("stored", pa.bool_()),
        ("json", pa.string()),
        *_ORIGIN,
    ]
)
_ROLLUP_IDS = {"gateway_index": SubjectKind.GATEWAY, "pop_index": SubjectKind.POP}
_ROLLUP_KEYS = {"window_start_ns", "gateway_index", "pop_index", "model"}
ROLLUPS_SCHEMA = pa.schema(
    [
        ("window_start_at", _INSTANT), ("window_end_at", _INSTANT), ("revision", pa.int32()), ("gateway_id", pa.string()),
        ("pop_id", pa.string()), ("model", pa.string()),
        *((column.name, column.arrow_type) for column in ROLLUP.columns if column.name not in _ROLLUP_KEYS),
        *_ORIGIN,
    ]
)  # fmt: skip
SCHEMAS: Mapping[str, pa.Schema] = {"events": EVENTS_SCHEMA, "incidents": INCIDENTS_SCHEMA, "rollups": ROLLUPS_SCHEMA}

# What makes two rows of a table the same thing; of those the highest revision holds, and of equal ones any.
IDENTITIES = {
    "events": "event_key",
    "incidents": "incident_id",
    "rollups": "window_start_at, gateway_id, pop_id, model",
}
_NAME = re.compile(r"(?P<topic>.+)-(?P<partition>\d+)-(?P<first>\d{20})-(?P<last>\d{20})\.parquet")
# Of no rows, so that a query finds the columns before there is anything to find in them.
SCHEMA_FILE = "schema.parquet"


def table_of(topic: str) -> str:
    """Return the folder of a topic's rows.

    Raises:
        KeyError: The topic is not kept.
    """
    return TABLE_OF_TOPIC[replayed(topic)]


def file_name(place: Place, first: int, last: int) -> str:
    """Return the name of the file that holds these offsets of a place."""
    topic, partition = place
    return f"{topic}-{partition}-{first:020d}-{last:020d}.parquet"


def next_offsets(names: Iterable[str]) -> dict[Place, int]:
    """Return how far the files reach: the first offset of each place that none of them holds."""
    reached: dict[Place, int] = {}
    for name in names:
        found = _NAME.fullmatch(PurePath(name).name)
        if found:
            place = found["topic"], int(found["partition"])
            reached[place] = max(reached.get(place, 0), int(found["last"]) + 1)
    return reached


def rows(reading: Reading, names: InventoryNames) -> list[dict[str, Any]]:
    """Return the rows of one record, as its table's schema has them."""
    origin = {"topic": reading.message.topic, "partition": reading.message.partition, "offset": reading.message.offset}
    if reading.incident is not None:
        return [{**_incident_row(reading.incident), **origin}]
    if reading.rollup is not None:
        return [{**row, **origin} for row in _rollup_rows(reading.rollup, names)]
    return [{**_event_row(event), **origin} for event in reading.events]


def to_table(table: str, found: Sequence[dict[str, Any]]) -> pa.Table:
    """Return rows as a table, each thing once as its last revision says it."""
    last = _last(table, found)
    told = set().union(*last)  # most columns are other kinds' own: a whole column of nulls costs nothing
    columns = [
        pa.array([row.get(field.name) for row in last], field.type)
        if field.name in told
        else pa.nulls(len(last), field.type)
        for field in SCHEMAS[table]
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMAS[table])


def view_sql(table: str, folder: str) -> str:
    """Return the DuckDB statement that makes a view of each thing once, as its last revision says it."""
    files = f"{folder}/{table}/*.parquet".replace("'", "''")
    return (  # a table's name and identity are ours, the folder's quotes are doubled
        f"CREATE OR REPLACE VIEW {table} AS SELECT * FROM read_parquet('{files}') "  # noqa: S608 - see above
        f'QUALIFY row_number() OVER (PARTITION BY {IDENTITIES[table]} ORDER BY revision DESC, topic, partition, "offset") = 1'
    )


def _last(table: str, found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    identity = IDENTITIES[table].split(", ")
    last: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in found:
        key = tuple(row[name] for name in identity)
        if key not in last or row["revision"] >= last[key]["revision"]:
            last[key] = row
    return list(last.values())


def _event_row(event: dict[str, Any]) -> dict[str, Any]:
    row = {name: value for name, value in event.items() if name in _EVENT_NAMES}
    for name in _EVENT_INSTANTS & row.keys():
        row[name] = from_rfc3339(row[name])
    return row


def _incident_row(incident: Incident) -> dict[str, Any]:
    said = msgspec.to_builtins(incident)
    row = {name: said[name] for name in (*_INCIDENT_WORDS, *_INCIDENT_COUNTS, "confidence_ratio", "stored")}
    row["root_kind"] = incident.root_kind.name.lower()
    for name in _INCIDENT_INSTANTS:
        row[name] = from_rfc3339(said[name]) if said[name] else None
    return {**row, "json": encode_incident(incident).decode()}


def _rollup_rows(rollup: Frame[RollupHeader], names: InventoryNames) -> list[dict[str, Any]]:
    values = {column.name: rollup.column(column.name).tolist() for column in ROLLUP.columns}
    found = []
    for at in range(rollup.rows):
        row = {name: column[at] for name, column in values.items() if name not in _ROLLUP_KEYS}
        for index, kind in _ROLLUP_IDS.items():
            row[index.replace("_index", "_id")] = names(kind, values[index][at]) if values[index][at] >= 0 else None
        row["model"] = TerminalModel(values["model"][at]).name.lower()
        row["window_start_at"] = values["window_start_ns"][at]
        row["window_end_at"] = rollup.header.window_end_ns
        row["revision"] = rollup.header.revision
        found.append(row)
    return found
