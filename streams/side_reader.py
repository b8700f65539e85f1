"""A thread that follows the side topics, all partitions from the beginning, in no consumer group."""

import threading
import time
from collections import deque

import structlog
from kafka import KafkaConsumer, TopicPartition

from ingest.contract.bus import Message, message_of
from ingest.contract.topics import CONTACT_PLAN, SIDE_TOPICS
from streams.knowledge import Knowledge
from streams.ordered_reader import places_of
from streams.plan_book import PLAN_HISTORY_S
from streams.side_inputs import SideInputs

log = structlog.get_logger()

_PLAN = TopicPartition(CONTACT_PLAN.name, 0)
_POLL_MS = 500
# A batch as large as this says that more is waiting: an inventory of a million is made up once, not for each batch.
_BATCH_RECORDS = 5_000


class SideReader:
    """Knows what the side topics said up to their ends at `start`, and what comes after.

    The thread only fetches. What it has fetched is taken in by whoever asks, so that knowledge never changes in the
    middle of a step.
    """

    def __init__(self, bootstrap: str) -> None:
        self._consumer = KafkaConsumer(
            bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
        )
        self._inputs = SideInputs()
        self._fetched: deque[list[Message]] = deque()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="side-reader", daemon=True)

    def knowledge(self) -> Knowledge:
        """Return what is known now; there is always something after `start`."""
        while self._fetched:
            self._take(self._fetched.popleft())
        known = self._inputs.knowledge
        if known is None:
            raise RuntimeError("ask after start()")
        return known

    @property
    def refused_count(self) -> int:
        """Records that were passed over since the start."""
        return self._inputs.refused_count

    def start(self) -> None:
        """Read what is there, wait until that is a whole inventory, and follow from then on."""
        places = list(places_of(self._consumer, SIDE_TOPICS))
        self._consumer.assign(places)
        self._consumer.seek_to_beginning(*places)
        self._skip_old_plans()
        ends = self._consumer.end_offsets(places)
        while any(self._consumer.position(place) < end for place, end in ends.items()):
            self._take(self._fetch())
        if self._inputs.knowledge is None:
            log.warning("inventory_awaited", topics=[topic.name for topic in SIDE_TOPICS])
        while self._inputs.knowledge is None:
            self._take(self._fetch())
        self._thread.start()

    def stop(self) -> None:
        """Stop following."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self._consumer.close()

    def _skip_old_plans(self) -> None:
        """Begin with the plans that telemetry which is still kept may ask for; both are kept by the broker's time."""
        from_ms = round((time.time() - PLAN_HISTORY_S) * 1000)
        for place, found in self._consumer.offsets_for_times({_PLAN: from_ms}).items():
            if found is not None:
                self._consumer.seek(place, found.offset)

    def _follow(self) -> None:
        while not self._stopping.is_set():
            batch = self._fetch()
            if batch:
                self._fetched.append(batch)

    def _take(self, batch: list[Message]) -> None:
        self._inputs.take(batch)
        for why in self._inputs.refused:
            log.warning("side_record_refused", why=why)
        self._inputs.refused.clear()
        if len(batch) < _BATCH_RECORDS:
            self._inputs.settle()

    def _fetch(self) -> list[Message]:
        polled = self._consumer.poll(timeout_ms=_POLL_MS, max_records=_BATCH_RECORDS)
        return [message_of(record) for records in polled.values() for record in records]
