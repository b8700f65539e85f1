"""One exporter's loop: poll, write, dead letters, commit, in this order; offsets move only over what is safe."""

import random
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from threading import Event
from typing import Any, TypeVar

import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError

from exporters.contract.sink import Place, Refusal, Sink
from exporters.contract.topics import EXPORTERS_DEADLETTER
from exporters.delivery import Backoff, Positions, until_done
from exporters.inventory_reader import InventoryReader
from exporters.log_reader import LogReader, topic_names
from exporters.metrics import Metrics
from exporters.prometheus import PrometheusSink
from exporters.seat import Seat
from exporters.settings import Settings
from exporters.sinks import Recipe
from ingest.contract.bus import Fatal, Message, Retry
from ingest.contract.dead_letter import Origin, dead_letter
from streams.contract.topics import REPLAY_PREFIX

log = structlog.get_logger()
T = TypeVar("T")

_POLL_S = 0.5
_LAG_EVERY_S = 5.0


class Exporter:
    """Carries records from the log to one sink until it is told to stop."""

    def __init__(self, name: str, recipe: Recipe, settings: Settings, metrics: Metrics, stopping: Event) -> None:
        self._name = name
        self._recipe = recipe
        self._settings = settings
        self._metrics = metrics
        self._stopping = stopping
        self._backoff = Backoff(first_s=settings.retry_first_s, longest_s=settings.retry_longest_s)
        self._positions = Positions()
        self._jumps_told = 0
        self._seat: Seat | None = None

    def run(self, ready: Callable[[Sink], None] = lambda _: None) -> None:
        """Deliver until told to stop.

        Args:
            ready: Is told of the sink once it is made and before the first record.

        Raises:
            Fatal: Settings or data that no retry can mend.
            Retry: We were away for so long that another exporter of this sink has taken over.
        """
        settings = self._settings
        topics = topic_names(self._recipe.topics, settings.replay)
        group = f"{settings.group}-{self._name}"
        try:
            self._seat = self._patiently(
                lambda: Seat(settings.kafka, f"{group}-seat{settings.replay and '-'}{settings.replay}")
            )
            self._directory = self._patiently(lambda: InventoryReader(settings.kafka))
            self._log = self._patiently(
                lambda: LogReader(settings.kafka, group, topics, batch_records=settings.batch_records)
            )
            self._dead = KafkaProducer(bootstrap_servers=settings.kafka, acks="all")
            self._committed = self._log.committed()
            self._sink = self._patiently(lambda: self._recipe.make(settings, self._directory, self._committed))
            self._metrics.lost.inc(self._log.start(self._recipe.starts(settings, self._sink, self._log)))
            self._ends = self._log.ends
            ready(self._sink)
            self._turn()
        except Retry:
            if not self._stopping.is_set():
                raise
        finally:
            if self._seat is not None:
                self._seat.leave()

    def _turn(self) -> None:
        looked_at_s = 0.0
        while not self._stopping.is_set():
            self._metrics.turned()
            self._hold_seat()
            self._directory.follow()
            messages = self._log.poll(_POLL_S)
            if messages:
                self._deliver(messages)
            self._note_caught_up()
            if time.monotonic() - looked_at_s > _LAG_EVERY_S:
                looked_at_s = time.monotonic()
                with suppress(KafkaError):  # the broker is away: the last figure stands, and polling waits for it
                    self._measure_lag()
        self._sink.close()
        self._log.close()
        self._directory.close()
        self._dead.close()

    def _deliver(self, messages: list[Message]) -> None:
        refuse_replays(messages, self._settings.replay)
        written = self._patiently(lambda: self._sink.write(messages))
        if written.refused:
            self._patiently(lambda: self._bury(written.refused))
        self._positions.take(messages)
        self._patiently(lambda: self._commit(written.held))
        self._count(messages, written.refused)

    def _commit(self, held: Mapping[Place, int]) -> None:
        # Never backwards: a sink that reads from before its commit, to know what stands, must find it again.
        safe = self._positions.committable(held)
        ahead = {place: offset for place, offset in safe.items() if offset > self._committed.get(place, -1)}
        if not ahead:
            return
        try:
            self._log.commit(ahead)
        except KafkaError as error:
            raise Retry(f"commit: {error}") from error
        self._committed.update(ahead)

    def _bury(self, refused: Iterable[Refusal]) -> None:
        futures = [self._send_dead(refusal) for refusal in refused]
        try:
            for future in futures:
                future.get(timeout=self._settings.destination_timeout_s)
        except KafkaError as error:
            raise Retry(f"{EXPORTERS_DEADLETTER.name}: {error}") from error

    def _send_dead(self, refusal: Refusal) -> Any:
        message = refusal.message
        origin = Origin(topic=message.topic, partition=message.partition, offset=message.offset)
        value, headers = dead_letter(refusal.value, refusal.rejected, origin, time.time_ns())
        return self._dead.send(
            EXPORTERS_DEADLETTER.name, value, key=message.topic.encode(), headers=headers, partition=0
        )

    def _count(self, messages: list[Message], refused: Iterable[Refusal]) -> None:
        for message in messages:
            self._metrics.delivered.labels(message.topic).inc()
        for refusal in refused:
            self._metrics.refused.labels(refusal.rejected.reason.value).inc()
        self._metrics.jumps.inc(self._positions.jumps - self._jumps_told)
        self._jumps_told = self._positions.jumps
        self._metrics.last_delivery.set_to_current_time()

    def _note_caught_up(self) -> None:
        if isinstance(self._sink, PrometheusSink) and not self._sink.is_caught_up:
            at = self._log.positions()
            self._sink.is_caught_up = all(at[place] >= end for place, end in self._ends.items())

    def _measure_lag(self) -> None:
        at = self._log.positions()
        behind: dict[str, int] = {}
        for place, end in self._log.ends.items():
            behind[place[0]] = behind.get(place[0], 0) + max(0, end - at[place])
        for topic, records in behind.items():
            self._metrics.lag.labels(topic).set(records)

    def _patiently(self, attempt: Callable[[], T]) -> T:
        result = until_done(attempt, wait=self._wait, backoff=self._backoff, jitter=random.random)
        self._metrics.away.set(0)
        return result

    def _hold_seat(self) -> None:
        if self._seat is not None:
            self._seat.hold()

    def _wait(self, delay_s: float, away: Retry) -> bool:
        self._metrics.retries.inc()
        self._metrics.away.set(1)
        self._metrics.turned()  # a destination that is away is not our death
        self._hold_seat()
        log.warning("destination_away", sink=self._name, why=str(away), next_attempt_s=round(delay_s, 2))
        return not self._stopping.wait(delay_s)


def refuse_replays(messages: Iterable[Message], told: str) -> None:
    """Stop before a replay's records reach a destination that nobody named for them.

    Raises:
        Fatal: A record is of another replay than the one that was asked for, or of any where none was.
    """
    for message in messages:
        if message.topic.startswith(REPLAY_PREFIX) and not (
            told and message.topic.startswith(f"{REPLAY_PREFIX}{told}.")
        ):
            raise Fatal(f"{message.topic} is a replay's: set EXPORTERS_REPLAY to export it")
