"""What the detectors know besides the samples: inventory, plan, maintenance, thresholds; asked by shard, answered in arrays."""

from dataclasses import dataclass, field

import numpy as np

from ingest.contract.columns import MISSING, Array, Columns
from ingest.contract.control import MaintenanceWindow
from ingest.contract.frame import TelemetryHeader
from ingest.contract.instants import NS_PER_S
from ingest.contract.inventory import Inventory
from ingest.contract.plan import PlanHeader
from ingest.contract.vocabulary import MobilityClass, ServiceClass, SubjectKind
from streams.thresholds import Thresholds

# A plan is asked about the slots that the lateness bound and the stored ring can reach, and those ahead.
KEPT_SLOTS = 120
PLANNED = ("satellite_index", "beam_id", "gateway_index", "pop_index")


@dataclass(frozen=True, slots=True)
class _SlotPlan:
    """One version of one slot's plan: rows sorted by cell, and those of single terminals sorted by terminal."""

    version: int
    valid_from_ns: int
    cell_ids: Array
    by_cell: dict[str, Array]
    terminals: Array
    by_terminal: dict[str, Array]

    def rows(self, cell_ids: Array, terminals: Array) -> dict[str, Array]:
        """Return what is planned for each terminal; -1 where nothing is, -2 where its cell is not in the plan."""
        found = _look_up(self.cell_ids, self.by_cell, cell_ids)
        if len(self.terminals):
            single = _look_up(self.terminals, self.by_terminal, terminals)
            known = single["satellite_index"] != _UNKNOWN
            found = {name: np.where(known, single[name], values) for name, values in found.items()}
        return found


_UNKNOWN = -2


def _look_up(keys: Array, columns: dict[str, Array], wanted: Array) -> dict[str, Array]:
    if not len(keys):
        return {name: np.full(len(wanted), _UNKNOWN, np.int32) for name in PLANNED}
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    known = keys[at] == wanted
    return {name: np.where(known, columns[name][at], _UNKNOWN) for name in PLANNED}


class PlanBook:
    """The contact plan by slot, every version of it, so that a replay finds what was in force."""

    def __init__(self) -> None:
        self.version = 0
        self._slots: dict[int, list[_SlotPlan]] = {}
        self._parts: dict[tuple[int, int], dict[int, Columns]] = {}
        self._ends: dict[tuple[int, int], int] = {}

    def add(self, header: PlanHeader, columns: Columns) -> None:
        """Take one frame in; a slot's plan counts once its last part is here."""
        key = header.slot_start_ns, header.plan_version
        parts = self._parts.setdefault(key, {})
        parts[header.part] = columns
        if header.complete:
            self._ends[key] = header.part + 1
        if len(parts) == self._ends.get(key):
            del self._parts[key], self._ends[key]
            self._install(header, [parts[part] for part in sorted(parts)])

    def _install(self, header: PlanHeader, parts: list[Columns]) -> None:
        names = ("cell_id", "terminal_index", *PLANNED)
        whole = {name: np.concatenate([part[name] for part in parts]) for name in names}
        single = whole["terminal_index"] >= 0
        cells, terminals = _sorted(whole, ~single, "cell_id"), _sorted(whole, single, "terminal_index")
        plan = _SlotPlan(
            version=header.plan_version,
            valid_from_ns=header.valid_from_ns,
            cell_ids=cells["cell_id"],
            by_cell=cells,
            terminals=terminals["terminal_index"],
            by_terminal=terminals,
        )
        versions = self._slots.setdefault(header.slot_start_ns, [])
        if all(known.version != plan.version for known in versions):
            versions.append(plan)
            versions.sort(key=lambda known: known.version)
        self.version = max(self.version, header.plan_version)
        for old in sorted(self._slots)[:-KEPT_SLOTS]:
            del self._slots[old]

    def plan(self, slot_start_ns: int, at_ns: int, version: int | None = None) -> _SlotPlan | None:
        """Return what was in force for an instant of a slot, under a version or under the newest."""
        for known in reversed(self._slots.get(slot_start_ns, [])):
            if (version is None or known.version <= version) and known.valid_from_ns <= max(at_ns, slot_start_ns):
                return known
        return None


def _sorted(columns: dict[str, Array], rows: Array, key: str) -> dict[str, Array]:
    kept = {name: values[rows] for name, values in columns.items()}
    order = np.argsort(kept[key], kind="stable")
    return {name: values[order] for name, values in kept.items()}


@dataclass(frozen=True, slots=True)
class ShardFacts:
    """What the inventory says of a shard's terminals, by place.

    Attributes:
        terminals: Their indexes.
        cell_ids: The cells that they are planned in.
        cadence_ns: How often they report.
        outage_ns: How long a bad run is an outage.
        moves: Whether tilt is judged by the desired boresight and not by a reference.
        keeps_still: Whether it has a reference that it should keep.
        reference_azimuth_deg, reference_tilt_deg: Of the face at commissioning; NaN where there is none.
    """

    terminals: Array
    cell_ids: Array
    cadence_ns: Array
    outage_ns: Array
    moves: Array
    keeps_still: Array
    reference_azimuth_deg: Array
    reference_tilt_deg: Array


