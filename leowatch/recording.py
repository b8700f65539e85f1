"""A recording played through the road indoors: the same detectors, the recording's own clock, and the last word on each event."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ingest.contract.bus import Message
from ingest.contract.columns import MISSING, Array, Column, Columns, Layout, concatenate, take
from ingest.contract.files import read_frames
from ingest.contract.frame import FRAME_LIMIT_BYTES, Rejected, decode, encode
from ingest.contract.instants import NS_PER_S
from ingest.contract.inventory import Deployment, Inventory, Tenant, Terminal
from ingest.contract.packing import Packer, Record, Versions, inventory_records
from ingest.contract.plan import PLAN, PlanHeader
from ingest.contract.topics import CONTACT_PLAN
from ingest.frames_file import Rows, frames
from leowatch.memory_bus import MemoryBus
from leowatch.road import Road
from streams.contract.detail import InventoryNames, decode_detail, details
from streams.contract.events import EVENT_LAYOUTS, EventHeader
from streams.contract.topics import NETWORK_EVENTS, STREAMS_DEADLETTER, TERMINAL_EVENTS

_PLAN_FACTS = tuple(
    Column(name=name, dtype="i8", required=True, description="Of the plan's header.")
    for name in ("slot_start_ns", "slot_end_ns", "plan_version", "published_at_ns")
)
_VALID_FROM = Column(
    name="valid_from_ns", dtype="i8", description="Of the plan's header; the slot's start where a file has none."
)
_PLAN_FILE = Layout(
    kind="plan file", version=1, columns=(*PLAN.columns, *_PLAN_FACTS, _VALID_FROM), description=PLAN.description
)
_PLAN_ROWS = 20_000
# A plan in a file may lack its history: a slot is told no later than this before it begins.
_PLAN_AHEAD_NS = 60 * NS_PER_S


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a recording.

    Attributes:
        events: The last revision of each, in the catalogue's form.
        refused: Frames that the workshop could not take, by reason.
    """

    events: list[dict[str, Any]]
    refused: Counter[str]


def synthetic_inventory(
    terminals: Iterable[str], cadence_s: Array, *, slot_length_s: float | None = None, slot_phase_s: float | None = None
) -> Inventory:
    """Return an inventory of terminals of which nothing is known but that they report."""
    slots: dict[str, Any] = {"slot_length_s": slot_length_s, "slot_phase_s": slot_phase_s} if slot_length_s else {}
    return Inventory([
        Deployment(version=1, shard_count=1, **slots),
        Tenant(tenant_id="recorded", tenant_index=0),
        *(
            Terminal(terminal_id=name, terminal_index=index, tenant_index=0, cadence_s=float(cadence_s[index]))
            for index, name in enumerate(terminals)
        ),
    ])  # fmt: skip


def cadences_s(columns: Columns, terminal_count: int) -> Array:
    """Return how often each terminal reports: the median distance of its samples; 1 s where there are too few."""
    cadence_s = np.ones(terminal_count)
    order = np.lexsort((columns["observed_at_ns"], columns["terminal_index"]))
    terminal, at_ns = columns["terminal_index"][order], columns["observed_at_ns"][order]
    edges = np.searchsorted(terminal, np.arange(terminal_count + 1))
    for index in range(terminal_count):
        apart_ns = np.diff(at_ns[edges[index] : edges[index + 1]])
        apart_ns = apart_ns[apart_ns > 0]
        if len(apart_ns):
            cadence_s[index] = min(3600.0, max(0.001, float(np.median(apart_ns)) / NS_PER_S))
    return cadence_s


class Stage:
    """The road indoors with a recording before it: records in, the last word on each event out."""

    def __init__(self, inventory: Inventory) -> None:
        self._bus = MemoryBus(now_ns=lambda: 0)
        self._found = self._bus.reader([TERMINAL_EVENTS, NETWORK_EVENTS, STREAMS_DEADLETTER])
        self._road = Road(self._bus, partition_count=1, now_ns=lambda: 0)
        self._ear = _Ear(InventoryNames(inventory))
        self._bus.put(inventory_records(inventory))

    def turn(self, records: Iterable[Record]) -> None:
        """Take records in, and hear what comes of them."""
        self._bus.put(records)
        self._road.turn()
        self._ear.hear(self._found.drain())

    def heard(self) -> Heard:
        """Return what came of them all."""
        events = sorted(self._ear.events.values(), key=lambda e: (e["started_at"], e["event_key"]))
        return Heard(events, self._ear.refused)


