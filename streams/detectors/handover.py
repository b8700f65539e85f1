"""Handover.

Watches: serving satellite, beam, gateway and PoP of consecutive samples of a terminal.
Emits: `handover`, held against the plan; `missed` where the plan moved the terminal and the slot passed without it.
Thresholds: on time within 1.5 s of the plan (a 1 Hz sample says where its second ended), later by what a terminal's
    cadence is longer than a second; ping-pong within 60 s; a stay under 15 s is short. What changed inside a gap of
    telemetry, or between samples further apart than a slot, is an observed gap, whose time is not known.
Cannot see: a change and back between two samples, and anything of a terminal that names no satellite.
"""

from typing import NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace

from ingest.contract.columns import MISSING, Array
from ingest.contract.instants import NS_PER_S
from streams.contract.catalogue import codes
from streams.contract.events import ENDPOINTS
from streams.contract.vocabulary import Conformance, HandoverClass
from streams.knowledge import Knowledge, distinct
from streams.plan_book import UNKNOWN
from streams.sequencer import Layer
from streams.thresholds import Thresholds

_FROM, _TO = ([f"{side}_{name}" for name in ENDPOINTS] for side in ("from", "to"))
_NEVER = np.iinfo(np.int64).min
_SERVING = ("serving_satellite_index", "beam_id", "gateway_index", "pop_index")
_CLASSES = np.array(
    [HandoverClass.SATELLITE, HandoverClass.BEAM, HandoverClass.GATEWAY, HandoverClass.POP], np.int8
)  # fmt: skip


class HandoverState(msgspec.Struct, frozen=True, eq=False):
    """Where each terminal is served, by place.

    Attributes:
        serving: One array for each of satellite, beam, gateway, PoP; -1 before the first sample that names one.
        named_at_ns: Observed time of the last sample that names a satellite.
        since_ns: Observed time since when the satellite serves; of a terminal's first one, since when it was seen.
        left_satellite, left_at_ns: The one before it, and when it was left.
        rtt_ms: Round trip of the last sample with one.
        slot_ns: Start of the slot of the last sample, or of the stretch in it since a new plan replaced the running one.
        reached: Whether the satellite planned then has been seen since.
        slot_satellite: The satellite that served at the first sample of it.
    """

    serving: tuple[Array, ...]
    named_at_ns: Array
    since_ns: Array
    left_satellite: Array
    left_at_ns: Array
    rtt_ms: Array
    slot_ns: Array
    reached: Array
    slot_satellite: Array


def new_state(places: int) -> HandoverState:
    """Return a state in which no terminal has been heard."""
    none, never = np.full(places, MISSING, np.int32), np.full(places, _NEVER, np.int64)
    rtt_ms = np.full(places, np.nan, np.float32)
    return HandoverState((none,) * 4, never, never, none, never, rtt_ms, never, np.zeros(places, bool), none)


class _Changes(NamedTuple):
    """Rows of a layer that name something else than what is remembered, a first name included.

    Attributes:
        rows: Of the layer.
        at: Their places.
        now, was: What they name, and what served before; a line each for satellite, beam, gateway, PoP.
        moved: Of each of the four, whether it moved: both ends are known.
    """

    rows: Array
    at: Array
    now: Array
    was: Array
    moved: Array

    def take(self, rows: Array) -> "_Changes":
        """Return those of a mask."""
        if rows.all():
            return self
        return _Changes(*(values[..., rows] for values in self))


def _changes(state: HandoverState, layer: Layer, seen: tuple[Array, ...], names: Array) -> _Changes | None:
    satellite, beam, gateway, pop = (
        now != was[layer.place] for now, was in zip(seen, state.serving, strict=True)
    )  # fmt: skip
    rows = np.flatnonzero(names & (satellite | beam | gateway | pop))
    if not len(rows):
        return None
    at = layer.places(rows)
    now = np.array([values[rows] for values in seen])
    was = np.array([values[at] for values in state.serving])
    moved = (now != was) & (now >= 0) & (was >= 0) & (was[0] >= 0)
    return _Changes(rows, at, now, was, moved)


