"""Prometheus: the network's aggregates, scraped.

Watches events, incidents and rollups. Emits the metrics of `exporters.contract.metrics`, fewer than 20,000 series, never
one a terminal. Promises that totals are equal after counter resets: every counter counts from an epoch, an offset of each
place that is committed only after a scrape, so that a restart shows the same number again; and answers 503 until it has
caught up, since half a count would page or silence falsely. Cannot see what lies before the lookback.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias
from wsgiref.types import StartResponse, WSGIEnvironment

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from exporters.contract.metrics import Metric, MetricType
from exporters.contract.sink import Place, Written
from exporters.directory import Directory
from exporters.network_state import Distribution, Labels, NetworkState, Sample
from exporters.reading import FINDING_TOPICS, read_all, refusals
from ingest.contract.bus import Message
from ingest.contract.topics import Topic

if TYPE_CHECKING:
    from ingest.contract.inventory import Inventory

EPOCH_SPAN_MS = 3_600_000

Samples: TypeAlias = Sequence[Sample] | Mapping[Labels, Distribution]


class PrometheusSink(Collector):
    """Holds the state that scrapes read; a record is safe at once, since the epoch and not the record is committed.

    Args:
        directory: Ids for indexes, and how many terminals there are.
        epoch: Of each place the first offset that counters count; what lies before it only says what stands now.
        epoch_span_ms: Log time after which a new epoch begins, so that a restart need not read far back.
    """

    topics: tuple[Topic, ...] = FINDING_TOPICS

    def __init__(
        self, directory: Directory, epoch: Mapping[Place, int] | None = None, *, epoch_span_ms: int = EPOCH_SPAN_MS
    ) -> None:
        self._directory = directory
        self._state = NetworkState()
        self._inventory: Inventory | None = None
        self._epoch = dict(epoch or {})
        self._next: dict[Place, int] = dict(self._epoch)
        self._epoch_span_ms = epoch_span_ms
        self._epoch_began_ms: int | None = None
        self._now_ms = 0
        self._lock = threading.Lock()
        self.is_caught_up = False

    def write(self, messages: Sequence[Message]) -> Written:
        """Fold records; every place is held at its epoch."""
        readings = list(read_all(messages, self._directory))
        with self._lock:
            names, self._inventory = self._directory.names(0), self._directory.inventory(0)
            for reading in readings:
                message = reading.message
                place = message.topic, message.partition
                self._state.hear(reading, names, counts=message.offset >= self._epoch.get(place, 0))
            for message in messages:
                place = message.topic, message.partition
                self._epoch.setdefault(place, message.offset)
                self._next[place] = max(message.offset + 1, self._next.get(place, 0))
                self._now_ms = max(message.timestamp_ms, self._now_ms)
            if self._epoch_began_ms is None and self._next:
                self._epoch_began_ms = self._now_ms
            return Written(refused=refusals(readings), held=dict(self._epoch))

    def close(self) -> None:
        """Do nothing: there is nothing to bring."""

    def collect(self) -> Iterable[Family]:
        """Yield every family as it stands now."""
        with self._lock:
            families = [family(metric, samples) for metric, samples in self._state.collect(self._inventory)]
            self._renew_epoch()
        return families

    def _renew_epoch(self) -> None:
        """Count anew from what this scrape has seen: Prometheus reads the fall to zero as a reset and loses nothing.

        Should we die before the new epoch is committed, the old one still leads to the number that was scraped.
        """
        if self.is_caught_up and self._now_ms - (self._epoch_began_ms or self._now_ms) >= self._epoch_span_ms:
            self._state.start_epoch()
            self._epoch, self._epoch_began_ms = dict(self._next), self._now_ms


def family(metric: Metric, samples: Samples) -> Family:
    """Return a metric of the contract in the client's form."""
    if isinstance(samples, Mapping):
        histogram = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
        for labels, distribution in samples.items():
            histogram.add_metric(labels, list(_cumulated(distribution)), distribution.total)
        return histogram
    kinds: dict[MetricType, Any] = {MetricType.COUNTER: CounterMetricFamily, MetricType.GAUGE: GaugeMetricFamily}
    found: Family = kinds[metric.type](metric.name, metric.help, labels=metric.labels)
    for sample in samples:
        found.add_metric(sample.labels, sample.value)  # type: ignore[attr-defined] # both kinds have it
    return found


def scrape_app(sink: PrometheusSink) -> Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]:
    """Return the WSGI application that Prometheus scrapes."""
    registry = CollectorRegistry()
    registry.register(sink)
    scrape = make_wsgi_app(registry)

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not sink.is_caught_up:
            start_response("503 Service Unavailable", [("Content-Type", "text/plain"), ("Retry-After", "1")])
            return [b"catching up with the log: counts are not whole yet\n"]
        body: Iterable[bytes] = scrape(environ, start_response)
        return body

    return answer


def _cumulated(distribution: Distribution) -> Iterator[tuple[str, float]]:
    running = 0.0
    for limit, count in zip(distribution.limits, distribution.counts, strict=True):
        running += count
        yield ("+Inf" if limit == float("inf") else str(limit)), running
