"""Metric names, labels and help keep the rules of style section 7."""

import re

import pytest

from exporters.contract.metrics import INCIDENTS_OPEN, NETWORK_METRICS, MetricType

LABELS = {"gateway", "pop", "shell", "model", "country", "cause", "kind", "reason", "conformance"}
OF_AN_OPEN_INCIDENT = {"incident_id", "team", "severity"}
# A name ends in its unit, a counter in `_total` behind it; `_open` is the gauge of incidents that stand.
NAME = r"leo(_[a-z]+)+_(seconds|bytes|ratio|count|bps|deg|total|open)"


@pytest.mark.parametrize("metric", NETWORK_METRICS, ids=lambda metric: metric.name)
def test_a_metric_is_named_labelled_and_explained_by_the_rules(metric):
    assert re.fullmatch(NAME, metric.name)
    assert metric.name.endswith("_total") == (metric.type is MetricType.COUNTER)
    assert metric.help[0].isupper() or metric.help[0].isdigit()
    assert metric.help.endswith(".")
    allowed = LABELS | (OF_AN_OPEN_INCIDENT if metric.name.startswith("leo_incident") else set())
    assert set(metric.labels) <= allowed


def test_no_name_is_given_twice():
    names = [metric.name for metric in NETWORK_METRICS]

    assert len(set(names)) == len(names)


def test_an_incident_s_id_and_team_stand_on_open_incidents_only():
    for metric in NETWORK_METRICS:
        if metric.type is MetricType.COUNTER:
            assert not {"incident_id", "team"} & set(metric.labels), metric.name
    assert set(INCIDENTS_OPEN.labels) >= OF_AN_OPEN_INCIDENT
