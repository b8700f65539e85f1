"""The one who plans a fleet's slots: it knows where satellites will be, and what it has been told of the network."""

from collections.abc import Sequence

import numpy as np
from msgspec import structs

from simulators.burns import displaced
from simulators.fleet import DOWNLINK_CAPACITY_BPS, Fleet
from simulators.frequencies import first_frequencies
from simulators.geometry import Floats
from simulators.network_conditions import NetworkConditions
from simulators.orbits import Motion, propagate
from simulators.path_health import known_resources
from simulators.scheduler import Plan, Resources, Rules, Slots, all_resources, plan_slot
from simulators.visibility import Ground, ground

# Of what its model can do, a terminal wants about so much on average (see readings.py).
_USUAL_DEMAND_RATIO = 0.15


class Assigner:
    """Plans slots; who plans them in order pays for each edge once."""

    def __init__(self, fleet: Fleet, slots: Slots, rules: Rules) -> None:
        self._fleet = fleet
        self._slots = slots
        self._rules = rules
        self._cells = ground(fleet.cells.latitude_deg, fleet.cells.longitude_deg)
        self._frequency = first_frequencies(fleet.cells)
        self._everyone = np.arange(len(fleet.carrying), dtype=np.int32)
        self._wanted_bps = _USUAL_DEMAND_RATIO * DOWNLINK_CAPACITY_BPS[fleet.terminals.model]
        self._edges: dict[int, Motion] = {}

    def assign(self, slot_start_at_ns: int, belief: NetworkConditions | None = None) -> Plan:
        """Plan a slot.

        Args:
            slot_start_at_ns: Its start.
            belief: What is taken to be true of the network; left out, that nothing is wrong.
        """
        return self._plan(slot_start_at_ns, belief, self._cells, slice(None), ())

    def elsewhere(
        self, slot_start_at_ns: int, belief: NetworkConditions | None, cell: int, without: Sequence[int]
    ) -> Plan:
        """Plan a slot for one cell alone, without some satellites."""
        place = slice(cell, cell + 1)
        alone = ground(self._fleet.cells.latitude_deg[place], self._fleet.cells.longitude_deg[place])
        return self._plan(slot_start_at_ns, belief, alone, place, without)

    def _plan(
        self,
        slot_start_at_ns: int,
        belief: NetworkConditions | None,
        cells: Ground,
        place: slice,
        without: Sequence[int],
    ) -> Plan:
        edges = slot_start_at_ns, slot_start_at_ns + self._slots.length_ns
        self._edges = {at_ns: self._edges.get(at_ns) or self._undisturbed(at_ns) for at_ns in edges}
        start_km, end_km = (self._positions_km(at_ns, belief) for at_ns in edges)
        resources = self._resources(slot_start_at_ns, belief)
        serves = resources.satellite_serves.copy()
        serves[list(without)] = False
        return plan_slot(
            slot_start_at_ns=slot_start_at_ns,
            cells=cells,
            frequency=self._frequency[place],
            segment=self._fleet.segment,
            peers=self._fleet.carrying.peers,
            resources=structs.replace(
                resources,
                satellite_serves=serves,
                cell_lit=resources.cell_lit[place],
                demand_bps=resources.demand_bps[place],
            ),
            ends_km=(start_km, end_km),
            rules=self._rules,
        )

    def _resources(self, slot_start_at_ns: int, belief: NetworkConditions | None) -> Resources:
        """Take what may be planned with; a cell in which nobody is, such as most of an ocean, gets no beam."""
        count = len(self._fleet.cells)
        cell = self._fleet.cell_at(slot_start_at_ns)
        demand_bps = np.bincount(cell, weights=self._wanted_bps, minlength=count).astype(np.float64)
        if belief is None:
            known = all_resources(self._fleet.segment, self._fleet.carrying.on_duty, count)
            known = structs.replace(known, demand_bps=demand_bps)
        else:
            known = known_resources(belief, len(self._everyone), demand_bps)
        return structs.replace(known, cell_lit=known.cell_lit & (demand_bps > 0.0))

    def _positions_km(self, at_ns: int, belief: NetworkConditions | None) -> Floats:
        motion = self._edges[at_ns]
        if belief is not None:
            motion = displaced(motion, np.array([at_ns], dtype=np.int64), belief.satellites, self._everyone)
        positions_km: Floats = motion.position_km[0]
        return positions_km

    def _undisturbed(self, at_ns: int) -> Motion:
        return propagate(self._fleet.carrying.satellites, np.array([at_ns], dtype=np.int64))
