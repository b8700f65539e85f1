"""Writes down what really happened, straight from the latent state; it looks on and touches nothing."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.contract.columns import Array
from ingest.contract.instants import to_rfc3339
from simulators.causes import CAUSES, HANDOVER, IN_SERVICE, Codes
from simulators.contract.truth import STEP_NS, TABLES, Label, NoServiceCause, encode_label
from simulators.effects import EFFECTS
from simulators.faults import Change, Fault
from simulators.fleet import Fleet
from simulators.mobility import Mobility
from simulators.scheduler import NONE
from simulators.service import Service

LABELS_FILE = "labels.jsonl"
_ROWS_AT_ONCE = 20_000
_TENTHS = 10

T = TypeVar("T")
# Terminals, satellites and the instant of handovers to when they were planned, and how they stand to the plan.
Conforms: TypeAlias = Callable[[Array, Array, int], tuple[list[int | None], list[str | None]]]


class NoTruth:
    """Nobody writes it down."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave."""

    def begin(self, fleet: Fleet, faults: list[Fault], at_ns: int, conforms: Conforms) -> None:
        """Start at this instant."""

    def changed(self, change: Change, service: Service) -> None:
        """Note a fault that has begun or ended."""

    def lived(self, at_ns: int, latent: Codes, service: Service) -> None:
        """Note a second's causes: a row a tenth, or one row for all ten."""

    def end(self) -> None:
        """Stop."""


