"""What an operator sees: the page in a real browser, before a network of 2,000 terminals with three faults."""

import contextlib
import os
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from dashboards.page.app import page_app
from dashboards.page.server import serving
from tests.browser.world import OPENED_S, REACHED_COUNT, ROOT, Run

SCREENS = Path(__file__).parents[2] / "docs" / "screens"
WALL = {"width": 1280, "height": 800}
PICTURE = {"width": 1600, "height": 900}
PHONE = {"width": 390, "height": 844}


class Sight:
    """A page, the run behind it, and what went wrong in the browser."""

    def __init__(self, page, run, url) -> None:
        self.page = page
        self.run = run
        self.url = url
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))

    def open(self):
        self.page.goto(self.url)
        expect(self.page.locator("#link")).to_have_text("live")


@contextlib.contextmanager
def looking(browser, *, begin_s=OPENED_S + 60, viewport=WALL):
    """Open a browser on the page of a run that has come so far."""
    run = Run(begin_s)
    with serving(page_app(run)) as url:
        page = browser.new_page(viewport=viewport)
        try:
            yield Sight(page, run, url)
        finally:
            page.close()


@pytest.fixture
def sight(browser):
    with looking(browser) as sight:
        sight.open()
        yield sight


def inks(page, selector, box=None):
    """Count the colours on a canvas, most frequent first, as [r, g, b, a] and how many pixels."""
    return page.evaluate(
        """([selector, box]) => {
            const canvas = document.querySelector(selector);
            const [x, y, w, h] = box ?? [0, 0, canvas.width, canvas.height];
            const {data} = canvas.getContext("2d").getImageData(x, y, w, h);
            const seen = new Map();
            for (let i = 0; i < data.length; i += 4) {
                const ink = data.slice(i, i + 4).join();
                seen.set(ink, (seen.get(ink) ?? 0) + 1);
            }
            return Object.fromEntries(seen);
        }""",
        [selector, box],
    )


def test_the_map_shows_the_world_and_every_state_in_its_own_colour(sight):
    expect(sight.page.locator("#map")).to_have_attribute("aria-label", re.compile(r"1 gateway down"))
    sight.page.wait_for_timeout(400)
    assert len(inks(sight.page, "#base")) > 20
    drawn = inks(sight.page, "#map")
    okabe_ito = {
        "service": "0,158,115,255",
        "suspected": "240,228,66,255",
        "outage": "213,94,0,255",
        "tilted": "204,121,167,255",
        "serving satellite": "86,180,233,255",
    }
    assert {name for name, ink in okabe_ito.items() if ink not in drawn} == set()


def test_satellites_move(sight):
    before = inks(sight.page, "#map", [0, 300, 400, 100])
    sight.page.wait_for_timeout(1200)
    assert inks(sight.page, "#map", [0, 300, 400, 100]) != before


def test_counts_by_state_add_up_to_the_network(sight):
    page = sight.page
    expect(page.locator("#total")).to_have_text("2,000 terminals")
    for state, number in {
        "service": "1,957",
        "expected_gap": "6",
        "suspected": "5",
        "outage": "27",
        "tilted": "1",
        "blind": "4",
    }.items():
        expect(page.locator(f"#counts [data-state={state}] b")).to_have_text(number)
    expect(page.locator("#down_value")).to_contain_text("27 in outage")


def test_the_incident_that_pages_is_on_top_and_opens_by_keyboard(sight):
    page = sight.page
    expect(page.locator("#open_count")).to_have_text("2")
    card = page.locator("#open .incident").first
    expect(card).to_contain_text(f"gateway {ROOT}")
    expect(card).to_contain_text("pages NOC")
    expect(card).to_contain_text(f"{REACHED_COUNT} of {REACHED_COUNT} terminals down, 12 cells, 5 tenants")
    head = card.locator(".head")
    expect(head).to_have_attribute("aria-expanded", "false")
    head.focus()
    page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-expanded", "true")
    expect(card.locator(".evidence li")).to_have_count(3)
    expect(card.locator(".timeline li")).to_have_count(3)
    expect(head).to_be_focused()
    page.keyboard.press("Enter")
    expect(card.locator(".evidence")).to_be_hidden()


