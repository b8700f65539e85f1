"""Findings as InfluxDB line protocol; a point's identity is measurement, tags and time, so a later revision lands on the earlier.

event,kind=…,terminal_id=… event_key="…",revision=1i,… <start>     the satellite is a field: as a tag it would multiply series
incident,incident_id=… state="open",… <opening>
rollup_gateway,gateway_id=…,model=…,pop_id=… samples_count=60i,… <window>
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from exporters.event_fields import FORMS, Form
from ingest.contract.frame import Frame
from ingest.contract.instants import NS_PER_MS, from_rfc3339
from ingest.contract.vocabulary import SubjectKind, TerminalModel
from streams.contract.detail import InventoryNames
from streams.contract.incidents import Incident
from streams.contract.rollups import ROLLUP, RollupHeader

EVENT_MEASUREMENT = "event"
INCIDENT_MEASUREMENT = "incident"
ROLLUP_MEASUREMENT = "rollup_gateway"
_INCIDENT_WORDS = ("state", "severity", "audience", "root_id", "cause", "title", "remediation")
_INCIDENT_COUNTS = (
    "revision", "terminals_affected_count", "terminals_down_count", "cells_affected_count", "tenants_affected_count",
    "children_count",
)  # fmt: skip
_INCIDENT_INSTANTS = ("started_at", "changed_at", "resolved_at", "page_at")
_ROLLUP_TAGS = frozenset({"window_start_ns", "gateway_index", "pop_index", "model"})
# Influx takes strings up to 64 KB; no field of ours needs as much.
TEXT_LIMIT = 16_000


def event_line(event: Mapping[str, Any]) -> str:
    """Write an event's point."""
    fields = {"event_key": _text(event["event_key"]), "revision": _whole(event["revision"])}
    fields["severity"] = _text(event.get("severity", ""))
    fields["started_at_ns"] = _whole(from_rfc3339(event["started_at"]))
    for name, form in FORMS.items():
        if name in event:
            fields[f"{name}_ns" if form is Form.INSTANT else name] = _WRITE[form](event[name])
    tags = {"kind": event["kind"], f"{event['subject_kind']}_id": event["subject_id"]}
    return _line(EVENT_MEASUREMENT, tags, fields, point_time_ns(event))


def point_time_ns(event: Mapping[str, Any]) -> int:
    """Return the time of an event's point: its start to the millisecond, and below that a number made of its key.

    Two events of one kind and terminal can start in the same nanosecond (a handover, and another one missed); their
    points would merge. The exact start is a field.
    """
    started_ns = from_rfc3339(event["started_at"])
    return started_ns - started_ns % NS_PER_MS + int(event["event_key"][:8], 16) % NS_PER_MS


def incident_line(incident: Incident) -> str:
    """Write an incident's point; it stays where the incident was opened, whatever becomes of it."""
    said = msgspec.to_builtins(incident)
    fields = {name: _text(said[name]) for name in _INCIDENT_WORDS}
    fields["root_kind"] = _text(incident.root_kind.name.lower())
    fields |= {name: _whole(said[name]) for name in _INCIDENT_COUNTS}
    fields |= {f"{name}_ns": _whole(from_rfc3339(said[name])) for name in _INCIDENT_INSTANTS if said[name]}
    fields |= {"pages": _flag(incident.pages), "stored": _flag(incident.stored)}
    fields["confidence_ratio"] = repr(float(incident.confidence_ratio))
    return _line(INCIDENT_MEASUREMENT, {"incident_id": incident.incident_id}, fields, from_rfc3339(incident.opened_at))


def rollup_lines(rollup: Frame[RollupHeader], names: InventoryNames) -> Iterator[str]:
    """Write a window's points; a correction lands on the window it corrects."""
    values = {column.name: rollup.column(column.name).tolist() for column in ROLLUP.columns}
    measured = [column for column in ROLLUP.columns if column.name not in _ROLLUP_TAGS]
    for row in range(rollup.rows):
        gateway, pop = values["gateway_index"][row], values["pop_index"][row]
        tags = {
            "gateway_id": names(SubjectKind.GATEWAY, gateway) if gateway >= 0 else "none",
            "model": TerminalModel(values["model"][row]).name.lower(),
            "pop_id": names(SubjectKind.POP, pop) if pop >= 0 else "none",
        }
        fields = {"revision": _whole(rollup.header.revision)}
        for column in measured:
            value = values[column.name][row]
            if math.isfinite(value) and value >= 0:
                fields[column.name] = repr(float(value)) if column.numpy_type.kind == "f" else _whole(value)
        yield _line(ROLLUP_MEASUREMENT, tags, fields, values["window_start_ns"][row])


def _line(measurement: str, tags: Mapping[str, str], fields: Mapping[str, str], at_ns: int) -> str:
    series = "".join(f",{name}={_tag(value)}" for name, value in sorted(tags.items()) if value)
    return f"{measurement}{series} {_join(fields.items())} {at_ns}"


def _join(fields: Iterable[tuple[str, str]]) -> str:
    return ",".join(f"{name}={value}" for name, value in fields if value)


def _tag(value: str) -> str:
    # A backslash cannot be escaped in a tag, and at the end of one it would swallow the comma.
    plain = value.replace("\\", "/").replace("\n", " ").replace("\r", " ")
    return plain.replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ")


def _text(value: str) -> str:
    plain = value[:TEXT_LIMIT].replace("\n", " ").replace("\r", " ")
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _whole(value: float) -> str:
    return f"{int(value)}i"


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _real(value: float) -> str:
    return repr(float(value)) if math.isfinite(value) else ""  # line protocol has no NaN: the field is left out


_WRITE: Mapping[Form, Callable[[Any], str]] = {
    Form.INSTANT: lambda value: _whole(from_rfc3339(value)),
    Form.WORDS: lambda value: _text(",".join(value)),
    Form.WORD: _text,
    Form.FLAG: _flag,
    Form.REAL: _real,
    Form.WHOLE: _whole,
}
