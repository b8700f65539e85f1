"""The memory of terminals without service: samples kept for a quarter of an hour and told once they are back."""

from bisect import bisect_left
from operator import attrgetter

import msgspec
import numpy as np

from ingest.contract.columns import Array, Columns, concatenate, row_count, take
from ingest.contract.instants import NS_PER_S
from ingest.contract.telemetry import TERMINAL

KEPT_NS = 900 * NS_PER_S  # a dish's own history: 900 samples
# A terminal that is back first serves its customers.
_TELLING_DELAY_S = (2.0, 5.0)
_NEVER = np.iinfo(np.int64).max


class _Part(msgspec.Struct):
    """A second's samples, and which of them have not been told yet."""

    at_ns: int
    columns: Columns
    rows: Array


class Ring:
    """Withheld samples of all terminals, oldest first."""

    def __init__(self, terminal_count: int, rng: np.random.Generator) -> None:
        self._parts: list[_Part] = []
        self._holds = np.zeros(terminal_count, dtype=np.bool_)
        self._since_ns = np.zeros(terminal_count, dtype=np.int64)
        self._due_at_ns = np.full(terminal_count, _NEVER, dtype=np.int64)
        low_s, high_s = _TELLING_DELAY_S
        self._delay_ns = (rng.uniform(low_s, high_s, terminal_count) * 10).astype(np.int64) * (NS_PER_S // 10)

    def keep(self, at_ns: int, columns: Columns) -> None:
        """Take in a second's samples of terminals without service; what is too old is lost."""
        if row_count(columns):
            self._parts.append(_Part(at_ns, columns, np.arange(row_count(columns))))
            who = columns["terminal_index"]
            self._since_ns[who[~self._holds[who]]] = at_ns
            self._holds[who] = True
        while self._parts and self._parts[0].at_ns < at_ns - KEPT_NS:
            self._parts.pop(0)

    def forget(self, who: Array) -> None:
        """Lose what these terminals kept: their power is gone."""
        held = who[self._holds[who]]
        if len(held):
            self._split(held)
        self._due_at_ns[who] = _NEVER

    def tell(self, at_ns: int, live: Array) -> dict[str, Array]:
        """Return, in their order, the samples of terminals that have been back for some seconds."""
        waiting = self._holds & live
        self._due_at_ns[~waiting] = _NEVER
        new = waiting & (self._due_at_ns == _NEVER)
        self._due_at_ns[new] = at_ns + self._delay_ns[new]
        due = np.flatnonzero(waiting & (self._due_at_ns <= at_ns))
        return self._split(due) if len(due) else {}

    def _split(self, who: Array) -> dict[str, Array]:
        """Take these terminals' samples out of the parts since the first of them fell silent."""
        first = bisect_left(self._parts, int(self._since_ns[who].min()), key=attrgetter("at_ns"))
        wanted = np.zeros(len(self._holds), dtype=np.bool_)
        wanted[who] = True
        told, kept = [], self._parts[:first]
        for part in self._parts[first:]:
            mine = wanted[part.columns["terminal_index"][part.rows]]
            if mine.any():
                told.append(take(part.columns, part.rows[mine]))
                part.rows = part.rows[~mine]
            if len(part.rows):
                kept.append(part)
        self._parts = kept
        self._holds[who] = False
        return concatenate(told, TERMINAL)
