"""The frames of a slot's plan, collected until the last is here: a plan counts whole or not at all."""

from typing import Generic, TypeVar

from ingest.contract.plan import PlanHeader

P = TypeVar("P")

# Plans that were begun and never finished: a publisher that dies leaves one, and nobody will complete it.
UNFINISHED_LIMIT = 64


class PlanParts(Generic[P]):
    """Holds what has come of unfinished plans."""

    def __init__(self) -> None:
        self._parts: dict[tuple[int, int], dict[int, P]] = {}
        self._ends: dict[tuple[int, int], int] = {}

    def put(self, header: PlanHeader, part: P) -> list[P] | None:
        """Take a part in, in any order and also again; return all parts in theirs with the one that completes them."""
        key = header.slot_start_ns, header.plan_version
        parts = self._parts.setdefault(key, {})
        parts[header.part] = part
        if header.complete:
            self._ends[key] = header.part + 1
        if len(parts) != self._ends.get(key):
            self._forget()
            return None
        del self._parts[key], self._ends[key]
        return [parts[number] for number in sorted(parts)]

    def _forget(self) -> None:
        while len(self._parts) > UNFINISHED_LIMIT:
            oldest = next(iter(self._parts))
            del self._parts[oldest]
            self._ends.pop(oldest, None)
