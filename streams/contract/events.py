"""Events as columns: one dictionary of fields from which each kind of the catalogue picks its own.

The identity of an event is a pure function of what it says, so a replay derives the same one and a sink can drop it.
"""

from hashlib import blake2b

import msgspec
import numpy as np

from ingest.contract.columns import MISSING, Array, Column, Columns, Layout, row_count
from ingest.contract.telemetry import EARLIEST_AT_NS, INDEX_LIMIT, LATEST_AT_NS
from ingest.contract.vocabulary import SubjectKind
from streams.contract.vocabulary import Conformance, EventSource, HandoverClass, OutageCause


class EventHeader(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The metadata of an event frame; a frame without rows is a tick.

    Attributes:
        kind: Always `event`.
        version: The layout's version.
        shard: Whose events these are.
        shard_count: Of the deployment.
        watermark_ns: All events of this shard that start before it have been said.
        clock_ns: The shard's log time.
        source_partition: Of the telemetry that decided them.
        source_offset: Of the last telemetry frame that went in.
        inventory_version: Indexes are those of this version or a later one.
        stored: Derived from backfill or replay only: never a page.
    """

    kind: str
    version: int
    shard: int
    shard_count: int
    watermark_ns: int
    clock_ns: int
    source_partition: int = -1
    source_offset: int = -1
    inventory_version: int = 0
    stored: bool = False


def _at(name: str, description: str, *, required: bool = False) -> Column:
    return Column(
        name=name, dtype="i8", required=required, minimum=EARLIEST_AT_NS, maximum=LATEST_AT_NS, description=description
    )


def _index(name: str, description: str, *, required: bool = False) -> Column:
    return Column(name=name, dtype="i4", required=required, minimum=0, maximum=INDEX_LIMIT, description=description)


def _flag(name: str, description: str) -> Column:
    return Column(name=name, dtype="i1", minimum=0, maximum=1, description=description)


def _number(name: str, description: str) -> Column:
    return Column(name=name, dtype="f4", description=description)


CHAIN_LIMIT = 12  # causes of five bits in 63
ENDPOINTS = ("satellite_index", "beam_id", "gateway_index", "pop_index")

EVENT = Layout(
    kind="event",
    version=1,
    description="A thing noticed about a terminal, or a revision of it.",
    columns=(
        Column(name="event_key", dtype="V16", required=True, description="blake2b-128 of kind, subject, start, from and to."),
        Column(name="revision", dtype="i2", required=True, minimum=1, description="Rises when late data changes the event; the last one holds."),
        Column(name="event_code", dtype="i2", required=True, minimum=0, description="Number of the kind in the catalogue; an unknown one is counted and skipped."),
        Column(name="subject_kind", dtype="i1", required=True, choices=SubjectKind, description="What it is about."),
        _index("subject_index", "Index of what it is about.", required=True),
        _at("started_at_ns", "When it began, by observed time.", required=True),
        _at("ended_at_ns", "When it ended, by observed time."),
        _at("decided_at_ns", "Log time (the door's clock) of the frame that decided it."),
        _number("duration_s", "From start to end."),
        Column(name="handover_class", dtype="i1", minimum=1, maximum=15, choices=HandoverClass, description="What changed."),
        *(_index(f"from_{name}", "Before.") for name in ENDPOINTS),
        *(_index(f"to_{name}", "After.") for name in ENDPOINTS),
        _number("gap_s", "Time between the last sample before and the first one after, less the cadence."),
        _number("rtt_step_ms", "Round trip after minus before."),
        Column(name="conformance", dtype="i1", choices=Conformance, description="Held against the plan; null where there is none, and inside a gap."),
        _number("timing_error_s", "Observed minus planned time."),
        _flag("ping_pong", "1 if it returns to the satellite it left within 60 s."),
        _flag("short_stay", "1 if the stay before it was under 15 s."),
        _flag("observed_gap", "1 if it happened inside a gap of telemetry, so its time is not known."),
        Column(name="cause", dtype="i1", choices=OutageCause, description="Primary cause: the first known of the chain."),
        Column(name="cause_chain", dtype="i8", minimum=0, description="Causes in order, five bits each (cause + 1), the first lowest; at most twelve."),
        _flag("expected", "1 if the plan or a maintenance window says so."),
        _flag("detached", "1 if the gateway's side confirms it."),
        _flag("slot_aligned", "1 if it starts within 0.35 s of a slot edge."),
        Column(name="merged_count", dtype="i2", minimum=1, description="Outages at most 1 s apart that became this one."),
        _number("tilt_angle_deg", "Boresight away from zenith when decided."),
        _number("tilt_change_deg", "Angle between the face's direction and its reference."),
        _number("reference_tilt_deg", "The tilt at commissioning."),
        _flag("service_impact", "1 if service suffers with it."),
        _number("threshold", "The setting that was passed, in the unit of `observed_value`."),
        _number("observed_value", "The value that passed it."),
        _index("terminals_affected_count", "Terminals that suffer."),
        Column(name="source", dtype="i1", choices=EventSource, description="Our finding, or a terminal's own opinion."),
        _flag("stored", "1 if decided by backfill or replay: never a page."),
    ),
)  # fmt: skip

EVENT_LAYOUTS = {EVENT.kind: EVENT}

_ENDS = tuple(f"{side}_{name}" for side in ("from", "to") for name in ENDPOINTS)
# What makes an event the one it is, as its bytes are hashed: little endian, without holes.
_IDENTITY = np.dtype([
    ("event_code", "<i2"), ("subject_kind", "i1"), ("subject_index", "<i4"), ("started_at_ns", "<i8"),
    *((name, "<i4") for name in _ENDS),
])  # fmt: skip
_BLANK = blake2b(digest_size=16)


def event_keys(columns: Columns) -> Array:
    """Return the 128-bit key of each row from kind, subject, start, from and to.

    Args:
        columns: At least `event_code`, `subject_kind`, `subject_index` and `started_at_ns`.
    """
    said = np.empty(row_count(columns), _IDENTITY)
    for name in _IDENTITY.names or ():
        said[name] = columns.get(name, MISSING)
    digests = []
    for row in said.view(f"V{_IDENTITY.itemsize}").tolist():
        each = _BLANK.copy()  # 0.24 us an event; made anew it is 0.34
        each.update(row)
        digests.append(each.digest())
    return np.frombuffer(b"".join(digests), dtype="V16")


# An h3 cell of resolution 5 has mode, resolution and unused digits in common with all others; what is left, base cell and
# five digits, is a number that fits into `subject_index` (h3geo.org, "H3Index Bit Layout").
_CELL_SHIFT, _CELL_BITS = 30, 22
_CELL_FRAME = 0x85 << 52 | (1 << _CELL_SHIFT) - 1


def cell_number(cell_id: Array) -> Array:
    """Return the numbers by which events name cells."""
    return cell_id >> _CELL_SHIFT & (1 << _CELL_BITS) - 1


def cell_id_of(number: int) -> int:
    """Return the h3 cell that an event names by its number."""
    return _CELL_FRAME | number << _CELL_SHIFT


def event_id(key: bytes, revision: int) -> str:
    """Write an event's id: its key in hex, and the revision."""
    return f"{key.hex()}.{revision}"


def pack_chain(causes: "list[OutageCause]") -> int:
    """Write a cause chain as one number; of a longer one the first causes."""
    return sum((cause + 1) << (5 * place) for place, cause in enumerate(causes[:CHAIN_LIMIT]))


def unpack_chain(packed: int) -> "list[OutageCause]":
    """Read a cause chain back."""
    causes = []
    while packed > 0:
        causes.append(OutageCause((packed & 31) - 1))
        packed >>= 5
    return causes
