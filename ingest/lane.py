"""The one lane from the door to Kafka: what several callers send shares frames, in order, and each hears of its own fate.

put() -> waiting -- rows enough, linger over, or a tick due --> pack -> send -> flush -> every put() returns
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from ingest.contract.bus import Fatal, Retry, Writer
from ingest.contract.columns import Columns, concatenate, row_count
from ingest.contract.packing import Packer, Record, Versions
from ingest.contract.telemetry import TERMINAL
from ingest.metrics import Metrics

log = structlog.get_logger()

_TICK_S = 1.0


class ClosingWriter(Writer, Protocol):
    """A writer that holds a connection."""

    def close(self) -> None:
        """Let go of it."""


@dataclass(slots=True)
class _Waiting:
    """What the next write will hold."""

    live: list[Columns] = field(default_factory=list)
    stored: list[Columns] = field(default_factory=list)
    letters: list[Record] = field(default_factory=list)
    rows: int = 0
    due_s: float = float("inf")
    callers: list[asyncio.Future[None]] = field(default_factory=list)


class Lane:
    """Writes for all callers, ticks every second, and says goodbye.

    Args:
        packer: This producer's; nobody else packs with it.
        writer: Opens Kafka; it may raise Retry.
        metrics: Where what is written is counted.
        now_ns: The door's clock.
        linger_s: Samples wait so long for others.
        batch_rows: So many wait no longer.
        waiting_rows: More are refused.
    """

    def __init__(
        self,
        packer: Packer,
        writer: Callable[[], ClosingWriter],
        metrics: Metrics,
        *,
        now_ns: Callable[[], int],
        linger_s: float,
        batch_rows: int,
        waiting_rows: int,
    ) -> None:
        self._packer, self._open, self._metrics, self._now_ns = packer, writer, metrics, now_ns
        self._linger_s, self._batch_rows, self._waiting_rows = linger_s, batch_rows, waiting_rows
        self._writer: ClosingWriter | None = None
        # One thread: a writer blocks, and what it is handed must keep its order.
        self._thread = ThreadPoolExecutor(1, "lane")
        self._waiting = _Waiting()
        self._versions = packer.versions
        self._owes_control = False
        self._stirred = asyncio.Event()
        self._is_stopping = False
        self.is_away = False

    async def put(self, live: Columns, stored: Columns, letters: Sequence[Record] = ()) -> None:
        """Return when Kafka holds these rows and dead letters.

        Raises:
            Retry: It did not acknowledge them; they may be there all the same.
        """
        rows = row_count(live) + row_count(stored)
        if self.is_away or self._is_stopping:
            raise Retry("kafka: no record was acknowledged lately")
        if self._waiting.rows + rows > self._waiting_rows and self._waiting.rows:
            raise Retry(f"kafka: {self._waiting.rows} samples wait already")
        loop = asyncio.get_running_loop()
        caller: asyncio.Future[None] = loop.create_future()
        waiting = self._waiting
        waiting.live.append(live)
        waiting.stored.append(stored)
        waiting.letters += letters
        waiting.rows += rows
        waiting.due_s = min(waiting.due_s, loop.time() + self._linger_s)
        waiting.callers.append(caller)
        self._metrics.waiting_rows.set(waiting.rows)
        self._stirred.set()
        await caller

    def announce(self, versions: Versions) -> None:
        """Name other versions from the next frame on, and say so in every shard's own order."""
        if versions == self._versions:
            return
        self._versions, self._owes_control = versions, True
        self._waiting.due_s = min(self._waiting.due_s, asyncio.get_running_loop().time())
        self._stirred.set()

    async def run(self) -> None:
        """Write until `stop`."""
        loop = asyncio.get_running_loop()
        tick_s = loop.time() + _TICK_S
        while not self._is_stopping:
            await self._wait_until(tick_s)
            is_tick = loop.time() >= tick_s
            if is_tick:
                # A door that was held up says the time once, not once for every second it missed.
                tick_s = max(tick_s + _TICK_S, loop.time())
            await self._write(is_tick=is_tick)
        await self._write(is_tick=False, is_goodbye=True)
        await loop.run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def stop(self) -> None:
        """Let `run` write what waits, take leave of every shard, and return."""
        self._is_stopping = True
        self._stirred.set()

    async def _wait_until(self, tick_s: float) -> None:
        loop = asyncio.get_running_loop()
        while not self._is_stopping and self._waiting.rows < self._batch_rows:
            left_s = min(tick_s, self._waiting.due_s) - loop.time()
            if left_s <= 0:
                return
            self._stirred.clear()
            try:
                await asyncio.wait_for(self._stirred.wait(), left_s)
            except TimeoutError:
                return

    async def _write(self, *, is_tick: bool, is_goodbye: bool = False) -> None:
        batch, self._waiting = self._waiting, _Waiting()
        self._metrics.waiting_rows.set(0)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        failure: Retry | None = None
        try:
            await loop.run_in_executor(self._thread, self._say, batch, is_tick, is_goodbye)
        except Retry as error:
            failure = error
        except Fatal as error:
            log.critical("record_refused", error=str(error))
            failure = Retry(str(error))
        except (
            Exception
        ) as error:  # the loop every caller depends on: it goes on, and this batch is refused and counted
            log.exception("lane_failed")
            failure = Retry(f"the door failed: {type(error).__name__}")
        self._note(failure)
        self._metrics.wait.observe(loop.time() - began_s)
        for caller in batch.callers:
            if not caller.done():
                caller.set_exception(failure) if failure else caller.set_result(None)

    def _note(self, failure: Retry | None) -> None:
        if failure is not None:
            self._metrics.failed_writes.inc()
        if (failure is not None) != self.is_away:
            self.is_away = failure is not None
            self._metrics.kafka_away.set(self.is_away)
            log.warning("kafka_went_away" if failure else "kafka_came_back", error=str(failure or ""))

    def _say(self, batch: _Waiting, is_tick: bool, is_goodbye: bool) -> None:
        """Pack and write one batch; runs in the lane's thread."""
        if self._writer is None:
            self._writer = self._open()
        at_ns = self._now_ns()
        records: list[Record] = []
        self._packer.versions = versions = self._versions
        if self._owes_control:
            records += self._packer.control(at_ns, at_ns)
        records += self._packer.samples(concatenate(batch.live, TERMINAL), at_ns)
        records += self._packer.samples(concatenate(batch.stored, TERMINAL), at_ns, stored=True)
        records += batch.letters
        if is_tick:
            records += self._packer.ticks(at_ns)
        if is_goodbye:
            records += self._packer.goodbye(at_ns)
        write(self._writer, records)
        # Owed until Kafka has it; what was announced meanwhile is owed still.
        self._owes_control &= self._versions is not versions
        for record in records:
            self._metrics.records.labels(record.topic.name).inc()

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()


def write(writer: Writer, records: Sequence[Record]) -> None:
    """Put records onto the bus and wait until they are safe.

    Raises:
        Retry: They are not.
    """
    for record in records:
        writer.send(
            record.topic, key=record.key, value=record.value, partition=record.partition, headers=record.headers
        )
    writer.flush()