class TruthLog(NoTruth):
    """Writes the truth files of `simulators.contract.truth` into a folder, in row groups, so that memory stays flat."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tables: dict[str, _Table] = {}

    def begin(self, fleet: Fleet, faults: list[Fault], at_ns: int, conforms: Conforms) -> None:
        """Open the files; the first attitude of each terminal is the one at commissioning."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._tables = {name: _Table(self._folder / f"{name}.parquet", schema) for name, schema in TABLES.items()}
        self._faults, self._conforms = faults, conforms
        self._terminal_ids = np.array([terminal.terminal_id for terminal in fleet.inventory.terminals], dtype=object)
        self._satellite_ids = np.array(
            [satellite.satellite_id for satellite in fleet.inventory.satellites], dtype=object
        )
        count = len(self._terminal_ids)
        self._codes = np.full(count, IN_SERVICE, dtype=np.int8)
        self._since_ns = np.full(count, at_ns, dtype=np.int64)
        self._label = np.full(count, NONE, dtype=np.int32)
        self._last_satellite = np.full(count, NONE, dtype=np.int32)
        self._served = np.zeros(count, dtype=np.bool_)
        self._blamed = _Blamed(fleet)
        self._affected: list[set[int]] = [set() for _ in faults]
        self._marking: dict[int, Fault] = {}
        terminals = fleet.terminals
        self._faces("attitude", np.arange(count), at_ns, terminals.aligned_tilt_deg, terminals.aligned_azimuth_deg)

    def changed(self, change: Change, service: Service) -> None:
        """Remember whose fault the next outages are, whom it touches, and where a face came to point."""
        fault, effect = change.fault, EFFECTS[change.fault.kind]
        if change.level > 0.0:
            self._blamed.blame(fault)
        if effect.marks:
            self._marking[fault.number] = fault
            self._mark(fault, service)
            if change.level == 0.0:
                del self._marking[fault.number]
        if any(write.name == "tilt_deg" for write in effect.writes):
            who = fault.members
            faces = service.conditions
            self._faces("attitude", who, change.at_ns, faces.tilt_deg[who], faces.azimuth_deg[who])

    def lived(self, at_ns: int, latent: Codes, service: Service) -> None:
        """Write intervals that end and handovers that happen in this second."""
        if service.entered_at_ns == at_ns:
            for fault in self._marking.values():
                self._mark(fault, service)
        for tenth, codes in enumerate(latent):
            if not np.array_equal(codes, self._codes) or tenth == 0:
                self._step(at_ns + tenth * STEP_NS, codes, service)
        self._sway(at_ns, service.dishes.mobility)

    def end(self) -> None:
        """Write what still stands, and the labels."""
        standing = np.flatnonzero(self._codes != IN_SERVICE)
        self._intervals(standing, None)
        with (self._folder / LABELS_FILE).open("wb") as file:
            for fault in self._faults:
                affected = self._terminal_ids[sorted(self._affected[fault.number])].tolist()
                file.write(encode_label(_label(fault, affected)) + b"\n")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the files, whatever happened."""
        for table in self._tables.values():
            table.close()

    def _step(self, at_ns: int, codes: Codes, service: Service) -> None:
        turned = codes != self._codes
        ended = np.flatnonzero(turned & (self._codes != IN_SERVICE))
        self._intervals(ended, at_ns)
        begun = np.flatnonzero(turned)
        self._codes = codes.copy()
        self._since_ns[begun] = at_ns
        self._label[begun] = self._labels(begun, service)
        self._note_affected(begun)
        self._handovers(at_ns, codes, service)

    def _labels(self, who: Array, service: Service) -> Array:
        label = np.full(len(who), NONE, dtype=np.int32)
        for code in np.unique(self._codes[who]).tolist():
            mine = self._codes[who] == code
            label[mine] = self._blamed.of(code, who[mine], service)
        return label

    def _note_affected(self, begun: Array) -> None:
        labelled = begun[self._label[begun] != NONE]
        for number in np.unique(self._label[labelled]).tolist():
            self._affected[number].update(labelled[self._label[labelled] == number].tolist())

    def _mark(self, fault: Fault, service: Service) -> None:
        """Note whom a fault touches that takes nobody's service: its members, or who is served through its root."""
        served = _served_by(fault.spec.type.root, service)
        who = fault.members if served is None else np.flatnonzero(served == fault.root_index)
        self._affected[fault.number].update(who.tolist())

    def _intervals(self, who: Array, ended_at_ns: int | None) -> None:
        if not len(who):
            return
        labels = [self._faults[n].label_id if n != NONE else None for n in self._label[who].tolist()]
        self._tables["outages"].add(
            {
                "terminal_id": self._terminal_ids[who],
                "started_at_ns": self._since_ns[who],
                "ended_at_ns": [ended_at_ns] * len(who),
                "cause": [str(CAUSES[code]) for code in self._codes[who].tolist()],
                "label_id": labels,
            }
        )

    def _handovers(self, at_ns: int, codes: Codes, service: Service) -> None:
        """Service moved where another satellite carries a terminal than the last one that did.

        The instant is that of the slot's edge: the interruption that follows is part of the move.
        """
        served = (codes == IN_SERVICE) | (codes == HANDOVER)
        moved = served & (service.satellite != self._last_satellite) & (self._last_satellite != NONE)
        who = np.flatnonzero(moved)
        if len(who):
            straight = self._served[who]
            planned_at_ns, conformance = self._conforms(who, service.satellite[who], at_ns)
            came_from = self._satellite_ids[self._last_satellite[who]]
            self._tables["handovers"].add(
                {
                    "terminal_id": self._terminal_ids[who],
                    "at_ns": np.full(len(who), at_ns, dtype=np.int64),
                    "from_satellite_id": _if(straight, came_from.tolist()),
                    "to_satellite_id": self._satellite_ids[service.satellite[who]],
                    "planned_at_ns": _if(straight, planned_at_ns),
                    "conformance": _if(straight, conformance),
                }
            )
        self._last_satellite = np.where(served, service.satellite, self._last_satellite)
        self._served = served

    def _sway(self, at_ns: int, mobility: Mobility) -> None:
        """Note where those on vehicles pointed in each tenth of the second."""
        for tenth in range(_TENTHS if len(mobility.riders) else 0):
            now_ns = at_ns + tenth * STEP_NS
            self._faces("sway", mobility.riders, now_ns, *mobility.faces_deg(now_ns))

    def _faces(self, table: str, who: Array, at_ns: int, tilt_deg: Array, azimuth_deg: Array) -> None:
        self._tables[table].add(
            {
                "terminal_id": self._terminal_ids[who],
                "at_ns": np.full(len(who), at_ns, dtype=np.int64),
                "tilt_angle_deg": tilt_deg.astype(np.float32),
                "boresight_azimuth_deg": azimuth_deg.astype(np.float32),
            }
        )


