"""The page of a real demo: real orbits, a bad day, and the incident that pages on top."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Error as PlaywrightError

from tests.stack.servers.ports import free_port

SCREENS = Path(__file__).parents[2] / "docs" / "screens"


@pytest.fixture(scope="module")
def demo():
    """A demo of eight minutes, as a person would start it; yields its address."""
    port = free_port()
    command = [sys.executable, "-m", "leowatch", "demo", "--terminals", "2000", "--minutes", "8", "--speed", "60",
               "--port", str(port), "--once"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    yield f"http://127.0.0.1:{port}/"
    process.terminate()
    process.wait(20)


def test_a_real_gateway_failure_reaches_the_page_with_its_terminals(browser, demo):
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    complaints = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    for _ in range(100):
        try:
            page.goto(demo)
            break
        except PlaywrightError:  # the demo is not up yet
            page.wait_for_timeout(300)
            complaints.clear()
    page.get_by_text("gateway isolated").first.wait_for(timeout=120_000)
    page.wait_for_timeout(2_000)

    assert "NOC" in page.content()
    assert page.locator("text=stale since").count() == 0
    assert complaints == []
    if "LEOWATCH_SCREENSHOT" in os.environ:
        page.screenshot(path=SCREENS / "demo.png")
    page.close()
