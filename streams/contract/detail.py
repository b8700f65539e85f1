"""The JSON form of an event: ids for indexes, RFC 3339 for nanoseconds, words for numbers; nulls are left out."""

import math
from collections.abc import Iterator
from typing import Any, Protocol

import msgspec

from ingest.contract.columns import MISSING, Array, Column, Columns, row_count
from ingest.contract.instants import to_rfc3339
from ingest.contract.inventory import Inventory
from ingest.contract.vocabulary import CONTROL_PLANE_ID, SubjectKind
from streams.contract.catalogue import KIND_BY_CODE, json_name
from streams.contract.events import EVENT, cell_id_of, event_id, unpack_chain
from streams.contract.vocabulary import HandoverClass


class Names(Protocol):
    """Turns an index into the id that people know."""

    def __call__(self, kind: SubjectKind, index: int) -> str:
        """Return the id."""


class InventoryNames:
    """Ids from an inventory; a cell's number is its id, in h3's own hexadecimal; an index not known yet is `#index`."""

    def __init__(self, inventory: Inventory) -> None:
        self._ids = {
            SubjectKind.TERMINAL: [r.terminal_id for r in inventory.terminals],
            SubjectKind.SATELLITE: [r.satellite_id for r in inventory.satellites],
            SubjectKind.GATEWAY: [r.gateway_id for r in inventory.gateways],
            SubjectKind.POP: [r.pop_id for r in inventory.pops],
            SubjectKind.TENANT: [r.tenant_id for r in inventory.tenants],
            SubjectKind.CONTROL_PLANE: [CONTROL_PLANE_ID],
        }

    def __call__(self, kind: SubjectKind, index: int) -> str:
        """Return the id."""
        if kind is SubjectKind.CELL:
            return f"{index:x}"
        ids = self._ids.get(kind, [])
        return ids[index] if 0 <= index < len(ids) else f"#{index}"


_ENDPOINT_KINDS = {
    "satellite_index": SubjectKind.SATELLITE,
    "gateway_index": SubjectKind.GATEWAY,
    "pop_index": SubjectKind.POP,
}


def details(columns: Columns, names: Names) -> Iterator[dict[str, Any]]:
    """Yield the JSON form of each row; a kind that the catalogue does not know is skipped (the caller counts codes)."""
    if not row_count(columns):
        return
    said = {name: _say(EVENT.column(name), values, names) for name, values in columns.items() if name in _OPTIONAL}
    identity = zip(
        columns["event_key"].tolist(),
        columns["revision"].tolist(),
        columns["event_code"].tolist(),
        columns["subject_kind"].tolist(),
        columns["subject_index"].tolist(),
        _say(EVENT.column("started_at_ns"), columns["started_at_ns"], names),
        strict=True,
    )
    for row, (key, revision, code, kind, index, started_at) in enumerate(identity):
        entry = KIND_BY_CODE.get(code)
        if entry is None:
            continue
        subject = SubjectKind(kind)
        detail: dict[str, Any] = {
            "event_id": event_id(key, revision),
            "event_key": key.hex(),
            "revision": revision,
            "kind": entry.kind,
            "detail_type": entry.detail_type,
            "severity": entry.severity.value,
            "subject_kind": subject.name.lower(),
            "subject_id": names(subject, cell_id_of(index) if subject is SubjectKind.CELL else index),
            "started_at": started_at,
        }
        for column in entry.columns():
            if column.name in said and (value := said[column.name][row]) is not None:
                detail[json_name(column)] = value
        yield detail


_OPTIONAL = frozenset(EVENT.names()) - {
    "event_key", "revision", "event_code", "subject_kind", "subject_index", "started_at_ns",
}  # fmt: skip


def _say(column: Column, values: Array, names: Names) -> list[Any]:
    """Return a column's values in JSON's words, None where one is missing; each distinct value is worded once."""
    worded = {value: _word(column, value, names) for value in set(values.tolist())}
    return [worded.get(value) for value in values.tolist()]


def _word(column: Column, value: Any, names: Names) -> Any:
    is_float = column.numpy_type.kind == "f"
    if (is_float and not math.isfinite(value)) or (not is_float and value == MISSING):
        return None
    if column.name.endswith("_at_ns"):
        return to_rfc3339(value)
    for ending, kind in _ENDPOINT_KINDS.items():
        if column.name.endswith(ending):
            return names(kind, value)
    if column.name == "handover_class":
        return [part.name.lower() for part in HandoverClass if part & value and part.name]
    if column.name == "cause_chain":
        return [cause.name.lower() for cause in unpack_chain(value)]
    if column.choices is not None:
        return column.choices(value).name.lower()  # type: ignore[union-attr] # a choice has a name
    if (column.minimum, column.maximum) == (0, 1) and not is_float:
        return bool(value)
    return round(value, 6) if is_float else value


def unknown_codes(columns: Columns) -> int:
    """Count rows whose kind the catalogue does not know (a newer workshop's): they are skipped, and this says so."""
    return sum(
        code not in KIND_BY_CODE for code in columns.get("event_code", EVENT.column("event_code").nulls(0)).tolist()
    )


encode_detail = msgspec.json.Encoder().encode
decode_detail = msgspec.json.Decoder(dict[str, Any]).decode