class _Blamed:
    """Whose fault lost service is: by its cause, and by the thing that the cause lies with."""

    def __init__(self, fleet: Fleet) -> None:
        self._sizes = {
            "terminal": len(fleet.terminals),
            "satellite": fleet.satellite_count,
            "gateway": len(fleet.gateways),
            "pop": len(fleet.pops),
        }
        self._labels: dict[tuple[int, str], Array] = {}
        self._everywhere: dict[int, int] = {}

    def blame(self, fault: Fault) -> None:
        """Let what its causes take away from now on be this fault's."""
        root = fault.spec.type.root
        for cause in EFFECTS[fault.kind].takes:
            code = CAUSES.index(cause)
            if root == "control_plane":
                self._everywhere[code] = fault.number
            elif cause == NoServiceCause.GATEWAY_DOWN:  # of a gateway's own fault, or of a storm over it
                self._note(code, "gateway", fault.reach["gateways"], fault)
            elif root in {"terminal", "cell"}:
                self._note(code, "terminal", fault.members, fault)
            else:
                self._note(code, root, fault.root_index, fault)

    def _note(self, code: int, kind: str, index: Array | int, fault: Fault) -> None:
        labels = self._labels.setdefault((code, kind), np.full(self._sizes[kind], NONE, dtype=np.int32))
        labels[index] = fault.number

    def of(self, code: int, who: Array, service: Service) -> Array:
        """Return the fault of each of these terminals that lost service by one cause; NONE where nobody's."""
        label = np.full(len(who), self._everywhere.get(code, NONE), dtype=np.int32)
        for kind in ("pop", "gateway", "satellite", "terminal"):
            labels = self._labels.get((code, kind))
            if labels is not None:
                through = _served_by(kind, service)
                index = who if through is None else through[who]
                found = np.where(index == NONE, NONE, labels[index])
                label = np.where(found == NONE, label, found)
        return label


def _served_by(kind: str, service: Service) -> Array | None:
    """Return which thing of a kind each terminal is served through; None where it is not served through such."""
    return {"satellite": service.satellite, "gateway": service.gateway, "pop": service.pop}.get(kind)


class _Table:
    """A Parquet file that grows by row groups."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._writer = pq.ParquetWriter(path, schema)
        self._batches: list[pa.RecordBatch] = []
        self._rows = 0

    def add(self, columns: dict[str, Array | list[int | None] | list[str] | list[str | None]]) -> None:
        batch = pa.RecordBatch.from_pydict(columns, schema=self._schema)
        self._batches.append(batch)
        self._rows += batch.num_rows
        if self._rows >= _ROWS_AT_ONCE:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._batches:
            self._writer.write_table(pa.Table.from_batches(self._batches, schema=self._schema).combine_chunks())
        self._batches, self._rows = [], 0


def _if(chosen: Array, values: list[T | None]) -> list[T | None]:
    return [value if keep else None for keep, value in zip(chosen.tolist(), values, strict=True)]


def _label(fault: Fault, affected: list[str]) -> Label:
    spec = fault.spec
    return Label(
        label_id=fault.label_id,
        kind=fault.kind,
        root_kind=spec.type.root,
        root_id=fault.root_id,
        started_at=to_rfc3339(fault.started_at_ns),
        ended_at=None if fault.ended_at_ns is None else to_rfc3339(fault.ended_at_ns),
        affected_terminal_ids=affected,
        page=spec.heard_by.endswith("_page"),
        audience=spec.heard_by,
        page_by_s=spec.page_by_s,
        remediation=spec.remediation,
        decoy=spec.type.decoy,
    )
