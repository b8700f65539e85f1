"""What people tell the pipeline: maintenance windows, acknowledgements, thresholds, verdicts; each becomes an audit record."""

from enum import StrEnum
from typing import TypeAlias

import msgspec

from ingest.contract.instants import At
from ingest.contract.vocabulary import SubjectKind


class Judgement(StrEnum):
    """What an incident turned out to be."""

    REAL = "real"
    FALSE = "false"
    DUPLICATE = "duplicate"
    WRONG_ROOT = "wrong_root"


# What a window can be on: whatever carries a terminal's service. Of the control plane and of ourselves nobody can say
# whom it touches, and a window that covers everybody would explain away every outage.
WORKABLE = (
    SubjectKind.TERMINAL, SubjectKind.SATELLITE, SubjectKind.GATEWAY, SubjectKind.POP, SubjectKind.CELL,
    SubjectKind.TENANT,
)  # fmt: skip


class MaintenanceWindow(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="maintenance_window"):
    """Work that is planned on a part of the network; what it explains pages nobody.

    Attributes:
        subject_kind, subject_id: What is worked on; a cell's id is its h3 number in hexadecimal.
        version: Rises with every window that is said, changed or cancelled; frames name the highest.
    """

    window_id: str
    subject_kind: SubjectKind
    subject_id: str
    start_at_ns: At
    end_at_ns: At
    version: int
    by: str
    reason: str = ""
    cancelled: bool = False

    def __post_init__(self) -> None:
        if self.end_at_ns <= self.start_at_ns:
            raise ValueError(f"maintenance window {self.window_id!r} ends before it starts: swap start and end")
        if self.subject_kind not in WORKABLE:
            raise ValueError(
                f"maintenance window {self.window_id!r} is on {self.subject_kind.name.lower()}: name the terminals, "
                "satellites, gateways, PoPs, cells or tenants that it touches"
            )
        if self.subject_kind is SubjectKind.CELL and not _is_hexadecimal(self.subject_id):
            raise ValueError(
                f"maintenance window {self.window_id!r} is on cell {self.subject_id!r}: write its h3 number in hexadecimal"
            )


def _is_hexadecimal(text: str) -> bool:
    try:
        return int(text, 16) >= 0
    except ValueError:
        return False


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="acknowledgement"):
    """Somebody has taken an incident on, or shelves it until an instant."""

    incident_id: str
    by: str
    at_ns: At
    shelved_until_ns: At | None = None
    note: str = ""


class ThresholdChange(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="threshold_change"):
    """A detector's setting takes another value from an instant on."""

    name: str
    value: float
    version: int
    effective_at_ns: At
    by: str
    reason: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="verdict"):
    """What the people who worked on an incident say it was; feeds live precision."""

    incident_id: str
    judgement: Judgement
    by: str
    at_ns: At
    note: str = ""


ControlRecord: TypeAlias = MaintenanceWindow | Acknowledgement | ThresholdChange | Verdict

encode_control = msgspec.json.Encoder().encode
decode_control = msgspec.json.Decoder(ControlRecord).decode


def control_key(record: ControlRecord) -> str:
    """Return the compaction key: a later record of the same key replaces the earlier.

    Of what frames name a version of, every version is kept: a replay must find what held then.
    """
    match record:
        case MaintenanceWindow():
            return f"maintenance:{record.window_id}:{record.version}"
        case Acknowledgement():
            return f"acknowledgement:{record.incident_id}"
        case ThresholdChange():
            return f"threshold:{record.name}:{record.version}"
        case Verdict():
            return f"verdict:{record.incident_id}:{record.by}"
