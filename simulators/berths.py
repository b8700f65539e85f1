"""Terminals that do not keep to the plan: each has a berth beside the cells, where it is served as it really is.

The plan serves cells. A terminal that switches late, early or not at all, strays or follows an old plan needs a
satellite of its own for a while: a row after the cells' rows in everything that has a row a cell.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from msgspec import structs

from ingest.contract.instants import NS_PER_S
from simulators.cells import Cells
from simulators.courses import tenths_ns
from simulators.effects import EFFECTS
from simulators.faults import Fault, Members
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
        self._held: list[tuple[Plan, int] | None] = [None] * len(self.who)
        self._plan: Plan | None = None

    def refresh(self) -> None:
        """Let the weather and the load of a berth be those of its cell."""
        if len(self.who):
            for name in CellConditions.__struct_fields__:
                whole = getattr(self.network.cells, name)
                whole[: self._first] = getattr(self._before, name)
                whole[self._first :] = whole[self._home]

    def enter(self, plan: Plan, at_ns: int) -> tuple[Plan, ...]:
        """Work out who stays where in this slot; return the plan of the cells and that of the berths."""
        self._plan = plan
        if not len(self.who):
            return (plan,)
        self._stays = [self._stay(berth, plan, at_ns) for berth in range(len(self.who))]
        nobody = empty_plan(plan.slot_start_at_ns, 1)
        rows = [nobody if stay is None else rows_of(stay.plan, np.array([stay.row])) for stay in self._stays]
        return plan, structs.replace(joined(rows), slot_start_at_ns=plan.slot_start_at_ns)

    def cells_at(self, at_ns: int) -> Indexes:
        """Return the cell or the berth of each terminal that has one."""
        away = np.array([stay is not None and stay.from_ns <= at_ns < stay.until_ns for stay in self._stays], dtype=bool)
        return np.where(away, self._first + np.arange(len(self.who)), self._home).astype(np.int32)

    def moves_within(self, start_ns: int, end_ns: int) -> bool:
        """Tell whether somebody comes or goes in this interval."""
        return any(
            start_ns <= instant < end_ns for stay in self._stays if stay for instant in (stay.from_ns, stay.until_ns)
        )

    def conformance(self, who: int, satellite: int, at_ns: int) -> tuple[int | None, str]:
        """Hold a handover to a satellite against the plan of the terminal's cell: when it was planned, and what it is."""
        plan = self._plan
        berth = np.searchsorted(self.who, who)
        if plan is None or berth == len(self.who) or self.who[berth] != who:
            return at_ns, "on_time"
        home, slots = int(self._home[berth]), self._timetable.slots
        start_ns = plan.slot_start_at_ns
        before = int(self._timetable.plan_at(start_ns - slots.length_ns).satellite_index[home])
        after = int(self._timetable.plan_at(start_ns + slots.length_ns).satellite_index[home])
        now = int(plan.satellite_index[home])
        if satellite == now and before != now:
            return start_ns, "on_time" if at_ns == start_ns else "late"
        if satellite == after and after != now:
            return start_ns + slots.length_ns, "early"
        return None, "unplanned"

    def _stay(self, berth: int, plan: Plan, at_ns: int) -> _Stay | None:
        who, home = int(self.who[berth]), int(self._home[berth])
        length_ns, start_ns = self._timetable.slots.length_ns, plan.slot_start_at_ns
        end_ns = start_ns + length_ns
        after_ns = tenths_ns(float(self._steering.switch_after_s[who]))
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
        """Miss one handover: keep the satellite through the next edge, and obey at the one after it."""
        held, home = self._held[berth], int(self._home[berth])
        if held is not None and held[0].slot_start_at_ns + self._timetable.slots.length_ns == plan.slot_start_at_ns:
            return _Stay(*held, at_ns, plan.slot_start_at_ns + self._timetable.slots.length_ns)
        if held is None or held[0].slot_start_at_ns != plan.slot_start_at_ns:
            self._held[berth] = plan, home
        return None


def steered(faults: Sequence[Fault]) -> Members:
    """Return the terminals that some fault steers, in rising order."""
    members = [
        fault.members for fault in faults if any(write.name in _STEERS for write in EFFECTS[fault.kind].writes)
    ]
    return np.unique(np.concatenate([np.empty(0, dtype=np.int64), *members]))


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
    whole = {name: np.concatenate([values, values[home]]) for name in names for values in [getattr(network.cells, name)]}
    return structs.replace(network, cells=CellConditions(**whole))
