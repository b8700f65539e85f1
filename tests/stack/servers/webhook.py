"""The on-call engineer's telephone: it receives Alertmanager's pages and keeps them."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.stack.servers.ports import free_port
from tests.stack.servers.web import serving


class Webhook:
    """What has been received so far, oldest first."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._pages: list[dict[str, Any]] = []
        self._arrived = threading.Condition()

    @property
    def pages(self) -> list[dict[str, Any]]:
        """The bodies received, oldest first."""
        with self._arrived:
            return list(self._pages)

    def receive(self, page: dict[str, Any]) -> None:
        """Keep a page and wake whoever waits for it."""
        with self._arrived:
            self._pages.append(page)
            self._arrived.notify_all()

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool], within_s: float = 30.0) -> dict[str, Any]:
        """Return the first page that is wanted, and fail with those that came if none does in time."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: any(map(wanted, self._pages)), within_s):
                raise AssertionError(f"no such page within {within_s} s; these came: {self._pages}")
            return next(filter(wanted, self._pages))

    def forget(self) -> None:
        """Drop every page, as before a new test."""
        with self._arrived:
            self._pages.clear()


@contextmanager
def start(port: int | None = None) -> Iterator[Webhook]:
    """Receive pages in a thread of this process."""
    port = port or free_port()
    webhook = Webhook(f"http://127.0.0.1:{port}/")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            webhook.receive(json.loads(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with serving(Handler, port):
        yield webhook
