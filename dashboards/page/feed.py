"""The page's own copy of the newest state: how fresh it is, and the curve that led to it."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import structlog

from dashboards.page.state import PageSource, PageState, TerminalState
from dashboards.page.wire import Parts, number, to_parts

_log = structlog.get_logger(__name__)

# Two a second: 3,236 satellites are then 49 kB a message, and a browser that draws in software uses a fifth of a core.
PERIOD_S = 0.5
# Open MCT's rule: a value is stale once several of its periods have passed without it.
STALE_AFTER_S = 5.0
# A point a pixel of a wide screen; when full, every second point is dropped.
_CURVE_POINT_COUNT = 1200


class CurvePoint(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One instant of the strip at the bottom."""

    at: str
    outage_count: int
    suspected_count: int
    samples_per_s: float | None
    watermark_age_s: float | None


class Feed:
    """Looks at the source in a fixed rhythm and remembers."""

    def __init__(self, source: PageSource, clock_s: Callable[[], float]) -> None:
        self._source = source
        self._clock_s = clock_s
        self._seen: PageState | None = None
        self._moved_at_s = clock_s()
        self.parts: Parts = {}
        self.curve: list[CurvePoint] = []
        self.failed_count = 0

    def look(self) -> None:
        """Take the newest state in."""
        state = self._source.snapshot()
        if state is None or state is self._seen:
            return
        parts = to_parts(state)
        if self._seen is None or state.at != self._seen.at:
            self._moved_at_s = self._clock_s()
        if state.ready and state.at and (not self.curve or self.curve[-1].at != state.at):
            self._bend(state)
        self._seen, self.parts = state, parts

    @property
    def age_s(self) -> float:
        """How long the network's time has stood still, by our clock."""
        return self._clock_s() - self._moved_at_s

    @property
    def stale(self) -> bool:
        """Whether what is shown may no longer be true."""
        seen = self._seen
        return seen is not None and seen.at != "" and not seen.finished and self.age_s > STALE_AFTER_S

    @property
    def healthy(self) -> bool:
        """Whether what is shown is the present."""
        return self._seen is not None and self._seen.ready and not self.stale

    def freshness(self) -> dict[str, Any]:
        """Say how old the picture is."""
        return {"age_s": round(self.age_s, 1), "stale_after_s": STALE_AFTER_S, "stale": self.stale}

    def _bend(self, state: PageState) -> None:
        if len(self.curve) >= _CURVE_POINT_COUNT:
            del self.curve[1::2]
        self.curve.append(
            CurvePoint(
                at=state.at,
                outage_count=int(state.counts.get(TerminalState.OUTAGE, 0)),
                suspected_count=int(state.counts.get(TerminalState.SUSPECTED, 0)),
                samples_per_s=number(state.samples_per_s, 1),
                watermark_age_s=number(state.watermark_age_s, 1),
            )
        )


async def follow(feed: Feed) -> None:
    """Look for ever; a source that fails makes the page stale and never takes it down."""
    while True:
        try:
            feed.look()
        except Exception as error:  # noqa: BLE001 - the consumer loop of this room: counted, and said once per streak
            if feed.failed_count == 0:
                _log.warning("page_source_failed", error=repr(error))
            feed.failed_count += 1
        else:
            feed.failed_count = 0
        await asyncio.sleep(PERIOD_S)
