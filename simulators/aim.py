"""Aims the faults of a scenario: named roots first, then the wide ones, then terminals that no other fault touches."""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.contract.instants import NS_PER_S
from ingest.contract.vocabulary import CONTROL_PLANE_ID, MobilityClass, NetworkType, ServiceClass
from simulators.contract.faults import FaultKind
from simulators.courses import tenths_ns
from simulators.effects import EFFECTS, Dose, Who
from simulators.faults import Fault, Members, instants
from simulators.fleet import Fleet, attachment_pops
from simulators.geometry import Floats, surface_distance_km
from simulators.scenario import AUTO, BadScenario, FaultSpec, Near, Scenario
from simulators.timetable import Timetable

# Its own centre is within this of a cell's centre, whatever rounding does.
_SELF_KM = 0.1
_WIDE_FIRST = ("control_plane", "pipeline", "pop", "gateway", "satellite", "cell", "terminal")
# Who is served by a root is looked up in the plan of so many slots of its window.
_SLOTS_AT_MOST = 60

Flags = NDArray[np.bool_]


class _Wanted(msgspec.Struct, frozen=True):
    """A fault that has an instant and no root yet."""

    number: int
    spec: FaultSpec
    started_at_ns: int
    ended_at_ns: int | None
    routed_round_at_ns: int | None
    until_ns: int


def aim(
    scenario: Scenario,
    fleet: Fleet,
    timetable: Timetable,
    start_at_ns: int,
    run_end_at_ns: int,
    rng: np.random.Generator,
) -> list[Fault]:
    """Choose what breaks; faults that would start after the run are left out.

    Raises:
        BadScenario: A target is unknown, or nothing is left to choose from.
    """
    chooser = _Chooser(fleet, timetable, rng)
    order = sorted(range(len(scenario.fault)), key=lambda n: (_rank(scenario.fault[n]), n))
    found: dict[int, list[Fault]] = {}
    for place in order:
        spec = scenario.fault[place]
        first_at_ns = start_at_ns + tenths_ns(spec.start_s)
        wanted = []
        for _ in range(chooser.count(spec) if first_at_ns < run_end_at_ns else 0):
            at_ns = first_at_ns + tenths_ns(float(rng.uniform(0.0, spec.spread_s)) if spec.spread_s else 0.0)
            ended_at_ns, mended_at_ns = instants(spec, at_ns, run_end_at_ns)
            if at_ns < run_end_at_ns:
                wanted.append(_Wanted(0, spec, at_ns, ended_at_ns, mended_at_ns, ended_at_ns or run_end_at_ns))
        found[place] = chooser.aim(wanted)
    faults = [fault for place in sorted(found) for fault in found[place]]
    faults = [
        msgspec.structs.replace(fault, number=number, label_id=f"{fault.kind}-{number + 1:03d}")
        for number, fault in enumerate(faults)
    ]
    _refuse_twice(faults)
    return faults


def _rank(spec: FaultSpec) -> tuple[bool, bool, int]:
    """Order what is aimed: named roots, wide ones, those inside another's region, terminals."""
    wide = _WIDE_FIRST.index(spec.type.root)
    return spec.target == AUTO, spec.type.root == "terminal" or spec.inside is not None, wide


def _refuse_twice(faults: Sequence[Fault]) -> None:
    until_ns: dict[tuple[FaultKind, int], int | None] = {}
    for fault in sorted(faults, key=lambda one: one.started_at_ns):
        key = (fault.kind, fault.root_index)
        if key in until_ns and (until_ns[key] is None or fault.started_at_ns < (until_ns[key] or 0)):
            raise BadScenario(
                f"{fault.kind} at {fault.spec.start_s} s: {fault.root_id} is already broken then; take another target,"
                " or let the first fault end before"
            )
        until_ns[key] = fault.ended_at_ns


