"""What a worker does with one telemetry record: decode, join by version, step, say; shells only carry.

The Faust agent and the one-process default both stand at this bench, so what they find is the same.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ingest.contract.columns import Array, row_count, take
from ingest.contract.dead_letter import Origin
from ingest.contract.frame import FRAME_LIMIT_BYTES, Frame, Rejected, RejectReason, TelemetryHeader, decode, encode
from ingest.contract.instants import NS_PER_S
from ingest.contract.packing import Record
from ingest.contract.telemetry import ATTACHMENT, CONTROL, TERMINAL
from ingest.contract.topics import TERMINAL_TELEMETRY, shard_from_key, shard_key
from streams.contract.events import EVENT, EventHeader
from streams.contract.rollups import ROLLUP
from streams.contract.topics import PARTIALS, TERMINAL_EVENTS
from streams.dead_letters import refused
from streams.knowledge import Knowledge
from streams.shard import COLUMNS_READ, Findings, ShardState, new_state, step

_LAYOUTS = {layout.kind: layout for layout in (TERMINAL, ATTACHMENT, CONTROL)}
# A frame that names a plan which is not here yet waits this many ticks of its shard; then it is judged without.
VERSION_WAIT_TICKS = 10


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a shard is: its state, the offset of the last frame in it, and the shard's clock."""

    state: ShardState
    offset: int
    clock_ns: int


@dataclass(slots=True)
class _Bench:
    """One shard's place: its state, and the frames that wait for a version."""

    state: ShardState
    offset: int = -1
    clock_ns: int = 0
    said_second: int = -1
    waited_ticks: int = 0
    waiting: deque[tuple[int, bytes, Frame[TelemetryHeader]]] = field(default_factory=deque)


class Workbench:
    """Holds the shards of a worker.

    Args:
        partition_count: Of the telemetry topic.
        knowledge: Returns what is known now: inventory, plan, thresholds, maintenance.
    """

    def __init__(self, *, partition_count: int, knowledge: Callable[[], Knowledge]) -> None:
        self._partition_count = partition_count
        self._knowledge = knowledge
        self._benches: dict[int, _Bench] = {}
        self._heads: defaultdict[int, int] = defaultdict(lambda: -1)
        self.counts: Counter[str] = Counter()

    def handle(self, *, key: bytes, value: bytes, partition: int, offset: int, at_ns: int) -> list[Record]:
        """Take one record in; return what is to be said of it, events first.

        Args:
            key: The shard, as the topic says.
            value: A frame, or not.
            partition: Where it stands.
            offset: Its number there.
            at_ns: The record's own Kafka time, for a dead letter.
        """
        knowledge = self._knowledge()
        origin = Origin(topic=TERMINAL_TELEMETRY.name, partition=partition, offset=offset)
        frame = decode(value, _LAYOUTS, TelemetryHeader, only=COLUMNS_READ, shard_count=knowledge.inventory.shard_count)
        if isinstance(frame, Rejected):
            return [self._refuse(value, frame, origin, at_ns)]
        shard = frame.header.shard
        if shard_from_key(key) != shard or shard % self._partition_count != partition:
            detail = f"shard {shard} under key {key.hex()} in partition {partition}"
            return [self._refuse(value, Rejected(reason=RejectReason.WRONG_SHARD, detail=detail), origin, at_ns)]
        bench = self._bench(shard, knowledge)
        if offset <= bench.offset:
            self.counts["frames_before_snapshot"] += 1
            return []
        bench.waiting.append((offset, value, frame))
        bench.waited_ticks += frame.rows == 0
        return self._drain(bench, shard, partition, knowledge, at_ns)

    def standing(self, shard: int) -> Standing | None:
        """Return how far a shard is, once a frame has gone into it: what a snapshot holds."""
        bench = self._benches.get(shard)
        return None if bench is None or bench.offset < 0 else Standing(bench.state, bench.offset, bench.clock_ns)

    def restore(self, shard: int, standing: Standing) -> None:
        """Put a snapshot's state in place."""
        self._benches[shard] = _Bench(state=standing.state, offset=standing.offset, clock_ns=standing.clock_ns)

    def _bench(self, shard: int, knowledge: Knowledge) -> _Bench:
        if shard not in self._benches:
            self._benches[shard] = _Bench(state=new_state(shard, knowledge.inventory.shard_count))
        return self._benches[shard]

    def _drain(self, bench: _Bench, shard: int, partition: int, knowledge: Knowledge, at_ns: int) -> list[Record]:
        records: list[Record] = []
        while bench.waiting:
            offset, value, frame = bench.waiting[0]
            if not knowledge.has_versions(frame.header):
                if bench.waited_ticks < VERSION_WAIT_TICKS:
                    break
                self.counts["frames_judged_without_version"] += 1
            bench.waiting.popleft()
            origin = Origin(topic=TERMINAL_TELEMETRY.name, partition=partition, offset=offset)
            records += self._step(bench, shard, frame, value, origin, knowledge, at_ns)
            bench.offset = offset
        if not bench.waiting:
            bench.waited_ticks = 0
        return records

    def _step(
        self,
        bench: _Bench,
        shard: int,
        frame: Frame[TelemetryHeader],
        value: bytes,
        origin: Origin,
        knowledge: Knowledge,
        at_ns: int,
    ) -> list[Record]:
        try:
            bench.state, findings = step(bench.state, frame, knowledge)
        except Exception as error:  # noqa: BLE001 - the state is untouched: the frame goes to the dead letters and the shard goes on
            refused = Rejected(reason=RejectReason.STEP_FAILED, detail=f"{type(error).__name__}: {error}")
            return [self._refuse(value, refused, origin, at_ns)]
        self.counts.update(findings.counts)
        bench.clock_ns = findings.clock_ns
        return self._say(bench, shard, findings, origin, knowledge)

    def _say(self, bench: _Bench, shard: int, findings: Findings, origin: Origin, knowledge: Knowledge) -> list[Record]:
        second = findings.clock_ns // NS_PER_S
        rows = row_count(findings.events)
        if not rows and second <= bench.said_second and not findings.partials:
            return []
        bench.said_second = max(second, bench.said_second)
        header = EventHeader(
            kind=EVENT.kind,
            version=EVENT.version,
            shard=shard,
            shard_count=knowledge.inventory.shard_count,
            watermark_ns=findings.watermark_ns,
            clock_ns=findings.clock_ns,
            source_partition=origin.partition,
            source_offset=origin.offset,
            inventory_version=knowledge.inventory.version,
        )
        key = shard_key(shard)
        records = [
            Record(topic=TERMINAL_EVENTS, key=key, value=value, partition=origin.partition)
            for value in _frames(header, findings.events)
        ]
        return records + [
            Record(topic=PARTIALS, key=key, value=encode(window, ROLLUP, columns), partition=origin.partition)
            for window, columns in findings.partials
        ]

    def _refuse(self, value: bytes, rejected: Rejected, origin: Origin, at_ns: int) -> Record:
        self.counts[f"rejected_{rejected.reason.value}"] += 1
        return refused(value, rejected, origin, at_ns)


def _frames(header: EventHeader, events: dict[str, Array]) -> list[bytes]:
    """Encode events into as many frames as the limit asks for; none of them are one tick."""
    rows = row_count(events)
    whole = encode(header, EVENT, events)
    if len(whole) <= FRAME_LIMIT_BYTES:
        return [whole]
    halves = np.array_split(np.arange(rows), 2)
    return [value for half in halves for value in _frames(header, take(events, half))]
