"""Two controls over the same telemetry: *naive* (thresholds, an alarm a terminal, no plan) and *echo* (cause = `state`)."""

from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from leowatch.score.files import EVENT, BadFile, IncidentRevision, MissingFile, Page, event_arrays
from leowatch.score.matching import NS_PER_S, Array
from leowatch.score.tolerances import Tolerances

CONTROLS = ("naive", "echo")
# Three missed samples at the default cadence: the dead man's switch that everyone writes first.
SILENCE_S = 3.0
DROP_RATIO = 0.5
# The telemetry contract's numbers of `state`; 0 and 1 are unknown and connected.
STATE_CAUSES = (
    "unknown", "unknown", "booting", "searching", "stowed", "thermal_shutdown", "no_satellites", "obstructed",
    "no_downlink", "no_pings", "no_schedule", "sleeping",
)  # fmt: skip
COLUMNS = ("terminal_index", "observed_at_ns", "state", "pop_ping_drop_ratio", "serving_satellite_index", "tilt_angle_deg")  # fmt: skip


class Telemetry(NamedTuple):
    """Samples sorted by terminal and time, without repeats, and the ids of the indexes."""

    samples: pd.DataFrame
    terminal_ids: Array
    satellite_ids: Array


class Spell(NamedTuple):
    """A stretch of a terminal in which a threshold was passed."""

    terminal_id: str
    started_at_ns: int
    ended_at_ns: int
    stands: bool
    cause: str


def read_telemetry(telemetry_dir: Path, inventory_file: Path) -> Telemetry:
    """Read terminal samples from every Parquet file below that has them.

    Raises:
        MissingFile: There is no inventory, or no file of terminal samples.
    """
    if not inventory_file.is_file():
        raise MissingFile(f"{inventory_file} is not there: the controls need the ids of terminals")
    tables = [
        pq.read_table(path, columns=list(COLUMNS))
        for path in sorted(telemetry_dir.rglob("*.parquet"))
        if set(COLUMNS) <= set(pq.read_schema(path).names)
    ]
    if not tables:
        raise MissingFile(f"{telemetry_dir} holds no Parquet file of terminal samples")
    samples = pa.concat_tables([table.replace_schema_metadata(None) for table in tables]).to_pandas()
    key = ["terminal_index", "observed_at_ns"]
    samples = samples.drop_duplicates(key).sort_values(key, ignore_index=True)
    return Telemetry(samples, *_ids(inventory_file))


def _ids(inventory_file: Path) -> tuple[Array, Array]:
    decoder = msgspec.json.Decoder()
    found: dict[str, dict[int, str]] = {"terminal": {}, "satellite": {}}
    for line in inventory_file.read_bytes().splitlines():
        record: dict[str, Any] = decoder.decode(line) if line.strip() else {}
        kind = record.get("type", "")
        if kind in found:
            found[kind][record[f"{kind}_index"]] = record[f"{kind}_id"]
    if not found["terminal"]:
        raise BadFile(f"{inventory_file} holds no terminal")
    return tuple(np.array([ids[i] for i in range(len(ids))], dtype=object) for ids in found.values())  # type: ignore[return-value] # two kinds


def control(
    name: str, telemetry: Telemetry, tolerances: Tolerances
) -> tuple[dict[str, Array], list[IncidentRevision], list[Page]]:
    """Return what a control would have said: events, an incident a spell, and a page for each."""
    outages = _outage_spells(telemetry, tolerances, echo=name == "echo")
    tilts = {
        kind: _tilt_spells(telemetry, limit_deg)
        for kind, limit_deg in (("tilt_warning", tolerances.tilt_warning_deg), ("tilt_critical", tolerances.tilt_critical_deg))
    }  # fmt: skip
    events = pa.concat_tables(
        [
            _events("outage_started", outages),
            _events("outage_ended", [spell for spell in outages if not spell.stands]),
            *(_events(kind, spells) for kind, spells in tilts.items()),
            _handovers(telemetry),
        ]
    )
    alarms = [("outage_started", spell) for spell in outages] + [("tilt_critical", s) for s in tilts["tilt_critical"]]
    revisions = [_incident(number, cause, spell) for number, (cause, spell) in enumerate(alarms)]
    pages = [
        Page(incident_id=r.incident_id, team="noc", at=r.opened_at, root_kind="terminal", root_id=r.root_id, cause=r.cause)
        for r in revisions
    ]  # fmt: skip
    return event_arrays(events), revisions, pages


def _outage_spells(telemetry: Telemetry, tolerances: Tolerances, *, echo: bool) -> list[Spell]:
    samples = telemetry.samples
    state = samples["state"].fillna(0).to_numpy(dtype=np.int64)
    silent = _until_ns(samples) - samples["observed_at_ns"].to_numpy() > int(SILENCE_S * NS_PER_S)
    down = silent | (samples["pop_ping_drop_ratio"].to_numpy() >= DROP_RATIO) | (state > 1)
    spells = _spells(telemetry, down, state if echo else np.zeros_like(state))
    floor_ns = int(tolerances.outage_floor_s * NS_PER_S)
    return [spell for spell in spells if spell.ended_at_ns - spell.started_at_ns >= floor_ns]


