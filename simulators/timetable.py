"""The plan of a run, slot by slot: made once, ahead of time, and published in frames."""

import msgspec
import numpy as np

from ingest.contract.columns import MISSING, Array, Columns, row_count, take
from ingest.contract.frame import encode
from ingest.contract.packing import Record
from ingest.contract.plan import PLAN, PlanHeader
from ingest.contract.topics import CONTACT_PLAN
from simulators.assigner import Assigner
from simulators.fleet import Fleet
from simulators.matching import NONE
from simulators.network_conditions import NetworkConditions
from simulators.scheduler import Plan, Rules, Slots, empty_plan

# 29 bytes a row before compression: a frame of so many stays under 900 kB.
_FRAME_ROWS = 20_000
# Slots kept behind the one that runs.
_KEPT_SLOTS = 4


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """One publication."""

    plan_version: int
    records: list[Record]


class Timetable:
    """Plans of slots, made when first asked for and forgotten once they are past.

    A plan knows of nothing broken but what it is told to believe.
    """

    def __init__(self, fleet: Fleet, slots: Slots, rules: Rules) -> None:
        self.slots = slots
        self._fleet = fleet
        self._assigner = Assigner(fleet, slots, rules)
        self._belief: NetworkConditions | None = None
        self._plans: dict[int, Plan] = {}
        self._nobody: Plan | None = None
        self._versions: dict[int, int] = {}
        self._plan_version = 0

    def plan_at(self, at_ns: int) -> Plan:
        """Return the plan of the slot that holds this instant."""
        start_at_ns = self.slots.start_at_ns(at_ns)
        if start_at_ns not in self._plans:
            self._plans[start_at_ns] = self._assigner.assign(start_at_ns, self._belief)
        return self._plans[start_at_ns]

    def nobody_at(self, at_ns: int) -> Plan:
        """Return a plan of that slot which serves nobody."""
        start_at_ns = self.slots.start_at_ns(at_ns)
        if self._nobody is None or self._nobody.slot_start_at_ns != start_at_ns:
            self._nobody = empty_plan(start_at_ns, len(self._fleet.cells))
        return self._nobody

    def elsewhere(self, at_ns: int, cell: int) -> Plan:
        """Return a plan of one cell alone, by a satellite that its plan names neither now nor in the slots beside."""
        start_ns, length_ns = self.slots.start_at_ns(at_ns), self.slots.length_ns
        named = {int(self.plan_at(start_ns + n * length_ns).satellite_index[cell]) for n in (-1, 0, 1)} - {NONE}
        return self._assigner.elsewhere(start_ns, self._belief, cell, sorted(named))

    def believe(self, belief: NetworkConditions, from_ns: int) -> None:
        """Plan with what this says of the network, from the slot on that holds this instant."""
        self._belief = belief
        first_ns = self.slots.start_at_ns(from_ns)
        self._plans = {start: plan for start, plan in self._plans.items() if start < first_ns}

    def publish(self, slot_start_at_ns: int, published_at_ns: int, valid_from_ns: int) -> Published:
        """Write a slot's plan under the next version; it replaces what was published of that slot before."""
        self._plan_version += 1
        supersedes = self._versions.get(slot_start_at_ns, 0)
        self._versions[slot_start_at_ns] = self._plan_version
        columns = self._columns(self.plan_at(slot_start_at_ns))
        parts = max(1, -(-row_count(columns) // _FRAME_ROWS))
        records = [
            self._frame(slot_start_at_ns, (published_at_ns, valid_from_ns), supersedes, columns, (part, parts))
            for part in range(parts)
        ]
        return Published(plan_version=self._plan_version, records=records)

    def forget_before(self, at_ns: int) -> None:
        """Drop the plans of slots long past."""
        oldest_ns = self.slots.start_at_ns(at_ns) - _KEPT_SLOTS * self.slots.length_ns
        self._plans = {start: plan for start, plan in self._plans.items() if start >= oldest_ns}
        self._versions = {start: version for start, version in self._versions.items() if start >= oldest_ns}

    def _columns(self, plan: Plan) -> dict[str, Array]:
        """Write a row a cell, and one for each terminal that moves: those of the cell where it will be."""
        cells, singled_out = self._fleet.cells, self._fleet.movers.who
        there = self._fleet.cell_at(plan.slot_start_at_ns)[singled_out]
        cell = np.concatenate([np.arange(len(cells)), there])
        return {
            "cell_id": cells.cell_ids[cell],
            "terminal_index": np.concatenate([np.full(len(cells), MISSING, dtype=np.int32), singled_out]),
            "satellite_index": plan.satellite_index[cell],
            "beam_id": plan.beam_id[cell],
            "frequency_id": plan.frequency_id[cell],
            "gateway_index": plan.gateway_index[cell],
            "pop_index": plan.pop_index[cell],
            "path_kind": plan.path_kind[cell],
            "laser_count": plan.laser_count[cell],
        }

    def _frame(
        self,
        slot_start_at_ns: int,
        published_and_valid_ns: tuple[int, int],
        supersedes: int,
        columns: Columns,
        part_of: tuple[int, int],
    ) -> Record:
        published_at_ns, valid_from_ns = published_and_valid_ns
        part, parts = part_of
        header = PlanHeader(
            kind=PLAN.kind,
            version=PLAN.version,
            plan_version=self._plan_version,
            slot_start_ns=slot_start_at_ns,
            slot_end_ns=slot_start_at_ns + self.slots.length_ns,
            valid_from_ns=valid_from_ns,
            published_at_ns=published_at_ns,
            supersedes=supersedes,
            part=part,
            complete=part == parts - 1,
        )
        rows = take(columns, slice(part * _FRAME_ROWS, (part + 1) * _FRAME_ROWS))
        key = slot_start_at_ns.to_bytes(8, "big")
        return Record(topic=CONTACT_PLAN, key=key, value=encode(header, PLAN, rows))
