"""Records to Kafka, handed over together and safe together."""

import time
from collections.abc import Iterable

from kafka import KafkaProducer

from ingest.contract.packing import Record

_DELIVERY_S = 30.0


class Sender:
    """Sends, and waits until the broker has it."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5)

    def send(self, records: Iterable[Record]) -> None:
        """Return once every record is acknowledged.

        Raises:
            KafkaError: The broker refused one or took too long: a restart derives them again.
        """
        sent = [
            self._producer.send(
                record.topic.name, key=record.key, value=record.value, partition=record.partition,
                headers=list(record.headers),
            )
            for record in records
        ]  # fmt: skip
        deadline_s = time.monotonic() + _DELIVERY_S
        for future in sent:
            future.get(timeout=max(0.1, deadline_s - time.monotonic()))

    def close(self) -> None:
        """Let go of the connection."""
        self._producer.close()
