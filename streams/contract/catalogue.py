"""The event catalogue: every kind with its detail-type, severity, audience and fields (detail-types of domain section 1g)."""

from functools import cache
from typing import Any

import msgspec
import numpy as np

from ingest.contract.columns import Array, Column
from ingest.contract.vocabulary import SubjectKind
from streams.contract.events import ENDPOINTS, EVENT
from streams.contract.vocabulary import Audience, Severity

_FROM = tuple(f"from_{name}" for name in ENDPOINTS)
_TO = tuple(f"to_{name}" for name in ENDPOINTS)
_SPAN = ("ended_at_ns", "duration_s")
_TILT = ("tilt_angle_deg", "tilt_change_deg", "reference_tilt_deg", "threshold")
_LEVEL = ("observed_value", "threshold")
# What stands and passes: said when it begins, and again, one revision later, with its end.
_STANDS = (*_SPAN, *_LEVEL)
_PLANNED = ("expected", *_STANDS)


class EventKind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of event.

    Attributes:
        kind: snake_case; a metric's label and the JSON's `kind`.
        code: Its number in frames; never given to another kind.
        detail_type: CamelCase; EventBridge's detail-type, exactly one a kind.
        subject: What it is about.
        severity: At opening.
        audience: Who hears of it by itself; an incident it belongs to may page others.
        fields: The optional columns it may carry.
        description: One sentence for the data dictionary.
    """

    kind: str
    code: int
    detail_type: str
    subject: SubjectKind
    severity: Severity
    audience: Audience
    fields: tuple[str, ...]
    description: str

    def columns(self) -> tuple[Column, ...]:
        """Return its optional columns, as the event layout declares them."""
        return _columns(self.fields)


@cache
def _columns(fields: tuple[str, ...]) -> tuple[Column, ...]:
    return tuple(EVENT.column(name) for name in (*fields, "decided_at_ns", "stored", "source"))


_T, _S, _G, _P = SubjectKind.TERMINAL, SubjectKind.SATELLITE, SubjectKind.GATEWAY, SubjectKind.POP
_INFO, _WARN, _CRIT = Severity.INFO, Severity.WARNING, Severity.CRITICAL
_NOBODY, _TENANT, _TICKET = Audience.NOBODY, Audience.TENANT, Audience.TICKET
_NOC, _SOC, _PIPELINE = Audience.NOC_PAGE, Audience.SOC_PAGE, Audience.PIPELINE_PAGE


def _kind(
    code: int,
    kind: str,
    detail_type: str,
    subject: SubjectKind,
    severity: Severity,
    audience: Audience,
    fields: tuple[str, ...],
    description: str,
) -> EventKind:
    return EventKind(
        kind=kind, code=code, detail_type=detail_type, subject=subject, severity=severity, audience=audience,
        fields=fields, description=description,
    )  # fmt: skip


CATALOGUE: tuple[EventKind, ...] = (
    _kind(1, "handover", "TerminalHandover", _T, _INFO, _NOBODY, ("handover_class", *_FROM, *_TO, "gap_s", "rtt_step_ms", "conformance", "timing_error_s", "ping_pong", "short_stay", "observed_gap"), "Service moved to another satellite, beam, gateway or PoP; `missed` says what the plan said and did not happen."),
    _kind(2, "handover_deviation", "TerminalHandoverDeviation", _T, _WARN, _NOBODY, ("handover_class", *_FROM, *_TO, "conformance", "timing_error_s"), "A handover that the plan did not foresee, or not then."),
    _kind(3, "outage_suspected", "TerminalOutageSuspected", _T, _INFO, _NOBODY, ("from_satellite_index", "from_gateway_index", "expected", *_LEVEL), "A terminal has fallen silent while its door is alive; not yet an outage."),
    _kind(4, "outage_started", "TerminalOutageStarted", _T, _WARN, _TENANT, ("from_satellite_index", "from_gateway_index", "cause", "cause_chain", "expected", "detached", "slot_aligned"), "No usable service, seen from the terminal's side or confirmed by the gateway's."),
    _kind(5, "outage_ended", "TerminalOutageEnded", _T, _INFO, _TENANT, (*_SPAN, "from_satellite_index", "from_gateway_index", "cause", "cause_chain", "expected", "detached", "slot_aligned", "merged_count"), "Service is back."),
    _kind(6, "outage_withdrawn", "TerminalOutageWithdrawn", _T, _INFO, _NOBODY, _SPAN, "A suspected outage was none: the telemetry path alone was lost."),
    _kind(7, "tilt_warning", "AntennaTiltChanged", _T, _WARN, _TENANT, _TILT, "The face is more than 5 deg off its reference for 30 s."),
    _kind(8, "tilt_critical", "AntennaKnockedOver", _T, _CRIT, _TENANT, (*_TILT, "service_impact"), "The face is more than 30 deg off for 10 s, or 5 to 30 deg with service impact."),
    _kind(9, "tilt_disturbed", "AntennaDisturbed", _T, _WARN, _TENANT, ("tilt_angle_deg", "tilt_change_deg", "reference_tilt_deg"), "The attitude filter lost its footing after a stable time, or was last seen off its reference: suspected, not settled."),
    _kind(10, "tilt_restored", "AntennaTiltRestored", _T, _INFO, _TENANT, (*_SPAN, *_TILT), "The face is back within 5 deg of its reference."),
    _kind(11, "gateway_isolated", "GatewayIsolated", _G, _CRIT, _NOC, ("terminals_affected_count", "cause", "expected"), "A gateway carries no traffic: no antenna in service, both fibres down, or silent."),
    _kind(12, "gateway_restored", "GatewayRestored", _G, _INFO, _NOBODY, _SPAN, "A gateway carries traffic again."),
    _kind(13, "gateway_handover", "GatewayHandover", _T, _INFO, _NOBODY, (*_FROM, *_TO, "rtt_step_ms"), "A terminal's traffic lands at another gateway, seen by itself."),
    _kind(14, "pop_change", "PopChange", _T, _INFO, _TENANT, (*_FROM, *_TO), "A terminal's traffic leaves at another PoP: a new address is possible."),
    _kind(15, "regional_outage", "RegionalOutageDetected", SubjectKind.CELL, _CRIT, _NOC, ("terminals_affected_count", "cause"), "Many terminals of an area lose service at once."),
    _kind(16, "obstruction", "ObstructionDetected", _T, _WARN, _TENANT, _LEVEL, "Signal drops at the same azimuth on each pass."),
    _kind(17, "signal_degraded", "SignalDegraded", _T, _WARN, _NOBODY, ("cause", *_LEVEL), "Signal below what geometry predicts."),
    _kind(18, "terminal_moved", "TerminalMoved", _T, _INFO, _TENANT, _LEVEL, "A terminal reports from another place."),
    _kind(19, "thermal_throttle", "ThermalThrottle", _T, _WARN, _TENANT, _LEVEL, "A terminal slows down because it is hot."),
    _kind(20, "thermal_shutdown", "ThermalShutdown", _T, _CRIT, _TENANT, _LEVEL, "A terminal stopped because it is hot."),
    _kind(21, "usage_threshold", "UsageThresholdExceeded", _T, _INFO, _TENANT, _LEVEL, "Usage passed 80 or 100 % of the quota."),
    _kind(22, "gateway_failover", "GatewayFailover", _G, _WARN, _TICKET, ("to_gateway_index", "terminals_affected_count", "cause", *_SPAN), "Traffic of a gateway moved to others off plan."),
    _kind(23, "fibre_cut", "FibreCut", _G, _WARN, _TICKET, _PLANNED, "One of a gateway's two fibres is down: service is up on the last path."),
    _kind(24, "redundancy_lost", "RedundancyLost", _G, _WARN, _TICKET, _PLANNED, "Service is up, and a part that stands by for another is out: an antenna of a gateway, half of a PoP."),
    _kind(25, "isl_down", "IslDown", _S, _WARN, _NOBODY, ("to_satellite_index", *_PLANNED), "A laser link is down."),
    _kind(26, "isl_rerouted", "IslRerouted", _S, _INFO, _NOBODY, ("terminals_affected_count",), "Paths over a satellite's lasers moved."),
    _kind(27, "satellite_manoeuvre", "SatelliteManoeuvre", _S, _INFO, _NOBODY, _PLANNED, "A satellite fires its thruster: raise, avoidance or deorbit."),
    _kind(28, "satellite_lifecycle", "SatelliteLifecycleChanged", _S, _INFO, _NOBODY, _PLANNED, "A satellite has left service for good: it deorbits, or has decayed."),
    _kind(29, "plan_superseded", "TopologyPlanSuperseded", SubjectKind.CONTROL_PLANE, _INFO, _NOBODY, _LEVEL, "A plan was replaced after its publication."),
    _kind(30, "cell_oversubscribed", "CellOversubscribed", SubjectKind.CELL, _WARN, _TICKET, _PLANNED, "Demand of a cell exceeds its beams."),
    _kind(31, "backup_path_activated", "BackupPathActivated", _T, _WARN, _TENANT, _SPAN, "A site's traffic moved to its other path."),
    _kind(32, "backup_path_unhealthy", "BackupPathUnhealthy", _T, _WARN, _TICKET, _SPAN, "The path that stands by is silently dead."),
    _kind(33, "private_attachment_down", "PrivateAttachmentDown", SubjectKind.TENANT, _CRIT, _TICKET, ("from_pop_index", *_PLANNED), "A tenant's private attachment at a PoP, or its BGP session, is down while radio is up."),
    _kind(34, "security_degraded", "SecurityDegraded", _T, _CRIT, _SOC, _STANDS, "Encryption or MACsec is not intact, or a private path leaves to the Internet."),
    _kind(35, "route_anomaly", "RouteAnomaly", _P, _CRIT, _SOC, _STANDS, "Routes whose validation fails."),
    _kind(36, "ddos_mitigation", "DdosMitigation", _P, _INFO, _NOBODY, _PLANNED, "Scrubbing is active; its volume is not the customer's usage."),
    _kind(37, "sink_delegation_revoked", "SinkDelegationRevoked", SubjectKind.TENANT, _WARN, _TENANT, (), "A customer withdrew the permission to write into its account."),
    _kind(38, "telemetry_gap", "TelemetryGap", _T, _INFO, _PIPELINE, ("gap_s", *_SPAN), "Samples were lost between the source and the workshop, or we are blind."),
    _kind(39, "auto_remediation_succeeded", "AutoRemediationSucceeded", _G, _INFO, _NOBODY, _SPAN, "An incident was put right without a human before its deadline."),
    _kind(40, "auto_remediation_failed", "AutoRemediationFailed", _G, _WARN, _NOC, _SPAN, "The deadline passed and the incident stands."),
    _kind(41, "pop_lost", "PopLost", _P, _CRIT, _NOC, _PLANNED, "A PoP carries no traffic: neither half of its pair is in service, or it is silent."),
    _kind(42, "egress_congested", "EgressCongested", _P, _WARN, _TICKET, _PLANNED, "A way out of a PoP loses packets."),
    _kind(43, "ethernet_slow", "EthernetSlow", _T, _WARN, _TENANT, _LEVEL, "A terminal's Ethernet port has negotiated a slow rate: a bad cable or an old switch."),
    _kind(44, "plan_overdue", "PlanOverdue", SubjectKind.CONTROL_PLANE, _CRIT, _NOC, _STANDS, "The plan that is out ends soon, and the next one has not come: service will end with it."),
    _kind(45, "satellite_failed", "SatelliteFailed", _S, _CRIT, _NOC, _PLANNED, "A satellite's payload carries nothing."),
)  # fmt: skip

KIND_BY_NAME: dict[str, EventKind] = {entry.kind: entry for entry in CATALOGUE}
KIND_BY_CODE: dict[int, EventKind] = {entry.code: entry for entry in CATALOGUE}


def code_of(kind: str) -> int:
    """Return a kind's number.

    Raises:
        KeyError: The catalogue has no such kind.
    """
    return KIND_BY_NAME[kind].code


def codes(kind: str, count: int) -> Array:
    """Return the `event_code` column of so many events of one kind."""
    return np.full(count, code_of(kind), np.int16)


def json_schema(entry: EventKind) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the kind's JSON form, as `streams.contract.detail` writes it."""
    properties: dict[str, Any] = {
        "event_id": {"type": "string", "description": "Key and revision."},
        "event_key": {
            "type": "string",
            "pattern": "^[0-9a-f]{32}$",
            "description": EVENT.column("event_key").description,
        },
        "revision": {"type": "integer", "minimum": 1},
        "kind": {"const": entry.kind},
        "detail_type": {"const": entry.detail_type},
        "severity": {"const": entry.severity.value},
        "subject_kind": {"enum": [kind.name.lower() for kind in SubjectKind]},
        "subject_id": {"type": "string", "minLength": 1},
        "started_at": {"type": "string", "format": "date-time"},
    }
    required = list(properties)
    for column in entry.columns():
        properties[json_name(column)] = {"description": column.description, **_json_type(column)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": entry.detail_type,
        "description": entry.description,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def json_name(column: Column) -> str:
    """Return a column's name in JSON: instants lose `_ns` and become RFC 3339, indexes become ids."""
    return _json_name(column.name)


@cache
def _json_name(name: str) -> str:
    for ending, replacement in (("_at_ns", "_at"), ("_index", "_id")):
        if name.endswith(ending):
            return name.removesuffix(ending) + replacement
    return name


def _json_type(column: Column) -> dict[str, Any]:
    if column.name.endswith("_at_ns"):
        return {"type": "string", "format": "date-time"}
    if column.name.endswith("_index"):
        return {"type": "string"}
    if column.name in {"handover_class", "cause_chain"}:
        return {"type": "array", "items": {"type": "string"}}
    if column.choices is not None:
        return {"enum": [choice.name.lower() for choice in column.choices if choice.name]}
    if (column.minimum, column.maximum) == (0, 1) and column.numpy_type.kind == "i":
        return {"type": "boolean"}
    return {"type": "number" if column.numpy_type.kind == "f" else "integer"}
