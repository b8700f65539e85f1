"""The rules: what they may name, what they may label, and that each alert is noticed firing and silent."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from dashboards.alerts import ALERTS, LABELS
from dashboards.recordings import RECORDINGS
from dashboards.render import as_yaml
from dashboards.rules import RUNBOOKS, rule_files
from tests.dashboards.promql import declared_names, names_in

ROOT = Path(__file__).parents[2]
TESTS = Path(__file__).parent / "rules"
HEADINGS = ["## Meaning", "## Impact", "## Diagnosis", "## Mitigation"]
NAMES = [alert.name for alert in ALERTS]


def test_every_alert_has_a_runbook_and_a_promtool_test_and_nothing_else_has():
    assert {path.stem for path in (ROOT / RUNBOOKS).glob("*.md")} == set(NAMES)
    assert {path.name.removesuffix(".test.yml") for path in TESTS.glob("[A-Z]*.test.yml")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_runbook_has_the_four_headings_and_something_under_each(name):
    text = (ROOT / RUNBOOKS / f"{name}.md").read_text()
    assert [line for line in text.splitlines() if line.startswith("## ")] == HEADINGS
    assert text.startswith(f"# {name}\n")
    for section in text.split("\n## ")[1:]:
        assert len(section.split("\n", 1)[1].strip()) > 40


@pytest.mark.parametrize("name", NAMES)
def test_a_runbook_asks_for_metrics_that_exist(name):
    queries = [
        part.split("'")[0]
        for part in (ROOT / RUNBOOKS / f"{name}.md").read_text().split("--data-urlencode 'query=")[1:]
    ]
    assert queries
    for query in queries:
        assert names_in(query) <= declared_names() | {"leo_streams_commit_age_seconds", "up", "ALERTS"}


@pytest.mark.parametrize("rule", [*ALERTS, *RECORDINGS], ids=lambda rule: rule.name)
def test_a_rule_names_only_metrics_that_the_dock_declares(rule):
    names = names_in(rule.expr)
    assert names or rule.name == "Watchdog"
    assert names <= declared_names()


@pytest.mark.parametrize("rule", rule_files()["alerts"]["groups"][0]["rules"], ids=lambda rule: rule["alert"])
def test_an_alert_is_labelled_by_incident_team_and_severity_alone_and_links_its_runbook(rule):
    labelled_by_hand = set(rule.get("labels", {}))
    assert labelled_by_hand == set(LABELS) or f"max by ({', '.join(LABELS)})" in rule["expr"]
    assert (ROOT / rule["annotations"]["runbook_url"]).is_file()


def test_the_names_in_an_expression_are_found_and_its_labels_and_words_are_not():
    asked = (
        'sum by (gateway, le) (rate(leo_a_bucket{cause=~"x|y"}[5m])) / ignoring(kind) fleet:leo_b:ratio offset 1m or up'
    )
    assert names_in(asked) == {"leo_a_bucket", "fleet:leo_b:ratio", "up"}


def test_an_alert_on_an_incident_does_not_wait_because_the_correlator_has():
    on_incidents = [alert for alert in ALERTS if "leo_incidents_open" in alert.expr]
    assert len(on_incidents) == 3
    assert [alert.hold_s for alert in on_incidents] == [0, 0, 0]


@pytest.mark.stack
def test_promtool_accepts_the_generated_rules():
    promtool("check", "rules", *sorted((ROOT / "dashboards/generated/rules").glob("*.yml")))


@pytest.mark.stack
@pytest.mark.parametrize("test", sorted(TESTS.glob("*.test.yml")), ids=lambda path: path.name)
def test_promtool_sees_each_rule_do_what_its_test_says(test):
    promtool("test", "rules", test)


@pytest.mark.stack
@pytest.mark.parametrize(("name", "broken"), [
    *((name, "vector(1) < 0") for name in NAMES),
    *((name, "vector(1)") for name in NAMES if name != "Watchdog"),  # that is what it does
])  # fmt: skip
def test_the_promtool_test_of_an_alert_notices_when_it_never_fires_or_always(name, broken, tmp_path):
    rules = rule_files()["alerts"]
    for rule in rules["groups"][0]["rules"]:
        if rule["alert"] == name:
            rule["expr"] = broken
            rule["labels"] = {"incident_id": "inc-1", "team": "noc", "severity": "critical"}
    (tmp_path / "broken.rules.yml").write_text(as_yaml(rules))
    test = yaml.safe_load((TESTS / f"{name}.test.yml").read_text())
    (tmp_path / "a.test.yml").write_text(as_yaml({**test, "rule_files": ["broken.rules.yml"]}))
    with pytest.raises(AssertionError, match="FAILED"):
        promtool("test", "rules", tmp_path / "a.test.yml")


def promtool(*arguments):
    program = shutil.which("promtool")
    assert program, "promtool is not on this machine: run `tests/stack/setup.sh prometheus`"
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
