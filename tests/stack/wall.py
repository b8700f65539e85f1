"""The wall's own rules and routes before a real Prometheus and Alertmanager, their waits shortened so that a test has none."""

from pathlib import Path
from typing import Any

import yaml

from dashboards.routes import alertmanager_config
from dashboards.rules import rule_files
from tests.stack.servers.prometheus import Prometheus
from tests.stack.servers.web import get_json

# `keep_firing_for` in the rules is minutes; here it must outlast the restart of an exporter that a test plays.
KEEP_FIRING = "5s"


def hurried_rules(folder: Path) -> list[str]:
    """Write the rule files with short bridging into a folder and return their paths; expressions and holds are untouched."""
    paths = []
    for name, content in rule_files().items():
        for rule in content["groups"][0]["rules"]:
            if "keep_firing_for" in rule:
                rule["keep_firing_for"] = KEEP_FIRING
        path = folder / f"{name}.rules.yml"
        path.write_text(yaml.safe_dump(content))
        paths.append(str(path))
    return paths


def hurried_routes(webhook_url: str) -> dict[str, Any]:
    """Return Alertmanager's configuration with short grouping; how often a page is repeated is untouched."""
    config = alertmanager_config(webhook_url)
    config["route"] |= {"group_wait": "0s", "group_interval": "1s"}
    return config


def prometheus_config(*, page: str, rules: list[str], alertmanager: str | None = None) -> dict[str, Any]:
    """Return a configuration that scrapes one page a second, `page` and `alertmanager` being host:port."""
    config: dict[str, Any] = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": rules,
        "scrape_configs": [{"job_name": "exporter", "static_configs": [{"targets": [page]}]}],
    }
    if alertmanager:
        config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]}
    return config


def has_found_its_pager(monitor: Prometheus) -> bool:
    """Say whether pages can leave: one that fires in the first seconds is lost, and sent again only a minute later."""
    return bool(get_json(f"{monitor.url}/api/v1/alertmanagers")["data"]["activeAlertmanagers"])
