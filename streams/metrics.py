"""The worker's own metrics; the network's are the exporters' (names `leo_streams_*`)."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

Ages: TypeAlias = Callable[[], Mapping[int, float]]
Counts: TypeAlias = Callable[[], Mapping[str, int]]


class Metrics:
    """Counters and gauges of one worker, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.frames = self._counter("frames", "Frames processed.")
        self.dropped = self._counter("frames_dropped", "Frames not processed, and why.", "reason")
        self.seeks = self._counter("seeks_back", "Jumps of the offset that were answered by a seek back.")
        self.sent = self._counter("records_sent", "Records the broker acknowledged.", "topic")
        self.snapshots = self._counter("snapshots_written", "Snapshots acknowledged, manifest included.")
        self.snapshot_bytes = self._counter("snapshot_bytes", "Bytes of acknowledged snapshots.")
        self.assignments = self._counter("assignments", "Times that partitions were assigned anew.")
        self.lost = Gauge(
            "leo_streams_frames_lost",
            "Frames that retention deleted before they were processed, since the start.",
            registry=self.registry,
        )
        self.side_refused = Gauge(
            "leo_streams_side_records_refused",
            "Records of the side topics that could not be followed, since the start: a threshold out of its range.",
            registry=self.registry,
        )
        self.resumed_in = Gauge(
            "leo_streams_resume_seconds", "How long the last loading of snapshots took.", registry=self.registry
        )

    def watch(self, *, ages_s: Ages, found: Counts) -> None:
        """Read these at each scrape."""
        self.registry.register(_Watched(ages_s, found))

    def serve(self, host: str, port: int) -> None:
        """Answer scrapes on a thread."""
        start_http_server(port, addr=host, registry=self.registry)

    def _counter(self, name: str, sentence: str, *labels: str) -> Counter:
        return Counter(f"leo_streams_{name}", sentence, labels, registry=self.registry)


class _Watched(Collector):
    def __init__(self, ages_s: Ages, found: Counts) -> None:
        self._ages_s = ages_s
        self._found = found

    def collect(self) -> Iterable[Metric]:
        """Read them at the moment of the scrape."""
        ages = GaugeMetricFamily(
            "leo_streams_commit_age_seconds",
            "Time since the resume point of the partition moved, or since it was assigned: what shows a stall.",
            labels=["partition"],
        )
        for partition, age_s in self._ages_s().items():
            ages.add_metric([str(partition)], age_s)
        found = CounterMetricFamily(
            "leo_streams_found", "What was counted on the way: samples, repeats, late ones, refusals.", labels=["kind"]
        )
        for kind, count in self._found().items():
            found.add_metric([kind], count)
        return [ages, found]
