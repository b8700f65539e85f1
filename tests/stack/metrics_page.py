"""A page like the exporter's, on which a test writes what the network says."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler

from exporters.contract.metrics import Metric
from tests.stack.servers.ports import free_port
from tests.stack.servers.web import serving


class MetricsPage:
    """The samples of a page by metric; written by a test, read by scrapes."""

    def __init__(self, address):
        self.address = address
        self.is_caught_up = True
        self._lock = threading.Lock()
        self._values: dict[str, float] = {}
        self._growth: dict[str, float] = {}

    def set(self, metric: Metric, value: float, suffix: str = "", **labels: str) -> None:
        """Give one series its value."""
        with self._lock:
            self._values[_series(metric, suffix, labels)] = value

    def drop(self, metric: Metric, **labels: str) -> None:
        """Take one series off the page."""
        with self._lock:
            del self._values[_series(metric, "", labels)]

    def grow(self, metric: Metric, by: float, suffix: str = "", **labels: str) -> None:
        """Let one series grow by so much at every scrape."""
        with self._lock:
            self._growth[_series(metric, suffix, labels)] = by

    def text(self) -> str:
        """Return the page as a scrape finds it, and let the growing grow."""
        with self._lock:
            for series, by in self._growth.items():
                self._values[series] = self._values.get(series, 0.0) + by
            return "".join(f"{series} {value}\n" for series, value in self._values.items())


def _series(metric: Metric, suffix: str, labels: dict[str, str]) -> str:
    assert set(labels) - {"le"} == set(metric.labels), f"{metric.name} has labels {metric.labels}"
    inside = ",".join(f'{key}="{value}"' for key, value in labels.items())
    return f"{metric.name}{suffix}{{{inside}}}"


@contextmanager
def start() -> Iterator[MetricsPage]:
    """Serve a page from a thread of this process."""
    port = free_port()
    page = MetricsPage(f"127.0.0.1:{port}")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = page.text().encode()
            self.send_response(HTTPStatus.OK if page.is_caught_up else HTTPStatus.SERVICE_UNAVAILABLE)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Stay silent."""

    with serving(Handler, port):
        yield page