@dataclass(frozen=True, eq=False)
class Knowledge:
    """All that is known at one moment.

    Attributes:
        inventory: Who is who.
        plan: What was said to happen.
        thresholds: What counts as what.
        maintenance: Planned work.
    """

    inventory: Inventory
    plan: PlanBook = field(default_factory=PlanBook)
    thresholds: Thresholds = field(default_factory=Thresholds)
    maintenance: tuple[MaintenanceWindow, ...] = ()
    _facts: dict[int, ShardFacts] = field(default_factory=dict)
    _planned: dict[tuple[int, int, int], dict[str, Array]] = field(default_factory=dict)

    def has_versions(self, header: TelemetryHeader) -> bool:
        """Say whether everything that a frame names is here."""
        maintenance = max((window.version for window in self.maintenance), default=0)
        return (
            self.inventory.version >= header.inventory_version
            and self.plan.version >= header.plan_version
            and maintenance >= header.maintenance_version
            and self.thresholds.version >= header.threshold_version
        )

    def slot_start_ns(self, at_ns: Array) -> Array:
        """Return the start of the slot that holds each instant."""
        length = round(self.inventory.deployment.slot_length_s * NS_PER_S)
        phase = round(self.inventory.deployment.slot_phase_s * NS_PER_S)
        starts: Array = at_ns - (at_ns - phase) % length
        return starts

    @property
    def slot_length_ns(self) -> int:
        """Length of a slot."""
        return round(self.inventory.deployment.slot_length_s * NS_PER_S)

    def facts(self, shard: int) -> ShardFacts:
        """Return what the inventory says of a shard's terminals."""
        if shard not in self._facts:
            self._facts[shard] = self._gather(shard)
        return self._facts[shard]

    def planned(self, shard: int, slot_start_ns: int, version: int) -> dict[str, Array] | None:
        """Return the plan of a slot by place, under a version: `PLANNED` columns, -1 nothing, -2 unknown; None if there is no plan."""
        plan = self.plan.plan(slot_start_ns, slot_start_ns, version)
        if plan is None:
            return None
        key = shard, slot_start_ns, plan.version
        if key not in self._planned:
            if len(self._planned) > 64 * max(1, self.inventory.shard_count):
                self._planned.clear()
            facts = self.facts(shard)
            self._planned[key] = plan.rows(facts.cell_ids, facts.terminals)
        return self._planned[key]

    def planned_gateway(self, terminal_index: int, at_ns: int) -> int:
        """Return the gateway that the plan gives a terminal at an instant; -1 for none."""
        slot_start_ns = int(self.slot_start_ns(np.array([at_ns]))[0])
        plan = self.plan.plan(slot_start_ns, at_ns)
        if plan is None:
            return MISSING
        cell_ids = np.array([self.inventory.terminals[terminal_index].cell_id])
        return max(MISSING, int(plan.rows(cell_ids, np.array([terminal_index]))["gateway_index"][0]))

    def in_maintenance(self, facts: ShardFacts, gateways: Array, places: Array, at_ns: Array) -> Array:
        """Say for each row whether a maintenance window on its terminal or its gateway covers the instant."""
        covered = np.zeros(len(places), bool)
        for window in self.maintenance:
            if window.cancelled:
                continue
            inside = (window.start_at_ns <= at_ns) & (at_ns < window.end_at_ns)
            if window.subject_kind is SubjectKind.TERMINAL:
                inside &= facts.terminals[places] == self._index_of(window)
            elif window.subject_kind is SubjectKind.GATEWAY:
                inside &= gateways == self._index_of(window)
            else:
                continue
            covered |= inside
        return covered

    def _index_of(self, window: MaintenanceWindow) -> int:
        terminal = window.subject_kind is SubjectKind.TERMINAL
        ids = (
            {t.terminal_id: t.terminal_index for t in self.inventory.terminals}
            if terminal
            else {g.gateway_id: g.gateway_index for g in self.inventory.gateways}
        )
        return ids.get(window.subject_id, MISSING)

    def _gather(self, shard: int) -> ShardFacts:
        mine = self.inventory.terminals[shard :: self.inventory.shard_count]
        tilt_deg = np.array([_or_nan(t.aligned_tilt_deg) for t in mine], np.float32)
        azimuth_deg = np.array([_or_nan(t.aligned_azimuth_deg) for t in mine], np.float32)
        moves = np.array([t.mobility >= MobilityClass.LAND for t in mine], bool)
        critical = np.array([t.service is ServiceClass.CRITICAL_OT for t in mine], bool)
        return ShardFacts(
            terminals=np.array([t.terminal_index for t in mine], np.int32),
            cell_ids=np.array([t.cell_id for t in mine], np.int64),
            cadence_ns=np.array([round(t.cadence_s * NS_PER_S) for t in mine], np.int64),
            outage_ns=np.where(critical, self.thresholds.critical_outage_ns, self.thresholds.outage_ns),
            moves=moves,
            keeps_still=~moves & np.isfinite(tilt_deg) & np.isfinite(azimuth_deg),
            reference_azimuth_deg=azimuth_deg,
            reference_tilt_deg=tilt_deg,
        )


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
