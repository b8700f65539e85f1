"""The network's metrics as Prometheus sees them: name, type, labels and a sentence; boards and rules use these constants."""

from enum import StrEnum

import msgspec


class MetricType(StrEnum):
    """How a metric moves."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One metric family.

    Attributes:
        name: `leo_<noun>_<what>_<unit>[_total]`, in seconds, bytes and ratios.
        labels: From the closed list gateway, pop, shell, model, country, cause, kind, reason, conformance; incident_id,
            team and severity on open incidents only; never a terminal or a cell.
    """

    name: str
    type: MetricType
    labels: tuple[str, ...]
    help: str


_C, _G, _H = MetricType.COUNTER, MetricType.GAUGE, MetricType.HISTOGRAM


def _metric(name: str, kind: MetricType, labels: tuple[str, ...], sentence: str) -> Metric:
    return Metric(name=name, type=kind, labels=labels, help=sentence)


EVENTS = _metric("leo_events_total", _C, ("kind",), "Distinct events of each kind, revisions not counted.")
HANDOVERS = _metric(
    "leo_handovers_total", _C, ("gateway", "conformance"), "Handovers by the gateway after them and by conformance."
)
OUTAGES_STARTED = _metric(
    "leo_outages_started_total", _C, ("gateway", "cause"), "Terminal outages by last gateway and cause."
)
OUTAGE_SECONDS = _metric(
    "leo_outage_seconds_total", _C, ("cause",), "Terminal-seconds without service of ended outages."
)
HANDOVER_GAP = _metric("leo_handover_interruption_seconds", _H, (), "Time without samples across a handover.")
TERMINALS_DOWN = _metric("leo_terminals_down_count", _G, ("gateway",), "Terminals in an outage now, by last gateway.")
TERMINALS = _metric("leo_terminals_count", _G, ("model",), "Terminals in the inventory.")
INCIDENTS_OPEN = _metric(
    "leo_incidents_open",
    _G,
    ("incident_id", "team", "severity", "cause"),
    "1 for each incident that wakes its team now; damped by the correlator.",
)
INCIDENT_TERMINALS = _metric(
    "leo_incident_terminals_affected_count", _G, ("incident_id",), "Reach of each open incident."
)
INCIDENTS = _metric("leo_incidents_total", _C, ("cause", "severity"), "Incidents ever opened.")
GATEWAY_RTT = _metric(
    "leo_gateway_pop_ping_latency_seconds",
    _H,
    ("gateway",),
    "Round trip to the PoP of terminals served by the gateway.",
)
GATEWAY_SAMPLES = _metric("leo_gateway_samples_total", _C, ("gateway",), "Samples of terminals served by the gateway.")
GOOD_SECONDS = _metric("leo_service_good_seconds_total", _C, ("gateway",), "Terminal-seconds with service.")
BAD_SECONDS = _metric(
    "leo_service_bad_seconds_total", _C, ("gateway",), "Terminal-seconds without service that nothing foresaw."
)
EXPECTED_SECONDS = _metric(
    "leo_service_expected_bad_seconds_total",
    _C,
    ("gateway",),
    "Terminal-seconds without service that plan or maintenance foresaw.",
)
UNKNOWN_SECONDS = _metric(
    "leo_service_unknown_seconds_total", _C, ("gateway",), "Terminal-seconds of which we know nothing."
)
WATERMARK = _metric(
    "leo_pipeline_watermark_timestamp_seconds",
    _G,
    (),
    "Lowest watermark of all shards: what lies before it has been said.",
)
CLOCK = _metric("leo_pipeline_clock_timestamp_seconds", _G, (), "Highest log time seen by the exporter.")
SHARDS_SEEN = _metric("leo_pipeline_shards_seen_count", _G, (), "Shards whose ticks have been heard.")

NETWORK_METRICS: tuple[Metric, ...] = (
    EVENTS, HANDOVERS, OUTAGES_STARTED, OUTAGE_SECONDS, HANDOVER_GAP, TERMINALS_DOWN, TERMINALS, INCIDENTS_OPEN,
    INCIDENT_TERMINALS, INCIDENTS, GATEWAY_RTT, GATEWAY_SAMPLES, GOOD_SECONDS, BAD_SECONDS, EXPECTED_SECONDS,
    UNKNOWN_SECONDS, WATERMARK, CLOCK, SHARDS_SEEN,
)  # fmt: skip
