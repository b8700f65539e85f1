"""What the detectors know besides the samples: inventory, plan, maintenance, thresholds; asked by shard, answered in arrays."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ingest.contract.columns import Array
from ingest.contract.control import MaintenanceWindow, ThresholdChange
from ingest.contract.frame import TelemetryHeader
from ingest.contract.instants import NS_PER_S
from ingest.contract.inventory import Inventory
from ingest.contract.vocabulary import MobilityClass, ServiceClass, SubjectKind
from streams import maintenance as windows
from streams.plan_book import PLANNED, UNKNOWN, PlanBook, SlotPlan
from streams.thresholds import Thresholds, changed, in_force


@dataclass(frozen=True, slots=True)
class ShardFacts:
    """What the inventory says of a shard's terminals, by place.

    Attributes:
        shard: Which one.
        terminals: Their indexes.
        tenants: Whose they are.
        model: Their hardware.
        cell_ids: The cells that they are planned in.
        cadence_ns: How often they report.
        outage_ns: How long a bad run is an outage.
        patience_ns: How long they may be silent before they are suspected.
        least_silence_ns: The shortest silence that anything is made of, of any of them.
        moves: Whether tilt is judged by the desired boresight and not by a reference.
        keeps_still: Whether it has a reference that it should keep.
        reference_azimuth_deg, reference_tilt_deg: Of the face at commissioning; NaN where there is none.
    """

    shard: int
    terminals: Array
    tenants: Array
    model: Array
    cell_ids: Array
    cadence_ns: Array
    outage_ns: Array
    patience_ns: Array
    least_silence_ns: int
    moves: Array
    keeps_still: Array
    reference_azimuth_deg: Array
    reference_tilt_deg: Array


# Slots whose plan is held by place, for each shard: 16 bytes a terminal and slot; what is older is looked up again.
KEPT_ROWS = 8


class Turn(NamedTuple):
    """What the plan of a stretch asks of each terminal, by place.

    Attributes:
        satellite: Who is to serve; -1 nobody, -2 neither the terminal nor its cell is in the plan.
        before: Who was to serve before that.
        since_ns: Since when: a new plan that asks the same of a terminal begins nothing for it.
        planned: The columns of the stretch.
    """

    satellite: Array
    before: Array
    since_ns: Array
    planned: dict[str, Array]


@dataclass(frozen=True, eq=False)
class Knowledge:
    """All that is known at one moment; `for_frame` gives what of it a frame may be judged by.

    Attributes:
        inventory: Who is who.
        plan: What was said to happen.
        thresholds: What counts as what.
        maintenance: Planned work, every version of every window.
        changes: Of thresholds, valid ones.
        threshold_version: The highest said, whether or not it has an effect.
    """

    inventory: Inventory
    plan: PlanBook = field(default_factory=PlanBook)
    thresholds: Thresholds = field(default_factory=Thresholds)
    maintenance: tuple[MaintenanceWindow, ...] = ()
    changes: tuple[ThresholdChange, ...] = ()
    threshold_version: int = 0
    _facts: dict[int, ShardFacts] = field(default_factory=dict)
    _planned: dict[tuple[int, int, int], dict[str, Array]] = field(default_factory=dict)
    _indexes: dict[tuple[SubjectKind, str], int | None] = field(default_factory=dict)
    _views: dict[tuple[int, tuple[ThresholdChange, ...]], "Knowledge"] = field(default_factory=dict)

    @cached_property
    def maintenance_version(self) -> int:
        """The highest said."""
        return max((window.version for window in self.maintenance), default=0)

    def has_versions(self, header: TelemetryHeader) -> bool:
        """Say whether everything that a frame names is here."""
        return (
            self.inventory.version >= header.inventory_version
            and self.plan.version >= header.plan_version
            and self.maintenance_version >= header.maintenance_version
            and self.threshold_version >= header.threshold_version
        )

    def for_frame(self, header: TelemetryHeader) -> "Knowledge":
        """Return what a frame is judged by: the versions it names, and of the thresholds those that hold when it came."""
        if not self.changes and not self.maintenance:
            return self
        applied = in_force(self.changes, header.threshold_version, header.received_at_ns)
        key = header.maintenance_version, applied
        if key not in self._views:
            self._views[key] = self._view(header.maintenance_version, applied)
        return self._views[key]

    def _view(self, maintenance_version: int, applied: Iterable[ThresholdChange]) -> "Knowledge":
        thresholds = self.thresholds
        for change in applied:
            thresholds = changed(thresholds, change)
        return replace(
            self,
            thresholds=thresholds,
            maintenance=windows.standing(self.maintenance, maintenance_version),
            changes=(),
            _facts=self._facts if thresholds == self.thresholds else {},
            _views={},
        )

    def slot_start_ns(self, at_ns: Array) -> Array:
        """Return the start of the slot that holds each instant."""
        slots = self.inventory.deployment
        starts: Array = at_ns - (at_ns - slots.slot_phase_ns) % slots.slot_length_ns
        return starts

    @property
    def slot_length_ns(self) -> int:
        """Length of a slot."""
        return self.inventory.deployment.slot_length_ns

    def facts(self, shard: int) -> ShardFacts:
        """Return what the inventory says of a shard's terminals."""
        if shard not in self._facts:
            self._facts[shard] = self._gather(shard)
        return self._facts[shard]

    def stretch_start_ns(self, at_ns: Array, version: int) -> Array:
        """Return the start of the stretch under one plan that holds each instant: its slot's, or a later plan's in it."""
        starts = self.slot_start_ns(at_ns)
        for slot_ns in distinct(starts) if self.plan.has_splits else ():
            if self.plan.is_split(slot_ns, slot_ns):
                edges = np.array([slot_ns, *(stretch.start_ns for stretch in self.plan.stretches(slot_ns, version))])
                rows = starts == slot_ns
                starts[rows] = edges[np.searchsorted(edges, at_ns[rows], side="right") - 1]
        return starts

    def slot_end_ns(self, at_ns: int) -> int:
        """Return the end of the slot that holds an instant."""
        return self._slot_of(at_ns) + self.slot_length_ns

    def is_replanned(self, from_ns: int, to_ns: int) -> bool:
        """Say whether a plan was replaced in a slot that these instants touch, or in the one before."""
        if not self.plan.has_splits:
            return False
        first_ns, last_ns = self.slot_start_ns(np.array([from_ns, to_ns])).tolist()
        return self.plan.is_split(first_ns - self.slot_length_ns, last_ns)

    def replaced(self, from_ns: int, to_ns: int) -> list[tuple[int, int]]:
        """Return when running slots' plans were replaced in a time, each with the version of the new plan."""
        if not self.plan.has_splits:
            return []
        first_ns, last_ns = self._slot_of(from_ns), self._slot_of(to_ns)
        slots = range(first_ns, last_ns + 1, self.slot_length_ns)
        stretches = [each for slot_ns in slots for each in self.plan.stretches(slot_ns) if each.start_ns > slot_ns]
        return [(each.start_ns, each.plan.version) for each in stretches if from_ns <= each.start_ns <= to_ns]

    def planned(self, shard: int, at_ns: int, version: int) -> dict[str, Array] | None:
        """Return what is planned at an instant by place, under a version: `PLANNED` columns, -1 nothing, -2 unknown; None if there is no plan."""
        plan = self.plan.plan(self._slot_of(at_ns), at_ns, version)
        return None if plan is None else self._rows(shard, plan)

    def turn(self, shard: int, at_ns: int, version: int) -> Turn | None:
        """Return what the stretch that holds an instant asks of each terminal; None without its plan or the one before."""
        slot_ns = self._slot_of(at_ns)
        before = self.planned(shard, slot_ns - 1, version)
        stretches = [s for s in self.plan.stretches(slot_ns, version) if s.start_ns <= at_ns]
        if before is None or not stretches:
            return None
        planned = self._rows(shard, stretches[0].plan)
        since_ns = np.broadcast_to(np.int64(stretches[0].start_ns), len(planned["satellite_index"]))
        turn = Turn(planned["satellite_index"], before["satellite_index"], since_ns, planned)
        for stretch in stretches[1:]:
            turn = _turned(turn, self._rows(shard, stretch.plan), stretch.start_ns)
        return turn

    def next_stretch(self, at_ns: int, version: int) -> tuple[int, SlotPlan | None]:
        """Return start and plan of what comes after the stretch that holds an instant; no plan where none is known."""
        slot_ns = self._slot_of(at_ns)
        later = [stretch for stretch in self.plan.stretches(slot_ns, version) if stretch.start_ns > at_ns]
        if later:
            return later[0]
        next_ns = slot_ns + self.slot_length_ns
        return next_ns, self.plan.plan(next_ns, next_ns, version)

    def planned_satellites(self, at_ns: int) -> Array:
        """Return the satellites that the newest plan has serve a cell at an instant, each once for every cell."""
        plan = self.plan.plan(self._slot_of(at_ns), at_ns)
        serving = np.empty(0, np.int32) if plan is None else self.plan.by_cell(plan)["satellite_index"]
        return serving[serving >= 0]

    def plan_at(self, at_ns: int) -> SlotPlan | None:
        """Return the newest plan of an instant; None where there is none."""
        return self.plan.plan(self._slot_of(at_ns), at_ns)

    def in_maintenance(
        self, facts: ShardFacts, satellites: Array, gateways: Array, places: Array, start_ns: Array, plan_version: int
    ) -> Array:
        """Say for each row whether planned work on anything that serves or is planned to serve it explains its trouble.

        A trouble began within the report before it was seen, so the plan of when it was seen counts, as for every cause.

        Args:
            facts: Of the shard.
            satellites: That served last.
            gateways: That served last.
            places: Of the terminals.
            start_ns: When the troubles began, as far as is known.
            plan_version: Of the plan.
        """
        if not self.maintenance:
            return np.zeros(len(places), bool)
        seen_ns = start_ns + facts.cadence_ns[places]
        planned = self.planned_at(facts.shard, places, seen_ns, plan_version)
        subjects = {
            SubjectKind.TERMINAL: (facts.terminals[places],),
            SubjectKind.TENANT: (facts.tenants[places],),
            SubjectKind.CELL: (facts.cell_ids[places],),
            SubjectKind.SATELLITE: (satellites, planned["satellite_index"]),
            SubjectKind.GATEWAY: (gateways, planned["gateway_index"]),
            SubjectKind.POP: (planned["pop_index"],),
        }
        return windows.covered(self.maintenance, self._index_of, subjects, start_ns, seen_ns)

    def works_on(self, kind: SubjectKind, index: int, at_ns: int) -> bool:
        """Say whether planned work on one thing covers an instant."""
        subjects = {each: (np.array([index]),) if each is kind else () for each in SubjectKind}
        at = np.array([at_ns])
        return bool(windows.covered(self.maintenance, self._index_of, subjects, at, at)[0])

    def planned_at(self, shard: int, places: Array, at_ns: Array, version: int) -> dict[str, Array]:
        """Return what the plan gives places at instants: `PLANNED` columns, -1 nothing, -2 unknown."""
        found = {name: np.full(len(places), UNKNOWN, np.int32) for name in PLANNED}
        starts_ns = self.stretch_start_ns(at_ns, version)
        for start_ns in distinct(starts_ns):
            planned = self.planned(shard, start_ns, version)
            rows = starts_ns == start_ns
            if planned is not None:
                for name, values in found.items():
                    values[rows] = planned[name][places[rows]]
        return found

    def _slot_of(self, at_ns: int) -> int:
        return int(self.slot_start_ns(np.array([at_ns]))[0])

    def _rows(self, shard: int, plan: SlotPlan) -> dict[str, Array]:
        key = shard, plan.slot_start_ns, plan.version
        if key not in self._planned:
            if len(self._planned) >= KEPT_ROWS * self.inventory.shard_count:
                del self._planned[next(iter(self._planned))]
            facts = self.facts(shard)
            self._planned[key] = self.plan.rows(plan, facts.cell_ids, facts.terminals)
        return self._planned[key]

    def _index_of(self, kind: SubjectKind, subject_id: str) -> int | None:
        if kind is SubjectKind.CELL:
            return int(subject_id, 16)
        if (kind, subject_id) not in self._indexes:
            self._indexes[kind, subject_id] = _find(self.inventory, kind, subject_id)
        return self._indexes[kind, subject_id]

    def _gather(self, shard: int) -> ShardFacts:
        mine = self.inventory.terminals[shard :: self.inventory.shard_count]
        tilt_deg = np.array([_or_nan(t.aligned_tilt_deg) for t in mine], np.float32)
        azimuth_deg = np.array([_or_nan(t.aligned_azimuth_deg) for t in mine], np.float32)
        moves = np.array([t.mobility >= MobilityClass.LAND for t in mine], bool)
        critical = np.array([t.service is ServiceClass.CRITICAL_OT for t in mine], bool)
        cadence_ns = np.array([round(t.cadence_s * NS_PER_S) for t in mine], np.int64)
        limits = self.thresholds
        outage_ns = np.where(critical, limits.critical_outage_ns, limits.outage_ns)
        patience_ns = np.maximum(limits.silence_ns, limits.silence_cadences * cadence_ns)
        return ShardFacts(
            shard=shard,
            tenants=np.array([t.tenant_index for t in mine], np.int32),
            terminals=np.array([t.terminal_index for t in mine], np.int32),
            model=np.array([t.model for t in mine], np.int8),
            cell_ids=np.array([t.cell_id for t in mine], np.int64),
            cadence_ns=cadence_ns,
            outage_ns=outage_ns,
            patience_ns=patience_ns,
            least_silence_ns=int(np.minimum(patience_ns, outage_ns + cadence_ns).min(initial=limits.silence_ns)),
            moves=moves,
            keeps_still=~moves & np.isfinite(tilt_deg) & np.isfinite(azimuth_deg),
            reference_azimuth_deg=azimuth_deg,
            reference_tilt_deg=tilt_deg,
        )


def distinct(starts_ns: Array) -> list[int]:
    """Return the starts that occur, each once, in order; nearly always there is one, and then nothing is sorted."""
    if not len(starts_ns):
        return []
    first, last = int(starts_ns.min()), int(starts_ns.max())
    return [first] if first == last else np.unique(starts_ns).tolist()


def _turned(turn: Turn, planned: dict[str, Array], start_ns: int) -> Turn:
    """Return what is asked once a new plan has replaced the running one."""
    begins = planned["satellite_index"] != turn.satellite
    return Turn(
        satellite=planned["satellite_index"],
        before=np.where(begins, turn.satellite, turn.before),
        since_ns=np.where(begins, start_ns, turn.since_ns),
        planned=planned,
    )


def _find(inventory: Inventory, kind: SubjectKind, subject_id: str) -> int | None:
    """Return the index of a record by its id; a million terminals are gone through once for a window, not kept by name."""
    name = kind.name.lower()
    records = getattr(inventory, f"{name}s")
    return next((i for i, record in enumerate(records) if getattr(record, f"{name}_id") == subject_id), None)


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