class _Chooser:
    """Aims one fault after the other and remembers what is taken, and when."""

    def __init__(self, fleet: Fleet, timetable: Timetable, rng: np.random.Generator) -> None:
        self._fleet = fleet
        self._timetable = timetable
        self._rng = rng
        self._roots_taken: set[tuple[str, int]] = set()
        self._terminals_taken: set[int] = set()
        self._windows: list[tuple[int, int, Flags]] = []
        self._regions: dict[FaultKind, Near] = {}
        self._per_cell = np.bincount(fleet.terminals.cell, minlength=len(fleet.cells))
        self._ids = {
            "terminal": [record.terminal_id for record in fleet.inventory.terminals],
            "satellite": [record.satellite_id for record in fleet.inventory.satellites],
            "gateway": [record.gateway_id for record in fleet.inventory.gateways],
            "pop": [record.pop_id for record in fleet.inventory.pops],
            "cell": [f"{cell_id:x}" for cell_id in fleet.cells.cell_ids.tolist()],
            "control_plane": [CONTROL_PLANE_ID],
            "pipeline": ["door"],
        }

    def count(self, spec: FaultSpec) -> int:
        """Say how many a scenario asks for."""
        if spec.share is None:
            return spec.count
        among = self._among(spec) if spec.type.root == "terminal" else np.ones(len(self._ids[spec.type.root]))
        return max(1, round(spec.share * float(np.sum(among))))

    def aim(self, wanted: list[_Wanted]) -> list[Fault]:
        """Give each of one spec's faults its root."""
        if not wanted:
            return []
        spec = wanted[0].spec
        if spec.type.root == "terminal":
            roots = [self._named(spec)] if spec.target != AUTO else self._terminals(spec, wanted)
            wanted = wanted[: len(roots)]
        else:
            roots = [self._wide(one) for one in wanted]
        return [self._fault(one, root) for one, root in zip(wanted, roots, strict=True)]

    def _fault(self, wanted: _Wanted, root: int) -> Fault:
        spec, effect = wanted.spec, EFFECTS[wanted.spec.kind]
        magnitude = round(float(self._rng.uniform(*effect.magnitude)), 3) if spec.magnitude is None else spec.magnitude
        dose = Dose(
            magnitude=magnitude,
            bearing_deg=round(float(self._rng.uniform(0.0, 359.9)), 1),
            started_at_ns=wanted.started_at_ns,
            length_s=(wanted.until_ns - wanted.started_at_ns) / NS_PER_S,
        )
        everything = self._reach(spec, root)
        return Fault(
            number=0,
            label_id="",
            kind=spec.kind,
            root_index=root,
            root_id=self._ids[spec.type.root][root],
            started_at_ns=wanted.started_at_ns,
            ended_at_ns=wanted.ended_at_ns,
            spec=spec,
            dose=dose,
            reach={write.place: everything[write.place] for write in effect.writes},
            members=everything["terminals"],
            routed_round_at_ns=wanted.routed_round_at_ns,
        )

    def _reach(self, spec: FaultSpec, root: int) -> dict[str, Members]:
        """Return everything that a root stands for, by the record of conditions."""
        one, none = np.array([root], dtype=np.int64), np.empty(0, dtype=np.int64)
        match spec.type.root:
            case "terminal":
                return {"terminals": one, "steering": one}
            case "cell":
                near = self._region(spec, root)
                cells = np.flatnonzero(self._within(near, *self._cell_places()))
                gateways = np.flatnonzero(self._within(near, *self._gateway_places()))
                inside = np.isin(self._fleet.terminals.cell, cells)
                return {"cells": cells, "gateways": gateways, "terminals": np.flatnonzero(inside)}
            case "pop":
                attachments = np.flatnonzero(attachment_pops(self._fleet) == root)
                return {"pops": one, "attachments": attachments, "terminals": none}
            case wide:
                return {f"{wide}s": one, "control": one, "door": one, "terminals": none}

    # --- terminals -------------------------------------------------------------------------------------------------

    def _terminals(self, spec: FaultSpec, wanted: list[_Wanted]) -> list[int]:
        free = self._among(spec)
        if spec.inside is None:
            free &= ~self._touched(min(one.started_at_ns for one in wanted), max(one.until_ns for one in wanted))
        free[list(self._terminals_taken)] = False
        places = np.flatnonzero(free)
        if len(places) < (1 if spec.share is not None else len(wanted)):
            raise BadScenario(
                f"no terminal is left for {spec.kind} at {spec.start_s} s ({len(wanted)} asked for, {len(places)} free):"
                " take more terminals"
            )
        roots: list[int] = self._rng.choice(places, min(len(wanted), len(places)), replace=False).tolist()
        self._terminals_taken.update(roots)
        return roots

    def _among(self, spec: FaultSpec) -> Flags:
        """Return the terminals that a spec may mean."""
        terminals = self._fleet.terminals
        still = (terminals.mobility == MobilityClass.FIXED) & ~terminals.at_edge
        match EFFECTS[spec.kind].who:
            case Who.ANY:
                chosen = np.ones(len(terminals), dtype=np.bool_)
            case Who.PRIVATE:
                chosen = still & (terminals.network_type != NetworkType.INTERNET)
            case Who.DUAL_PATH:
                chosen = still & terminals.dual_path
            case _:
                # One that reports seldom is not seen to fail before the run is over.
                chosen = still & (terminals.cadence_s == 1)
        if spec.type.decoy:
            # Nobody restarts, stows or covers a site that runs a plant without a word to those who run it.
            chosen = chosen & (terminals.service != ServiceClass.CRITICAL_OT)
        return chosen & self._filtered(spec)

    def _filtered(self, spec: FaultSpec) -> Flags:
        terminals, inventory = self._fleet.terminals, self._fleet.inventory
        chosen = np.ones(len(terminals), dtype=np.bool_)
        if spec.tenant is not None:
            tenant_ids = [record.tenant_id for record in inventory.tenants]
            chosen &= terminals.tenant == self._place_of(spec, spec.tenant, tenant_ids)
        if spec.terminal_model is not None:
            chosen &= terminals.model == spec.terminal_model
        if spec.country is not None:
            chosen &= np.array([record.country == spec.country for record in inventory.terminals])
        for near in self._confines(spec):
            chosen &= self._within(near, terminals.latitude_deg, terminals.longitude_deg)
        return chosen

    def _confines(self, spec: FaultSpec) -> list[Near]:
        """Return the regions that a spec is confined to."""
        region = None if spec.inside is None else self._regions.get(spec.inside)
        if spec.inside is not None and region is None:
            raise BadScenario(f"{spec.kind} at {spec.start_s} s: inside {spec.inside}, and there is no such fault")
        return [near for near in (spec.near, region) if near is not None]

    def _touched(self, from_ns: int, until_ns: int) -> Flags:
        """Return the terminals that a wide fault touches in this time."""
        touched = np.zeros(len(self._fleet.terminals), dtype=np.bool_)
        for begins_ns, ends_ns, who in self._windows:
            if begins_ns < until_ns and from_ns < ends_ns:
                touched |= who
        return touched

    # --- wider things ----------------------------------------------------------------------------------------------

    def _wide(self, wanted: _Wanted) -> int:
        spec, kind = wanted.spec, wanted.spec.type.root
        root = self._named(spec) if spec.target != AUTO else self._busiest(wanted)
        self._roots_taken.add((kind, root))
        if kind in {"cell", "gateway"}:
            self._regions.setdefault(spec.kind, self._region(spec, root))
        cells = self._cells_of(kind, root, wanted)
        self._windows.append((wanted.started_at_ns, wanted.until_ns, cells[self._fleet.terminals.cell]))
        return root

    def _busiest(self, wanted: _Wanted) -> int:
        """Choose who carries the most: of the terminals meant, and not taken."""
        spec, kind = wanted.spec, wanted.spec.type.root
        if kind in {"control_plane", "pipeline"}:
            return 0
        if kind == "cell":
            load = self._load_of_cells(spec, wanted.started_at_ns)
        else:
            served = self._served(kind, wanted.started_at_ns, wanted.until_ns)
            # Who serves many throughout, and somebody from the first second on.
            load = np.where(served[0] > 0, served.sum(axis=0), 0)
            if kind == "gateway":
                for near in self._confines(spec):
                    load = load * self._within(near, *self._gateway_places())
        if spec.kind in {FaultKind.ATTACHMENT_DOWN, FaultKind.ATTACHMENT_BGP_DOWN}:
            load = np.bincount(attachment_pops(self._fleet), minlength=len(load))
        load = load.astype(np.int64)
        if spec.inside is None:
            load[[index for taken, index in self._roots_taken if taken == kind]] = 0
        if not load.any():
            raise BadScenario(
                f"no {kind} is left that serves anybody when {spec.kind} starts at {spec.start_s} s: take more terminals,"
                f" or name a {kind} as target"
            )
        return int(load.argmax())

    def _load_of_cells(self, spec: FaultSpec, at_ns: int) -> NDArray[np.int64]:
        covered = self._timetable.plan_at(at_ns).satellite_index >= 0
        meant = np.bincount(self._fleet.terminals.cell[self._filtered(spec)], minlength=len(self._fleet.cells))
        return np.where(covered & ~np.isin(np.arange(len(covered)), self._edge_cells()), meant, 0)

    def _edge_cells(self) -> NDArray[np.int32]:
        return self._fleet.terminals.cell[self._fleet.terminals.at_edge]

    def _served(self, kind: str, from_ns: int, until_ns: int) -> NDArray[np.int64]:
        """Count the terminals that the plan lands at each; a row a slot."""
        size = len(self._ids[kind])
        counts = []
        for start_ns in self._slots(from_ns, until_ns):
            index = self._planned(kind, start_ns)
            covered = index >= 0
            counts.append(np.bincount(index[covered], weights=self._per_cell[covered], minlength=size))
        return np.array(counts).astype(np.int64)

    def _cells_of(self, kind: str, root: int, wanted: _Wanted) -> Flags:
        if kind == "cell":
            return self._within(self._region(wanted.spec, root), *self._cell_places())
        if kind in {"control_plane", "pipeline"}:
            return np.zeros(len(self._fleet.cells), dtype=np.bool_)
        slots = self._slots(wanted.started_at_ns, wanted.until_ns)
        return np.asarray(np.any([self._planned(kind, start_ns) == root for start_ns in slots], axis=0))

    def _planned(self, kind: str, at_ns: int) -> NDArray[np.int32]:
        plan = self._timetable.plan_at(at_ns)
        return {"satellite": plan.satellite_index, "gateway": plan.gateway_index, "pop": plan.pop_index}[kind]

    def _slots(self, from_ns: int, until_ns: int) -> list[int]:
        slots = self._timetable.slots
        return list(range(slots.start_at_ns(from_ns), until_ns, slots.length_ns))[:_SLOTS_AT_MOST]

    # --- places and names ------------------------------------------------------------------------------------------

    def _region(self, spec: FaultSpec, root: int) -> Near:
        """Return what a cell's fault reaches, or where a gateway stands."""
        places = self._cell_places() if spec.type.root == "cell" else self._gateway_places()
        latitude_deg, longitude_deg = (float(values[root]) for values in places)
        radius_km = EFFECTS[spec.kind].radius_km if spec.radius_km is None else spec.radius_km
        return Near(latitude_deg=latitude_deg, longitude_deg=longitude_deg, radius_km=max(radius_km, _SELF_KM))

    def _cell_places(self) -> tuple[Floats, Floats]:
        return self._fleet.cells.latitude_deg, self._fleet.cells.longitude_deg

    def _gateway_places(self) -> tuple[Floats, Floats]:
        return self._fleet.gateways.latitude_deg, self._fleet.gateways.longitude_deg

    def _within(self, near: Near, latitude_deg: Floats, longitude_deg: Floats) -> Flags:
        centre = np.array([near.latitude_deg]), np.array([near.longitude_deg])
        return np.asarray(surface_distance_km(*centre, latitude_deg, longitude_deg) <= near.radius_km)

    def _named(self, spec: FaultSpec) -> int:
        return self._place_of(spec, spec.target, self._ids[spec.type.root])

    def _place_of(self, spec: FaultSpec, name: str, ids: list[str]) -> int:
        if name not in ids:
            raise BadScenario(f"{spec.kind} at {spec.start_s} s: no {name!r} in this run (as in {ids[0]!r})")
        return ids.index(name)
