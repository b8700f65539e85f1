"""The Faust app, bent to one rule: the snapshot is the resume point, and Kafka's committed offset is a gauge.

Faust without a Table does this after a rebalance: it sends `on_rebalance_complete` and waits for it (here snapshots are
loaded), resumes the partitions, seeks, and resumes the flow. The consumer below seeks to the snapshots instead of the
committed offsets, and keeps the partitions paused until that has happened.
"""

import tempfile
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import faust
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from ingest.contract.bus import Headers
from ingest.contract.topics import TERMINAL_TELEMETRY
from streams.settings import Settings

# Of the broker; Faust's own default of 20 minutes would hide a broker that refuses us.
_REQUEST_TIMEOUT_S = 90.0
# Records wait so long for company, and that much of it: a request for each costs as much as the step of a small frame.
_LINGER_S = 0.02
_BATCH_BYTES = 256 * 1024


class ResumingConsumer(driver.Consumer):  # type: ignore[misc] # faust is not typed as we need it
    """Reads on from where the app says, once it says so."""

    _is_held = True

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Hold the partitions until they have been sought."""
        self._is_held = True
        await super().on_partitions_assigned(assigned, generation_id)

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Resume nothing while held."""
        if not self._is_held:
            super().resume_partitions(tps)

    async def perform_seek(self) -> None:
        """Seek to what the shards' snapshots ask for; before they are loaded, to nowhere."""
        offsets = self.app.resume_offsets(self.app.consumer_generation_id)
        if offsets is None:
            return
        if offsets:
            # As if committed: otherwise Faust waits for acks of frames that are never read again.
            self._committed_offset.update(offsets)
            await self.seek_wait(offsets)
        self._is_held = False

    def resume_flow(self) -> None:
        """Let frames come."""
        super().resume_flow()
        if not self._is_held:
            super().resume_partitions(self.assignment())


class WorkshopApp(faust.App):  # type: ignore[misc] # faust is not typed as we need it
    """A Faust app that asks `resume_offsets` where to read on.

    Attributes:
        resume_offsets: Returns the next offset of each partition in a group generation; None while it is not known.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.resume_offsets: Callable[[int], Mapping[TP, int] | None] = lambda _generation: None


def make_app(settings: Settings) -> WorkshopApp:
    """Make the app: raw bytes, no Table, no web server, nothing created on the broker."""
    app = WorkshopApp(
        settings.group,
        broker=[f"kafka://{address}" for address in settings.kafka.split(",")],
        store="memory://",
        # Nothing is ever kept there; by default Faust makes the folder where we stand.
        datadir=Path(tempfile.gettempdir()) / "leowatch-streams",
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        consumer_group_instance_id=settings.instance,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=settings.heartbeat_s,
        broker_request_timeout=_REQUEST_TIMEOUT_S,
        producer_linger=_LINGER_S,
        producer_max_batch_size=_BATCH_BYTES,
        producer_request_timeout=settings.delivery_timeout_s,
        stream_buffer_maxsize=settings.queue_frames,
        # True (the default) hangs a rebalance and SIGTERM while unacknowledged frames exist.
        stream_wait_empty=False,
        worker_redirect_stdouts=False,
    )
    app.transport.Consumer = ResumingConsumer
    return app


def sender(app: WorkshopApp) -> Callable[[str, bytes, bytes | None, int, Headers], Awaitable[Awaitable[Any]]]:
    """Return what sends through the app's producer and returns the delivery."""

    async def send(topic: str, key: bytes, value: bytes | None, partition: int, headers: Headers) -> Awaitable[Any]:
        delivery: Awaitable[Any] = await app.producer.send(topic, key, value, partition, None, list(headers))
        return delivery

    return send


def listen(app: WorkshopApp, carry: Callable[[Any], Awaitable[None]]) -> None:
    """Subscribe the one agent to the telemetry of terminals."""
    topic = app.topic(TERMINAL_TELEMETRY.name, key_serializer="raw", value_serializer="raw")
    app.agent(topic, name="carry", concurrency=1)(carry)


def every(app: WorkshopApp, interval_s: float, act: Callable[[], Awaitable[None]]) -> None:
    """Call again and again while the app runs."""

    async def again(*_: Any) -> None:
        await act()

    app.timer(interval=interval_s)(again)


def on_assignment(app: WorkshopApp, begin: Callable[[], Awaitable[None]]) -> None:
    """Call after every rebalance, before anything is read."""

    async def complete(*_: Any, **__: Any) -> None:
        await begin()

    app.on_rebalance_complete.connect(complete, weak=False)
