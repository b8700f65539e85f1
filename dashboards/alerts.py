"""The alerts: what wakes somebody, each on a symptom that the correlator has damped or on the pipeline's own standstill."""

import msgspec

from exporters.contract.metrics import INCIDENT_TERMINALS, INCIDENTS_OPEN, WATERMARK
from streams.contract.vocabulary import Audience, Severity

# These are the only labels an alert may carry: whatever else may change while it fires, and a changed label is a second page.
LABELS = ("incident_id", "team", "severity")

AREA_CAUSE = "regional_outage"
GATEWAY_CAUSE = "gateway_isolated"

# The exporter answers 503 until it has caught up after a restart: longer than that, shorter than a shift.
BRIDGED_S = 300
# The watermark moves every second that the door is alive, at whatever speed time is simulated.
STANDSTILL_S = 60


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One alerting rule.

    Attributes:
        name: CamelCase symptom, subject first; its runbook and its test have the same name.
        expr: PromQL; the labels that it leaves are among `LABELS`.
        labels: What the expression does not bring itself.
        hold_s: How long it must be true; incidents are damped already and have none.
        keep_firing_s: How long it stays when its series is gone, as while an exporter restarts.
    """

    name: str
    expr: str
    summary: str
    description: str
    labels: dict[str, str] = {}
    hold_s: int = 0
    keep_firing_s: int = 0


def _incidents(selector: str) -> str:
    return f"max by ({', '.join(LABELS)}) ({INCIDENTS_OPEN.name}{{{selector}}}) > 0"


_REACH = (
    f'{{{{ with printf "{INCIDENT_TERMINALS.name}{{incident_id=%q}}" $labels.incident_id | query }}}}'
    '{{ . | first | value | printf "%.0f" }}{{ else }}an unknown number of{{ end }} terminals'
)
_PIPELINE = Audience.PIPELINE_PAGE.team

AREA_OUTAGE = Alert(
    name="AreaOutage",
    expr=_incidents(f'cause="{AREA_CAUSE}"'),
    summary=f"An area has lost service: {_REACH}.",
    description="Many terminals of an area, or of one satellite, gateway, PoP or plan, went out together; its deadline has passed.",
    keep_firing_s=BRIDGED_S,
)
GATEWAY_ISOLATED = Alert(
    name="GatewayIsolated",
    expr=_incidents(f'cause="{GATEWAY_CAUSE}"'),
    summary=f"A gateway carries no traffic: {_REACH}.",
    description="No antenna in service, both fibres down, or silent; what repairs itself had its time and did not.",
    keep_firing_s=BRIDGED_S,
)
NETWORK_INCIDENT_OPEN = Alert(
    name="NetworkIncidentOpen",
    expr=_incidents(f'cause!~"{AREA_CAUSE}|{GATEWAY_CAUSE}"'),
    summary=f"An incident wakes its team and has no alert of its own: {_REACH}.",
    description="Whatever the correlator says must wake somebody does, also when its cause is newer than these rules.",
    keep_firing_s=BRIDGED_S,
)
PIPELINE_STALLED = Alert(
    name="PipelineStalled",
    # Progress by the scraper's clock, never event time against wall time: simulated time may run sixty times as fast.
    expr=f"max({WATERMARK.name}) <= max({WATERMARK.name} offset {STANDSTILL_S}s) or absent({WATERMARK.name})",
    summary="The pipeline stands still: what happens in the network now is not seen.",
    description=(
        "The watermark has not moved, or the exporter has not been heard, for two minutes. "
        "No news of incidents is no good news until this ends."
    ),
    labels={"incident_id": "pipeline-stalled", "team": _PIPELINE, "severity": Severity.CRITICAL.value},
    hold_s=STANDSTILL_S,
    keep_firing_s=STANDSTILL_S,
)
WATCHDOG = Alert(
    name="Watchdog",
    expr="vector(1)",
    summary="Always firing: if its heartbeat ends, Prometheus, Alertmanager or the way out is dead.",
    description="Whoever receives the heartbeat raises the alarm when it is missing for five minutes.",
    labels={"incident_id": "watchdog", "team": "watchdog", "severity": Severity.INFO.value},
)

ALERTS: tuple[Alert, ...] = (AREA_OUTAGE, GATEWAY_ISOLATED, NETWORK_INCIDENT_OPEN, PIPELINE_STALLED, WATCHDOG)
