"""`leowatch detect`: recorded data through the same detectors; one summary, and one event a line in a file."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ingest.contract.bus import Fatal
from ingest.contract.columns import Array, row_count
from ingest.contract.instants import NS_PER_S
from ingest.contract.inventory import Inventory
from ingest.contract.telemetry import TERMINAL
from ingest.contract.vocabulary import TerminalState
from ingest.frames_file import Rows, check, read_rows
from ingest.inventory_file import read_inventory
from ingest.recorded.delimited import field_value, read_delimited
from ingest.recorded.dish_history import DishHistory, DishOutages, read_dish_history
from ingest.recorded.malformed import BadLines
from ingest.recorded.ping import lost_runs, read_ping
from leowatch.dish_opinion import compare
from leowatch.probes import handovers, outages, slot_summary
from leowatch.recording import Heard, cadences_s, play, synthetic_inventory
from leowatch.replay import replay
from streams.slot_edges import find_slot_edges

_TERMINAL = "terminal-0"
_SECOND_NS = NS_PER_S
_HALF_SECOND_NS = NS_PER_S // 2


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a person asks for.

    Attributes:
        format: `run`, `frames`, `dish-history`, `ping` or `csv`.
        files: What to read, in order.
        out: Where events go, one JSON object a line.
        fields: For csv: column of the file to field.
        fixed: Field to value, the same in every sample.
        taken_at_ns: When each dish history was taken; one alone is the last one's.
        plan: The contact plan, as a run leaves it (Parquet).
        inventory: JSON lines.
    """

    format: str
    files: tuple[Path, ...]
    out: Path
    fields: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    taken_at_ns: tuple[int, ...] = ()
    plan: Path | None = None
    inventory: Path | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    """What came of a format: events, and what the summary says besides their counts."""

    events: list[dict[str, Any]]
    facts: dict[str, Any]


def run_detect(options: Options) -> dict[str, Any]:
    """Read, detect, write the events; return the summary.

    Raises:
        Fatal: The options or a file are wrong; the message says how to mend it.
    """
    try:
        reader = _READERS[options.format]
    except KeyError as error:
        raise Fatal(f"--format {options.format}: one of {', '.join(_READERS)}") from error
    _refuse_misfits(options)
    try:
        found = reader(options)
        _write(options.out, found.events)
    except (ValueError, OSError) as error:
        raise Fatal(str(error)) from error
    counts = Counter(str(event["kind"]) for event in found.events if event["source"] == "leowatch")
    return {"format": options.format, "events": dict(sorted(counts.items())), **found.facts}


def pairs(text: str, option: str) -> dict[str, str]:
    """Read `a=b,c=d`.

    Raises:
        Fatal: A part of it is no pair, or a name stands twice.
    """
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = (each.strip() for each in part.partition("="))
        if not (name and equals and value) or name in found:
            raise Fatal(f"{option} {part!r}: write name=value, each name once, as in a=b,c=d")
        found[name] = value
    return found


def _refuse_misfits(options: Options) -> None:
    """Refuse an option that would be passed over in silence."""
    misfits = {
        "--map": bool(options.fields) and options.format != "csv",
        "--set": bool(options.fixed) and options.format not in {"csv", "frames"},
        "--taken-at": bool(options.taken_at_ns) and options.format != "dish-history",
        "--plan": options.plan is not None and options.format != "frames",
        "--inventory": options.inventory is not None and options.format != "frames",
    }
    for option, is_misfit in misfits.items():
        if is_misfit:
            raise Fatal(f"{option} says nothing about --format {options.format}")
    if options.plan is not None and options.inventory is None:
        raise Fatal("--plan speaks of cells: give --inventory too, which says who is in which")
    if not options.files:
        raise Fatal("give at least one FILE")


def _write(path: Path, events: list[dict[str, Any]]) -> None:
    lines = [msgspec.json.encode(event) + b"\n" for event in sorted(events, key=lambda event: str(event["started_at"]))]
    path.write_bytes(b"".join(lines))


