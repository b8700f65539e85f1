"""From an open incident to the on-call engineer's telephone: our rules and routes in the real Prometheus and Alertmanager."""

import time

import pytest

from exporters.contract.metrics import CLOCK, INCIDENT_TERMINALS, INCIDENTS_OPEN, WATERMARK
from tests.stack import metrics_page
from tests.stack.wall import has_found_its_pager, hurried_routes, hurried_rules, prometheus_config

GATEWAY = {"incident_id": "inc-gateway", "team": "noc", "severity": "critical", "cause": "gateway_isolated"}
# None of these is ever on the exporter's page, which shows waking incidents alone; the routes hold all the same.
TENANT = {"incident_id": "inc-tenant", "team": "tenant", "severity": "warning", "cause": "outage_started"}
NOBODY = {"incident_id": "inc-nobody", "team": "nobody", "severity": "critical", "cause": "outage_started"}
TICKET = {"incident_id": "inc-ticket", "team": "ticket", "severity": "warning", "cause": "fibre_cut"}


@pytest.fixture
def page():
    with metrics_page.start() as served:
        for metric in (WATERMARK, CLOCK):  # a year behind, and sixty times as fast
            served.set(metric, 1_759_449_600.0)
            served.grow(metric, 60.0)
        yield served


@pytest.fixture
def monitor(page, prometheus, alertmanager, webhook, tmp_path):
    pager = alertmanager(hurried_routes(webhook.url))
    server = prometheus(prometheus_config(page=page.address, rules=hurried_rules(tmp_path), alertmanager=pager.address))
    until(lambda: has_found_its_pager(server))
    return server


def test_one_incident_is_one_page_whatever_becomes_of_it_and_one_message_when_it_is_over(page, monitor, webhook):
    for incident in (GATEWAY, TENANT, NOBODY, TICKET):
        page.set(INCIDENTS_OPEN, 1, **incident)
    page.set(INCIDENT_TERMINALS, 31, incident_id="inc-gateway")

    paged = webhook.wait_for(lambda said: said["receiver"] == "noc-page")
    (alert,) = paged["alerts"]
    assert alert["labels"] == {
        "alertname": "GatewayIsolated", "incident_id": "inc-gateway", "team": "noc", "severity": "critical",
    }  # fmt: skip
    assert alert["annotations"]["summary"] == "A gateway carries no traffic: 31 terminals."
    assert alert["annotations"]["runbook_url"].endswith("/GatewayIsolated.md")

    page.set(INCIDENT_TERMINALS, 900, incident_id="inc-gateway")
    until(lambda: "900 terminals" in gateway_alert(monitor)["annotations"]["summary"])
    page.is_caught_up = False  # the exporter restarts
    until(lambda: not monitor.query(INCIDENTS_OPEN.name))
    page.is_caught_up = True
    until(lambda: monitor.query(INCIDENTS_OPEN.name))
    evaluations_pass(monitor, 4)
    assert said_of("inc-gateway", webhook) == [("noc-page", "firing")]

    page.drop(INCIDENTS_OPEN, **GATEWAY)
    webhook.wait_for(lambda said: said["receiver"] == "noc-page" and said["status"] == "resolved")
    evaluations_pass(monitor, 4)
    assert said_of("inc-gateway", webhook) == [("noc-page", "firing"), ("noc-page", "resolved")]
    assert said_of("inc-ticket", webhook) == [("ticket", "firing")]
    heard = {said["receiver"] for said in webhook.pages} - {"heartbeat"}
    assert heard == {"noc-page", "ticket"}, "neither a tenant's trouble nor speeded-up time wakes anybody"


def said_of(incident_id, webhook):
    return [
        (said["receiver"], said["status"])
        for said in webhook.pages
        if said["groupLabels"].get("incident_id") == incident_id
    ]


def gateway_alert(monitor):
    (alert,) = (one for one in monitor.alerts() if one["labels"]["alertname"] == "GatewayIsolated")
    return alert


def evaluations_pass(monitor, count):
    """Wait for so many scrapes more, of one second as the evaluations are."""
    began_s = scraped_at_s(monitor)
    until(lambda: scraped_at_s(monitor) >= began_s + count)


def scraped_at_s(monitor):
    (sample,) = monitor.query("max(timestamp(up))")
    return float(sample["value"][1])


def until(is_so, within_s=30.0):
    deadline_s = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline_s, "it did not come to pass"
        time.sleep(0.2)
