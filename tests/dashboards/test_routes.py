"""The routes: each team and severity reaches its receiver, by amtool's own judgement."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from dashboards.render import as_yaml
from dashboards.routes import PAGED_TEAMS, SILENT_TEAMS, alertmanager_config
from streams.contract.vocabulary import Audience

CONFIG = Path(__file__).parents[2] / "dashboards/generated/alertmanager.yml"

ROUTES = [
    *(({"team": team, "severity": severity}, f"{team}-page") for team in PAGED_TEAMS for severity in ("critical", "warning")),
    *(({"team": team, "severity": "info"}, "ticket") for team in PAGED_TEAMS),
    *(({"team": "ticket", "severity": severity}, "ticket") for severity in ("critical", "warning", "info")),
    *(({"team": team, "severity": "critical"}, "silent") for team in SILENT_TEAMS),
    ({"alertname": "Watchdog", "team": "watchdog", "severity": "info"}, "heartbeat"),
    ({"team": "nobody has heard of", "severity": "critical"}, "pipeline-page"),
    ({}, "pipeline-page"),
]  # fmt: skip


def test_every_audience_has_a_route():
    assert {labels.get("team") for labels, _ in ROUTES} >= {audience.team for audience in Audience}


def test_one_incident_is_one_message():
    assert alertmanager_config()["route"]["group_by"] == ["incident_id"]


def test_whoever_was_paged_hears_of_the_end():
    sent = {
        receiver["name"]: webhook["send_resolved"]
        for receiver in alertmanager_config()["receivers"]
        for webhook in receiver.get("webhook_configs", [])
    }
    assert sent == {**{f"{team}-page": True for team in PAGED_TEAMS}, "ticket": True, "heartbeat": False}


def test_the_committed_routes_reach_nobody_until_an_address_is_given():
    assert set(re.findall(r"\w+://[^/\s]+", CONFIG.read_text())) == {"http://webhook.invalid"}
    given = as_yaml(alertmanager_config("http://pager:9095/"))
    assert "invalid" not in given
    assert "url: http://pager:9095/page/noc\n" in given


@pytest.mark.stack
def test_amtool_accepts_the_configuration():
    amtool("check-config", CONFIG)


@pytest.mark.stack
@pytest.mark.parametrize(("labels", "receiver"), ROUTES, ids=str)
def test_amtool_routes(labels, receiver):
    said = amtool(
        "config", "routes", "test", f"--config.file={CONFIG}", *(f"{key}={value}" for key, value in labels.items())
    )
    assert said.split() == [receiver]


def amtool(*arguments):
    program = shutil.which("amtool")
    assert program, "amtool is not on this machine: run `tests/stack/setup.sh alertmanager`"
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
