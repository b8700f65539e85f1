"""The contact plan by slot, every version of it, so that a replay finds what was in force at each instant.

A plan is in force from the latest of its slot's start, its `valid_from_ns` and its publication: nobody can be held
against what had not been said. Of those in force the newest version counts, so a plan may replace a running slot's.
"""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ingest.contract.columns import Array, Columns
from ingest.contract.plan import PlanHeader
from ingest.contract.plan_parts import PlanParts
from ingest.contract.topics import DAY_S

# Telemetry is kept 24 h and the plan is said up to an hour ahead: whatever is read again finds its plan. With 100,000 cells
# a slot of 30 s takes 0.13 to 0.16 MB so packed, a day 0.4 GB; as arrays it would be 8 GB (docs/decisions/0007).
PLAN_HISTORY_S = DAY_S + 3_600
KEPT_SLOTS = PLAN_HISTORY_S // 30
PLANNED = ("satellite_index", "beam_id", "gateway_index", "pop_index")
# What no plan names.
UNKNOWN = -2
_CODEC = "zstd"
# Slots that are being asked about stay unpacked: those at the clock, the one before and the one behind.
_UNPACKED_COUNT = 8


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is planned for keys (cells or terminals), in as few bytes as it takes.

    Attributes:
        keys: Sorted; shared with the slot before where they are the same.
        packed: The columns, one behind another.
        types: Of each of `PLANNED`.
    """

    keys: Array
    packed: bytes
    types: tuple[str, ...]

    def unpack(self) -> dict[str, Array]:
        """Return the columns."""
        sizes = [len(self.keys) * np.dtype(dtype).itemsize for dtype in self.types]
        whole = pa.decompress(self.packed, sum(sizes), codec=_CODEC, asbytes=True) if sum(sizes) else b""
        edges = np.cumsum([0, *sizes]).tolist()
        return {
            name: np.frombuffer(whole[start:end], dtype).astype(np.int32)
            for name, dtype, start, end in zip(PLANNED, self.types, edges, edges[1:], strict=False)
        }


def _pack(keys: Array, columns: Columns, like: Array | None) -> _Rows:
    if len(keys) > 1 and not (keys[:-1] <= keys[1:]).all():
        order = np.argsort(keys, kind="stable")
        keys, columns = keys[order], {name: columns[name][order] for name in PLANNED}
    narrow = [columns[name].astype(_narrowest(columns[name]), copy=False) for name in PLANNED]
    whole = b"".join(values.tobytes() for values in narrow)
    packed = pa.compress(whole, codec=_CODEC, asbytes=True) if whole else b""
    shared = like if like is not None and np.array_equal(like, keys) else keys
    return _Rows(shared, packed, tuple(values.dtype.str for values in narrow))


def _narrowest(values: Array) -> np.dtype[np.signedinteger]:
    highest = int(values.max()) if len(values) else 0
    return next(np.dtype(t) for t in (np.int8, np.int16, np.int32) if highest <= np.iinfo(t).max)


@dataclass(frozen=True, slots=True, eq=False)
class SlotPlan:
    """One version of one slot's plan.

    Attributes:
        version: Of the plan.
        slot_start_ns: Of the slot.
        from_ns: It is in force from then on.
        published_at_ns: When it was said.
        cells, terminals: Rows of cells, and of terminals that are singled out.
    """

    version: int
    slot_start_ns: int
    from_ns: int
    published_at_ns: int
    cells: _Rows
    terminals: _Rows


class Stretch(NamedTuple):
    """A part of a slot under one plan."""

    start_ns: int
    plan: SlotPlan


class PlanBook:
    """Holds the plans of the last `KEPT_SLOTS` slots."""

    def __init__(self) -> None:
        self.version = 0
        self._slots: dict[int, list[SlotPlan]] = {}
        self._split: set[int] = set()
        self._parts = PlanParts[Columns]()
        self._newest: SlotPlan | None = None
        self._unpacked: deque[tuple[_Rows, dict[str, Array]]] = deque(maxlen=_UNPACKED_COUNT)

    def add(self, header: PlanHeader, columns: Columns) -> None:
        """Take one frame in; a slot's plan counts once its last part is here."""
        parts = self._parts.put(header, columns)
        if parts is not None:
            self._install(header, parts)

    def _install(self, header: PlanHeader, parts: list[Columns]) -> None:
        whole = {name: np.concatenate([p[name] for p in parts]) for name in ("cell_id", "terminal_index", *PLANNED)}
        single = whole["terminal_index"] >= 0
        plan = SlotPlan(
            version=header.plan_version,
            slot_start_ns=header.slot_start_ns,
            from_ns=max(header.slot_start_ns, header.valid_from_ns, header.published_at_ns),
            published_at_ns=header.published_at_ns,
            cells=self._rows(whole, ~single, "cell_id"),
            terminals=self._rows(whole, single, "terminal_index"),
        )
        versions = self._slots.setdefault(header.slot_start_ns, [])
        if all(known.version != plan.version for known in versions):
            versions.append(plan)
            versions.sort(key=lambda known: known.version)
        self._newest, self.version = plan, max(self.version, header.plan_version)
        if [stretch.start_ns for stretch in self.stretches(header.slot_start_ns)] != [header.slot_start_ns]:
            self._split.add(header.slot_start_ns)
        if len(self._slots) > KEPT_SLOTS:
            oldest_ns = min(self._slots)
            del self._slots[oldest_ns]
            self._split.discard(oldest_ns)

    def _rows(self, whole: Columns, chosen: Array, key: str) -> _Rows:
        like = None
        if self._newest is not None:
            like = (self._newest.cells if key == "cell_id" else self._newest.terminals).keys
        return _pack(whole[key][chosen], {name: whole[name][chosen] for name in PLANNED}, like)

    def stretches(self, slot_start_ns: int, version: int | None = None) -> list[Stretch]:
        """Return a slot's stretches in order under a version, or under the newest; the first may begin late."""
        plans = [p for p in self._slots.get(slot_start_ns, ()) if version is None or p.version <= version]
        if len(plans) == 1:
            return [Stretch(plans[0].from_ns, plans[0])]
        found: list[Stretch] = []
        for start_ns in sorted({plan.from_ns for plan in plans}):
            newest = max((p for p in plans if p.from_ns <= start_ns), key=lambda p: p.version)
            if not found or newest is not found[-1].plan:
                found.append(Stretch(start_ns, newest))
        return found

    def plan(self, slot_start_ns: int, at_ns: int, version: int | None = None) -> SlotPlan | None:
        """Return what is in force at an instant of a slot, under a version or under the newest."""
        at_ns = max(at_ns, slot_start_ns)
        begun = [stretch.plan for stretch in self.stretches(slot_start_ns, version) if stretch.start_ns <= at_ns]
        return begun[-1] if begun else None

    @property
    def has_splits(self) -> bool:
        """Whether the plan of any running slot was ever replaced: seldom, and then nobody need ask which."""
        return bool(self._split)

    def is_split(self, from_slot_ns: int, to_slot_ns: int) -> bool:
        """Say whether a slot that starts there is not under one plan from its start to its end."""
        return any(from_slot_ns <= slot_ns <= to_slot_ns for slot_ns in self._split)

    def by_cell(self, plan: SlotPlan) -> dict[str, Array]:
        """Return what is planned for all cells."""
        return self._unpack(plan.cells)

    def rows(self, plan: SlotPlan, cell_ids: Array, terminals: Array) -> dict[str, Array]:
        """Return what is planned for each terminal; -1 where nothing is, -2 where neither it nor its cell is planned."""
        found = self._look_up(plan.cells, cell_ids)
        if len(plan.terminals.keys):
            single = self._look_up(plan.terminals, terminals)
            known = single["satellite_index"] != UNKNOWN
            found = {name: np.where(known, single[name], values) for name, values in found.items()}
        return found

    def _look_up(self, rows: _Rows, wanted: Array) -> dict[str, Array]:
        if not len(rows.keys):
            return {name: np.full(len(wanted), UNKNOWN, np.int32) for name in PLANNED}
        at = np.minimum(np.searchsorted(rows.keys, wanted), len(rows.keys) - 1)
        known = rows.keys[at] == wanted
        return {name: np.where(known, values[at], UNKNOWN) for name, values in self._unpack(rows).items()}

    def _unpack(self, rows: _Rows) -> dict[str, Array]:
        for known, columns in self._unpacked:
            if known is rows:
                return columns
        columns = rows.unpack()
        self._unpacked.append((rows, columns))
        return columns