def step(
    state: HandoverState, layer: Layer, knowledge: Knowledge, shard: int, plan_version: int
) -> tuple[HandoverState, list[dict[str, Array]], int]:
    """Take a layer in; return the new state, the handovers and how many found no plan to be held against."""
    seen = tuple(layer.column(name) for name in _SERVING)
    names = seen[0] >= 0
    changes = _changes(state, layer, seen, names)
    events: list[dict[str, Array]] = []
    unjudged_count = 0
    if changes is not None and changes.moved.any():
        handovers = changes.take(np.logical_or.reduce(changes.moved))
        found, unjudged_count = _handovers(state, layer, handovers, knowledge, shard, plan_version)
        events.append(found)
    missed, state = _slots(state, layer, seen[0], names, knowledge, shard, plan_version)
    if missed:
        events.append(missed)
    return _remember(state, layer, names, changes), events, unjudged_count


def _handovers(
    state: HandoverState, layer: Layer, these: _Changes, knowledge: Knowledge, shard: int, plan_version: int
) -> tuple[dict[str, Array], int]:
    limits, at = knowledge.thresholds, these.at
    observed_ns = layer.column("observed_at_ns")[these.rows]
    apart_ns = observed_ns - state.named_at_ns[at]
    cadence_ns = knowledge.facts(shard).cadence_ns[at]
    observed_gap = ~layer.adjacent[these.rows] | (apart_ns > limits.adjacent_cadences * cadence_ns)
    # Between samples further apart than slots are long the plan may have moved it more than once.
    observed_gap |= apart_ns > knowledge.slot_length_ns
    to_satellite, satellite_moved = these.now[0], these.moved[0]
    returned = (state.left_satellite[at] == to_satellite) & (observed_ns - state.left_at_ns[at] <= limits.ping_pong_ns)
    stay_ns = observed_ns - state.since_ns[at]
    began_in_sight = state.left_satellite[at] >= 0
    conformance, error_s, unjudged_count = _conformance(
        knowledge, shard, plan_version, at, observed_ns, to_satellite, satellite_moved & ~observed_gap, cadence_ns
    )
    ends = dict(zip(_FROM, these.was, strict=True))
    ends |= zip(_TO, np.where(these.now >= 0, these.now, these.was), strict=True)
    return {
        "event_code": codes("handover", len(at)),
        "place": at,
        "started_at_ns": observed_ns,
        "handover_class": _CLASSES @ these.moved,
        **ends,
        "gap_s": (np.maximum(apart_ns - cadence_ns, 0) / NS_PER_S).astype(np.float32),
        "rtt_step_ms": (layer.column("pop_ping_latency_ms")[these.rows] - state.rtt_ms[at]).astype(np.float32),
        "conformance": conformance,
        "timing_error_s": error_s,
        "ping_pong": (satellite_moved & returned).astype(np.int8),
        "short_stay": (satellite_moved & began_in_sight & (stay_ns < limits.short_stay_ns)).astype(np.int8),
        "observed_gap": observed_gap.astype(np.int8),
    }, unjudged_count


