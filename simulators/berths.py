"""Terminals that do not keep to the plan: each has a berth beside the cells, where it is served as it really is.

The plan serves cells. A terminal that switches late, early or not at all, strays or follows an old plan needs a
satellite of its own for a while: a row after the cells' rows in everything that has a row a cell.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from msgspec import structs

from ingest.contract.columns import Array
from ingest.contract.instants import NS_PER_S
from simulators.cells import Cells
from simulators.effects import EFFECTS
from simulators.faults import Change, Fault, Members
from simulators.fleet import Fleet
from simulators.network_conditions import CellConditions, NetworkConditions
from simulators.scheduler import NONE, Plan, empty_plan, joined, rows_of
from simulators.steering import SteeringConditions
from simulators.terminal_conditions import TerminalConditions
from simulators.timetable import Timetable
from simulators.visibility import Indexes

_STEERS = frozenset({"switch_after_s", "holds", "strays", "plan_age_slots"})


class _Stay(msgspec.Struct, frozen=True):
    """A time at a berth."""

    plan: Plan
    row: int
    from_ns: int
    until_ns: int


class Berths:
    """All berths of a run: one for every terminal that a fault steers at some time.

    Attributes:
        fleet: The fleet with the berths after its cells; whoever is at one has it as its cell.
        network: The network with the berths after its cells.
        who: The terminals.
        are_stale: Whether somebody is steered otherwise than when the slot was entered.
    """

    def __init__(
        self,
        fleet: Fleet,
        network: NetworkConditions,
        conditions: tuple[TerminalConditions, SteeringConditions],
        faults: Sequence[Fault],
        timetable: Timetable,
    ) -> None:
        self._terminals, self._steering = conditions
        self._timetable = timetable
        self.who = steered(faults)
        self._home: Indexes = fleet.terminals.cell[self.who]
        self._first = len(fleet.cells)
        self._before = network.cells
        self.fleet, self.network = fleet, network
        if len(self.who):
            self.fleet, self.network = _with_berths(fleet, self._home), _and_berths(network, self._home)
        self._stays: list[_Stay | None] = [None] * len(self.who)
        self._held: list[_Stay | None] = [None] * len(self.who)
        # What the plan names for each one's cell, since when, and since when of what it has come to.
        self._named: list[tuple[int, int]] = [(NONE, 0)] * len(self.who)
        self._obeyed_ns: list[int] = [0] * len(self.who)
        self.are_stale = False

    def note(self, change: Change) -> None:
        """Take note of a change that may steer somebody."""
        self.are_stale |= _is_steering(change.fault)

    def refresh(self) -> None:
        """Let the weather and the load of a berth be those of its cell."""
        if len(self.who):
            for name in CellConditions.__struct_fields__:
                whole = getattr(self.network.cells, name)
                whole[: self._first] = getattr(self._before, name)
                whole[self._first :] = whole[self._home]

    def enter(self, plan: Plan, at_ns: int) -> tuple[Plan, ...]:
        """Work out who stays where in this slot; return the plan of the cells and that of the berths."""
        self.are_stale = False
        if not len(self.who):
            return (plan,)
        self._name(plan)
        self._stays = [self._stay(berth, plan, at_ns) for berth in range(len(self.who))]
        nobody = empty_plan(plan.slot_start_at_ns, 1)
        rows = [nobody if stay is None else rows_of(stay.plan, np.array([stay.row])) for stay in self._stays]
        return plan, structs.replace(joined(rows), slot_start_at_ns=plan.slot_start_at_ns)

    def _name(self, plan: Plan) -> None:
        begins = all(since_ns == 0 for _, since_ns in self._named)
        for berth, satellite in enumerate(plan.satellite_index[self._home].tolist()):
            if satellite != self._named[berth][0]:
                self._named[berth] = satellite, plan.slot_start_at_ns
        if begins:  # a run begins in the middle of things
            self._obeyed_ns = [since_ns for _, since_ns in self._named]

    def cells_at(self, at_ns: int) -> Indexes:
        """Return the cell or the berth of each terminal that has one."""
        away = np.array(
            [stay is not None and stay.from_ns <= at_ns < stay.until_ns for stay in self._stays], dtype=bool
        )
        return np.where(away, self._first + np.arange(len(self.who)), self._home).astype(np.int32)

    def conformance(self, who: Array, satellite: Array, at_ns: int) -> tuple[list[int | None], list[str | None]]:
        """Hold handovers to these satellites against the plan: when each was planned, and what it is."""
        planned_at_ns: list[int | None] = [at_ns] * len(who)
        said: list[str | None] = ["on_time"] * len(who)
        for place in np.flatnonzero(np.isin(who, self.who)).tolist():
            berth = int(np.searchsorted(self.who, who[place]))
            planned_at_ns[place], said[place] = self._one_s_conformance(berth, int(satellite[place]), at_ns)
        return planned_at_ns, said

    def _one_s_conformance(self, berth: int, satellite: int, at_ns: int) -> tuple[int | None, str]:
        """A satellite that the plan names is come to once, on time or late; whoever comes back to it does so unplanned."""
        named, since_ns = self._named[berth]
        if satellite == named and self._obeyed_ns[berth] != since_ns:
            self._obeyed_ns[berth] = since_ns
            return since_ns, "on_time" if at_ns == since_ns else "late"
        end_ns = self._timetable.slots.start_at_ns(at_ns) + self._timetable.slots.length_ns
        if satellite != named and satellite == self._timetable.plan_at(end_ns).satellite_index[self._home[berth]]:
            self._obeyed_ns[berth] = end_ns
            return end_ns, "early"
        return None, "unplanned"

    def _stay(self, berth: int, plan: Plan, at_ns: int) -> _Stay | None:
        who, home = int(self.who[berth]), int(self._home[berth])
        length_ns, start_ns = self._timetable.slots.length_ns, plan.slot_start_at_ns
        end_ns = start_ns + length_ns
        # Whole seconds: a sample is all of one satellite.
        after_ns = round(float(self._steering.switch_after_s[who])) * NS_PER_S
        age = int(self._terminals.plan_age_slots[who])
        if not self._steering.holds[who]:
            self._held[berth] = None
        if plan.satellite_index[home] == NONE:
            return None
        if self._steering.strays[who]:
            return _Stay(self._timetable.elsewhere(start_ns, home), 0, at_ns, end_ns)
        if self._steering.holds[who]:
            return self._hold(berth, plan, at_ns)
        if age:
            return _Stay(self._timetable.plan_at(start_ns - age * length_ns), home, at_ns, end_ns)
        if after_ns > 0:
            return _Stay(self._timetable.plan_at(start_ns - length_ns), home, start_ns, start_ns + after_ns)
        if after_ns < 0:
            return _Stay(self._timetable.plan_at(end_ns), home, end_ns + after_ns, end_ns)
        return None

    def _hold(self, berth: int, plan: Plan, at_ns: int) -> _Stay | None:
        """Miss every other change of satellite: keep to the old one for a slot, and obey at the next edge."""
        held, home = self._held[berth], int(self._home[berth])
        end_ns = plan.slot_start_at_ns + self._timetable.slots.length_ns
        if held is None or held.plan.satellite_index[held.row] == plan.satellite_index[home] or held.until_ns <= at_ns:
            # Obeyed; what it holds to at the next change is this.
            self._held[berth] = _Stay(plan, home, end_ns, end_ns + self._timetable.slots.length_ns)
            return None
        return held


def steered(faults: Sequence[Fault]) -> Members:
    """Return the terminals that some fault steers, in rising order."""
    members = [fault.members for fault in faults if _is_steering(fault)]
    return np.unique(np.concatenate([np.empty(0, dtype=np.int64), *members]))


def _is_steering(fault: Fault) -> bool:
    return any(write.name in _STEERS for write in EFFECTS[fault.kind].writes)


def _with_berths(fleet: Fleet, home: Indexes) -> Fleet:
    cells = fleet.cells
    whole = np.concatenate([np.arange(len(cells)), home])
    flown = Cells(
        cell_ids=cells.cell_ids[whole], latitude_deg=cells.latitude_deg[whole], longitude_deg=cells.longitude_deg[whole]
    )
    terminals = structs.replace(fleet.terminals, cell=fleet.terminals.cell.copy())
    return structs.replace(fleet, cells=flown, terminals=terminals)


def _and_berths(network: NetworkConditions, home: Indexes) -> NetworkConditions:
    names = CellConditions.__struct_fields__
    whole = {
        name: np.concatenate([values, values[home]]) for name in names for values in [getattr(network.cells, name)]
    }
    return structs.replace(network, cells=CellConditions(**whole))
