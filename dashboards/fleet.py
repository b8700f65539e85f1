"""The Fleet board, the first screen: is the network well, what is broken, how many customers feel it, and do we see it all?"""

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.models import dashboard as model

from dashboards.panels import BAD, GOOD, SOURCE, UNKNOWN, WATCH, graph, number, over_time, rows, steps
from dashboards.recordings import FLEET_GOOD_RATIO, FLEET_UNKNOWN_RATIO, GATEWAY_GOOD_RATIO, PIPELINE_SPEED
from exporters.contract.metrics import (
    CLOCK,
    EVENTS,
    GATEWAY_RTT,
    GATEWAY_SAMPLES,
    HANDOVER_GAP,
    HANDOVERS,
    INCIDENT_TERMINALS,
    INCIDENTS,
    INCIDENTS_OPEN,
    OUTAGES_STARTED,
    SHARDS_SEEN,
    TERMINALS,
    TERMINALS_DOWN,
    WATERMARK,
)

UID, TAG = "leo-fleet", "leowatch"
_GATEWAY = 'gateway=~"$gateway"'
_RATE = "$__rate_interval"
# An empty page means "none" only while the exporter is heard; otherwise there must be no answer at all.
_HEARD = f"0 * max({CLOCK.name})"


def fleet() -> build.Dashboard:
    """Return the board."""
    return (
        _frame()
        .with_row(build.Row("Is the network well?"))
        .with_panel(incidents_open())
        .with_panel(terminals_down())
        .with_panel(service_good())
        .with_panel(service_unknown())
        .with_row(build.Row("What is broken?"))
        .with_panel(open_incidents())
        .with_panel(terminals_down_by_gateway())
        .with_panel(outages_by_cause())
        .with_row(build.Row("How does it feel?"))
        .with_panel(service_by_gateway())
        .with_panel(round_trip())
        .with_panel(handovers())
        .with_panel(interruptions())
        .with_row(build.Row("Do we see it all?"))
        .with_panel(pipeline_speed())
        .with_panel(watermark())
        .with_panel(shards())
        .with_panel(terminals())
        .with_panel(samples())
        .with_panel(findings())
    )


def incidents_open() -> stat.Panel:
    """How many things are wrong enough to wake somebody."""
    return number(
        "Open incidents",
        "Incidents that wake their team now; one broken thing is one incident, whatever its reach.",
        "short",
        f"count({INCIDENTS_OPEN.name} > 0) or {_HEARD}",
        steps((None, GOOD), (1, BAD)),
    )


def terminals_down() -> stat.Panel:
    """How many customers feel it."""
    return number(
        "Terminals down",
        "Terminals in an outage now, those that the plan foresaw included.",
        "short",
        f"sum({TERMINALS_DOWN.name}) or {_HEARD}",
        steps((None, GOOD), (1, WATCH), (50, BAD)),
    )


def service_good() -> stat.Panel:
    """The service level of the moment."""
    return number(
        "Service",
        "Good over good and bad terminal-seconds of the last 5 minutes; planned gaps and what we cannot know count as neither.",
        "percentunit",
        FLEET_GOOD_RATIO.name,
        steps((None, BAD), (0.999, WATCH), (0.9999, GOOD)),
    ).decimals(3)


def service_unknown() -> stat.Panel:
    """How blind we are."""
    return number(
        "Unknown",
        "Share of terminal-seconds of the last 5 minutes of which we know nothing: silent, not yet judged, or blind.",
        "percentunit",
        FLEET_UNKNOWN_RATIO.name,
        steps((None, GOOD), (0.01, WATCH), (0.05, UNKNOWN)),
    ).decimals(2)


def open_incidents() -> table.Panel:
    """What is broken, largest first."""
    reach = f"max by (incident_id) ({INCIDENT_TERMINALS.name})"
    standing = f"max by (incident_id, team, severity, cause) ({INCIDENTS_OPEN.name})"
    return rows(
        "Open incidents, by reach",
        "Each incident that wakes its team now, its cause, and the most terminals it has reached. Empty is well only while the pipeline moves.",
        f"sort_desc({standing} * on (incident_id) group_left () {reach})",
        ["incident_id", "cause", "severity", "team"],
        "terminals reached",
    )


def terminals_down_by_gateway() -> timeseries.Panel:
    """Where."""
    return graph(
        "Terminals down, by last gateway",
        "Terminals in an outage, by the gateway that served them last; the ten worst.",
        "short",
        [over_time(f"topk(10, sum by (gateway) ({TERMINALS_DOWN.name}{{{_GATEWAY}}}))", "{{gateway}}")],
    )


def outages_by_cause() -> timeseries.Panel:
    """Why."""
    return graph(
        "Outages, by cause",
        "Terminal outages that began, per second, by primary cause.",
        "ops",
        [over_time(f"sum by (cause) (rate({OUTAGES_STARTED.name}{{{_GATEWAY}}}[{_RATE}]))", "{{cause}}")],
    )


