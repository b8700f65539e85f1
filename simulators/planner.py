"""The control plane: it publishes plans of coming slots, late or not at all where it fails, round what is broken or worked on."""

from collections.abc import Sequence

import msgspec
import numpy as np

from ingest.contract.instants import NS_PER_S
from ingest.contract.packing import Record
from simulators.board import Board
from simulators.conditions import calm_network
from simulators.courses import tenths_ns
from simulators.drowned import Drowned
from simulators.faults import Change, Fault, is_routed_round
from simulators.fleet import Fleet
from simulators.network_conditions import NetworkConditions
from simulators.scheduler import Plan
from simulators.settings import Settings
from simulators.timetable import Timetable

# How the planner notes that nothing reaches a gateway.
_DROWNED_DB = 100.0


class Out(msgspec.Struct, frozen=True, kw_only=True):
    """What is published in one second.

    Attributes:
        plan_version: The newest.
        effective_at_ns: From when the first of it holds; None where nothing is published.
    """

    records: list[Record]
    plan_version: int
    effective_at_ns: int | None


class _Reaction(msgspec.Struct, frozen=True, kw_only=True):
    """What the planner learns at an instant of a fault's root: not to be used from then on, or whole again (None)."""

    at_ns: int
    from_ns: int | None = None
    fault: Fault


class Planner:
    """Publishes slot after slot, so far ahead; a slot whose plan is not out is served by nobody."""

    def __init__(self, timetable: Timetable, fleet: Fleet, settings: Settings, faults: Sequence[Fault]) -> None:
        self._timetable = timetable
        self._ahead_s = settings.plan_ahead_s
        self._first_at_ns = settings.first_at_ns
        self._to_ns = timetable.slots.start_at_ns(settings.first_at_ns)
        self._version = 0
        reactions = [reaction for fault in faults for reaction in self._reactions_to(fault)]
        self._reactions = sorted(reactions, key=lambda one: (one.at_ns, one.fault.number))
        self._belief = calm_network(fleet)
        self._board = Board(self._belief)
        self._drowned = Drowned(len(fleet.gateways), faults)

    def due(self, at_ns: int, network: NetworkConditions) -> Out:
        """Publish what is due by now: slots that come into reach, and those whose plan is no longer right.

        Args:
            at_ns: Now.
            network: What is true, of which only the control plane's own state and what gateways hear is looked at.
        """
        slots, control = self._timetable.slots, network.control
        running_ns = slots.start_at_ns(at_ns)
        # A slot that is over needs no plan any more.
        self._to_ns = max(self._to_ns, running_ns)
        if not control.publishing:
            return Out(records=[], plan_version=self._version, effective_at_ns=None)
        changed_ns = [ns for ns in (self._react(at_ns), self._see(at_ns, network)) if ns is not None]
        first_ns = max(running_ns, min(changed_ns, default=self._to_ns))
        horizon_ns = at_ns + round((self._ahead_s - control.delay_s) * NS_PER_S)
        self._to_ns = max(self._to_ns, slots.start_at_ns(horizon_ns) + slots.length_ns)
        starts = range(first_ns, self._to_ns, slots.length_ns)
        records = [record for start_ns in starts for record in self._publish(start_ns, at_ns)]
        effective_at_ns = self._valid_from_ns(starts[0], at_ns) if starts else None
        return Out(records=records, plan_version=self._version, effective_at_ns=effective_at_ns)

    def _reactions_to(self, fault: Fault) -> list[_Reaction]:
        begins_ns, from_ns = fault.routed_round_at_ns, fault.routed_round_at_ns
        if fault.spec.announced_s is not None and is_routed_round(fault.spec):
            # Work that is announced finds nobody there: the plans of its slots are made without it.
            begins_ns = max(self._first_at_ns, fault.started_at_ns - tenths_ns(fault.spec.announced_s))
            from_ns = self._timetable.slots.start_at_ns(fault.started_at_ns)
        if begins_ns is None:
            return []
        begins = _Reaction(at_ns=begins_ns, from_ns=from_ns, fault=fault)
        return [begins] if fault.ended_at_ns is None else [begins, _Reaction(at_ns=fault.ended_at_ns, fault=fault)]

    def _react(self, at_ns: int) -> int | None:
        """Plan round what is known by now; return from which slot on plans that are out already change, None for none."""
        changed_ns = None
        while self._reactions and self._reactions[0].at_ns <= at_ns:
            reaction = self._reactions.pop(0)
            broken = reaction.from_ns is not None
            self._board.apply(Change(at_ns=at_ns, fault=reaction.fault, level=float(broken), begins=broken))
            # What comes back is used from the first slot on that is not planned yet.
            from_ns = self._to_ns if reaction.from_ns is None else max(at_ns, reaction.from_ns)
            self._timetable.believe(self._belief, from_ns)
            if broken:
                slot_ns = self._timetable.slots.start_at_ns(from_ns)
                changed_ns = slot_ns if changed_ns is None else min(changed_ns, slot_ns)
        return changed_ns

    def _see(self, at_ns: int, network: NetworkConditions) -> int | None:
        """Plan without gateways that nothing reaches, and again with those that hear; return as `_react` does."""
        due = self._drowned.look(at_ns, network.gateways)
        if not due.any():
            return None
        self._belief.gateways.downlink_fade_db[:] = np.where(self._drowned.known, _DROWNED_DB, 0.0)
        lost = bool((due & self._drowned.known).any())
        self._timetable.believe(self._belief, at_ns if lost else self._to_ns)
        return self._timetable.slots.start_at_ns(at_ns) if lost else None

    def is_planned(self, at_ns: int) -> bool:
        """Tell whether the running slot's plan is out."""
        return self._timetable.slots.start_at_ns(at_ns) < self._to_ns

    def in_force(self, at_ns: int) -> Plan:
        """Return the running slot's plan, or one that serves nobody."""
        return self._timetable.plan_at(at_ns) if self.is_planned(at_ns) else self._timetable.nobody_at(at_ns)

    def _publish(self, start_at_ns: int, at_ns: int) -> list[Record]:
        valid_from_ns = self._valid_from_ns(start_at_ns, at_ns)
        published = self._timetable.publish(start_at_ns, min(at_ns, valid_from_ns), valid_from_ns)
        self._version = published.plan_version
        return published.records

    def _valid_from_ns(self, start_at_ns: int, at_ns: int) -> int:
        """A run begins in the middle of things: what it says in its first second has been in force before."""
        return start_at_ns if at_ns == self._first_at_ns else max(start_at_ns, at_ns)
