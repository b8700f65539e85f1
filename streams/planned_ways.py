"""What the plan leads terminals through, asked for any of them at any instant, and how many it leads through each thing."""

from collections import Counter
from collections.abc import Mapping

import numpy as np

from ingest.contract.columns import MISSING, Array
from ingest.contract.vocabulary import SubjectKind
from streams.knowledge import Knowledge, distinct
from streams.plan_book import SlotPlan

_COLUMNS = {
    SubjectKind.POP: "pop_index",
    SubjectKind.GATEWAY: "gateway_index",
    SubjectKind.SATELLITE: "satellite_index",
}


class PlannedWays:
    """Asks the newest plan of each instant."""

    def __init__(self, knowledge: Knowledge) -> None:
        """Take what is known; terminals are numbered as in its inventory."""
        self._knowledge = knowledge
        self._cell_of = _cells(knowledge)
        self._loads: tuple[SlotPlan | None, dict[SubjectKind, Counter[int]]] = (None, {})

    def know(self, knowledge: Knowledge) -> None:
        """Take a newer plan or inventory."""
        if knowledge.inventory is not self._knowledge.inventory:
            self._cell_of, self._loads = _cells(knowledge), (None, {})
        self._knowledge = knowledge

    def planned_ways(self, terminals: Array, at_ns: Array) -> Mapping[SubjectKind, Array]:
        """Return the PoP, gateway and satellite that terminals are led through at instants; negative for none."""
        found = {kind: np.full(len(terminals), MISSING, np.int32) for kind in _COLUMNS}
        known, book = self._knowledge, self._knowledge.plan
        starts_ns = known.stretch_start_ns(at_ns, book.version)
        for start_ns in distinct(starts_ns):
            plan = known.plan_at(start_ns)
            rows = np.flatnonzero(starts_ns == start_ns)
            if plan is not None:
                planned = book.rows(plan, self._cell_of[terminals[rows]], terminals[rows])
                for kind, column in _COLUMNS.items():
                    found[kind][rows] = planned[column]
        return found

    def planned_loads(self, at_ns: int) -> Mapping[SubjectKind, Counter[int]]:
        """Return how many terminals that stand still the plan leads through each PoP, gateway and satellite at an instant."""
        plan = self._knowledge.plan_at(at_ns)
        if plan is None:
            return {kind: Counter() for kind in _COLUMNS}
        if plan is not self._loads[0]:
            still = np.flatnonzero(self._cell_of != MISSING)
            planned = self._knowledge.plan.rows(plan, self._cell_of[still], still)
            self._loads = plan, {kind: _counts(planned[column]) for kind, column in _COLUMNS.items()}
        return self._loads[1]


def _cells(knowledge: Knowledge) -> Array:
    return np.array([terminal.cell_id for terminal in knowledge.inventory.terminals], np.int64)


def _counts(indexes: Array) -> Counter[int]:
    each, counts = np.unique(indexes, return_counts=True)
    return Counter(dict(zip(each.tolist(), counts.tolist(), strict=True)))
