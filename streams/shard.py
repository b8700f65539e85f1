"""One shard's step: a frame in, the new past and what was noticed out; the sequencer, then each detector over its layers."""

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import replace

from ingest.contract.columns import Array, concatenate, row_count
from ingest.contract.frame import Frame, TelemetryHeader
from ingest.contract.telemetry import ATTACHMENT, TERMINAL, place_of
from ingest.contract.vocabulary import SubjectKind
from streams import clock as clocks
from streams import partials, sequencer
from streams.clock import ClockState
from streams.contract.events import EVENT, event_keys
from streams.detectors import handover, outage, outage_state, settlement, tilt
from streams.detectors.handover import HandoverState
from streams.detectors.outage_state import OutageState, Surroundings
from streams.detectors.tilt import TiltState
from streams.knowledge import Knowledge, ShardFacts
from streams.partials import Accounts, Said
from streams.sequencer import Layer, SequencerState

COLUMNS_READ = frozenset({
    "terminal_index", "boot_count", "sequence", "observed_at_ns", "state", "serving_satellite_index", "beam_id",
    "gateway_index", "pop_index", "pop_ping_latency_ms", "pop_ping_drop_ratio", "attached", "detach_reason",
    "effective_at_ns",
    *tilt.READS, *partials.READS,
})  # fmt: skip
STATE_VERSIONS = {"clock": 2, "sequencer": 1, "handover": 1, "outage": 2, "tilt": 2, "accounts": 1}
_EVENT_TYPES = {column.name: column.numpy_type for column in EVENT.columns}
# What a snapshot holds beside the clock.
_PARTS = ("sequencer", "handover", "outage", "tilt", "accounts")


class ShardState(msgspec.Struct, frozen=True, eq=False):
    """Everything remembered of one shard; a step returns a new one and shares what has not changed."""

    shard: int
    shard_count: int
    places: int
    clock: ClockState
    sequencer: SequencerState
    handover: HandoverState
    outage: OutageState
    tilt: TiltState
    accounts: Accounts


class Findings(msgspec.Struct, frozen=True, eq=False):
    """What a step noticed.

    Attributes:
        events: Columns of the event layout; empty when there is none.
        partials: Windows that the watermark has passed, and corrections of earlier ones.
        clock_ns: The shard's log time.
        watermark_ns: Everything that starts before it has been said.
        counts: What moved, by name.
    """

    events: dict[str, Array]
    partials: Said
    clock_ns: int
    watermark_ns: int
    counts: dict[str, int]


def new_state(shard: int, shard_count: int, places: int = 0) -> ShardState:
    """Return a shard of which nothing is remembered; it grows to its inventory with the first frame."""
    return ShardState(
        shard, shard_count, places, clocks.new_state(places), sequencer.new_state(places), handover.new_state(places),
        outage_state.new_state(places), tilt.new_state(places), partials.new_state(places),
    )  # fmt: skip


def step(state: ShardState, frame: Frame[TelemetryHeader], knowledge: Knowledge) -> tuple[ShardState, Findings]:
    """Take a frame of samples, attachments or control in; a frame without rows is a tick.

    Raises:
        ValueError: A row is of another shard, or of a terminal that the inventory does not have.
    """
    knowledge = knowledge.for_frame(frame.header)
    header, limits = frame.header, knowledge.thresholds
    facts = knowledge.facts(state.shard)
    state = _grow(state, len(facts.terminals))
    at = _places(frame, state, facts)
    clock = clocks.hear(
        state.clock, header.producer_id, header.received_at_ns, limits.producer_timeout_ns, goodbye=header.goodbye
    )
    moves = clock.clock_ns > state.clock.clock_ns
    state = replace(state, clock=clock)
    found: list[dict[str, Array]] = []
    said: Said = []
    counts: dict[str, int] = {}
    if moves:
        # All that was received before the clock moved is in, however it was cut into frames; this frame's rows are later.
        state, found, said, counts = _pass_time(state, knowledge, header.plan_version)
    if header.kind == ATTACHMENT.kind:
        state = replace(state, outage=outage.attach(state.outage, frame.columns, _listed(at, facts)))
    elif header.kind == TERMINAL.kind:
        state, more, moved = _samples(state, frame, at, knowledge)
        found += more
        counts = {name: counts.get(name, 0) + moved.get(name, 0) for name in counts | moved}
    events = _events(found, state, clock.clock_ns)
    return state, Findings(events, said, clock.clock_ns, clock.clock_ns - limits.lateness_ns, counts)


