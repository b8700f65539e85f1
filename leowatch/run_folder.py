"""What a run leaves behind: telemetry, plan, inventory, events, rollups, incidents and pages as files that the judge can read."""

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec
import numpy as np

from exporters.pages import Pager
from ingest.contract.bus import Message
from ingest.contract.columns import Column, Layout
from ingest.contract.files import FrameFile, FrameLine, encode_frame_line
from ingest.contract.frame import Rejected, TelemetryHeader, decode
from ingest.contract.inventory import Inventory
from ingest.contract.plan import PLAN, PLAN_LAYOUTS, PlanHeader
from ingest.contract.telemetry import LAYOUTS
from ingest.contract.topics import CONTACT_PLAN, CONTROL_RECORDS, INGEST_TOPICS
from streams.contract.detail import InventoryNames, details, encode_detail
from streams.contract.events import EVENT_LAYOUTS, EventHeader
from streams.contract.incidents import decode_incident
from streams.contract.rollups import ROLLUP, ROLLUP_LAYOUTS, RollupHeader
from streams.contract.topics import GATEWAY_ROLLUPS, INCIDENTS, NETWORK_EVENTS, TERMINAL_EVENTS

TELEMETRY_TOPICS = tuple(topic for topic in INGEST_TOPICS if topic.name.startswith("telemetry."))
_FINDINGS = (TERMINAL_EVENTS, NETWORK_EVENTS, INCIDENTS, GATEWAY_ROLLUPS)
READS = (*TELEMETRY_TOPICS, CONTACT_PLAN, CONTROL_RECORDS, *_FINDINGS)

# Facts of a frame's header that a row needs once it has left its frame.
_OF_FRAME = (
    Column(name="received_at_ns", dtype="i8", description="The door's clock."),
    Column(name="stored", dtype="i1", description="1 for backfill and replay."),
)
_OF_SLOT = (
    Column(name="slot_start_ns", dtype="i8", description="First instant of the slot."),
    Column(name="slot_end_ns", dtype="i8", description="First instant after it."),
    Column(name="plan_version", dtype="i4", description="Version of the plan."),
    Column(name="published_at_ns", dtype="i8", description="When it was published."),
    Column(name="valid_from_ns", dtype="i8", description="From when these rows hold."),
)
_OF_WINDOW = (Column(name="revision", dtype="i4", description="Of a window's rows the highest holds."),)
_BULK = {topic.name for topic in (*TELEMETRY_TOPICS, CONTACT_PLAN)}


class RunFolder:
    """Writes records into files as they come; memory is flat however long the run.

    Attributes:
        events_count: Rows written, revisions included.
    """

    def __init__(self, folder: Path, inventory: Inventory, *, telemetry: bool = True) -> None:
        """Make the folder and write the inventory; without `telemetry`, only what the judge needs is kept."""
        self._folder = folder
        self._keeps_telemetry = telemetry
        (folder / "telemetry").mkdir(parents=True, exist_ok=True)
        (folder / "inventory.jsonl").write_bytes(inventory.to_lines())
        self._names = InventoryNames(inventory)
        self._frames: dict[str, FrameFile] = {}
        self._lines: dict[str, BinaryIO] = {
            name: (folder / f"{name}.jsonl").open("wb")
            for name in ("control", "events", "incidents", "pages", *(("telemetry/frames",) if telemetry else ()))
        }
        self._pager = Pager()
        self.events_count = 0
        self._incidents: set[str] = set()

    @property
    def incidents_count(self) -> int:
        """How many incidents there have been."""
        return len(self._incidents)

    def take(self, messages: Iterable[Message]) -> None:
        """Write records down."""
        for message in messages:
            if message.value is None:
                continue
            if message.topic in _BULK:
                if self._keeps_telemetry:
                    (self._plan if message.topic == CONTACT_PLAN.name else self._telemetry)(message.value)
            elif message.topic == CONTROL_RECORDS.name:
                self._line("control", message.value)
            elif message.topic == TERMINAL_EVENTS.name:
                self._events(message.value)
            elif message.topic == NETWORK_EVENTS.name:
                self._line("events", message.value)
                self.events_count += 1
            elif message.topic == INCIDENTS.name:
                self._incident(message.value)
            elif message.topic == GATEWAY_ROLLUPS.name:
                self._rollup(message.value)

    def _telemetry(self, value: bytes) -> None:
        frame = decode(value, LAYOUTS, TelemetryHeader)
        if isinstance(frame, Rejected):
            return
        self._line("telemetry/frames", encode_frame_line(FrameLine(header=frame.header, rows=frame.rows)))
        if frame.rows:
            facts = {
                "received_at_ns": np.full(frame.rows, frame.header.received_at_ns),
                "stored": np.full(frame.rows, frame.header.stored, np.int8),
            }
            self._file(frame.layout, f"telemetry/{frame.layout.kind}", _OF_FRAME).write({**frame.columns, **facts})

    def _plan(self, value: bytes) -> None:
        frame = decode(value, PLAN_LAYOUTS, PlanHeader)
        if not isinstance(frame, Rejected):
            facts = {c.name: np.full(frame.rows, getattr(frame.header, c.name), c.numpy_type) for c in _OF_SLOT}
            self._file(PLAN, "plan", _OF_SLOT).write({**frame.columns, **facts})

    def _events(self, value: bytes) -> None:
        frame = decode(value, EVENT_LAYOUTS, EventHeader)
        if not isinstance(frame, Rejected) and frame.rows:
            for detail in details(frame.columns, self._names):
                self._line("events", encode_detail(detail))
            self.events_count += frame.rows

    def _rollup(self, value: bytes) -> None:
        frame = decode(value, ROLLUP_LAYOUTS, RollupHeader)
        if not isinstance(frame, Rejected) and frame.rows:
            revision = np.full(frame.rows, frame.header.revision, np.int32)
            self._file(ROLLUP, "rollups", _OF_WINDOW).write({**frame.columns, "revision": revision})

    def _incident(self, value: bytes) -> None:
        self._line("incidents", value)
        incident = decode_incident(value)
        self._incidents.add(incident.incident_id)
        for page in self._pager.hear(incident):
            if not page.resolved:
                root_kind = incident.root_kind.name.lower()
                self._line("pages", msgspec.json.encode({**msgspec.to_builtins(page), "root_kind": root_kind}))

    def _line(self, name: str, value: bytes) -> None:
        self._lines[name].write(value + b"\n")

    def _file(self, layout: Layout, name: str, extra: tuple[Column, ...]) -> FrameFile:
        if name not in self._frames:
            self._frames[name] = FrameFile(self._folder / f"{name}.parquet", layout, extra)
        return self._frames[name]

    def close(self) -> None:
        """Finish every file."""
        for frames in self._frames.values():
            frames.close()
        for lines in self._lines.values():
            lines.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
