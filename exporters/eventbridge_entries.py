"""Findings as PutEvents entries, within every limit of EventBridge (domain section 8c); moto would accept much that AWS refuses."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ingest.contract.frame import Rejected, RejectReason
from streams.contract.incidents import Incident

SOURCE = "leowatch"
ENTRIES_COUNT = 10
# The model text says 1 MB since 2025, the guide 256 KB; the lower one is safe in every Region.
CALL_BYTES = 256 * 1024
DETAIL_TYPE_LENGTH = 128
DETAIL_DEPTH = 1_000
BUS_LENGTH = 1_600
_INT64 = range(-(2**63), 2**63)
_TIME_BYTES = 14
RETRIED_CODES = frozenset({"InternalFailure", "InternalException", "ThrottlingException"})
_encode = msgspec.json.Encoder().encode


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry, before it knows its bus.

    Attributes:
        event_id: What a consumer tells repeats by; also in the detail.
        time: RFC 3339.
        detail: JSON, an object.
    """

    event_id: str
    source: str
    detail_type: str
    time: str
    resources: tuple[str, ...]
    detail: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a reply says of the entries of a call, by their places in it."""

    accepted: list[int]
    retried: list[int]
    refused: list[tuple[int, str]]


def event_entry(event: Mapping[str, Any]) -> Entry | Rejected:
    """Return the entry of an event, or say which limit it breaks."""
    return _checked(event["event_id"], event["detail_type"], event["started_at"], _resource(event), event)


def incident_entry(incident: Incident) -> Entry | Rejected:
    """Return the entry of a revision of an incident: its detail-type says what state it has come to."""
    event_id = f"{incident.incident_id}.{incident.revision}"
    detail = {
        **msgspec.to_builtins(incident), "event_id": event_id, "root_kind": incident.root_kind.name.lower(),
        "pages": incident.pages,
    }  # fmt: skip
    resource = f"{SOURCE}:incident:{incident.incident_id}"
    return _checked(event_id, f"Incident{incident.state.value.capitalize()}", incident.changed_at, resource, detail)


def size_bytes(entry: Entry) -> int:
    """Return what an entry counts for against the limit of a call."""
    texts = (entry.source, entry.detail_type, entry.detail, *entry.resources)
    return _TIME_BYTES + sum(len(text.encode()) for text in texts)


def parameters(entry: Entry, bus: str) -> dict[str, Any]:
    """Return an entry as PutEvents takes it, all but its time."""
    return {
        "Source": entry.source,
        "DetailType": entry.detail_type,
        "Detail": entry.detail,
        "Resources": list(entry.resources),
        "EventBusName": bus,
    }


def check_bus(bus: str) -> str | None:
    """Return what is wrong with the name of a bus, None where it may exist."""
    return None if 1 <= len(bus) <= BUS_LENGTH else f"a bus name has 1 to {BUS_LENGTH} characters, this one {len(bus)}"


def outcome(reply: Sequence[Mapping[str, Any]]) -> Outcome:
    """Sort the entries of a reply; a call that succeeds can refuse any of them."""
    found = Outcome(accepted=[], retried=[], refused=[])
    for place, entry in enumerate(reply):
        code = entry.get("ErrorCode")
        if not code:
            found.accepted.append(place)
        elif code in RETRIED_CODES:
            found.retried.append(place)
        else:
            found.refused.append((place, f"{code}: {entry.get('ErrorMessage', '')}"))
    return found


def _checked(event_id: str, detail_type: str, time: str, resource: str, detail: Mapping[str, Any]) -> Entry | Rejected:
    depth, integers_fit = _shape(detail)
    if depth > DETAIL_DEPTH:  # before it is encoded: the encoder itself goes no deeper than Python's stack
        return _too_large(f"a detail of {depth} levels; {DETAIL_DEPTH} are taken")
    if not integers_fit:
        return Rejected(reason=RejectReason.OUT_OF_RANGE, detail="an integer of the detail does not fit 64 bits")
    if not 1 <= len(detail_type) <= DETAIL_TYPE_LENGTH:
        return _too_large(f"a detail-type has 1 to {DETAIL_TYPE_LENGTH} characters, this one {len(detail_type)}")
    entry = Entry(
        event_id=event_id, source=SOURCE, detail_type=detail_type, time=time, resources=(resource,),
        detail=_encode(detail).decode(),
    )  # fmt: skip
    if size_bytes(entry) > CALL_BYTES:
        return _too_large(f"an entry of {size_bytes(entry)} bytes; a call takes {CALL_BYTES}")
    return entry


def _too_large(detail: str) -> Rejected:
    return Rejected(reason=RejectReason.TOO_LARGE, detail=detail)


def _shape(detail: Any) -> tuple[int, bool]:
    """Return how deep a value goes and whether its integers fit; by a stack, for it may be deeper than Python's own."""
    deepest, fits = 0, True
    waiting = [(detail, 1)]
    while waiting:
        value, depth = waiting.pop()
        inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else None
        if inside is not None:
            deepest = max(deepest, depth)
            waiting += [(part, depth + 1) for part in inside]
        elif isinstance(value, int) and value not in _INT64:
            fits = False
    return deepest, fits


def _resource(event: Mapping[str, Any]) -> str:
    return f"{SOURCE}:{event['subject_kind']}:{event['subject_id']}"
