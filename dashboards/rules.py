"""Prometheus rule files as plain data; the link to the runbook is added here, so that no alert can lack one."""

from typing import Any

from dashboards.alerts import ALERTS, Alert
from dashboards.recordings import RECORDINGS, Recording

# Within the repository; whoever hosts the pages elsewhere changes it here.
RUNBOOKS = "dashboards/runbooks"


def rule_files() -> dict[str, dict[str, Any]]:
    """Return the content of each rule file by its name."""
    return {
        "alerts": {"groups": [{"name": "leowatch-alerts", "rules": [alerting(alert) for alert in ALERTS]}]},
        "recordings": {"groups": [{"name": "leowatch-recordings", "rules": [recording(one) for one in RECORDINGS]}]},
    }


def alerting(alert: Alert) -> dict[str, Any]:
    """Return one alert as Prometheus reads it."""
    rule: dict[str, Any] = {"alert": alert.name, "expr": alert.expr}
    if alert.hold_s:
        rule["for"] = f"{alert.hold_s}s"
    if alert.keep_firing_s:
        rule["keep_firing_for"] = f"{alert.keep_firing_s}s"
    if alert.labels:
        rule["labels"] = alert.labels
    runbook_url = f"{RUNBOOKS}/{alert.name}.md"
    return {
        **rule,
        "annotations": {"summary": alert.summary, "description": alert.description, "runbook_url": runbook_url},
    }


def recording(rule: Recording) -> dict[str, Any]:
    """Return one recording as Prometheus reads it."""
    return {"record": rule.name, "expr": rule.expr}
