"""The door's own metrics (`leo_ingest_*`)."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counts everything that moves; one to a process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = self._counter("requests", "Requests to /v1/samples that were answered.", "kind")
        self.accepted = self._counter("samples_accepted", "Samples let in, live or stored.", "kind")
        self.rejected = self._counter("samples_rejected", "Samples refused.", "reason")
        self.bodies_rejected = self._counter("bodies_rejected", "Bodies refused as a whole.", "reason")
        self.withheld = self._counter("dead_letters_withheld", "Refused samples beyond those a request may file.")
        self.records = self._counter("records", "Records that Kafka acknowledged.", "topic")
        self.failed_writes = self._counter("failed_writes", "Batches that Kafka did not acknowledge in time.")
        self.wait = Histogram(
            "leo_ingest_acknowledgement_seconds",
            "Time from a batch's reading to Kafka's acknowledgement.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.kafka_away = self._gauge("kafka_away", "1 while Kafka does not acknowledge.")
        self.waiting_rows = self._gauge("waiting_samples", "Samples that wait to be written.")
        self.inventory_version = self._gauge(
            "inventory_version", "Version of the inventory in force; 0 before there is one."
        )

    def page(self) -> bytes:
        """Return what `/metrics` shows."""
        return generate_latest(self.registry)

    def _counter(self, name: str, sentence: str, *labels: str) -> Counter:
        return Counter(f"leo_ingest_{name}", sentence, labels, registry=self.registry)

    def _gauge(self, name: str, sentence: str) -> Gauge:
        return Gauge(f"leo_ingest_{name}", sentence, registry=self.registry)
