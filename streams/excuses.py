"""Which falls of gateways planned work explains, and which it explains no longer once the work should be over."""

from collections.abc import Callable

import numpy as np

from ingest.contract.columns import Columns, concatenate, row_count, take
from streams.contract.catalogue import code_of
from streams.contract.events import EVENT

_FALLS = code_of("gateway_isolated")


class Excuses:
    """Remembers the gateways that lie still because somebody works on them."""

    def __init__(self) -> None:
        self._excused: dict[int, Columns] = {}

    def judge(
        self, events: Columns, is_worked_on: Callable[[int, int], bool], clock_ns: int, overrun_ns: int
    ) -> Columns:
        """Return what the gateway detector noticed, falls with `expected`, and again those that are expected no longer.

        Args:
            events: Of the detector, or none.
            is_worked_on: Says of a gateway and an instant whether a window covers them.
            clock_ns: Log time.
            overrun_ns: Work that is over by so much and has not brought its gateway back excuses it no longer.
        """
        parts = [self._note(take(events, slice(row, row + 1)), is_worked_on) for row in range(row_count(events))]
        overdue = [
            gateway
            for gateway, said in self._excused.items()
            if not is_worked_on(gateway, max(clock_ns - overrun_ns, int(said["started_at_ns"][0])))
        ]
        for gateway in overdue:
            said = self._excused.pop(gateway)
            again = {"revision": said["revision"] + 1, "expected": np.zeros(1, np.int8)}
            parts.append({**said, **again, "decided_at_ns": np.array([clock_ns])})
        return concatenate(parts, EVENT) if parts else {}

    def _note(self, event: Columns, is_worked_on: Callable[[int, int], bool]) -> Columns:
        gateway = int(event["subject_index"][0])
        self._excused.pop(gateway, None)
        if event["event_code"][0] != _FALLS:
            return event
        expected = is_worked_on(gateway, int(event["started_at_ns"][0]))
        event = {**event, "expected": np.array([expected], np.int8)}
        if expected:
            self._excused[gateway] = event
        return event
