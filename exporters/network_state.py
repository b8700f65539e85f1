"""What Prometheus is told: counts of distinct events, open incidents and merged windows, folded from the workshop's records."""

from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Hashable, Iterator, Sequence
from typing import Any, TypeAlias

import msgspec

from exporters.contract import metrics
from exporters.contract.metrics import Metric
from exporters.contract.sink import Place
from exporters.reading import Reading
from exporters.standing import Standing
from exporters.watermarks import Watermarks
from ingest.contract.frame import Frame
from ingest.contract.instants import NS_PER_S, from_rfc3339
from ingest.contract.inventory import Inventory
from ingest.contract.vocabulary import SubjectKind
from streams.contract.catalogue import CATALOGUE
from streams.contract.detail import InventoryNames
from streams.contract.incidents import Incident
from streams.contract.rollups import RTT_BUCKETS_MS, RollupHeader, bucket_name

# A worker that crashes says again what it has said since its last snapshot (30 s of log time); this is far beyond it.
REMEMBERED_NS = 600 * NS_PER_S
# A window is corrected for 2 h (design section 3), and the last correction has some way to go.
CORRECTED_NS = (2 * 3600 + 900) * NS_PER_S
# A gap is counted in whole seconds at 1 Hz; a slot is 30 s.
GAP_BUCKETS_S = (0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 15.0, 30.0, 60.0, float("inf"))
RTT_BUCKETS_S = tuple(limit / 1000 for limit in RTT_BUCKETS_MS)
NOWHERE = "none"

Labels: TypeAlias = tuple[str, ...]


class Sample(msgspec.Struct, frozen=True):
    """A value under its labels, in the order of the metric's label names."""

    labels: Labels
    value: float


class Distribution(msgspec.Struct):
    """Counts by bucket, not yet cumulated, and the sum of what was counted."""

    limits: tuple[float, ...]
    counts: list[float]
    total: float = 0.0

    @classmethod
    def empty(cls, limits: tuple[float, ...]) -> "Distribution":
        """Return one that has counted nothing."""
        return cls(limits, [0.0] * len(limits))

    def add(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.limits, value)] += 1
        self.total += value


