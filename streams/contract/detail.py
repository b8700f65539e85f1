"""The JSON form of an event: ids for indexes, RFC 3339 for nanoseconds, words for numbers; nulls are left out."""

from collections.abc import Iterator
from typing import Any, Protocol

import msgspec

from ingest.contract.columns import Column, Columns, row_count
from ingest.contract.instants import to_rfc3339
from ingest.contract.inventory import Inventory
from ingest.contract.vocabulary import SubjectKind
from streams.contract.catalogue import KIND_BY_CODE, json_name
from streams.contract.events import EVENT, event_id, unpack_chain
from streams.contract.vocabulary import HandoverClass


class Names(Protocol):
    """Turns an index into the id that people know."""

    def __call__(self, kind: SubjectKind, index: int) -> str:
        """Return the id."""


class InventoryNames:
    """Ids from an inventory; an index it does not know yet is written as `#index`."""

    def __init__(self, inventory: Inventory) -> None:
        self._ids = {
            SubjectKind.TERMINAL: [r.terminal_id for r in inventory.terminals],
            SubjectKind.SATELLITE: [r.satellite_id for r in inventory.satellites],
            SubjectKind.GATEWAY: [r.gateway_id for r in inventory.gateways],
            SubjectKind.POP: [r.pop_id for r in inventory.pops],
            SubjectKind.TENANT: [r.tenant_id for r in inventory.tenants],
        }

    def __call__(self, kind: SubjectKind, index: int) -> str:
        """Return the id."""
        ids = self._ids.get(kind, [])
        return ids[index] if 0 <= index < len(ids) else f"#{index}"


_ENDPOINT_KINDS = {
    "satellite_index": SubjectKind.SATELLITE,
    "gateway_index": SubjectKind.GATEWAY,
    "pop_index": SubjectKind.POP,
}


def details(columns: Columns, names: Names) -> Iterator[dict[str, Any]]:
    """Yield the JSON form of each row; a kind that the catalogue does not know is skipped (the caller counts codes)."""
    lists = {name: values.tolist() for name, values in columns.items()}
    for row in range(row_count(columns)):
        entry = KIND_BY_CODE.get(lists["event_code"][row])
        if entry is None:
            continue
        subject = SubjectKind(lists["subject_kind"][row])
        key = bytes(lists["event_key"][row])
        detail: dict[str, Any] = {
            "event_id": event_id(key, lists["revision"][row]),
            "event_key": key.hex(),
            "revision": lists["revision"][row],
            "kind": entry.kind,
            "detail_type": entry.detail_type,
            "severity": entry.severity.value,
            "subject_kind": subject.name.lower(),
            "subject_id": names(subject, lists["subject_index"][row]),
            "started_at": to_rfc3339(lists["started_at_ns"][row]),
        }
        for column in entry.columns():
            if column.name in lists:
                value = _say(column, lists[column.name][row], names)
                if value is not None:
                    detail[json_name(column)] = value
        yield detail


def _say(column: Column, value: Any, names: Names) -> Any:
    if value != value or (value == -1 and (column.minimum is None or column.minimum >= 0 or column.choices)):  # noqa: PLR0124 - NaN
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
    if (column.minimum, column.maximum) == (0, 1) and column.numpy_type.kind == "i":
        return bool(value)
    return round(value, 6) if column.numpy_type.kind == "f" else value


def unknown_codes(columns: Columns) -> int:
    """Count rows whose kind the catalogue does not know (a newer workshop's): they are skipped, and this says so."""
    return sum(
        code not in KIND_BY_CODE for code in columns.get("event_code", EVENT.column("event_code").nulls(0)).tolist()
    )


encode_detail = msgspec.json.Encoder().encode
decode_detail = msgspec.json.Decoder(dict[str, Any]).decode
