"""Sends records and knows which of them the broker has not acknowledged; one that it refuses stops the worker."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeAlias

from ingest.contract.bus import Headers
from ingest.contract.topics import Topic
from streams.metrics import Metrics

# Takes topic, key, value, partition and headers, and returns the delivery once there is room for the record.
Send: TypeAlias = Callable[[str, bytes, bytes | None, int, Headers], Awaitable[Awaitable[Any]]]
Halt: TypeAlias = Callable[[BaseException], None]


class Outbox:
    """Everything a worker says goes through here.

    Args:
        send: The engine's producer.
        halt: Ends the process; Faust itself would only log a refused record, and the event would be gone.
        metrics: Counts.
    """

    def __init__(self, *, send: Send, halt: Halt, metrics: Metrics) -> None:
        self._send = send
        self._halt = halt
        self._metrics = metrics
        self._pending: defaultdict[int, set[asyncio.Future[Any]]] = defaultdict(set)

    async def put(
        self, topic: Topic, *, key: bytes, value: bytes | None, partition: int, source: int, headers: Headers = ()
    ) -> "asyncio.Future[Any]":
        """Hand a record over; return its delivery.

        Args:
            topic: Where to.
            key: Its key.
            value: None is a tombstone.
            partition: Of that topic.
            source: The telemetry partition that it was made of.
            headers: Beside the value.
        """
        try:
            delivery = asyncio.ensure_future(await self._send(topic.name, key, value, partition, headers))
        except Exception as error:
            self._halt(error)
            raise
        pending = self._pending[source]
        pending.add(delivery)
        delivery.add_done_callback(partial(self._settle, pending, topic.name))
        return delivery

    async def delivered(self, source: int) -> None:
        """Return when everything made of a telemetry partition so far is acknowledged."""
        pending = list(self._pending[source])
        if pending:
            await asyncio.gather(*pending)

    def _settle(self, pending: "set[asyncio.Future[Any]]", topic: str, delivery: "asyncio.Future[Any]") -> None:
        pending.discard(delivery)
        error = None if delivery.cancelled() else delivery.exception()
        if error is not None:
            self._halt(error)
        elif not delivery.cancelled():
            self._metrics.sent.labels(topic).inc()
