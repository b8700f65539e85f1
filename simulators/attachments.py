"""What gateways know of their terminals: who is attached, and the records of each attaching and detaching."""

import numpy as np

from ingest.contract.columns import MISSING, Array
from ingest.contract.instants import NS_PER_S
from ingest.contract.vocabulary import DetachReason
from simulators.contract.truth import STEP_NS
from simulators.scheduler import NONE
from simulators.visibility import Indexes

# A gateway gives a terminal up after so long without its keep-alive.
_KEEP_ALIVE_S = (1.0, 3.0)
_NEVER = np.iinfo(np.int64).max

# Terminals, when, their gateway, attached or not, why not.
_Row = tuple[Array, Array, Array, int, int]


class Attachments:
    """Attached terminals.

    Attributes:
        gateway: Where each terminal is attached; NONE where nowhere.
    """

    def __init__(self, terminal_count: int, rng: np.random.Generator) -> None:
        self.gateway: Indexes = np.full(terminal_count, NONE, dtype=np.int32)
        self._detach_at_ns = np.full(terminal_count, _NEVER, dtype=np.int64)
        low_s, high_s = _KEEP_ALIVE_S
        self._patience_ns = (rng.uniform(low_s, high_s, terminal_count) * 10).astype(np.int64) * STEP_NS

    def follow(self, at_ns: int, serving: Array, gateway_up: Array) -> dict[str, Array]:
        """Return the records of the second up to its end, in order of time.

        Args:
            at_ns: The whole second.
            serving: The gateway that serves each terminal in each tenth of this second; NONE without service.
                One row stands for all ten.
            gateway_up: Whether each gateway carries traffic at the second's end.
        """
        rows: list[_Row] = []
        for tenth, now in enumerate(serving):
            self._step(at_ns + tenth * STEP_NS, now, gateway_up, rows)
        self._give_up(at_ns + NS_PER_S, rows)
        return _records(rows)

    def _step(self, at_ns: int, now: Array, gateway_up: Array, rows: list[_Row]) -> None:
        held = self.gateway != NONE
        changed = (now != self.gateway) & (now != NONE)
        moved = np.flatnonzero(changed & held)
        came = np.flatnonzero(changed)
        dark = np.flatnonzero(held & ~gateway_up[self.gateway] & (now == NONE))
        lost = held & (now == NONE)
        back = now == self.gateway
        for who, gateway, attached, reason in (
            (moved, self.gateway, 0, DetachReason.MOVED),
            (dark, self.gateway, 0, DetachReason.GATEWAY_OUT_OF_SERVICE),
            (came, now, 1, MISSING),
        ):
            if len(who):
                rows.append((who, np.full(len(who), at_ns), gateway[who], attached, reason))
        self.gateway[dark] = NONE
        self.gateway[came] = now[came]
        self._detach_at_ns[came] = self._detach_at_ns[dark] = self._detach_at_ns[back] = _NEVER
        new = np.flatnonzero(lost & (self.gateway != NONE) & (self._detach_at_ns == _NEVER))
        self._detach_at_ns[new] = at_ns + self._patience_ns[new]

    def _give_up(self, end_at_ns: int, rows: list[_Row]) -> None:
        due = np.flatnonzero(self._detach_at_ns < end_at_ns)
        if len(due):
            rows.append((due, self._detach_at_ns[due], self.gateway[due], 0, DetachReason.KEEP_ALIVE_LOST))
            self.gateway[due] = NONE
            self._detach_at_ns[due] = _NEVER


def _records(rows: list[_Row]) -> dict[str, Array]:
    if not rows:
        return {}
    observed_at_ns = np.concatenate([row[1] for row in rows])
    order = np.argsort(observed_at_ns, kind="stable")
    return {
        "terminal_index": np.concatenate([row[0] for row in rows]).astype(np.int32)[order],
        "observed_at_ns": observed_at_ns.astype(np.int64)[order],
        "gateway_index": np.concatenate([row[2] for row in rows]).astype(np.int32)[order],
        "attached": np.concatenate([np.full(len(row[0]), row[3], dtype=np.int8) for row in rows])[order],
        "detach_reason": np.concatenate([np.full(len(row[0]), row[4], dtype=np.int8) for row in rows])[order],
    }
