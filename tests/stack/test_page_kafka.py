"""The page over a real Kafka, as compose runs it: a gateway fails, an operator sees it, and Kafka goes and comes back."""

import subprocess
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.stack import composed
from tests.stack.servers import kafka as kafkas
from tests.stack.servers.places import chromium
from tests.stack.servers.ports import free_port
from tests.stack.servers.web import answers, get_json
from tests.stack.test_whole_road import running, until

ROOT = Path(__file__).parents[2]
# Down until long after the test is over, so that nobody has to hurry.
SCENARIO = """
name = "gateway_gone"
about = "A gateway goes down and stays down."
[[fault]]
kind = "gateway_down"
start_s = 45
duration_s = 3000
remediation = "none"
page_by_s = 90
"""


class Page:
    """A page's process, asked as a browser asks."""

    def __init__(self, url, process):
        self.url, self.process = url, process

    def state(self):
        return get_json(f"{self.url}/state")

    def now(self):
        try:
            return self.state()["now"]
        except OSError:  # it is not up yet
            return {"notice": "", "ready": False, "at": ""}

    def is_live(self):
        return self.now()["ready"] and not self.state()["feed"]["stale"]

    def down(self):
        return {site["id"] for site in self.state()["gateways"] if site["state"] == "down"}

    def sees_the_failure(self):
        found = self.state()
        roots = {incident["root_id"] for incident in found["incidents"]}
        return bool(self.down() & roots) and found["now"]["counts"]["outage"] > 0


@contextmanager
def showing(bootstrap, log):
    """Run the page with compose's own command."""
    port = free_port()
    command = composed.command("page", kafka=bootstrap, host="127.0.0.1", port=str(port))
    with composed.started(command, log) as process:
        yield Page(f"http://127.0.0.1:{port}", process)


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """A network with a gateway down, a page that was there before Kafka's topics were, and the broker."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "kafka").mkdir()
    (folder / "gone.toml").write_text(SCENARIO)
    with ExitStack() as up:
        broker = up.enter_context(kafkas.start(folder / "kafka"))
        page = up.enter_context(showing(broker.bootstrap, folder / "page.log"))
        until(lambda: "is not there yet" in page.now()["notice"], 30, "the page waits for the topics and says so")
        subprocess.run(composed.command("topics", kafka=broker.bootstrap), cwd=ROOT, check=True, capture_output=True)
        port = free_port()
        streams = {"STREAMS_KAFKA": broker.bootstrap, "STREAMS_METRICS_PORT": port}
        up.enter_context(running("streams", "worker", log=folder / "worker.log", **streams))
        # The simulator, which brings the inventory, waits for that in compose.
        until(answers(f"http://127.0.0.1:{port}/metrics"), 60, "the worker is well before there is an inventory")
        up.enter_context(running("streams", "correlator", log=folder / "correlator.log", **streams))
        simulate = composed.command("simulator", kafka=broker.bootstrap, minutes="50")
        options = ["--terminals", "300", "--speed", "5", "--scenario", str(folder / "gone.toml")]
        up.enter_context(composed.started([*simulate, *options], folder / "simulator.log"))
        until(page.is_live, 90, "the page follows")
        until(page.sees_the_failure, 90, "the page shows the gateway down, its terminals and its incident")
        yield broker, page, folder


def test_a_gateway_that_fails_is_seen_with_its_terminals_and_its_incident(broken):
    _, page, _ = broken
    found = page.state()
    (gateway,) = page.down()
    assert gateway in {incident["root_id"] for incident in found["incidents"]}
    assert len(found["terminal_ids"]) == sum(found["now"]["counts"].values()) == 300
    assert len(found["satellites"]["role"]) == 3236
    assert found["now"]["speed_ratio"] > 0
    assert found["now"]["events_per_s"] > 0
    assert 25 <= found["now"]["watermark_age_s"] < 120


def test_a_page_that_starts_afterwards_shows_what_began_before_it(broken):
    broker, page, folder = broken
    with showing(broker.bootstrap, folder / "later.log") as later:
        until(later.is_live, 60, "the later page has caught up")
        assert later.down() == page.down()
        until(later.sees_the_failure, 30, "the later page has read the past")
    assert later.process.returncode == 0


def test_an_operator_sees_it_in_a_browser(broken):
    _, page, _ = broken
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        sight = browser.new_page(viewport={"width": 1440, "height": 900})
        sight.goto(page.url)
        expect(sight.locator("#link")).to_have_text("live")
        expect(sight.locator("#sites_bad")).to_contain_text(page.down().pop())
        expect(sight.locator("#open")).to_contain_text("gateway isolated")
        expect(sight.locator("#notice")).to_be_hidden()
        browser.close()


def test_kafka_that_goes_away_is_said_and_its_return_is_followed(broken):
    broker, page, _ = broken
    until(page.is_live, 60, "the page follows")
    broker.process.pause()
    try:
        until(lambda: "has not answered" in page.now()["notice"], 60, "the page says that Kafka is away")
        until(lambda: page.state()["feed"]["stale"], 30, "what it shows is stale")
        before = page.now()["at"]
    finally:
        broker.process.resume()
    until(lambda: page.is_live() and page.now()["at"] > before, 90, "the page follows again")
    assert page.down()
