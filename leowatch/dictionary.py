"""The data dictionary, written from the contracts: every topic, frame, column, record, event and metric."""

from collections.abc import Iterable, Iterator
from enum import IntFlag
from typing import Any

import msgspec

from exporters.contract.metrics import NETWORK_METRICS
from exporters.contract.topics import EXPORTERS_TOPICS
from ingest.contract import control, inventory
from ingest.contract.columns import Column, Layout
from ingest.contract.plan import PLAN
from ingest.contract.telemetry import LAYOUTS
from ingest.contract.topics import INGEST_TOPICS
from simulators.contract.faults import FAULTS
from simulators.contract.topics import TRUTH_TOPICS
from simulators.contract.truth import TABLES, Label
from streams.contract.catalogue import CATALOGUE
from streams.contract.events import EVENT
from streams.contract.incidents import CHILD, Incident
from streams.contract.rollups import ROLLUP
from streams.contract.snapshots import SnapshotManifest
from streams.contract.topics import REPLAY_PREFIX, STREAMS_TOPICS

_RECORDS = (
    inventory.Deployment, inventory.Tenant, inventory.Terminal, inventory.Satellite, inventory.Gateway, inventory.Pop,
    control.MaintenanceWindow, control.Acknowledgement, control.ThresholdChange, control.Verdict, Incident,
    SnapshotManifest, Label,
)  # fmt: skip


def dictionary() -> str:
    """Return the whole page, as Markdown."""
    return "\n".join(_lines()).rstrip() + "\n"


def _lines() -> Iterator[str]:
    yield "# Data dictionary\n"
    yield "Generated from the contracts by `make render`; CI fails if it is stale. A unit is the end of a name."
    yield "A missing value is NaN in a float column and -1 in an integer column of a frame, and null in Parquet and JSON.\n"
    yield "## Topics\n"
    topics = [
        (f"`{t.name}`", t.key, t.value, t.spread.value, _retention(t.retention_s, compacted=t.compacted), t.description)
        for t in (*INGEST_TOPICS, *STREAMS_TOPICS, *EXPORTERS_TOPICS, *TRUTH_TOPICS)
    ]
    yield from _table(("topic", "key", "value", "spread", "kept", "what"), topics)
    yield f"A replay writes `{REPLAY_PREFIX}<id>.<topic>` in place of what the workshop writes, kept 1 d; exporters refuse it unless told."
    yield "`truth.*` topics are made only by `leowatch simulate --truth-topics`. Another dimension of rollups is another topic.\n"
    yield "## Frames\n"
    for layout in (*LAYOUTS.values(), PLAN, EVENT, CHILD, ROLLUP):
        yield from _layout(layout)
    yield "## Records\n"
    for record in _RECORDS:
        yield from _record(record)
    yield "## Events\n"
    rows = [
        (
            f"`{e.kind}`",
            str(e.code),
            e.detail_type,
            e.subject.name.lower(),
            e.severity.value,
            e.audience.value,
            e.description,
        )
        for e in CATALOGUE
    ]
    yield from _table(("kind", "code", "detail-type", "subject", "severity", "who hears of it", "what"), rows)
    yield "Fields beside the common ones, by kind; the JSON Schemas are in `docs/schemas/events/`.\n"
    yield from _table(
        ("kind", "fields"), [(f"`{e.kind}`", ", ".join(f"`{name}`" for name in e.fields) or "-") for e in CATALOGUE]
    )
    yield "## Metrics\n"
    metrics = [(f"`{m.name}`", m.type.value, ", ".join(m.labels) or "-", m.help) for m in NETWORK_METRICS]
    yield from _table(("metric", "type", "labels", "what"), metrics)
    yield "## Faults\n"
    yield "What a scenario may break; a decoy must wake nobody. How bad, for how long and whom: `docs/scenarios.md`.\n"
    faults = [
        (
            f"`{f.kind}`",
            f.root,
            f"{f.audience} (decoy)" if f.decoy else f.audience,
            ", ".join(f.told_by) or "-",
            f.about,
        )
        for f in FAULTS
    ]
    yield from _table(("kind", "root", "who hears of it", "events that tell of it", "what"), faults)
    yield "## Truth files\n"
    for name, schema in TABLES.items():
        yield f"### {name}.parquet\n"
        yield from _table(
            ("column", "type", "null"), [(f"`{f.name}`", str(f.type), "yes" if f.nullable else "no") for f in schema]
        )


def _retention(retention_s: int | None, *, compacted: bool) -> str:
    kept = "" if retention_s is None else f"{retention_s // 86_400} d"
    return " + ".join(filter(None, ["newest of each key" if compacted else "", kept])) or "for ever"


def _layout(layout: Layout) -> Iterator[str]:
    yield f"### {layout.kind}, version {layout.version}\n"
    yield f"{layout.description}\n"
    rows = [(f"`{c.name}`", c.dtype, "yes" if c.required else "no", _range(c), c.description) for c in layout.columns]
    yield from _table(("column", "type", "required", "range", "what"), rows)


def _range(column: Column) -> str:
    if column.choices is not None:
        joint = " + " if issubclass(column.choices, IntFlag) else ", "
        return joint.join(f"{int(choice)} {(choice.name or '').lower()}" for choice in column.choices)
    ends = ["" if end is None else f"{end:g}" for end in (column.minimum, column.maximum)]
    step = "" if column.resolution is None else f", step {column.resolution:g}"
    return f"{ends[0]} … {ends[1]}{step}" if any(ends) else step.removeprefix(", ") or "any"


def _record(record: Any) -> Iterator[str]:
    yield f"### {record.__name__}\n"
    yield f"{(record.__doc__ or '').splitlines()[0]}\n"
    schema = msgspec.json.schema(record)["$defs"][record.__name__]
    rows = [
        (f"`{name}`", _type(field), "yes" if name in schema.get("required", ()) else "no", field.get("description", ""))
        for name, field in schema["properties"].items()
    ]
    yield from _table(("field", "type", "required", "what"), rows)


def _type(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_type(part) for part in field["anyOf"])
    if "$ref" in field:
        return str(field["$ref"]).rsplit("/", 1)[-1]
    if "enum" in field:
        return ", ".join(map(str, field["enum"]))
    ends = [str(field[name]) for name in ("minimum", "maximum") if name in field]
    return str(field.get("type", "any")) + (f" {' … '.join(ends)}" if ends else "")


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield "|" + "---|" * len(heads)
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"
    yield ""
