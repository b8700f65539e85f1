"""An incident that is understood better while it stands: one alert from its first second to its last, under real rules."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from dashboards.render import as_yaml
from dashboards.rules import rule_files
from exporters.prometheus import PrometheusSink
from streams.contract.incidents import Opening
from streams.contract.vocabulary import Audience, IncidentState, Severity
from tests.dashboards.test_rules import promtool
from tests.exporters.findings import NOON, Log, a_directory

pytestmark = pytest.mark.stack
EVERY_S = 15
WATCHED = ("leo_incidents_open", "leo_incident_terminals_affected_count")
OPENING = Opening(cause="outage_started", severity=Severity.WARNING, audience=Audience.OT_PAGE)
# Two scrapes each: as it opened, as its antenna was found fallen, and as a gateway was found to be behind it.
STORY = (
    {"cause": "outage_started", "severity": Severity.WARNING, "audience": Audience.OT_PAGE},
    {"cause": "tilt_critical", "severity": Severity.CRITICAL, "audience": Audience.OT_PAGE},
    {"cause": "gateway_isolated", "severity": Severity.CRITICAL, "audience": Audience.NOC_PAGE},
)


def scraped(sink):
    registry = CollectorRegistry()
    registry.register(sink)
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {
        _series(sample): f"{sample.value:g}"
        for family in families
        for sample in family.samples
        if sample.name in WATCHED
    }


def _series(sample):
    labels = ", ".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
    return f"{sample.name}{{{labels}}}"


def new_exporter():
    sink = PrometheusSink(a_directory())
    sink.is_caught_up = True
    return sink


def scrapes(*, restarts):
    """Return what each scrape saw; an exporter that restarts finds only the last revision on the compacted topic."""
    log, sink, seen = Log(), new_exporter(), []
    for number, changes in enumerate(STORY, start=1):
        revision = log.incident(revision=number, opening=OPENING, **changes)
        sink = new_exporter() if restarts else sink
        sink.write([revision])
        seen += [scraped(sink), scraped(sink)]
    sink.write([log.incident(revision=4, opening=OPENING, state=IncidentState.RESOLVED, resolved_at=NOON, **changes)])
    return [*seen, scraped(sink)]


def alerts_at(eval_s, names):
    labels = {"incident_id": "inc-0123456789abcdef", "team": OPENING.audience.team, "severity": OPENING.severity.value}
    annotations = {
        "summary": "An incident wakes its team and has no alert of its own: 5 terminals.",
        "description": "Whatever the correlator says must wake somebody does, also when its cause is newer than these rules.",
        "runbook_url": "dashboards/runbooks/NetworkIncidentOpen.md",
    }
    return [
        {
            "eval_time": f"{eval_s}s",
            "alertname": name,
            "exp_alerts": [{"exp_labels": labels, "exp_annotations": annotations}] if name in names else [],
        }
        for name in ("NetworkIncidentOpen", "GatewayIsolated", "AreaOutage")
    ]


@pytest.mark.parametrize("restarts", [False, True], ids=["one exporter", "an exporter that restarts"])
def test_the_alert_of_an_incident_stays_the_same_when_its_cause_severity_and_audience_change(restarts, tmp_path):
    seen = scrapes(restarts=restarts)
    rules = rule_files()["alerts"]
    for rule in rules["groups"][0]["rules"]:
        rule.pop("keep_firing_for", None)  # or the last check would have to wait for five minutes
    (tmp_path / "alerts.rules.yml").write_text(as_yaml(rules))
    standing = [test for number in range(6) for test in alerts_at(number * EVERY_S, {"NetworkIncidentOpen"})]
    series = sorted({name for one in seen for name in one})
    (tmp_path / "story.test.yml").write_text(as_yaml({
        "rule_files": ["alerts.rules.yml"],
        "evaluation_interval": f"{EVERY_S}s",
        "tests": [{
            "interval": f"{EVERY_S}s",
            "input_series": [
                {"series": name, "values": " ".join(one.get(name, "stale") for one in seen)} for name in series
            ],
            "alert_rule_test": [*standing, *alerts_at(6 * EVERY_S, set())],
        }],
    }))  # fmt: skip
    promtool("test", "rules", tmp_path / "story.test.yml")