def _places(frame: Frame[TelemetryHeader], state: ShardState, facts: ShardFacts) -> Array | slice:
    """Return the places of a frame's rows: a slice where they are all of the shard's, in order."""
    if "terminal_index" not in frame.columns or not frame.rows:
        return np.empty(0, np.int64)
    terminals = frame.columns["terminal_index"]
    if len(terminals) == state.places == len(facts.terminals) and bool((terminals == facts.terminals).all()):
        return slice(None)
    place = place_of(terminals, state.shard_count)
    if bool((terminals != place * state.shard_count + state.shard).any()):
        raise ValueError(f"a row is of another shard than {state.shard}")
    if bool((place >= state.places).any()) or bool((terminals < 0).any()):
        raise ValueError(f"terminal_index {int(terminals.max())} is not in the inventory")
    return place


def _listed(at: Array | slice, facts: ShardFacts) -> Array:
    return np.arange(len(facts.terminals)) if isinstance(at, slice) else at


def _samples(
    state: ShardState, frame: Frame[TelemetryHeader], at: Array | slice, knowledge: Knowledge
) -> tuple[ShardState, list[dict[str, Array]], dict[str, int]]:
    limits, facts, header = knowledge.thresholds, knowledge.facts(state.shard), frame.header
    accounts = partials.measure(state.accounts, frame.columns, at, knowledge, state.shard, state.clock.clock_ns)
    state = replace(state, clock=clocks.carry(state.clock, header.producer_id, at), accounts=accounts)
    if header.stored:
        folded = settlement.fold(state.outage, frame.columns, _listed(at, facts), knowledge, facts)
        return replace(state, outage=folded), [], {"stored_samples": frame.rows}
    out = outage.hear(state.outage, at, state.clock.clock_ns) if frame.rows else state.outage
    sequence, admitted = sequencer.admit(
        state.sequencer, frame.columns, at, state.clock.clock_ns, limits.reorder_wait_ns
    )
    if len(admitted.late_place):
        out = settlement.fold(out, admitted.late, admitted.late_place, knowledge, facts)
    state = replace(state, sequencer=sequence, outage=out)
    state, found, unjudged_count = _judge(state, admitted.layers, knowledge, header.plan_version)
    return state, found, {
        "samples": frame.rows,
        "repeats": admitted.repeats_count,
        "late_samples": len(admitted.late_place),
        "handovers_without_plan": unjudged_count,
    }  # fmt: skip


def _judge(
    state: ShardState, layers: list[Layer], knowledge: Knowledge, plan_version: int
) -> tuple[ShardState, list[dict[str, Array]], int]:
    """Show layers to each detector; return what was noticed, and how many handovers had no plan."""
    found: list[dict[str, Array]] = []
    unjudged_count = 0
    for layer in layers:
        around = _around(state, knowledge, plan_version)
        before = len(found)
        moved, events, unjudged = handover.step(state.handover, layer, knowledge, state.shard, plan_version)
        found += events
        unjudged_count += unjudged
        out, events = outage.step(state.outage, layer, around)
        found += events
        tilted, events = tilt.step(state.tilt, layer, out.phase == outage_state.OUT, knowledge, state.shard)
        found += events
        accounts = partials.follow(
            state.accounts, layer, state.handover.serving, moved.serving, out, found[before:], knowledge, state.shard
        )
        state = replace(state, handover=moved, outage=out, tilt=tilted, accounts=accounts)
    return state, found, unjudged_count


def _around(state: ShardState, knowledge: Knowledge, plan_version: int) -> Surroundings:
    return Surroundings(
        satellite=state.handover.serving[0], gateway=state.handover.serving[2], tilt=state.tilt, knowledge=knowledge,
        shard=state.shard, plan_version=plan_version, clock_ns=state.clock.clock_ns,
        listening_since_ns=clocks.listening_since_ns(state.clock),
    )  # fmt: skip


def _pass_time(
    state: ShardState, knowledge: Knowledge, plan_version: int
) -> tuple[ShardState, list[dict[str, Array]], Said, dict[str, int]]:
    """Let the clock speak: held samples go on when their wait is over, then silence is judged."""
    limits = knowledge.thresholds
    sequence, admitted = sequencer.admit(
        state.sequencer, {}, np.empty(0, np.int64), state.clock.clock_ns, limits.reorder_wait_ns
    )
    state = replace(state, sequencer=sequence)
    state, found, unjudged_count = _judge(state, admitted.layers, knowledge, plan_version)
    before = state.outage.phase
    blind = clocks.blind(state.clock)
    where = outage.overdue(state.outage, knowledge.facts(state.shard), state.clock.clock_ns)
    overdue = outage.Overdue(where, blind[where], clocks.watched_since_ns(state.clock, where))
    out, events = outage.pass_time(
        state.outage, _around(state, knowledge, plan_version), overdue,
        (state.sequencer.boot_count, state.sequencer.sequence),
    )  # fmt: skip
    found += events
    accounts, said = partials.pass_time(
        state.accounts, state.handover.serving, out, events, blind, state.clock.clock_ns, knowledge, state.shard
    )
    tilted = state.tilt
    if out.phase is not before:
        silent = np.flatnonzero((out.phase != before) & (out.phase != outage_state.GOOD))
        tilted, events = tilt.fall_silent(tilted, silent, knowledge.facts(state.shard), limits)
        found += events
    counts = {"handovers_without_plan": unjudged_count}
    return replace(state, outage=out, tilt=tilted, accounts=accounts), found, said, counts


