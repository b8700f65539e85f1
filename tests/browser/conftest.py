"""One browser for a module of tests; every test in it is marked `browser`. A missing browser is a failure, never a skip."""

from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.stack.servers.places import chromium

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)


# Not for the session: Playwright keeps an event loop in this thread, and `asyncio.run` of other tests would refuse.
@pytest.fixture(scope="module")
def browser():
    """Debian's chromium, drawing in software: it runs as root and without a graphics card in CI."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()