def play(files: list[Rows], inventory: Inventory, plan: Path | None = None) -> Heard:
    """Put a recording through the detectors.

    Raises:
        ValueError: The plan is no such file.
    """
    stage = Stage(inventory)
    packer = _packer("recording", inventory)
    slots = list(plan_slots(plan)) if plan is not None else []

    def publish(at_ns: int) -> None:
        while slots and slots[0].slot_start_ns <= at_ns + _PLAN_AHEAD_NS:
            slot = slots.pop(0)
            stage.turn(slot.records)
            packer.versions = Versions(inventory=inventory.version, plan=max(packer.versions.plan, slot.plan_version))

    for records in frames(files, packer, closing=_packer("recording-over", inventory), before=publish):
        stage.turn(records)
    return stage.heard()


def _packer(producer_id: str, inventory: Inventory) -> Packer:
    packer = Packer(producer_id=producer_id, shard_count=inventory.shard_count, partition_count=1)
    packer.versions = Versions(inventory=inventory.version)
    return packer


class _Ear:
    """Keeps the last revision of each event."""

    def __init__(self, names: InventoryNames) -> None:
        self._names = names
        self.events: dict[str, dict[str, Any]] = {}
        self.refused: Counter[str] = Counter()

    def hear(self, messages: list[Message]) -> None:
        for message in messages:
            value = message.value or b""
            if message.topic == STREAMS_DEADLETTER.name:
                self.refused[dict(message.headers).get("reason", b"").decode()] += 1
            elif message.topic == NETWORK_EVENTS.name:
                self._keep(decode_detail(value))
            else:
                frame = decode(value, EVENT_LAYOUTS, EventHeader)
                if not isinstance(frame, Rejected):
                    for detail in details(frame.columns, self._names):
                        self._keep(detail)

    def _keep(self, detail: dict[str, Any]) -> None:
        known = self.events.get(detail["event_key"])
        if known is None or known["revision"] < detail["revision"]:
            self.events[detail["event_key"]] = detail


@dataclass(frozen=True, slots=True)
class PlanSlot:
    """One version of one slot's plan, ready for the bus."""

    slot_start_ns: int
    plan_version: int
    records: list[Record]


def plan_slots(path: Path) -> Iterator[PlanSlot]:
    """Yield the plan of a file, slot by slot in the order of their starts.

    Raises:
        ValueError: It is no such file.
    """
    whole = concatenate(list(read_frames(path, _PLAN_FILE)), _PLAN_FILE)
    order = np.lexsort((whole["plan_version"], whole["slot_start_ns"]))
    whole = take(whole, order)
    slot = np.stack([whole["slot_start_ns"], whole["plan_version"]])
    edges = np.flatnonzero((np.diff(slot, axis=1) != 0).any(axis=0)) + 1
    for rows in np.split(np.arange(len(order)), edges):
        if len(rows):
            yield _slot(whole, rows)


def _slot(whole: Columns, rows: Array) -> PlanSlot:
    facts = {column.name: int(whole[column.name][rows[0]]) for column in _PLAN_FACTS}
    start_ns = facts["slot_start_ns"]
    valid_from_ns = int(whole[_VALID_FROM.name][rows[0]]) if _VALID_FROM.name in whole else MISSING
    parts = np.array_split(rows, len(rows) // _PLAN_ROWS + 1)
    records = []
    for number, part in enumerate(parts):
        header = PlanHeader(
            kind=PLAN.kind,
            version=PLAN.version,
            valid_from_ns=start_ns if valid_from_ns == MISSING else valid_from_ns,
            part=number,
            complete=number == len(parts) - 1,
            **facts,
        )
        value = encode(header, PLAN, {name: whole[name][part] for name in PLAN.names()})
        assert len(value) <= FRAME_LIMIT_BYTES  # 20,000 rows of 34 bytes
        records.append(Record(topic=CONTACT_PLAN, key=start_ns.to_bytes(8, "big"), value=value))
    return PlanSlot(start_ns, facts["plan_version"], records)
