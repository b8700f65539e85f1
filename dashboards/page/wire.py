"""A page state as JSON in parts, so that a browser is sent only the parts that changed."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import numpy as np

from dashboards.page.state import Degrees, PageState, Satellites, Site, SiteState, Terminals, TerminalState
from streams.contract.incidents import Incident
from streams.contract.vocabulary import Severity

# 0.01 deg is 1.1 km on the ground: less than a pixel of a world map.
_POSITION_DECIMALS = 2
# An operator reads no hundredth card; the counts beside them are whole.
OPEN_SHOWN_COUNT = 100
RESOLVED_SHOWN_COUNT = 20

_RANK = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}

Parts = dict[str, msgspec.Raw]

_encode = msgspec.json.Encoder(enc_hook=None).encode


def to_parts(state: PageState) -> Parts:
    """Encode a state; equal parts have equal bytes."""
    return {
        "now": _raw(_now(state)),
        "satellites": _raw(_satellites(state.satellites)),
        "gateways": _raw([_site(site) for site in state.gateways]),
        "pops": _raw([_site(site) for site in state.pops]),
        "terminal_ids": _raw(state.terminals.ids),
        "terminal_positions": _raw(_positions(state.terminals)),
        "terminal_states": _raw(state.terminals.state.tolist()),
        "incidents": _raw([_card(incident) for incident in shown(state.incidents)]),
    }


def changed(before: Mapping[str, msgspec.Raw], after: Parts) -> Parts:
    """Return the parts of `after` that `before` does not have."""
    return {name: part for name, part in after.items() if part is not before.get(name) and part != before.get(name)}


def to_json(parts: Mapping[str, Any]) -> bytes:
    """Join parts to one object."""
    return _encode(parts)


def shown(incidents: Iterable[Incident]) -> list[Incident]:
    """Put what wakes somebody first, then by severity and reach; then the last resolved ones."""
    everything = list(incidents)
    standing = sorted((one for one in everything if one.is_open), key=_urgency)
    resolved = sorted((one for one in everything if not one.is_open), key=lambda one: one.resolved_at or "")
    return standing[:OPEN_SHOWN_COUNT] + resolved[: -RESOLVED_SHOWN_COUNT - 1 : -1]


def _urgency(incident: Incident) -> tuple[bool, int, int, str, str]:
    reach = -incident.terminals_down_count
    return (not incident.pages, _RANK[incident.severity], reach, incident.started_at, incident.incident_id)


def number(value: float | None, decimals: int) -> float | None:
    """Round what is known; numpy's scalars are floats to a type checker and not to the encoder."""
    return None if value is None else round(float(value), decimals)


def _now(state: PageState) -> dict[str, Any]:
    return {
        "at": state.at,
        "speed_ratio": number(state.speed_ratio, 3),
        "label": state.label,
        "finished": state.finished,
        "notice": state.notice,
        "ready": state.ready,
        "counts": {one.name.lower(): int(state.counts.get(one, 0)) for one in TerminalState},
        "samples_per_s": number(state.samples_per_s, 1),
        "events_per_s": number(state.events_per_s, 2),
        "watermark_age_s": number(state.watermark_age_s, 1),
        "open_incidents_count": sum(incident.is_open for incident in state.incidents),
        "resolved_incidents_count": sum(not incident.is_open for incident in state.incidents),
    }


def _satellites(satellites: Satellites) -> dict[str, Any]:
    return {**_positions(satellites), "role": satellites.role.tolist()}


def _positions(things: Satellites | Terminals) -> dict[str, Any]:
    return {"latitude_deg": _rounded(things.latitude_deg), "longitude_deg": _rounded(things.longitude_deg)}


def _rounded(degrees: Degrees) -> Any:
    # Doubles, since a rounded 32-bit float prints all its digits; an unknown position (NaN) becomes null.
    return np.round(degrees.astype(np.float64), _POSITION_DECIMALS).tolist()


def _site(site: Site) -> dict[str, Any]:
    return {
        "id": site.id,
        "name": site.name,
        "latitude_deg": round(float(site.latitude_deg), _POSITION_DECIMALS),
        "longitude_deg": round(float(site.longitude_deg), _POSITION_DECIMALS),
        "state": SiteState(site.state).name.lower(),
    }


def _card(incident: Incident) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(incident)
    told["root_kind"] = incident.root_kind.name.lower()
    told["team"] = incident.audience.team
    told["open"] = incident.is_open
    told["pages"] = incident.pages
    told["may_page"] = incident.is_open and incident.audience.pages and not incident.stored
    return told


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(_encode(value))