class NetworkState:
    """Folds records; a record that comes again changes nothing."""

    def __init__(self) -> None:
        self.watermarks = Watermarks()
        self._seen = _Remembered(REMEMBERED_NS)
        self._outage_s = _Remembered(REMEMBERED_NS)
        self._windows: dict[tuple[int, int, int, int], dict[str, float]] = {}
        self._down: Standing[str, str] = Standing()
        self._incidents: dict[str, _Case] = {}
        self.start_epoch()

    def start_epoch(self) -> None:
        """Set every counter of events and windows to zero, as a restart would; what stands now is kept."""
        self._events: Counter[Labels] = Counter({(entry.kind,): 0 for entry in CATALOGUE})
        self._handovers: Counter[Labels] = Counter()
        self._outages: Counter[Labels] = Counter()
        self._outage_seconds: defaultdict[Labels, float] = defaultdict(float)
        self._gaps = Distribution.empty(GAP_BUCKETS_S)
        self._rtt: dict[Labels, Distribution] = {}
        self._seconds: dict[str, defaultdict[Labels, float]] = {name: defaultdict(float) for name in _WINDOW_METRICS}

    def hear(self, reading: Reading, names: InventoryNames, *, counts: bool = True) -> None:
        """Fold a record.

        Args:
            reading: What it says.
            names: Ids for the indexes of a window.
            counts: Whether counters move; False for what was counted before the epoch.
        """
        if reading.frame is not None:
            self.watermarks.hear(reading.frame.header)
        place = reading.message.topic, reading.message.partition
        for event in reading.events:
            self._hear_event(event, place, reading.clock_ns, counts=counts)
        if reading.incident is not None:
            self._hear_incident(reading.incident)
        if reading.rollup is not None:
            self._hear_window(reading.rollup, names, counts=counts)

    def collect(
        self, inventory: Inventory | None
    ) -> Iterator[tuple[Metric, Sequence[Sample] | dict[Labels, Distribution]]]:
        """Yield every metric of the contract with its samples."""
        yield metrics.EVENTS, _samples(self._events)
        yield metrics.HANDOVERS, _samples(self._handovers)
        yield metrics.OUTAGES_STARTED, _samples(self._outages)
        yield metrics.OUTAGE_SECONDS, _samples(self._outage_seconds)
        yield metrics.HANDOVER_GAP, {(): self._gaps}
        yield metrics.TERMINALS_DOWN, _samples(Counter((gateway,) for gateway in self._down.facts().values()))
        terminals = inventory.terminals if inventory is not None else []
        yield metrics.TERMINALS, _samples(Counter((terminal.model.name.lower(),) for terminal in terminals))
        yield from self._collect_incidents()
        yield metrics.GATEWAY_RTT, self._rtt
        for name, metric in _WINDOW_METRICS.items():
            yield metric, _samples(self._seconds[name])
        yield from self._collect_progress()

    def _collect_incidents(self) -> Iterator[tuple[Metric, Sequence[Sample]]]:
        standing = {name: case for name, case in self._incidents.items() if case.is_open}
        yield (
            metrics.INCIDENTS_OPEN,
            [Sample((name, case.team, case.severity, case.cause), 1) for name, case in standing.items() if case.pages],
        )
        yield metrics.INCIDENT_TERMINALS, [Sample((name,), case.terminals) for name, case in standing.items()]
        yield metrics.INCIDENTS, _samples(Counter((case.cause, case.severity) for case in self._incidents.values()))

    def _collect_progress(self) -> Iterator[tuple[Metric, Sequence[Sample]]]:
        lowest_ns = self.watermarks.lowest_watermark_ns()
        yield metrics.WATERMARK, [Sample((), lowest_ns / NS_PER_S)] if lowest_ns is not None else []
        highest_ns = self.watermarks.highest_clock_ns
        yield metrics.CLOCK, [Sample((), highest_ns / NS_PER_S)] if highest_ns else []
        yield metrics.SHARDS_SEEN, [Sample((), self.watermarks.shards_seen_count)]

    def _hear_event(self, event: dict[str, Any], place: Place, clock_ns: int, *, counts: bool) -> None:
        key, kind = event["event_key"], event["kind"]
        is_new = self._seen.put(place, key, 1.0, clock_ns) > 0 and event["revision"] == 1
        if kind in _DOWN_KINDS:
            self._hear_service(event)
        if kind == "outage_ended":
            is_first = event["revision"] == 1 or key in self._outage_s
            more_s = self._outage_s.put(place, key, event.get("duration_s", 0.0), clock_ns)
            if counts and is_first:
                self._outage_seconds[event.get("cause", "unknown"),] += max(0.0, more_s)
        if not is_new or not counts:
            return
        self._events[kind,] += 1
        if kind == "handover":
            self._handovers[event.get("to_gateway_id", NOWHERE), event.get("conformance", NOWHERE)] += 1
            if "gap_s" in event:
                self._gaps.add(event["gap_s"])
        if kind == "outage_started":
            self._outages[event.get("from_gateway_id", NOWHERE), event.get("cause", "unknown")] += 1

    def _hear_service(self, event: dict[str, Any]) -> None:
        terminal, started_ns = event["subject_id"], from_rfc3339(event["started_at"])
        if event["kind"] == "outage_started":
            self._down.opens(terminal, started_ns, event.get("from_gateway_id", NOWHERE))
        else:
            self._down.closes(terminal, started_ns, from_rfc3339(event.get("ended_at", event["started_at"])))

    def _hear_incident(self, incident: Incident) -> None:
        known = self._incidents.get(incident.incident_id)
        if known is not None and incident.revision <= known.revision:
            return
        # A rule's labels are those of the opening; a change would end one alert and begin another (issue 3, B6).
        opening = incident.opening or incident
        self._incidents[incident.incident_id] = _Case(
            team=opening.audience.team,
            severity=opening.severity.value,
            cause=opening.cause,
            revision=incident.revision,
            is_open=incident.is_open,
            pages=incident.pages,
            terminals=incident.terminals_affected_count,
        )

    def _hear_window(self, rollup: Frame[RollupHeader], names: InventoryNames, *, counts: bool) -> None:
        values = {name: rollup.column(name).tolist() for name in _WINDOW_COLUMNS}
        start_ns = rollup.header.window_start_ns
        for row in range(rollup.rows):
            gateway, pop, model = values["gateway_index"][row], values["pop_index"][row], values["model"][row]
            before = self._windows.get((start_ns, gateway, pop, model), {})
            # A counter cannot go down: of a correction only what goes beyond all that was told is added.
            told = {name: max(_known(values[name][row]), before.get(name, 0.0)) for name in _ADDED}
            self._windows[start_ns, gateway, pop, model] = told
            if counts:
                label = (names(SubjectKind.GATEWAY, gateway) if gateway >= 0 else NOWHERE,)
                self._add_window(label, {name: value - before.get(name, 0.0) for name, value in told.items()})
        self._forget_windows(start_ns - CORRECTED_NS)

    def _add_window(self, label: Labels, added: dict[str, float]) -> None:
        for name in _WINDOW_METRICS:
            self._seconds[name][label] += added[name]
        rtt = self._rtt.setdefault(label, Distribution.empty(RTT_BUCKETS_S))
        rtt.total += added["rtt_sum_ms"] / 1000
        for place, name in enumerate(_BUCKETS):
            rtt.counts[place] += added[name]

    def _forget_windows(self, before_ns: int) -> None:
        for window in [window for window in self._windows if window[0] < before_ns]:
            del self._windows[window]


