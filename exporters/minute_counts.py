"""How many of each kind in each minute of log time, told once the minute is over for every shard."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import TypeAlias

from exporters.cloudwatch_data import PERIOD_NS, Datum, count_datum
from exporters.contract.sink import Place
from exporters.reading import Reading
from exporters.watermarks import Watermarks
from ingest.contract.instants import NS_PER_S, from_rfc3339

Series: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]
# A network event comes a little after the minute in which it was decided; a minute that grows is told again.
KEPT_NS = 600 * NS_PER_S


class MinuteCounts:
    """Counts each event and incident once; minutes that have not been told are held."""

    def __init__(self) -> None:
        self._watermarks = Watermarks()
        self._counts: defaultdict[int, Counter[Series]] = defaultdict(Counter)
        self._told: defaultdict[int, dict[Series, int]] = defaultdict(dict)
        self._keys: defaultdict[int, set[str]] = defaultdict(set)
        self._firsts: defaultdict[int, dict[Place, int]] = defaultdict(dict)

    def hear(self, reading: Reading) -> None:
        """Count what a record says; one that comes again changes nothing."""
        if reading.frame is not None:
            self._watermarks.hear(reading.frame.header)
        for event in reading.events:
            if event["revision"] == 1:
                decided = event.get("decided_at")
                at_ns = from_rfc3339(decided) if decided else reading.clock_ns
                self._count(reading, event["event_key"], at_ns, ("events_count", (("Kind", event["kind"]),)))
        incident = reading.incident
        if incident is not None and incident.revision == 1:
            of = (("Cause", incident.cause), ("Severity", incident.severity.value))
            self._count(reading, incident.incident_id, from_rfc3339(incident.opened_at), ("incidents_count", of))

    def due(self) -> Iterator[Datum]:
        """Yield what may be told: minutes that are over for every shard, as far as they were not told so already."""
        over_ns = self._watermarks.lowest_clock_ns()
        if over_ns is None:
            return
        for minute_ns in sorted(self._counts):
            if minute_ns + PERIOD_NS > over_ns:
                return
            for series, count in self._counts[minute_ns].items():
                if count > self._told[minute_ns].get(series, 0):
                    yield count_datum(*series, minute_ns, count)

    def told(self, datum: Datum) -> None:
        """Note that a datum is at the destination, or will never be."""
        assert isinstance(datum.value, float)
        self._told[datum.at_ns][datum.metric, datum.dimensions] = int(datum.value)
        if all(count <= self._told[datum.at_ns].get(s, 0) for s, count in self._counts[datum.at_ns].items()):
            self._firsts.pop(datum.at_ns, None)
        self._forget()

    def held(self) -> dict[Place, int]:
        """Return the first offset of each place that a minute not told yet was counted from."""
        held: dict[Place, int] = {}
        for firsts in self._firsts.values():
            for place, offset in firsts.items():
                held[place] = min(offset, held.get(place, offset))
        return held

    def _count(self, reading: Reading, key: str, at_ns: int, series: Series) -> None:
        minute_ns = at_ns - at_ns % PERIOD_NS
        if key in self._keys[minute_ns]:
            return
        self._keys[minute_ns].add(key)
        self._counts[minute_ns][series] += 1
        place = reading.message.topic, reading.message.partition
        self._firsts[minute_ns].setdefault(place, reading.message.offset)

    def _forget(self) -> None:
        before_ns = (self._watermarks.lowest_clock_ns() or 0) - KEPT_NS
        for minute_ns in [minute for minute in self._counts if minute < before_ns and minute not in self._firsts]:
            for of_minute in (self._counts, self._told, self._keys):
                of_minute.pop(minute_ns, None)
