"""The agent: it carries frames to the workbench and what is said of them to Kafka, and judges nothing."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import structlog
from faust.types import TP, EventT, StreamT

from ingest.contract.topics import TERMINAL_TELEMETRY, shard_from_key
from streams.contract.topics import SNAPSHOTS
from streams.metrics import Metrics
from streams.outbox import Halt, Outbox
from streams.resume import Place
from streams.shard import to_arrays
from streams.snapshots import Deployment, cut
from streams.tenure import Tenure
from streams.workbench import Standing

log = structlog.get_logger()

# The frames behind a jump ask for no seek of their own while the first one's may still work.
SEEK_AGAIN_S = 1.0
# A seek can be overrun by a fetch that was under way, and Faust then drops what it asked for without a word. Nothing
# more may come that would show it, so a partition that stands still for so long is led back too.
WATCH_EVERY_S = 3.0


class Carrier:
    """Carries the frames of one worker."""

    def __init__(self, *, app: Any, deployment: Deployment, outbox: Outbox, halt: Halt, metrics: Metrics) -> None:
        self._app = app
        self._halt = halt
        self._deployment = deployment
        self._outbox = outbox
        self._metrics = metrics
        self._found_before: Counter[str] = Counter()
        self._sought_at_s: dict[int, float] = {}
        self._watched: dict[int, tuple[int, int]] = {}
        self._writings: set[asyncio.Task[None]] = set()
        self._kept_at_s: dict[int, float] = {}
        self.tenure: Tenure | None = None

    def begin(self, tenure: Tenure) -> None:
        """Take up a new tenure; whatever still runs of the old one finds that it is over."""
        if self.tenure is not None:
            self._found_before = self._found_before + self.tenure.workbench.counts
        self.tenure = tenure
        self._sought_at_s.clear()
        self._kept_at_s = dict.fromkeys(tenure.reading.expected, time.monotonic())

    def found(self) -> Mapping[str, int]:
        """Return what the detectors have counted since the process began."""
        # A scrape comes on another thread: a copy is made in one go, a sum is not.
        return self._found_before + Counter(self.tenure.workbench.counts if self.tenure else ())

    def commit_ages_s(self) -> Mapping[int, float]:
        """Return how long ago the resume point of each partition moved."""
        now_s = time.monotonic()
        return {partition: now_s - kept_s for partition, kept_s in self._kept_at_s.items()}

    async def carry(self, stream: StreamT[bytes]) -> None:
        """Take every frame of the stream, in order."""
        async for event in stream.events():
            try:
                await self.take(event)
            except Exception as error:
                # Faust would start the agent anew behind this frame, and the frame would be gone.
                self._halt(error)
                raise

    async def take(self, event: EventT[bytes]) -> None:
        """Take one frame: guard, step, say, and snapshot when due."""
        message, tenure = event.message, self.tenure
        if tenure is None or message.generation_id != tenure.generation or not self._holds(tenure):
            self._metrics.dropped.labels("generation").inc()
            return
        place = tenure.reading.place(message.partition, message.offset)
        if place is not Place.NEXT:
            await self._turn_back(tenure, place, message.partition)
            return
        records = tenure.workbench.handle(
            key=message.key or b"",
            value=message.value or b"",
            partition=message.partition,
            offset=message.offset,
            at_ns=int((message.timestamp or 0.0) * 1e9),
        )
        self._metrics.frames.inc()
        for record in records:
            await self._outbox.put(
                record.topic,
                key=record.key,
                value=record.value,
                partition=record.partition,
                source=message.partition,
                headers=record.headers,
            )
            if not self._holds(tenure):
                # The group has moved on in the middle of it: whoever holds the shard now says all of it again.
                self._metrics.dropped.labels("generation").inc()
                return
        shard = shard_from_key(message.key or b"")
        tenure.take(shard, len(message.value or b""))
        self._snapshot_if_due(tenure, shard)

    def _holds(self, tenure: Tenure) -> bool:
        return self.tenure is tenure and self._app.consumer_generation_id == tenure.generation

    async def _turn_back(self, tenure: Tenure, place: Place, partition: int) -> None:
        if place is Place.SEEN:
            self._metrics.dropped.labels("seen").inc()
            return
        self._metrics.dropped.labels("jump").inc()
        if time.monotonic() - self._sought_at_s.get(partition, -SEEK_AGAIN_S) >= SEEK_AGAIN_S:
            await self._lead_back(tenure, partition)

    async def watch(self) -> None:
        """Lead back each partition that has not moved since the last call though its topic has more."""
        tenure = self.tenure
        if tenure is None:
            return
        expected = dict(tenure.reading.expected)
        still = [place for place, offset in expected.items() if self._watched.get(place) == (tenure.generation, offset)]
        self._watched = {place: (tenure.generation, offset) for place, offset in expected.items()}
        if not still:
            return
        ends = await self._app.consumer.highwaters(*(TP(TERMINAL_TELEMETRY.name, place) for place in still))
        for source, end in ends.items():
            if self._holds(tenure) and tenure.reading.expected[source.partition] == expected[source.partition] < end:
                await self._lead_back(tenure, source.partition)

    async def _lead_back(self, tenure: Tenure, partition: int) -> None:
        self._sought_at_s[partition] = time.monotonic()
        self._metrics.seeks.inc()
        source = TP(TERMINAL_TELEMETRY.name, partition)
        consumer = self._app.consumer
        earliest = await consumer.earliest_offsets(source)
        if self._holds(tenure):
            lost_count = tenure.reading.skip_to(partition, next(iter(earliest.values())))
            self._metrics.lost.inc(lost_count)
            expected = tenure.reading.expected[partition]
            log.warning("partition_led_back", partition=partition, expected=expected, lost_count=lost_count)
            await consumer.seek_wait({source: expected})

    def _snapshot_if_due(self, tenure: Tenure, shard: int) -> None:
        standing = tenure.workbench.standing(shard)
        if standing is not None and tenure.is_due(shard, standing.clock_ns):
            # The state is never changed in place, so it can be written while the shard goes on.
            tenure.keeping(shard).is_writing = True
            writing = asyncio.create_task(self._snapshot(tenure, shard, standing))
            self._writings.add(writing)
            writing.add_done_callback(self._finish)

    def _finish(self, writing: "asyncio.Task[None]") -> None:
        self._writings.discard(writing)
        error = None if writing.cancelled() else writing.exception()
        if error is not None:
            self._halt(error)

    async def _snapshot(self, tenure: Tenure, shard: int, standing: Standing) -> None:
        """Write a snapshot once all that its state has said is delivered, the manifest once its chunks are."""
        keeping, partition = tenure.keeping(shard), shard % self._deployment.partition_count
        *chunks, manifest = cut(
            to_arrays(standing.state),
            deployment=self._deployment,
            shard=shard,
            source_offset=standing.offset,
            clock_ns=standing.clock_ns,
            generation=tenure.generation,
        )
        await self._outbox.delivered(partition)
        for records in (chunks, [manifest]):
            if not self._holds(tenure):
                return
            await asyncio.gather(*[await self._put(key, value, partition) for key, value in records])
        self._kept_at_s[partition] = time.monotonic()
        self._metrics.snapshots.inc()
        self._metrics.snapshot_bytes.inc(sum(len(value) for _, value in chunks))
        for key in keeping.superseded:
            await self._put(key, None, partition)
        keeping.superseded = [key for key, _ in (manifest, *chunks)]
        keeping.is_writing = False

    async def _put(self, key: bytes, value: bytes | None, partition: int) -> "asyncio.Future[Any]":
        return await self._outbox.put(SNAPSHOTS, key=key, value=value, partition=partition, source=partition)