def _tilt_spells(telemetry: Telemetry, limit_deg: float) -> list[Spell]:
    samples = telemetry.samples
    first = samples.groupby("terminal_index")["tilt_angle_deg"].transform("first")
    off = (samples["tilt_angle_deg"] - first).abs().to_numpy() > limit_deg
    return _spells(telemetry, off, np.zeros(off.size, dtype=np.int64))


def _until_ns(samples: pd.DataFrame) -> Array:
    """Return the instant of each terminal's next sample; the last one's is the end of the run."""
    following = samples.groupby("terminal_index")["observed_at_ns"].shift(-1)
    return following.fillna(samples["observed_at_ns"].max()).to_numpy(dtype=np.int64)


def _spells(telemetry: Telemetry, passed: Array, state: Array) -> list[Spell]:
    """Cut runs of samples over a threshold; a run's cause is its first state that says something."""
    samples = telemetry.samples
    terminal = samples["terminal_index"].to_numpy()
    fresh = np.append(True, terminal[1:] != terminal[:-1])
    begins = passed & (fresh | ~np.append(False, passed[:-1]))
    run = np.cumsum(begins)[passed]
    told = np.where(state[passed] > 1, state[passed], 0)
    frame = pd.DataFrame(
        {
            "run": run,
            "terminal": terminal[passed],
            "start": samples["observed_at_ns"].to_numpy()[passed],
            "end": _until_ns(samples)[passed],
            "told": pd.Series(told).where(told > 0),
        }
    )
    found = frame.groupby("run").agg(
        terminal=("terminal", "first"), start=("start", "first"), end=("end", "last"), told=("told", "first")
    )
    run_end_ns = int(samples["observed_at_ns"].max())
    return [
        Spell(
            str(telemetry.terminal_ids[int(terminal)]), int(start), int(end), int(end) >= run_end_ns,
            STATE_CAUSES[0 if told != told else int(told)],  # noqa: PLR0124 - NaN
        )
        for terminal, start, end, told in zip(found["terminal"], found["start"], found["end"], found["told"], strict=True)
    ]  # fmt: skip


def _events(kind: str, spells: list[Spell]) -> Any:
    starts_ns = [spell.started_at_ns for spell in spells]
    ends_ns = [spell.ended_at_ns if kind == "outage_ended" else None for spell in spells]
    count = len(spells)
    return _table(
        {
            "event_key": [f"{kind} {spell.terminal_id} {spell.started_at_ns}" for spell in spells],
            "kind": [kind] * count,
            "subject_id": [spell.terminal_id for spell in spells],
            "started_at": _texts(starts_ns),
            "ended_at": _texts(ends_ns),
            "decided_at": _texts([_decided_ns(spell) for spell in spells]),
            "cause": [spell.cause for spell in spells],
        },
        count,
    )


def _decided_ns(spell: Spell) -> int:
    return spell.started_at_ns + int(SILENCE_S * NS_PER_S)


def _handovers(telemetry: Telemetry) -> Any:
    samples = telemetry.samples
    terminal = samples["terminal_index"].to_numpy()
    serving = samples["serving_satellite_index"].fillna(-1).to_numpy(dtype=np.int64)
    moved = np.flatnonzero(
        (terminal[1:] == terminal[:-1]) & (serving[1:] != serving[:-1]) & (serving[1:] >= 0) & (serving[:-1] >= 0)
    )
    at_ns = samples["observed_at_ns"].to_numpy()[moved + 1]
    subjects = telemetry.terminal_ids[terminal[moved]]
    return _table(
        {
            "event_key": [f"handover {subject} {at}" for subject, at in zip(subjects, at_ns.tolist(), strict=True)],
            "kind": ["handover"] * moved.size,
            "subject_id": subjects.tolist(),
            "started_at": _texts(at_ns.tolist()),
            "decided_at": _texts(at_ns.tolist()),
            "from_satellite_id": telemetry.satellite_ids[serving[moved]].tolist(),
            "to_satellite_id": telemetry.satellite_ids[serving[moved + 1]].tolist(),
        },
        moved.size,
    )


def _table(columns: dict[str, Any], count: int) -> Any:
    whole = {"revision": [1] * count, "subject_kind": ["terminal"] * count, **columns}
    return pa.table(
        {
            field.name: pa.array(whole[field.name], type=field.type) if field.name in whole else pa.nulls(count, field.type)
            for field in EVENT
        }
    )  # fmt: skip


def _texts(at_ns: list[Any]) -> Any:
    return pc.strftime(pa.array(at_ns, type=pa.timestamp("ns", "UTC")), format="%Y-%m-%dT%H:%M:%SZ").to_pylist()


def _incident(number: int, cause: str, spell: Spell) -> IncidentRevision:
    started, opened, ended = _texts([spell.started_at_ns, _decided_ns(spell), spell.ended_at_ns])
    return IncidentRevision(
        incident_id=f"control-{number}", revision=1, root_kind="terminal", root_id=spell.terminal_id, cause=cause,
        started_at=started, opened_at=opened, changed_at=opened, resolved_at=None if spell.stands else ended,
        terminals_affected_count=1, terminal_ids=[spell.terminal_id], title=f"{cause} {spell.terminal_id}",
    )  # fmt: skip
