"""The exporter's own metrics and liveness; the network's are in the contract (names `leo_exporters_*`)."""

from collections.abc import Callable, Iterable
from typing import TypeAlias
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from prometheus_client import CollectorRegistry, Counter, Gauge, make_wsgi_app

Clock: TypeAlias = Callable[[], float]


class Metrics:
    """Counters and gauges of one exporter, in a registry of their own.

    Args:
        clock_s: Says when the loop last turned.
        stalled_after_s: A loop that has not turned for so long is not alive.
    """

    def __init__(self, *, clock_s: Clock, stalled_after_s: float) -> None:
        self.registry = CollectorRegistry()
        self._clock_s = clock_s
        self._stalled_after_s = stalled_after_s
        self._turned_at_s = clock_s()
        self.delivered = self._counter("records", "Records delivered, refused or held.", "topic")
        self.refused = self._counter(
            "refused", "Findings that the destination will never take: dead letters.", "reason"
        )
        self.retries = self._counter("retries", "Attempts that found the destination away.")
        self.jumps = self._counter("offset_jumps", "Offsets passed over; only compaction and retention may do so.")
        self.lost = self._counter("records_lost", "Records that retention deleted before they were exported.")
        self.lag = self._gauge("lag_records", "Records between what is exported and the end of the topic.", "topic")
        self.last_delivery = self._gauge("last_delivery_timestamp_seconds", "When a batch was last delivered.")
        self.away = self._gauge("destination_away", "1 while the destination does not take a batch.")

    def turned(self) -> None:
        """Note that the loop is alive."""
        self._turned_at_s = self._clock_s()

    def is_alive(self) -> bool:
        """Say whether the loop turns."""
        return self._clock_s() - self._turned_at_s < self._stalled_after_s

    def app(self) -> WSGIApplication:
        """Return the application with `/metrics` and `/healthz`."""
        scrape = make_wsgi_app(self.registry)

        def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            if environ["PATH_INFO"] == "/healthz":
                alive = self.is_alive()
                start_response("200 OK" if alive else "503 Service Unavailable", [("Content-Type", "text/plain")])
                return [b"alive\n" if alive else b"the loop does not turn\n"]
            body: Iterable[bytes] = scrape(environ, start_response)
            return body

        return answer

    def _counter(self, name: str, sentence: str, *labels: str) -> Counter:
        return Counter(f"leo_exporters_{name}", sentence, labels, registry=self.registry)

    def _gauge(self, name: str, sentence: str, *labels: str) -> Gauge:
        return Gauge(f"leo_exporters_{name}", sentence, labels, registry=self.registry)


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Stay silent: a scrape a second is no news."""


def server(app: WSGIApplication, host: str, port: int) -> WSGIServer:
    """Return a server of an application, listening and not yet serving."""
    return make_server(host, port, app, handler_class=_Quiet)