def _ours(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Say whose finding each is, and that a handover without a plan was held against none."""
    unplanned: dict[str, dict[str, Any]] = {"handover": {"conformance": None}}
    return [{**unplanned.get(event["kind"], {}), **event, "source": "leowatch"} for event in events]


def _frames(options: Options) -> _Found:
    known = read_inventory(options.inventory) if options.inventory is not None else None
    files = [read_rows(path, known) for path in options.files]
    files = [
        replace(rows, columns=_fixed(rows.columns, options.fixed)) if rows.layout is TERMINAL else rows
        for rows in files
    ]
    heard = play(files, known or _inventory_of(files), options.plan)
    rejected = Counter(each.reason.value for rows in files for each in rows.rejected) + heard.refused
    facts: dict[str, Any] = {
        "samples": sum(len(rows.received_at_ns) for rows in files if rows.layout is TERMINAL),
        "rejected": dict(rejected),
    }
    return _Found(_without_slots(heard, known is not None), facts)


def _run(options: Options) -> _Found:
    if len(options.files) != 1:
        raise Fatal("--format run plays one folder: give the one that a run left")
    played = replay(options.files[0])
    return _Found(_ours(played.heard.events), {"samples": played.samples_count, "rejected": dict(played.heard.refused)})


def _inventory_of(files: list[Rows]) -> Inventory:
    """Return an inventory of the terminals that files name."""
    samples = [rows.columns for rows in files if rows.layout is TERMINAL and row_count(rows.columns)]
    named = [rows.columns["terminal_index"] for rows in files if "terminal_index" in rows.columns]
    count = max((int(indexes.max()) + 1 for indexes in named if len(indexes)), default=0)
    whole = {
        name: np.concatenate([columns[name] for columns in samples]) if samples else np.empty(0, np.int64)
        for name in ("terminal_index", "observed_at_ns")
    }
    return synthetic_inventory((f"terminal-{index}" for index in range(count)), cadences_s(whole, count))


def _without_slots(heard: Heard, slots_are_known: bool) -> list[dict[str, Any]]:
    """Leave out what is said of slot edges where nobody has told us of slots."""
    events = _ours(heard.events)
    return events if slots_are_known else [{k: v for k, v in e.items() if k != "slot_aligned"} for e in events]


def _fixed(columns: dict[str, Array], fixed: Mapping[str, str]) -> dict[str, Array]:
    count = row_count(columns)
    values = {
        name: np.full(count, field_value(name, text), TERMINAL.column(name).numpy_type) for name, text in fixed.items()
    }
    return {**columns, **values}


def _csv(options: Options) -> _Found:
    if not options.fields:
        raise Fatal("--format csv needs --map column=field,... with one of them observed_at")
    events: list[dict[str, Any]] = []
    rejected: Counter[str] = Counter()
    bad: list[BadLines] = []
    samples = 0
    for path in options.files:
        read = read_delimited(path.read_bytes(), path.name, options.fields)
        columns = _completed(_fixed(read.columns, options.fixed))
        names = read.terminals or tuple(f"terminal-{i}" for i in range(int(columns["terminal_index"].max()) + 1))
        inventory = synthetic_inventory(names, cadences_s(columns, len(names)))
        rows, refused = _rows(columns, inventory)
        heard = play([rows], inventory)
        rejected += refused + heard.refused
        bad.append(read.bad_lines)
        samples += len(rows.received_at_ns)
        events += [_named(event, read.satellites) for event in _without_slots(heard, slots_are_known=False)]
    return _Found(events, {"samples": samples, "rejected": dict(rejected), **_bad_lines(bad)})


def _completed(columns: dict[str, Array]) -> dict[str, Array]:
    """Give samples what every frame has: a number in their terminal's order, and a state nobody told."""
    count = row_count(columns)
    terminal = columns.get("terminal_index", np.zeros(count, np.int32))
    order = np.lexsort((columns["observed_at_ns"], terminal))
    first = np.searchsorted(terminal[order], terminal[order])
    sequence = np.empty(count, np.int32)
    sequence[order] = np.arange(count) - first
    return {
        "terminal_index": terminal,
        "boot_count": np.ones(count, np.int32),
        "sequence": sequence,
        "state": np.full(count, TerminalState.UNKNOWN, np.int8),
        **columns,
    }


def _rows(columns: dict[str, Array], inventory: Inventory) -> tuple[Rows, Counter[str]]:
    """Return columns as rows received when they were observed, and what was refused."""
    at_ns = columns["observed_at_ns"]
    # Times that count from zero are no wrong clock here.
    checked = {name: values for name, values in columns.items() if name != "observed_at_ns"}
    good, rejected = check(TERMINAL, checked, at_ns, inventory)
    order = np.flatnonzero(good)
    order = order[np.argsort(at_ns[order], kind="stable")]
    kept = {name: columns[name][order] for name in TERMINAL.names() if name in columns}
    rows = Rows(TERMINAL, kept, at_ns[order], np.zeros(len(order), bool), rejected)
    return rows, Counter(each.reason.value for each in rejected)


def _named(event: dict[str, Any], satellites: tuple[str, ...]) -> dict[str, Any]:
    """Put the file's own names of satellites in place of our numbers."""
    return {
        name: satellites[int(value[1:])] if name.endswith("satellite_id") and value[1:].isdecimal() else value
        for name, value in event.items()
    }


def _bad_lines(bad: list[BadLines]) -> dict[str, Any]:
    count = sum(each.count for each in bad)
    return (
        {"bad_lines": count, "bad_line_examples": [text for each in bad for text in each.examples]}
        if count
        else {"bad_lines": 0}
    )


def _ping(options: Options) -> _Found:
    traces = [read_ping(path.read_bytes(), path.name) for path in options.files]
    at_ns = np.concatenate([trace.observed_at_ns for trace in traces])
    edges = find_slot_edges(at_ns, np.concatenate([trace.pop_ping_latency_ms for trace in traces]))
    inventory = synthetic_inventory([_TERMINAL], np.ones(1))
    events = handovers(edges, inventory)
    for trace in traces:
        # A hole between two files is no run of lost probes.
        events += outages(lost_runs(trace), edges.estimate, inventory)
    facts = {
        "probes": len(at_ns),
        "lost": int(sum(np.isnan(trace.pop_ping_latency_ms).sum() for trace in traces)),
        **slot_summary(edges.estimate),
        **_bad_lines([trace.bad_lines for trace in traces]),
    }
    return _Found(_ours(events), facts)


def _dish_history(options: Options) -> _Found:
    histories = _histories(options)
    clock = histories[-1].clock
    columns, dish = _joined(histories, timed_each=len(options.taken_at_ns) == len(options.files))
    start_ns = columns["observed_at_ns"]
    edges = find_slot_edges(start_ns + _HALF_SECOND_NS, columns["pop_ping_latency_ms"].astype(np.float64))
    told = ~np.isnan(columns["pop_ping_drop_ratio"])
    # A slot of the ring is stamped at its start; a sample of ours where its second ends.
    samples = {**{n: v[told] for n, v in columns.items()}, "observed_at_ns": start_ns[told] + _SECOND_NS}
    estimate = edges.estimate
    inventory = synthetic_inventory(
        [_TERMINAL], np.ones(1), slot_length_s=estimate.slot_length_s, slot_phase_s=estimate.slot_phase_s
    )
    rows, refused = _rows(_completed(samples), inventory)
    heard = play([rows], inventory)
    ours = _without_slots(heard, estimate.slot_length_s is not None) + _ours(handovers(edges, inventory))
    span_ns = (int(start_ns[0]), int(start_ns[-1]) + _SECOND_NS) if clock == "utc" else None
    opinion = compare(ours, dish, span_ns, _TERMINAL)
    facts = {
        "clock": clock,
        "samples": len(rows.received_at_ns),
        "rejected": dict(refused + heard.refused),
        "bad_values": sum(history.bad_values_count for history in histories),
        **slot_summary(estimate, has_phase=clock == "utc"),
        "agreement": opinion.agreement,
    }
    return _Found(ours + opinion.events, facts)


def _histories(options: Options) -> list[DishHistory]:
    times, count = options.taken_at_ns, len(options.files)
    if len(times) not in {0, 1, count}:
        raise Fatal(f"--taken-at: one for each of {count} files, or one for the last")
    given = list(times) if len(times) == count else [None] * (count - len(times)) + list(times)
    return [read_dish_history(p.read_bytes(), p.name, at_ns) for p, at_ns in zip(options.files, given, strict=True)]


def _joined(histories: list[DishHistory], *, timed_each: bool) -> tuple[dict[str, Array], DishOutages]:
    """Return the samples of several histories, each once, and all their outages, each once.

    Raises:
        ValueError: The dish booted between two of them, and nobody says when the earlier one was taken.
    """
    boots = [1]
    for before, after in pairwise(histories):
        boots.append(boots[-1] + int(after.sequence[-1] < before.sequence[-1]))
    if boots[-1] > 1 and not timed_each:
        raise ValueError("the dish booted between these files: give a --taken-at for each of them")
    last = histories[-1]
    parts = []
    for history, boot in zip(histories, boots, strict=True):
        at_ns = history.observed_at_ns
        if not timed_each:
            at_ns = last.observed_at_ns[-1] + (history.sequence - last.sequence[-1]) * NS_PER_S
        parts.append({**_measured(history), "boot_count": np.full(len(at_ns), boot, np.int32), "observed_at_ns": at_ns})
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    _, first = np.unique(np.stack([whole["boot_count"], whole["sequence"]]), axis=1, return_index=True)
    whole = {name: values[first] for name, values in whole.items()}
    if last.clock == "relative":
        whole["observed_at_ns"] = whole["observed_at_ns"] - whole["observed_at_ns"].min()
    return whole, _all_outages(histories)


def _measured(history: DishHistory) -> dict[str, Array]:
    names = (
        "sequence",
        "pop_ping_drop_ratio",
        "pop_ping_latency_ms",
        "downlink_throughput_bps",
        "uplink_throughput_bps",
    )
    return {name: getattr(history, name).astype(TERMINAL.column(name).numpy_type) for name in names}


def _all_outages(histories: list[DishHistory]) -> DishOutages:
    seen = {
        (int(o.start_at_ns[i]), int(o.duration_ns[i]), o.cause[i], bool(o.did_switch[i]))
        for o in (history.outages for history in histories)
        for i in range(len(o.cause))
    }
    rows = sorted(seen)
    return DishOutages(
        cause=tuple(row[2] for row in rows),
        start_at_ns=np.array([row[0] for row in rows], np.int64),
        duration_ns=np.array([row[1] for row in rows], np.int64),
        did_switch=np.array([row[3] for row in rows], np.bool_),
    )


_READERS: dict[str, Callable[[Options], _Found]] = {
    "run": _run,
    "frames": _frames,
    "dish-history": _dish_history,
    "ping": _ping,
    "csv": _csv,
}
