"""How fast the network's time and its findings go, by what the log itself says of them."""

from collections import Counter, deque

from ingest.contract.columns import Array
from ingest.contract.instants import NS_PER_MS
from streams.contract.events import EventHeader
from streams.contract.rollups import WINDOW_S, RollupHeader

# Rates are of the last half minute: long enough for a tick a second of each shard, short enough to follow a change.
SPAN_MS = 30_000
# Two readings closer together than this say nothing of a speed.
_LEAST_MS = 2_000
# A live network's clocks are seconds behind ours; a replay's, or a simulator's, are anywhere.
LIVE_WITHIN_MS = 60_000
_WINDOWS_KEPT = 4


class Pace:
    """Remembers the last half minute of event frames, and the last windows of samples."""

    def __init__(self) -> None:
        self._heard: deque[tuple[int, int, int]] = deque()
        self._windows: dict[int, Counter[int]] = {}
        self._whole_count = 0
        self.is_live = False

    def hear(self, at_ms: int, header: EventHeader, rows: int) -> None:
        """Take an event frame that the broker got at `at_ms`."""
        clock_ms = header.clock_ns // NS_PER_MS
        newest_ms, highest_ms, _ = self._heard[-1] if self._heard else (at_ms, clock_ms, 0)
        if at_ms <= newest_ms - SPAN_MS:
            return  # history, read afterwards
        self.is_live = abs(at_ms - clock_ms) <= LIVE_WITHIN_MS
        self._heard.append((max(at_ms, newest_ms), max(clock_ms, highest_ms), rows))
        while self._heard[0][0] <= self._heard[-1][0] - SPAN_MS:
            self._heard.popleft()

    def window(self, header: RollupHeader, samples_count: Array) -> None:
        """Take a shard's part of a window, or what corrects it."""
        self._whole_count = header.shard_count
        shards = self._windows.setdefault(header.window_start_ns, Counter())
        shards[header.shard] += int(samples_count.sum())
        for old in sorted(self._windows)[:-_WINDOWS_KEPT]:
            del self._windows[old]

    def speed_ratio(self, now_ms: int) -> float | None:
        """Return seconds of the network's time in one of ours; None where the log stands still or has only begun."""
        recent = self._recent(now_ms)
        if not recent or recent[-1][0] - recent[0][0] < _LEAST_MS:
            return None
        ratio = (recent[-1][1] - recent[0][1]) / (recent[-1][0] - recent[0][0])
        return round(ratio) if ratio > 0.9 else round(ratio, 1)

    def events_per_s(self, now_ms: int) -> float:
        """Return events a second of ours."""
        return sum(rows for _, _, rows in self._recent(now_ms)) / (SPAN_MS / 1000)

    def samples_per_s(self, now_ms: int) -> float | None:
        """Return samples a second of ours, of the last window of which every shard has told; None where there is none."""
        speed_ratio = self.speed_ratio(now_ms)
        whole = [start for start, shards in self._windows.items() if len(shards) >= max(1, self._whole_count)]
        if speed_ratio is None or not whole:
            return None
        return speed_ratio * self._windows[max(whole)].total() / WINDOW_S

    def _recent(self, now_ms: int) -> list[tuple[int, int, int]]:
        return [one for one in self._heard if one[0] > now_ms - SPAN_MS]
