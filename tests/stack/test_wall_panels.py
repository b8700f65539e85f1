"""Every query of every panel against a real Prometheus with a page like the demo's: none errs, none is empty, each is of the right size."""

import re
import time
from urllib.parse import urlencode

import pytest

from dashboards.boards import boards
from dashboards.recordings import FLEET_GOOD_RATIO
from exporters.contract import metrics as say
from tests.stack import metrics_page
from tests.stack.servers.web import get_json
from tests.stack.wall import hurried_rules, prometheus_config

GATEWAYS = {"gw-dublin": 0.99, "gw-perth": 0.90}
TARGETS = [
    (f"{name}: {panel['title']} {target['refId']}", panel, target)
    for name, board in boards().items()
    for panel in board["panels"]
    for target in panel.get("targets", ())
]
# Grafana asks for at least four scrapes; one a second here, and rules over five minutes take what there is.
RATE_INTERVAL = "10s"
# What a person would see, by the unit of the panel: seconds of a round trip, shares, things a second, counts.
SIZES = {"s": (0.001, 5), "percentunit": (0, 1), "ops": (0.001, 1e5), "short": (0.001, 1e6), "dateTimeAsIso": (1.7e12, 2e12)}  # fmt: skip


@pytest.fixture(scope="module")
def monitor(prometheus, tmp_path_factory):
    with metrics_page.start() as page:
        write_a_bad_day(page)
        server = prometheus(prometheus_config(page=page.address, rules=hurried_rules(tmp_path_factory.mktemp("rules"))))
        deadline_s = time.monotonic() + 30
        while not (server.query(FLEET_GOOD_RATIO.name) and scrape_count(server) >= 6):
            assert time.monotonic() < deadline_s
            time.sleep(0.2)
        yield server


def scrape_count(server):
    (found,) = server.query("max(count_over_time(up[1m]))")
    return int(found["value"][1])


def write_a_bad_day(page):
    """Put two gateways on the page, one in trouble, at speed sixty."""
    for name in (say.WATERMARK, say.CLOCK):
        page.set(name, 1_759_449_600.0)
        page.grow(name, 60.0)
    page.set(say.SHARDS_SEEN, 16)
    page.set(say.TERMINALS, 2000, model="pro")
    page.set(say.INCIDENTS_OPEN, 1, incident_id="inc-1", team="noc", severity="critical", cause="gateway_isolated")
    page.set(say.INCIDENT_TERMINALS, 31, incident_id="inc-1")
    page.grow(say.INCIDENTS, 0.1, cause="gateway_isolated", severity="critical")
    page.grow(say.OUTAGE_SECONDS, 10, cause="gateway")
    for kind in ("handover", "outage_started"):
        page.grow(say.EVENTS, 5, kind=kind)
    write_histogram(page, say.HANDOVER_GAP)
    for gateway, good in GATEWAYS.items():
        page.set(say.TERMINALS_DOWN, 1000 * (1 - good), gateway=gateway)
        page.grow(say.GATEWAY_SAMPLES, 60_000 * good, gateway=gateway)
        page.grow(say.HANDOVERS, 30, gateway=gateway, conformance="on_time")
        page.grow(say.OUTAGES_STARTED, 1, gateway=gateway, cause="gateway")
        page.grow(say.GOOD_SECONDS, 60_000 * good, gateway=gateway)
        page.grow(say.BAD_SECONDS, 60_000 * (1 - good), gateway=gateway)
        page.grow(say.EXPECTED_SECONDS, 600, gateway=gateway)
        page.grow(say.UNKNOWN_SECONDS, 300, gateway=gateway)
        write_histogram(page, say.GATEWAY_RTT, gateway=gateway)


def write_histogram(page, metric, **labels):
    for edge, count in (("0.025", 10), ("0.05", 90), ("0.1", 99), ("+Inf", 100)):
        page.grow(metric, count, "_bucket", le=edge, **labels)
    page.grow(metric, 4, "_sum", **labels)
    page.grow(metric, 100, "_count", **labels)


@pytest.mark.parametrize("gateway", [".*", "gw-perth", "gw-dublin|gw-perth"])
@pytest.mark.parametrize(("panel", "target"), [one[1:] for one in TARGETS], ids=[one[0] for one in TARGETS])
def test_a_panel_shows_something_of_the_right_size(monitor, panel, target, gateway):
    values = [value for series in answer(monitor, target, gateway) for value in series]

    smallest, largest = SIZES[panel["fieldConfig"]["defaults"]["unit"]]
    assert values
    assert all(smallest <= value <= largest for value in values), values


def test_the_first_screen_says_what_the_page_said(monitor):
    seen = {
        panel["title"]: answer(monitor, panel["targets"][0], ".*")[0][-1]
        for panel in boards()["fleet"]["panels"]
        if panel["type"] == "stat"
    }
    assert seen["Open incidents"] == 1
    assert seen["Terminals down"] == pytest.approx(110)
    assert seen["Service"] == pytest.approx(0.945, abs=0.001)
    assert seen["Terminals"] == 2000
    assert seen["Pipeline speed"] == pytest.approx(60, rel=0.2)


def test_a_panel_shows_nothing_when_nobody_is_heard(prometheus):
    nobody = prometheus(prometheus_config(page="127.0.0.1:1", rules=[]))
    for _, panel, target in TARGETS:
        assert answer(nobody, target, ".*") == [], f"{panel['title']} draws silence as a value"


def answer(monitor, target, gateway):
    """Return the values of each series, asked as Grafana would."""
    query = target["expr"].replace("$__rate_interval", RATE_INTERVAL).replace("$gateway", gateway)
    assert not re.search(r"\$\w", query)
    now_s = time.time()
    if target.get("range"):
        asked = {"query": query, "start": now_s - 2, "end": now_s, "step": 1}
        found = get_json(f"{monitor.url}/api/v1/query_range?{urlencode(asked)}")["data"]["result"]
        return [[float(value) for _, value in series["values"]] for series in found]
    return [[float(series["value"][1])] for series in monitor.query(query)]