def service_by_gateway() -> timeseries.Panel:
    """Which gateways' customers have it worst."""
    return graph(
        "Service, by gateway",
        "Good over good and bad terminal-seconds, 5 minutes; the ten worst.",
        "percentunit",
        [over_time(f"bottomk(10, {GATEWAY_GOOD_RATIO.name}{{{_GATEWAY}}})", "{{gateway}}")],
    ).max(1)


def round_trip() -> timeseries.Panel:
    """How far away the Internet is."""
    return graph(
        "Round trip to the PoP",
        "Median and 99th percentile over all samples of the chosen gateways, from merged buckets.",
        "s",
        [
            over_time(_quantile(0.99, f"{GATEWAY_RTT.name}_bucket{{{_GATEWAY}}}"), "p99", "A"),
            over_time(_quantile(0.5, f"{GATEWAY_RTT.name}_bucket{{{_GATEWAY}}}"), "p50", "B"),
        ],
    )


def handovers() -> timeseries.Panel:
    """Whether the network follows its plan."""
    return graph(
        "Handovers, by conformance",
        "Handovers per second held against the plan; on time is the wide one, the others are the story.",
        "ops",
        [over_time(f"sum by (conformance) (rate({HANDOVERS.name}{{{_GATEWAY}}}[{_RATE}]))", "{{conformance}}")],
    )


def interruptions() -> timeseries.Panel:
    """What a handover costs its customer."""
    return graph(
        "Interruption of a handover",
        "Time without samples across a handover: median and 99th percentile.",
        "s",
        [
            over_time(_quantile(0.99, f"{HANDOVER_GAP.name}_bucket"), "p99", "A"),
            over_time(_quantile(0.5, f"{HANDOVER_GAP.name}_bucket"), "p50", "B"),
        ],
    )


def pipeline_speed() -> stat.Panel:
    """Whether the pipeline moves."""
    return number(
        "Pipeline speed",
        "Seconds of network time judged per second: 1 in real time, the factor in a simulation, 0 at a standstill.",
        "short",
        PIPELINE_SPEED.name,
        steps((None, BAD), (0.5, WATCH), (0.9, GOOD)),
    ).decimals(2)


def watermark() -> stat.Panel:
    """What the numbers above are true for."""
    return number(
        "Judged up to",
        "The watermark: the network time before which everything has been said, on every shard.",
        "dateTimeAsIso",
        f"1000 * max({WATERMARK.name})",
    )


def shards() -> stat.Panel:
    """Whether every shard speaks."""
    return number(
        "Shards heard",
        "Shards whose ticks have been heard since the exporter began; all of a deployment's, or somebody is missing.",
        "short",
        f"max({SHARDS_SEEN.name})",
    )


def terminals() -> stat.Panel:
    """How many there are."""
    return number(
        "Terminals",
        "Terminals in the inventory, all models.",
        "short",
        f"sum({TERMINALS.name})",
    )


def samples() -> timeseries.Panel:
    """How much we hear."""
    return graph(
        "Samples, by gateway",
        "Samples per second of terminals served by each gateway; a gateway at zero is silent and not idle. The ten busiest.",
        "ops",
        [over_time(f"topk(10, sum by (gateway) (rate({GATEWAY_SAMPLES.name}{{{_GATEWAY}}}[{_RATE}])))", "{{gateway}}")],
    )


def findings() -> timeseries.Panel:
    """How much we say."""
    return graph(
        "Findings",
        "Events per second by kind, and incidents opened per second over all causes.",
        "ops",
        [
            over_time(f"sum by (kind) (rate({EVENTS.name}[{_RATE}]))", "{{kind}}", "A"),
            over_time(f"sum(rate({INCIDENTS.name}[{_RATE}]))", "incidents opened", "B"),
        ],
    )


def _frame() -> build.Dashboard:
    return (
        build.Dashboard("Fleet")
        .uid(UID)
        .description("Is the network well, what is broken, how many customers feel it, and do we see it all?")
        .tags([TAG])
        .timezone("utc")
        .readonly()
        .refresh("10s")
        .time("now-30m", "now")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .link(_other_boards())
        .with_variable(_gateway())
        .annotation(_firing_alerts())
    )


def _gateway() -> build.QueryVariable:
    return (
        build.QueryVariable("gateway")
        .label("Gateway")
        .datasource(SOURCE)
        .query(f"label_values({GATEWAY_SAMPLES.name}, gateway)")
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(model.VariableOption(selected=True, text="All", value="$__all"))
    )


def _firing_alerts() -> build.AnnotationQuery:
    return (
        build.AnnotationQuery()
        .name("Alerts")
        .datasource(SOURCE)
        .enable(True)
        .icon_color(BAD)
        .expr('ALERTS{alertname!="Watchdog", alertstate="firing"}')
    )


def _other_boards() -> build.DashboardLink:
    return (
        build.DashboardLink("leowatch")
        .type(model.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(True)
        .include_vars(True)
        .keep_time(True)
    )


def _quantile(share: float, buckets: str) -> str:
    return f"histogram_quantile({share}, sum by (le) (rate({buckets}[{_RATE}])))"