def test_opening_an_incident_goes_there_on_the_map_and_closing_it_comes_back(sight):
    page = sight.page
    wide = page.evaluate("document.querySelector('#base').toDataURL()")
    page.locator("#open .head").first.click()
    page.wait_for_function("wide => document.querySelector('#base').toDataURL() !== wide", arg=wide)
    page.wait_for_timeout(600)
    # The gateway and its terminals stand in the middle, ringed in white.
    width, height = page.evaluate("[document.querySelector('#map').width, document.querySelector('#map').height]")
    assert inks(page, "#map", [width // 3, height // 3, width // 3, height // 3]).get("255,255,255,255", 0) > 20
    page.locator("#open .head").first.click()
    page.wait_for_timeout(600)
    assert inks(page, "#map").get("213,94,0,255", 0) > 20


def test_a_gateway_that_is_down_is_named_and_leads_to_its_incident(sight):
    page = sight.page
    expect(page.locator("#sites_up")).to_have_text("39 of 40 gateways up · 18 of 18 PoPs up")
    page.get_by_role("button", name=f"{ROOT} down").click()
    expect(page.locator("#open .head").first).to_have_attribute("aria-expanded", "true")


def test_a_new_incident_appears_without_a_reload(browser):
    with looking(browser, begin_s=OPENED_S - 240) as sight:
        sight.open()
        expect(sight.page.locator("#open")).not_to_contain_text(ROOT)
        expect(sight.page.locator("#open")).to_contain_text(ROOT, timeout=10_000)


def test_a_feed_that_stands_still_is_called_stale_and_loses_its_colour(sight):
    page = sight.page
    expect(page.locator("#stale")).to_be_hidden()
    sight.run.stop()
    expect(page.locator("#stale")).to_contain_text(
        re.compile(r"Stale since \d+ s: the network's time stands still"), timeout=10_000
    )
    expect(page.locator("#link")).to_have_text("stale")
    assert "grayscale" in page.evaluate("getComputedStyle(document.querySelector('main')).filter")


def test_what_is_not_the_whole_truth_is_said_without_an_alarm(browser):
    with looking(browser) as sight:
        sight.run.says = {"notice": "Catching up with the log: 40%.", "ready": False}
        sight.page.goto(sight.url)
        expect(sight.page.locator("#notice")).to_have_text("Catching up with the log: 40%.")
        expect(sight.page.locator("#link")).to_have_text("waiting")
        expect(sight.page.locator("#stale")).to_be_hidden()
        sight.run.says = {}
        expect(sight.page.locator("#link")).to_have_text("live")
        expect(sight.page.locator("#notice")).to_be_hidden()


def test_before_anything_is_known_no_zero_reads_as_a_fact(browser):
    with looking(browser) as sight:
        sight.run.says = {"at": "", "notice": "Waiting for the log.", "ready": False}
        sight.page.goto(sight.url)
        expect(sight.page.locator("#notice")).to_have_text("Waiting for the log.")
        expect(sight.page.locator("main")).not_to_be_visible()


def test_a_finished_run_stands_still_and_is_not_stale(sight):
    sight.run.says = {"finished": True}
    sight.page.wait_for_timeout(1000)
    sight.run.stop()
    sight.page.wait_for_timeout(6500)
    expect(sight.page.locator("#stale")).to_be_hidden()
    expect(sight.page.locator("#link")).to_have_text("finished")


def test_a_lost_connection_is_stale_too(browser):
    run = Run(OPENED_S + 60)
    with serving(page_app(run)) as url:
        page = browser.new_page(viewport=WALL)
        page.goto(url)
        expect(page.locator("#link")).to_have_text("live")
    expect(page.locator("#stale")).to_contain_text("the connection is lost", timeout=10_000)
    page.close()


@pytest.mark.parametrize("viewport", [WALL, PHONE], ids=["wall", "phone"])
def test_nothing_is_cut_off_sideways(browser, viewport):
    with looking(browser, viewport=viewport) as sight:
        sight.open()
        assert sight.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        expect(sight.page.locator("#open .incident").first).to_be_visible()
        box = sight.page.locator("#map").bounding_box()
        assert box["width"] > viewport["width"] * 0.6
        assert box["height"] > 200


def test_the_browser_has_no_complaint_and_asks_nobody_else(browser):
    with looking(browser) as sight:
        sight.open()
        sight.page.locator("#open .head").first.click()
        sight.page.keyboard.press("Tab")
        sight.page.wait_for_timeout(1500)
        assert sight.complaints == []
        assert sight.hosts == {urlsplit(sight.url).netloc}


@pytest.mark.skipif(
    "LEOWATCH_SCREENSHOT" not in os.environ, reason="writes into docs: asked for by LEOWATCH_SCREENSHOT=1"
)
def test_the_pictures_of_the_docs_are_taken(browser):
    with looking(browser, begin_s=150, viewport=PICTURE) as sight:
        sight.open()
        sight.page.wait_for_timeout(6000)
        SCREENS.mkdir(parents=True, exist_ok=True)
        sight.page.screenshot(path=SCREENS / "noc.png")
        sight.page.locator("#open .head").first.click()
        sight.page.wait_for_timeout(800)
        sight.page.screenshot(path=SCREENS / "noc_incident.png")
