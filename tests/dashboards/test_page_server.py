"""The thread that serves the page."""

import threading
import urllib.request

import pytest

from dashboards.page.app import page_app
from dashboards.page.server import serving
from tests.browser.world import World


class Shelf:
    """A source that always says the same."""

    def __init__(self) -> None:
        self._state = World().state(300)

    def snapshot(self):
        return self._state


def test_an_open_stream_does_not_hold_the_exit_back():
    with serving(page_app(Shelf())) as url:
        stream = urllib.request.urlopen(f"{url}events", timeout=5)
        assert stream.readline().startswith(b"data: ")
    assert not [thread for thread in threading.enumerate() if thread.name == "page"]
    stream.close()


def test_a_taken_port_is_said_before_anything_starts():
    with serving(page_app(Shelf())) as url:
        port = int(url.rstrip("/").rsplit(":", 1)[1])
        with pytest.raises(OSError, match="in use"), serving(page_app(Shelf()), port=port):
            pass
