"""Golden files: one frame of every layout and one record of every kind, as they were written when the version was made.

`python -m tests.ingest.contract.golden` writes those that are missing: the frame as bytes, beside it what it says as
JSON, and the numbers of all words. What exists is never written again: what was on the wire once must be readable for
ever, and a change of meaning is a new version. A column or a word that is added later is not in the old file.
"""

import enum
import json
from pathlib import Path

import msgspec
import numpy as np

import ingest.contract.vocabulary as ingest_words
import streams.contract.vocabulary as streams_words
from ingest.contract import control, inventory
from ingest.contract.frame import RejectReason, TelemetryHeader, encode
from ingest.contract.plan import PLAN, PlanHeader
from ingest.contract.telemetry import LAYOUTS
from ingest.contract.vocabulary import SubjectKind
from simulators.contract.faults import FaultKind
from simulators.contract.truth import Label
from streams.contract.catalogue import CATALOGUE
from streams.contract.events import EVENT, EventHeader
from streams.contract.incidents import CHILD, ChildrenHeader, Evidence, Incident, TimelineEntry
from streams.contract.rollups import ROLLUP, RollupHeader
from streams.contract.snapshots import SnapshotManifest
from streams.contract.vocabulary import Audience, IncidentState, Remediation, Severity

FOLDER = Path(__file__).parents[2] / "golden"
AT_NS = 1_759_449_600_000_000_000


def columns(layout):
    """Return three rows in which every value differs and the last one misses all that may be missing."""
    made = {}
    for number, column in enumerate(layout.columns):
        if column.dtype == "V16":
            made[column.name] = np.frombuffer(bytes(range(48)), "V16")
            continue
        low = (
            AT_NS if column.name.endswith("_at_ns") or column.name == "window_start_ns" else max(column.minimum or 0, 0)
        )
        high = column.maximum if column.maximum is not None else low + 1000
        values = [min(low + (number + row) % 7, high) for row in range(3)]
        if column.choices is not None:
            values = [list(column.choices)[row % len(column.choices)] for row in range(3)]
        made[column.name] = np.array(values, column.numpy_type)
        if not column.required:
            made[column.name][2] = column.nulls(1)[0]
    return made


def header(layout):
    """Return a header of the layout's own type with nothing left at its default."""
    base = {"kind": layout.kind, "version": layout.version}
    match layout.kind:
        case "plan":
            return PlanHeader(
                **base, plan_version=7, slot_start_ns=AT_NS, slot_end_ns=AT_NS + 30, valid_from_ns=AT_NS + 1,
                published_at_ns=AT_NS - 600, supersedes=6, part=2, complete=False,
            )  # fmt: skip
        case "event":
            return EventHeader(
                **base, shard=3, shard_count=16, watermark_ns=AT_NS - 30, clock_ns=AT_NS, source_partition=1,
                source_offset=42, inventory_version=5, stored=True,
            )  # fmt: skip
        case "incident_child":
            return ChildrenHeader(**base, incident_id="inc-0123456789abcdef", revision=4)
        case "rollup":
            return RollupHeader(
                **base, window_start_ns=AT_NS, window_end_ns=AT_NS + 60, shard=3, shard_count=16, revision=2
            )
        case _:
            return TelemetryHeader(
                **base, received_at_ns=AT_NS + 5, producer_id="door-1", producer_sequence=9, shard=3, shard_count=16,
                stored=True, goodbye=True, inventory_version=1, plan_version=2, maintenance_version=3, threshold_version=4,
            )  # fmt: skip


def frames():
    """Yield every layout."""
    yield from (*LAYOUTS.values(), PLAN, EVENT, CHILD, ROLLUP)