def _conformance(
    knowledge: Knowledge,
    shard: int,
    plan_version: int,
    at: Array,
    observed_ns: Array,
    to_satellite: Array,
    satellite_moved: Array,
    cadence_ns: Array,
) -> tuple[Array, Array, int]:
    """Hold satellite changes against the plan of the stretch they fall in and of the next; the rest is null."""
    conformance = np.full(len(at), MISSING, np.int8)
    error_s = np.full(len(at), np.nan, np.float32)
    stretches_ns = knowledge.stretch_start_ns(observed_ns, plan_version)
    for stretch_ns in distinct(stretches_ns[satellite_moved]):
        rows = np.flatnonzero(satellite_moved & (stretches_ns == stretch_ns))
        turn = knowledge.turn(shard, stretch_ns, plan_version)
        if turn is None:
            continue
        places, satellite = at[rows], to_satellite[rows]
        now = turn.satellite[places]
        here = (now == satellite) & (turn.before[places] != satellite)
        error_ns = np.where(here, observed_ns[rows] - turn.since_ns[places], 0)
        ahead, ahead_ns = _ahead(knowledge, shard, plan_version, stretch_ns, places, satellite, observed_ns[rows])
        ahead &= ~here & (now != satellite)
        error = np.where(here | ahead, np.where(ahead, ahead_ns, error_ns) / NS_PER_S, np.nan)
        judged = now != UNKNOWN
        late_s = knowledge.thresholds.on_time_s + np.maximum(cadence_ns[rows] / NS_PER_S - 1, 0)
        conformance[rows] = np.where(judged, _words(error, late_s, knowledge.thresholds), MISSING)
        error_s[rows] = np.where(judged, error, np.nan)
    return conformance, error_s, int((satellite_moved & (conformance == MISSING)).sum())


def _ahead(
    knowledge: Knowledge,
    shard: int,
    plan_version: int,
    stretch_ns: int,
    places: Array,
    satellite: Array,
    observed_ns: Array,
) -> tuple[Array, Array]:
    """Say who has moved to what the next stretch asks, and how long before it; nobody follows what is not yet said."""
    start_ns, plan = knowledge.next_stretch(stretch_ns, plan_version)
    planned = knowledge.planned(shard, start_ns, plan_version)
    if plan is None or planned is None:
        return np.zeros(len(places), bool), observed_ns - start_ns
    is_said = observed_ns >= plan.published_at_ns
    return is_said & (planned["satellite_index"][places] == satellite), observed_ns - start_ns


def _words(error_s: Array, late_s: Array, limits: Thresholds) -> Array:
    words = np.full(len(error_s), Conformance.UNPLANNED, np.int8)
    words[error_s > late_s] = Conformance.LATE
    words[error_s < -limits.on_time_s] = Conformance.EARLY
    words[(error_s >= -limits.on_time_s) & (error_s <= late_s)] = Conformance.ON_TIME
    return words


def _slots(
    state: HandoverState,
    layer: Layer,
    satellite: Array,
    names: Array,
    knowledge: Knowledge,
    shard: int,
    plan_version: int,
) -> tuple[dict[str, Array], HandoverState]:
    """Close the stretches that are over: whoever should have moved and did not has missed."""
    observed_ns = layer.column("observed_at_ns")
    is_over = observed_ns >= state.slot_ns[layer.place] + knowledge.slot_length_ns
    if knowledge.plan.has_splits and knowledge.is_replanned(int(observed_ns.min()), int(observed_ns.max())):
        is_over |= knowledge.stretch_start_ns(observed_ns, plan_version) > state.slot_ns[layer.place]
    over = np.flatnonzero(names & is_over)
    missed: dict[str, Array] = {}
    if len(over):
        places = layer.places(over)
        missed = _missed(state, places, knowledge, shard, plan_version)
        slot_ns, reached, slot_satellite = state.slot_ns.copy(), state.reached.copy(), state.slot_satellite.copy()
        slot_ns[places], reached[places] = knowledge.stretch_start_ns(observed_ns[over], plan_version), False
        # The sample on the edge itself tells of the second before it: the slot begins with what served until then.
        slot_satellite[places] = np.where(state.serving[0][places] >= 0, state.serving[0][places], satellite[over])
        state = replace(state, slot_ns=slot_ns, reached=reached, slot_satellite=slot_satellite)
    return missed, _note_reached(state, layer, satellite, names, knowledge, shard, plan_version)