def _events(found: Iterable[dict[str, Array]], state: ShardState, clock_ns: int) -> dict[str, Array]:
    """Return all findings as rows of the event layout, with their keys."""
    # Their place is no column of the layout and stays behind.
    parts = [
        {
            "revision": np.ones(len(part["place"]), np.int16),
            "subject_index": part["place"] * state.shard_count + state.shard,
            **part,
        }
        for part in found
        if len(part["place"])
    ]
    if not parts:
        return {}
    whole = concatenate(parts, EVENT) if len(parts) > 1 else {n: parts[0][n] for n in _EVENT_TYPES if n in parts[0]}
    count = row_count(whole)
    whole["subject_kind"] = np.full(count, SubjectKind.TERMINAL)
    whole["decided_at_ns"] = np.full(count, clock_ns)
    whole["event_key"] = event_keys(whole)
    return {name: values.astype(_EVENT_TYPES[name], copy=False) for name, values in whole.items()}


_NOT_BY_PLACE = ("sequencer.held", "outage.told.", "accounts.ledger.", "accounts.measures.holes.")


def _grow(state: ShardState, places: int) -> ShardState:
    """Return the state with room for terminals that the inventory has added."""
    if places <= state.places:
        return state
    grown = to_arrays(new_state(state.shard, state.shard_count, places))
    for name, old in to_arrays(state).items():
        # Some are of some terminals, and not one a terminal.
        if name.startswith(_NOT_BY_PLACE) or (name.startswith("clock.") and name != "clock.carrier"):
            grown[name] = old
        else:
            grown[name] = np.concatenate([old, grown[name][len(old) :]])
    return from_arrays(state.shard, state.shard_count, grown)


def to_arrays(state: ShardState) -> dict[str, Array]:
    """Return everything remembered as flat arrays, for a snapshot."""
    arrays: dict[str, Array] = {
        "clock.names": np.frombuffer("\n".join(state.clock.names).encode(), np.uint8),
        "clock.last_ns": np.array(state.clock.last_ns, np.int64),
        "clock.live": np.array(state.clock.live, bool),
        "clock.joined_ns": np.array(state.clock.joined_ns, np.int64),
        "clock.clock_ns": np.array([state.clock.clock_ns]),
        "clock.carrier": state.clock.carrier,
    }
    state = replace(state, accounts=partials.posted(state.accounts))
    for part in _PARTS:
        arrays |= _flat(part, getattr(state, part))
    return arrays


def _flat(prefix: str, part: Any) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    for each in part.__struct_fields__:
        value = getattr(part, each)
        if isinstance(value, tuple):
            arrays |= {f"{prefix}.{each}.{i}": array for i, array in enumerate(value)}
        elif isinstance(value, dict):
            arrays |= {f"{prefix}.{each}.{name}": array for name, array in value.items()}
        elif isinstance(value, msgspec.Struct):
            arrays |= _flat(f"{prefix}.{each}", value)
        else:
            arrays[f"{prefix}.{each}"] = value
    return arrays


def from_arrays(shard: int, shard_count: int, arrays: dict[str, Array]) -> ShardState:
    """Return the state that `to_arrays` flattened."""
    names = bytes(arrays["clock.names"]).decode()
    clock = ClockState(
        tuple(names.split("\n")) if names else (),
        tuple(arrays["clock.last_ns"].tolist()),
        tuple(arrays["clock.live"].astype(bool).tolist()),
        tuple(arrays["clock.joined_ns"].tolist()),
        int(arrays["clock.clock_ns"][0]),
        arrays["clock.carrier"],
    )
    fresh = new_state(shard, shard_count, len(clock.carrier))
    parts = {name: _unflat(name, getattr(fresh, name), arrays) for name in _PARTS}
    return replace(fresh, clock=clock, **parts)


def _unflat(prefix: str, part: Any, arrays: dict[str, Array]) -> Any:
    values: dict[str, Any] = {}
    for each in part.__struct_fields__:
        name, value = f"{prefix}.{each}", getattr(part, each)
        inner = {key.removeprefix(f"{name}."): array for key, array in arrays.items() if key.startswith(f"{name}.")}
        if isinstance(value, tuple):
            values[each] = tuple(inner[str(i)] for i in range(len(value)))
        elif isinstance(value, dict):
            values[each] = inner
        elif isinstance(value, msgspec.Struct):
            values[each] = _unflat(name, value, arrays)
        else:
            values[each] = arrays[name]
    return replace(part, **values)