def records():
    """Yield (name, record) of every JSON record."""
    yield "deployment", inventory.Deployment(version=3, shard_count=16, slot_length_s=30.0, slot_phase_s=12.0)
    yield "tenant", inventory.Tenant(tenant_id="acme", tenant_index=1, name="Acme")
    yield "terminal", inventory.Terminal(
        terminal_id="ut-1", terminal_index=1, tenant_index=1, cell_id=599686042433355775, country="DE", latitude_deg=52.5,
        longitude_deg=13.4, aligned_tilt_deg=2.0, aligned_azimuth_deg=180.0,
    )  # fmt: skip
    yield "satellite", inventory.Satellite(satellite_id="leo-k1-0001", satellite_index=0, shell="K1", plane=0, slot=0)
    yield "gateway", inventory.Gateway(gateway_id="gw-1", gateway_index=0, pop_index=0, country="JP")
    yield "pop", inventory.Pop(pop_id="pop-1", pop_index=0)
    yield "maintenance_window", control.MaintenanceWindow(
        window_id="w1", subject_kind=SubjectKind.GATEWAY, subject_id="gw-1", start_at_ns=AT_NS, end_at_ns=AT_NS + 60,
        version=2, by="noc", reason="antenna",
    )  # fmt: skip
    yield "acknowledgement", control.Acknowledgement(incident_id="inc-1", by="noc", at_ns=AT_NS, note="on it")
    yield (
        "threshold_change",
        control.ThresholdChange(name="tilt_warning_deg", value=4.0, version=2, effective_at_ns=AT_NS, by="noc"),
    )
    yield "verdict", control.Verdict(incident_id="inc-1", judgement=control.Judgement.REAL, by="noc", at_ns=AT_NS)
    yield "label", Label(
        label_id="fault-1", kind=FaultKind.GATEWAY_DOWN, root_kind="gateway", root_id="gw-1",
        started_at="2025-10-03T00:03:00Z", ended_at=None, affected_terminal_ids=["ut-1"], page=True, audience="noc_page",
        page_by_s=90.0,
    )  # fmt: skip
    yield "incident", Incident(
        incident_id="inc-1", revision=2, state=IncidentState.OPEN, severity=Severity.CRITICAL, audience=Audience.NOC_PAGE,
        root_kind=SubjectKind.GATEWAY, root_id="gw-1", root_index=0, cause="gateway_isolated", title="gateway gw-1",
        started_at="2025-10-03T00:03:00Z", opened_at="2025-10-03T00:03:30Z", changed_at="2025-10-03T00:03:31Z",
        page_at="2025-10-03T00:03:30Z", evidence=[Evidence(says="no antenna", event_key="00" * 16)],
        timeline=[TimelineEntry(at="2025-10-03T00:03:30Z", says="opened")], terminals_affected_count=40,
        terminal_ids=["ut-1"], remediation=Remediation.NONE,
    )  # fmt: skip
    yield "snapshot_manifest", SnapshotManifest(
        cluster_id="c", topic_id="t", partition_count=4, shard_count=16, shard=3, source_partition=3, source_offset=42,
        clock_ns=AT_NS, generation=2, chunk_count=1, byte_count=10, blake2b="00" * 16, state_versions={"outage": 1},
    )  # fmt: skip


def said(frame_header, frame_columns):
    """Return what a frame says, as JSON would: NaN as null, a key as hex."""
    return {
        "header": msgspec.to_builtins(frame_header),
        "columns": {
            name: [v.hex() if isinstance(v, bytes) else None if v != v else v for v in values.tolist()]  # noqa: PLR0124 - NaN
            for name, values in frame_columns.items()
        },
    }


def words():
    """Return the number of every word that goes over the wire, by closed list."""
    lists = [
        words
        for module in (ingest_words, streams_words)
        for words in vars(module).values()
        if isinstance(words, enum.EnumType) and words.__module__ == module.__name__
    ]
    numbers = {f"{each.__module__}.{each.__name__}": {m.name: m.value for m in each} for each in (*lists, RejectReason)}
    return numbers | {"event_code": {entry.kind: entry.code for entry in CATALOGUE}}


def write_missing():
    """Write what is not there yet; return the names."""
    FOLDER.mkdir(exist_ok=True)
    wanted = {f"{la.kind}.v{la.version}.arrow": encode(header(la), la, columns(la)) for la in frames()}
    wanted |= {
        f"{name}.v1.json": json.dumps(msgspec.to_builtins(r), indent=1).encode() + b"\n" for name, r in records()
    }
    wanted |= {f"{la.kind}.v{la.version}.frame.json": _lines(said(header(la), columns(la))) for la in frames()}
    missing = [name for name in wanted if not (FOLDER / name).exists()]
    for name in missing:
        (FOLDER / name).write_bytes(wanted[name])
    return [*missing, *_write_new_words()]


def _write_new_words():
    path = FOLDER / "vocabulary.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    merged = {name: {**numbers, **known.get(name, {})} for name, numbers in words().items()}
    if merged == known:
        return []
    path.write_bytes(_lines({**known, **merged}))
    return [path.name]


def _lines(facts):
    return json.dumps(facts, indent=1).encode() + b"\n"


if __name__ == "__main__":
    print(*write_missing(), sep="\n")  # noqa: T201