def _note_reached(
    state: HandoverState,
    layer: Layer,
    satellite: Array,
    names: Array,
    knowledge: Knowledge,
    shard: int,
    plan_version: int,
) -> HandoverState:
    rows = np.flatnonzero(names & ~state.reached[layer.place])
    if not len(rows):
        return state
    stretches_ns = knowledge.stretch_start_ns(layer.column("observed_at_ns")[rows], plan_version)
    reached = state.reached.copy()
    for stretch_ns in distinct(stretches_ns):
        inside = rows[stretches_ns == stretch_ns]
        planned = knowledge.planned(shard, stretch_ns, plan_version)
        places = layer.places(inside)
        reached[places] = True if planned is None else satellite[inside] == planned["satellite_index"][places]
    return replace(state, reached=reached)


def _missed(
    state: HandoverState, places: Array, knowledge: Knowledge, shard: int, plan_version: int
) -> dict[str, Array]:
    """Return the planned handovers of the slots just over that nobody saw; what a running slot's new plan took back is none."""
    found: list[Array] = []
    targets: list[dict[str, Array]] = []
    candidates = places[~state.reached[places] & (state.slot_ns[places] != _NEVER)]
    since: list[Array] = []
    for stretch_ns in distinct(state.slot_ns[candidates]):
        rows = candidates[state.slot_ns[candidates] == stretch_ns]
        turn = knowledge.turn(shard, stretch_ns, plan_version)
        end_ns, _ = knowledge.next_stretch(stretch_ns, plan_version)
        if turn is None or end_ns != knowledge.slot_end_ns(stretch_ns):
            continue
        target, was = turn.satellite[rows], turn.before[rows]
        missed = (target >= 0) & (was >= 0) & (target != was) & (state.slot_satellite[rows] == was)
        # Who fell silent before the slot was over may have moved unseen.
        missed &= state.named_at_ns[rows] >= end_ns - knowledge.thresholds.silence_ns
        found.append(rows[missed])
        since.append(turn.since_ns[rows[missed]])
        targets.append({name: values[rows[missed]] for name, values in turn.planned.items()})
    if not found or not sum(map(len, found)):
        return {}
    who = np.concatenate(found)
    ends = {name: values[who] for name, values in zip(_FROM, state.serving, strict=True)}
    ends |= {
        to: np.concatenate([t[name] for t in targets]).astype(np.int32) for to, name in zip(_TO, ENDPOINTS, strict=True)
    }
    count = len(who)
    return {
        "event_code": codes("handover", count),
        "place": who,
        "started_at_ns": np.concatenate(since),
        "handover_class": np.full(count, HandoverClass.SATELLITE, np.int8),
        **ends,
        "gap_s": np.full(count, np.nan, np.float32),
        "rtt_step_ms": np.full(count, np.nan, np.float32),
        "conformance": np.full(count, Conformance.MISSED, np.int8),
        "timing_error_s": np.full(count, np.nan, np.float32),
        "ping_pong": np.zeros(count, np.int8),
        "short_stay": np.zeros(count, np.int8),
        "observed_gap": np.zeros(count, np.int8),
    }


def _remember(state: HandoverState, layer: Layer, names: Array, changes: _Changes | None) -> HandoverState:
    observed_ns, rtt_ms = layer.column("observed_at_ns"), layer.column("pop_ping_latency_ms")
    state = replace(
        state,
        named_at_ns=layer.put(state.named_at_ns, observed_ns, names),
        rtt_ms=layer.put(state.rtt_ms, rtt_ms, ~np.isnan(rtt_ms)),
    )
    if changes is None:
        return state
    at_ns, left, at = observed_ns[changes.rows], changes.moved[0], changes.at
    return replace(
        state,
        serving=tuple(
            _put(values, at, now, now >= 0) if differs else values
            for values, now, differs in zip(
                state.serving, changes.now, (changes.now != changes.was).any(axis=1).tolist(), strict=True
            )
        ),
        since_ns=_put(state.since_ns, at, at_ns, left | (changes.was[0] < 0)),
        left_satellite=_put(state.left_satellite, at, changes.was[0], left),
        left_at_ns=_put(state.left_at_ns, at, at_ns, left),
    )


def _put(values: Array, at: Array, new: Array, rows: Array) -> Array:
    changed = values.copy()
    changed[at[rows]] = new[rows]
    return changed
