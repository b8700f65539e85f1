"""One worker put together: Kafka's frames through the workbench to Kafka's events, beginning from the snapshots."""

import time
from collections.abc import Callable

import structlog
from aiokafka.errors import KafkaError
from faust.types import TP

from ingest.contract.bus import Fatal
from ingest.contract.topics import TERMINAL_TELEMETRY
from streams.agents import WATCH_EVERY_S, Carrier
from streams.app import WorkshopApp, every, listen, make_app, on_assignment, sender
from streams.knowledge import Knowledge
from streams.loading import identify, load
from streams.metrics import Metrics
from streams.outbox import Halt, Outbox
from streams.settings import Settings
from streams.tenure import Tenure
from streams.workbench import Workbench

log = structlog.get_logger()


class Worker:
    """Holds the parts of one worker.

    Args:
        settings: Of the room.
        knowledge: Returns what the side inputs say now.
        halt: Ends the process at once.
        metrics: Its counters, perhaps already served.
    """

    def __init__(self, settings: Settings, *, knowledge: Callable[[], Knowledge], halt: Halt, metrics: Metrics) -> None:
        self._settings = settings
        self._knowledge = knowledge
        self._halt = halt
        self.metrics = metrics
        self.deployment = identify(settings.kafka, knowledge().inventory.shard_count)
        self.app: WorkshopApp = make_app(settings)
        outbox = Outbox(send=sender(self.app), halt=halt, metrics=self.metrics)
        self.carrier = Carrier(app=self.app, deployment=self.deployment, outbox=outbox, halt=halt, metrics=self.metrics)
        self.metrics.watch(ages_s=self.carrier.commit_ages_s, found=self.carrier.found)
        self.app.resume_offsets = self._resume_offsets
        on_assignment(self.app, self._begin)
        listen(self.app, self.carrier.carry)
        every(self.app, WATCH_EVERY_S, self.carrier.watch)

    async def _begin(self) -> None:
        """Begin a new tenure from the snapshots, unless another rebalance has overtaken this one."""
        try:
            await self._load()
        except (Fatal, KafkaError, TimeoutError) as error:
            # Faust would go on, and read from wherever it stands.
            self._halt(error)

    async def _load(self) -> None:
        began_s = time.monotonic()
        generation: int = self.app.consumer_generation_id
        assigned = self.app.consumer.assignment()
        partitions = sorted(tp.partition for tp in assigned if tp.topic == TERMINAL_TELEMETRY.name)
        loaded = await load(self._settings.kafka, partitions, self.deployment)
        if self.app.consumer_generation_id != generation:
            return
        tenure = Tenure(
            generation=generation,
            points=loaded.points,
            workbench=Workbench(partition_count=self.deployment.partition_count, knowledge=self._knowledge),
            shard_count=self.deployment.shard_count,
            snapshot_every_s=self._settings.snapshot_every_s,
            snapshot_every_bytes=self._settings.snapshot_every_bytes,
        )
        tenure.restore(loaded.snapshots, loaded.superseded)
        self.carrier.begin(tenure)
        self.metrics.assignments.inc()
        self.metrics.resumed_in.set(time.monotonic() - began_s)
        if loaded.points.lost_counts:
            self.metrics.lost.inc(max(loaded.points.lost_counts.values()))
            log.error("frames_lost_to_retention", lost_counts=loaded.points.lost_counts)
        log.info("partitions_assigned", offsets=loaded.points.offsets, snapshots_count=len(loaded.snapshots))

    def _resume_offsets(self, generation: int) -> dict[TP, int] | None:
        tenure = self.carrier.tenure
        if tenure is None or tenure.generation != generation:
            return None
        return {TP(TERMINAL_TELEMETRY.name, place): offset for place, offset in tenure.reading.expected.items()}
