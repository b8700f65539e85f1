"""Planned work is said before it is done: maintenance windows on the control topic, each under its own version."""

from collections.abc import Sequence

import msgspec

from ingest.contract.control import MaintenanceWindow, control_key, encode_control
from ingest.contract.packing import Record
from ingest.contract.topics import CONTROL_RECORDS
from ingest.contract.vocabulary import SubjectKind
from simulators.courses import tenths_ns
from simulators.faults import Fault

# Work that has no end within the run is announced for so long.
_OPEN_NS = 86_400_000_000_000


class Announced(msgspec.Struct, frozen=True, kw_only=True):
    """What is said in one second; nothing, where `effective_at_ns` is None."""

    records: list[Record]
    version: int
    effective_at_ns: int | None


class Announcements:
    """The windows of a run, in the order in which they are said."""

    def __init__(self, faults: Sequence[Fault], first_at_ns: int) -> None:
        planned = [fault for fault in faults if fault.spec.announced_s is not None]
        said = [
            (max(first_at_ns, fault.started_at_ns - tenths_ns(fault.spec.announced_s or 0.0)), fault)
            for fault in planned
        ]
        self._waiting = sorted(said, key=lambda one: (one[0], one[1].number))
        self._version = 0

    def due(self, at_ns: int) -> Announced:
        """Return the windows that are to be said by now."""
        records: list[Record] = []
        while self._waiting and self._waiting[0][0] <= at_ns:
            _, fault = self._waiting.pop(0)
            self._version += 1
            records.append(self._record(fault))
        effective_at_ns = at_ns if records else None
        return Announced(records=records, version=self._version, effective_at_ns=effective_at_ns)

    def _record(self, fault: Fault) -> Record:
        window = MaintenanceWindow(
            window_id=f"work-{fault.label_id}",
            subject_kind=SubjectKind[fault.spec.type.root.upper()],
            subject_id=fault.root_id,
            start_at_ns=fault.started_at_ns,
            end_at_ns=fault.started_at_ns + _OPEN_NS if fault.ended_at_ns is None else fault.ended_at_ns,
            version=self._version,
            by="planned-work",
            reason=fault.spec.type.about,
        )
        return Record(topic=CONTROL_RECORDS, key=control_key(window).encode(), value=encode_control(window))
