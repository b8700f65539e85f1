"""Truth: what really happened, sampled at 10 Hz before any telemetry was made of it.

The files, in one folder: `labels.jsonl` (one fault a line), `outages.parquet` (every no-service interval, geometry gaps
included), `handovers.parquet` (every handover of service), `attitude.parquet` (where each face really pointed, at each
change of its mount), `sway.parquet` (where those on vehicles really pointed, ten times a second). Ids are the inventory's, so that a reader needs no index.
"""

from enum import StrEnum
from typing import Any

import msgspec
import pyarrow as pa

from simulators.contract.faults import FAULTS, FaultKind

STEP_NS = 100_000_000  # 10 Hz


class NoServiceCause(StrEnum):
    """Why a terminal really had no service."""

    COVERAGE_GAP = "coverage_gap"
    GATEWAY_DOWN = "gateway_down"
    POWER_LOST = "power_lost"
    BOOTING = "booting"
    TILT = "tilt"
    HANDOVER = "handover"
    RAIN = "rain"
    LINK = "link"
    OBSTRUCTION = "obstruction"
    INSTALLING = "installing"
    SATELLITE_DOWN = "satellite_down"
    POP_DOWN = "pop_down"
    NO_PLAN = "no_plan"
    STOWED = "stowed"
    SLEEPING = "sleeping"
    THERMAL_SHUTDOWN = "thermal_shutdown"


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """One fault.

    Attributes:
        label_id: Unique in a run.
        kind: What was broken.
        root_kind, root_id: The thing that was broken: terminal, gateway, ...
        started_at, ended_at: RFC 3339; `ended_at` null while it stands at the end of the run.
        affected_terminal_ids: Terminals that really lost service or stood askew through it.
        page: Whether somebody is to be woken.
        page_by_s: Seconds after the start by which the page is due; null where none is.
        audience: Who is to hear of it, in the words of the design's table.
        remediation: auto, manual or none.
        decoy: Looks like trouble and must not wake anybody.
    """

    label_id: str
    kind: FaultKind
    root_kind: str
    root_id: str
    started_at: str
    ended_at: str | None
    affected_terminal_ids: list[str]
    page: bool
    audience: str
    page_by_s: float | None = None
    remediation: str = "none"
    decoy: bool = False


_AT = pa.int64()

OUTAGES = pa.schema(
    [
        pa.field("terminal_id", pa.string(), nullable=False),
        pa.field("started_at_ns", _AT, nullable=False),
        pa.field("ended_at_ns", _AT, nullable=True),  # null while it stands at the end of the run
        pa.field("cause", pa.string(), nullable=False),
        pa.field("label_id", pa.string(), nullable=True),
    ]
)
HANDOVERS = pa.schema(
    [
        pa.field("terminal_id", pa.string(), nullable=False),
        pa.field("at_ns", _AT, nullable=False),
        pa.field("from_satellite_id", pa.string(), nullable=True),  # null after a time without a satellite
        pa.field("to_satellite_id", pa.string(), nullable=False),
        pa.field("planned_at_ns", _AT, nullable=True),
        pa.field("conformance", pa.string(), nullable=True),
    ]
)
ATTITUDE = pa.schema(
    [
        pa.field("terminal_id", pa.string(), nullable=False),
        pa.field("at_ns", _AT, nullable=False),
        pa.field("tilt_angle_deg", pa.float32(), nullable=False),
        pa.field("boresight_azimuth_deg", pa.float32(), nullable=False),
    ]
)

TABLES = {"outages": OUTAGES, "handovers": HANDOVERS, "attitude": ATTITUDE, "sway": ATTITUDE}

encode_label = msgspec.json.Encoder().encode
decode_label = msgspec.json.Decoder(Label).decode


def file_schema() -> dict[str, Any]:
    """Return the schema of the truth files, and the faults they may name, for the judge to read; generated, never typed."""
    return {
        "labels.jsonl": msgspec.json.schema(Label),
        **{
            f"{name}.parquet": [{"name": f.name, "type": str(f.type), "nullable": f.nullable} for f in schema]
            for name, schema in TABLES.items()
        },
        "faults": {entry.kind: {"root_kind": entry.root, "told_by": sorted(entry.told_by)} for entry in FAULTS},
    }