class _Case(msgspec.Struct, frozen=True):
    """An incident as the wall sees it."""

    team: str
    severity: str
    cause: str
    revision: int
    is_open: bool
    pages: bool
    terminals: int


class _Remembered:
    """The number last said under each key, forgotten when its place's log time has gone on for long enough."""

    def __init__(self, for_ns: int) -> None:
        self._for_ns = for_ns
        self._values: dict[Hashable, float] = {}
        self._queues: defaultdict[Place, deque[tuple[int, Hashable]]] = defaultdict(deque)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._values

    def put(self, place: Place, key: Hashable, value: float, clock_ns: int) -> float:
        """Remember the highest value under the key; return by how much it rose."""
        known = self._values.get(key)
        if known is None:
            queue = self._queues[place]
            queue.append((clock_ns, key))
            while queue[0][0] < clock_ns - self._for_ns:
                self._values.pop(queue.popleft()[1], None)
        self._values[key] = max(value, known or 0.0)
        return value - (known or 0.0)


_DOWN_KINDS = frozenset({"outage_started", "outage_ended", "outage_withdrawn"})
_WINDOW_METRICS = {
    "samples_count": metrics.GATEWAY_SAMPLES,
    "good_s": metrics.GOOD_SECONDS,
    "bad_s": metrics.BAD_SECONDS,
    "expected_bad_s": metrics.EXPECTED_SECONDS,
    "unknown_s": metrics.UNKNOWN_SECONDS,
}
_BUCKETS = tuple(bucket_name(limit) for limit in RTT_BUCKETS_MS)
_ADDED = (*_WINDOW_METRICS, "rtt_sum_ms", *_BUCKETS)
_WINDOW_COLUMNS = (*_ADDED, "gateway_index", "pop_index", "model")


def _known(value: float) -> float:
    return value if value > 0 else 0.0  # what a frame leaves out reads as NaN or -1


def _samples(values: "Counter[Labels] | defaultdict[Labels, float]") -> list[Sample]:
    return [Sample(labels, value) for labels, value in values.items()]
