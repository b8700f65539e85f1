"""Outage, seen from both ends.

Watches: drop ratio and state of samples, silence by the door's clock, attach and detach records of the gateways, and what
    a terminal's ring tells afterwards.
Emits: `outage_suspected`, `outage_started`, `outage_ended`, `outage_withdrawn`.
Thresholds: a bad run of 2 s (1 s for operational technology); two good samples end it, so that outages 1 s apart are one;
    silence of three cadences and at least 5 s is suspected; silence and detached is an outage.
Cannot see: outages under a second (8 of 15 on a real dish); why the link is gone, beyond what the terminal, the plan and
    the gateway say; anything while the door itself is silent: then the terminal is blind, and neither good nor bad.

A terminal's life here: GOOD -> (silent) SUSPECTED -> GOOD or OUT, or GOOD -> (bad run, or silent and detached) OUT ->
GOOD. Back at GOOD its ring has `stored_wait_ns` to tell: a suspicion is confirmed or withdrawn then, and the cause of an
outage that was told to have ended may be revised. A new trouble settles the old one at once.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ingest.contract.columns import MISSING, Array, Columns
from ingest.contract.instants import NS_PER_S
from ingest.contract.vocabulary import STATES_WITHOUT_TRAFFIC, TerminalState
from streams.contract.catalogue import codes
from streams.contract.vocabulary import OutageCause
from streams.knowledge import Knowledge, ShardFacts
from streams.sequencer import Layer

_NEVER = np.iinfo(np.int64).min
GOOD, SUSPECTED, OUT = range(3)

_CAUSES = np.zeros(len(TerminalState), np.int8)
for _state, _cause in {
    TerminalState.CONNECTED: OutageCause.NO_PINGS,
    TerminalState.BOOTING: OutageCause.BOOTING,
    TerminalState.SEARCHING: OutageCause.SEARCHING,
    TerminalState.STOWED: OutageCause.STOWED,
    TerminalState.THERMAL_SHUTDOWN: OutageCause.THERMAL_SHUTDOWN,
    TerminalState.NO_SATELLITES: OutageCause.NO_SATELLITES,
    TerminalState.OBSTRUCTED: OutageCause.OBSTRUCTED,
    TerminalState.NO_DOWNLINK: OutageCause.NO_DOWNLINK,
    TerminalState.NO_PINGS: OutageCause.NO_PINGS,
    TerminalState.NO_SCHEDULE: OutageCause.NO_SCHEDULE,
    TerminalState.SLEEPING: OutageCause.SLEEPING,
}.items():
    _CAUSES[_state] = _cause
_WITHOUT_TRAFFIC = np.isin(np.arange(len(TerminalState)), [int(state) for state in STATES_WITHOUT_TRAFFIC])


@dataclass(frozen=True, slots=True)
class OutageState:
    """What is remembered of each terminal, by place; instants are `_NEVER` where there is none.

    Attributes:
        heard_ns: Log time at which anything live came from it.
        observed_ns: Observed time of the last sample that went on.
        phase: GOOD, SUSPECTED or OUT.
        start_ns: Start of the suspicion or the outage, and of the last one while its ring may still tell.
        bad_since_ns, bad_cause: Start of the bad run before an outage, and its first cause.
        good_since_ns: Start of the good run that may end an outage.
        cause, detached, expected, satellite, gateway: As they were said at the start.
        boots: Whether it booted since the start.
        attached, attached_at_ns: The newest attachment record; -1 for none.
        evidence_ns, evidence_cause: The earliest bad sample that the ring has told of the open or last gap.
        end_ns: End of the last suspicion or outage.
        settle_at_ns: Log time at which the ring's word is taken as all; `_NEVER` while nothing waits for it.
        ended: 1 if what waits is an outage that was told to have ended, 0 if it is a suspicion.
    """

    heard_ns: Array
    observed_ns: Array
    phase: Array
    start_ns: Array
    bad_since_ns: Array
    bad_cause: Array
    good_since_ns: Array
    cause: Array
    detached: Array
    expected: Array
    satellite: Array
    gateway: Array
    boots: Array
    attached: Array
    attached_at_ns: Array
    evidence_ns: Array
    evidence_cause: Array
    end_ns: Array
    settle_at_ns: Array
    ended: Array


def new_state(places: int) -> OutageState:
    """Return a state in which no terminal has been heard."""
    never, none, no = np.full(places, _NEVER), np.full(places, MISSING, np.int32), np.zeros(places, np.int8)
    unknown = np.full(places, MISSING, np.int8)
    return OutageState(
        heard_ns=never, observed_ns=never, phase=no, start_ns=never, bad_since_ns=never, bad_cause=no,
        good_since_ns=never, cause=unknown, detached=no, expected=no, satellite=none, gateway=none, boots=no,
        attached=unknown, attached_at_ns=never, evidence_ns=never, evidence_cause=unknown, end_ns=never,
        settle_at_ns=never, ended=no,
    )  # fmt: skip


def hear(state: OutageState, at: Array | slice, clock_ns: int) -> OutageState:
    """Note that something live has come from places, in order or not."""
    heard = state.heard_ns.copy()
    heard[at] = clock_ns
    return replace(state, heard_ns=heard)


def attach(state: OutageState, columns: Columns, place: Array) -> OutageState:
    """Take attach and detach records in; the newest holds, and of two at once the attached one."""
    attached, at_ns = state.attached.copy(), state.attached_at_ns.copy()
    order = np.lexsort((columns["attached"], columns["observed_at_ns"]))
    newer = columns["observed_at_ns"][order] >= at_ns[place[order]]
    keeps = newer & ~(
        (columns["observed_at_ns"][order] == at_ns[place[order]])
        & (columns["attached"][order] < attached[place[order]])
    )
    rows = order[keeps]
    attached[place[rows]] = columns["attached"][rows]
    at_ns[place[rows]] = columns["observed_at_ns"][rows]
    return replace(state, attached=attached, attached_at_ns=at_ns)


def _set(values: Array, at: Array | slice, rows: Array, new: Any) -> Array:
    """Return `values` with the places of `rows` (a mask over a layer) set to their share of `new`."""
    if not rows.any():
        return values
    changed = values.copy()
    where = np.flatnonzero(rows) if isinstance(at, slice) else at[rows]
    changed[where] = new[rows] if isinstance(new, np.ndarray) and new.ndim else new
    return changed


def step(
    state: OutageState,
    layer: Layer,
    serving: tuple[Array, Array],
    knowledge: Knowledge,
    shard: int,
    plan_version: int,
    clock_ns: int,
) -> tuple[OutageState, list[dict[str, Array]]]:
    """Take a layer in; return the new state and what was noticed.

    Args:
        state: What is remembered.
        layer: The samples.
        serving: Satellite and gateway of every place before this layer.
        knowledge: Plan, inventory, thresholds.
        shard: Whose terminals.
        plan_version: In force.
        clock_ns: The shard's log time.
    """
    limits, facts, at = knowledge.thresholds, knowledge.facts(shard), layer.place
    observed_ns = layer.column("observed_at_ns")
    cadence_ns = facts.cadence_ns[at]
    begins_ns = observed_ns - cadence_ns
    state_now = layer.column("state")
    drop = layer.column("pop_ping_drop_ratio")
    bad = (drop >= limits.drop_ratio) | _WITHOUT_TRAFFIC[np.clip(state_now, 0, len(_WITHOUT_TRAFFIC) - 1)]
    phase = state.phase[at]
    eventful = bad.any() or phase.any() or layer.rebooted.any() or (state.bad_since_ns[at] != _NEVER).any()
    if not eventful:
        seen = (
            observed_ns
            if isinstance(at, slice)
            else _set(state.observed_ns, at, np.ones(layer.rows, bool), observed_ns)
        )
        return replace(state, observed_ns=seen), []
    events: list[dict[str, Array]] = []
    state = replace(state, boots=_set(state.boots, at, layer.rebooted & (phase != GOOD), 1))
    # 1. A bad run that is long enough is an outage.
    running = phase != OUT
    starts = bad & running & (state.bad_since_ns[at] == _NEVER)
    state = replace(
        state,
        bad_since_ns=_set(_set(state.bad_since_ns, at, starts, begins_ns), at, ~bad, _NEVER),
        bad_cause=_set(state.bad_cause, at, starts, _CAUSES[np.clip(state_now, 0, len(_CAUSES) - 1)]),
    )
    long = bad & ((phase == GOOD) | (phase == SUSPECTED))
    long &= observed_ns - state.bad_since_ns[at] >= facts.outage_ns[at] - limits.stamp_jitter_ns
    if long.any():
        where = np.flatnonzero(long) if isinstance(at, slice) else at[long]
        state, settled = _settle(state, where, knowledge)
        events += settled
        state, started = _start(
            state, where, _begun_ns(state, where), state.bad_cause[where], serving, knowledge, facts, shard,
            plan_version, detached=0,
        )  # fmt: skip
        events.append(started)
    # 2. A good run ends an outage; the first good sample ends a suspicion.
    out = (phase == OUT) & ~long
    begins = out & ~bad & (state.good_since_ns[at] == _NEVER)
    state = replace(state, good_since_ns=_set(_set(state.good_since_ns, at, begins, begins_ns), at, out & bad, _NEVER))
    over = out & ~bad & (observed_ns - state.good_since_ns[at] > limits.merge_ns)
    if over.any():
        where = np.flatnonzero(over) if isinstance(at, slice) else at[over]
        state = _return(state, where, state.good_since_ns[where], clock_ns + limits.stored_wait_ns, ended=1)
        events.append(_ended(state, where, knowledge, revision=1))
    back = (phase == SUSPECTED) & ~bad & ~long
    if back.any():
        where = np.flatnonzero(back) if isinstance(at, slice) else at[back]
        state = _return(state, where, begins_ns[back], clock_ns + limits.stored_wait_ns, ended=0)
    return replace(state, observed_ns=_set(state.observed_ns, at, np.ones(layer.rows, bool), observed_ns)), events


def _begun_ns(state: OutageState, where: Array) -> Array:
    """Return where a bad run began, or the silence before it."""
    return np.where(state.phase[where] == SUSPECTED, state.start_ns[where], state.bad_since_ns[where])


def _start(
    state: OutageState,
    where: Array,
    start_ns: Array,
    cause: Array,
    serving: tuple[Array, Array],
    knowledge: Knowledge,
    facts: ShardFacts,
    shard: int,
    plan_version: int,
    *,
    detached: int,
) -> tuple[OutageState, dict[str, Array]]:
    """Open outages at places; the plan may have foreseen them."""
    satellite, gateway = serving[0][where], serving[1][where]
    uncovered = _uncovered(knowledge, facts, where, start_ns, shard, plan_version)
    foreseen = uncovered | knowledge.in_maintenance(facts, satellite, gateway, where, start_ns, plan_version)
    cause = np.where(uncovered, OutageCause.COVERAGE_GAP, cause).astype(np.int8)
    values: dict[str, Any] = {
        "phase": OUT, "start_ns": start_ns, "cause": cause, "detached": detached, "expected": foreseen.astype(np.int8),
        "satellite": satellite, "gateway": gateway, "boots": 0, "good_since_ns": _NEVER, "bad_since_ns": _NEVER,
        "evidence_ns": _NEVER, "evidence_cause": MISSING, "settle_at_ns": _NEVER, "ended": 0,
    }  # fmt: skip
    state = _put(state, where, values)
    return state, {
        "event_code": codes("outage_started", len(where)), "place": where, "started_at_ns": start_ns,
        "from_satellite_index": satellite, "from_gateway_index": gateway, "cause": cause,
        "cause_chain": (cause.astype(np.int64) + 1), "expected": foreseen.astype(np.int8),
        "detached": np.full(len(where), detached, np.int8), "slot_aligned": _aligned(knowledge, start_ns),
    }  # fmt: skip


def _put(state: OutageState, where: Array, values: dict[str, Any]) -> OutageState:
    changed = {}
    for name, new in values.items():
        array = getattr(state, name).copy()
        array[where] = new
        changed[name] = array
    return replace(state, **changed)


def _uncovered(
    knowledge: Knowledge, facts: ShardFacts, where: Array, start_ns: Array, shard: int, plan_version: int
) -> Array:
    """Say where the plan had no satellite just after the start; the last second before a slot belongs to its gap."""
    stretches_ns = knowledge.stretch_start_ns(start_ns + facts.cadence_ns[where], plan_version)
    uncovered = np.zeros(len(where), bool)
    for stretch_ns in np.unique(stretches_ns).tolist():
        plan = knowledge.planned(shard, stretch_ns, plan_version)
        rows = stretches_ns == stretch_ns
        if plan is not None:
            uncovered[rows] = plan["satellite_index"][where[rows]] == MISSING
    return uncovered


def _aligned(knowledge: Knowledge, start_ns: Array) -> Array:
    into_ns = start_ns - knowledge.slot_start_ns(start_ns)
    edge_ns = knowledge.thresholds.slot_edge_ns
    return ((into_ns <= edge_ns) | (knowledge.slot_length_ns - into_ns <= edge_ns)).astype(np.int8)


def _chain(state: OutageState, where: Array, told: Array) -> tuple[Array, Array]:
    """Return primary cause and chain: a boot was a power loss unless the ring says more; the ring beats mere silence.

    Args:
        state: With the causes said at the start.
        where: Places.
        told: What the ring tells; -1 for nothing.
    """
    cause = state.cause[where]
    silent = np.isin(cause, [OutageCause.SILENT, OutageCause.UNKNOWN])
    booted = state.boots[where] == 1
    power = booted & silent & ((told == MISSING) | (told == OutageCause.BOOTING))
    primary = np.where(power, OutageCause.POWER, np.where(silent & (told != MISSING), told, cause)).astype(np.int8)
    second = np.where(power, OutageCause.BOOTING, np.where((told != MISSING) & (told != primary), told, MISSING))
    chain = (primary.astype(np.int64) + 1) + ((second.astype(np.int64) + 1) << 5)
    return primary, chain


def _return(state: OutageState, where: Array, end_ns: Array, settle_at_ns: int, *, ended: int) -> OutageState:
    """Service is back; the ring may yet tell what it was."""
    values: dict[str, Any] = {
        "phase": GOOD, "good_since_ns": _NEVER, "end_ns": end_ns, "settle_at_ns": settle_at_ns, "ended": ended,
    }  # fmt: skip
    return _put(state, where, values)


def _said(state: OutageState, where: Array, knowledge: Knowledge, told: Array) -> dict[str, Array]:
    """Return what an outage that is over says of itself, with or without the ring's word."""
    cause, chain = _chain(state, where, told)
    return {
        "place": where, "started_at_ns": state.start_ns[where], "from_satellite_index": state.satellite[where],
        "from_gateway_index": state.gateway[where], "cause": cause, "cause_chain": chain,
        "expected": state.expected[where], "detached": state.detached[where],
        "slot_aligned": _aligned(knowledge, state.start_ns[where]),
    }  # fmt: skip


def _span(state: OutageState, where: Array) -> dict[str, Array]:
    start_ns, end_ns = state.start_ns[where], state.end_ns[where]
    return {"ended_at_ns": end_ns, "duration_s": ((end_ns - start_ns) / NS_PER_S).astype(np.float32)}


def _ended(state: OutageState, where: Array, knowledge: Knowledge, *, revision: int) -> dict[str, Array]:
    """Say that outages have ended: at first by what is known at once, in the second revision with the ring's word."""
    told = state.evidence_cause[where] if revision > 1 else np.full(len(where), MISSING, np.int8)
    return {
        "event_code": codes("outage_ended", len(where)), **_said(state, where, knowledge, told), **_span(state, where),
        "revision": np.full(len(where), revision, np.int16),
    }  # fmt: skip


def fold(state: OutageState, columns: Columns, place: Array, knowledge: Knowledge, facts: ShardFacts) -> OutageState:
    """Fold late and stored samples into the gap of their terminal: the earliest bad one is the evidence."""
    if not len(place):
        return state
    at_ns = columns["observed_at_ns"]
    states = columns["state"]
    drop = columns.get("pop_ping_drop_ratio", np.full(len(place), np.nan, np.float32))
    bad = (drop >= knowledge.thresholds.drop_ratio) | _WITHOUT_TRAFFIC[np.clip(states, 0, len(_WITHOUT_TRAFFIC) - 1)]
    over = state.phase[place] == GOOD
    waiting = ~over | (state.settle_at_ns[place] != _NEVER)
    end_ns = np.where(over, state.end_ns[place], np.iinfo(np.int64).max)
    inside = waiting & (at_ns >= state.start_ns[place]) & (at_ns - facts.cadence_ns[place] < end_ns)
    rows = np.flatnonzero(bad & inside)
    if not len(rows):
        return state
    rows = rows[np.lexsort((-at_ns[rows], place[rows]))]  # the earliest is written last, and stays
    evidence_ns, evidence_cause = state.evidence_ns.copy(), state.evidence_cause.copy()
    earlier = (evidence_ns[place[rows]] == _NEVER) | (at_ns[rows] < evidence_ns[place[rows]])
    rows = rows[earlier]
    evidence_ns[place[rows]] = at_ns[rows]
    evidence_cause[place[rows]] = _CAUSES[np.clip(states[rows], 0, len(_CAUSES) - 1)]
    return replace(state, evidence_ns=evidence_ns, evidence_cause=evidence_cause)


def pass_time(
    state: OutageState,
    serving: tuple[Array, Array],
    knowledge: Knowledge,
    shard: int,
    plan_version: int,
    clock_ns: int,
    blind: Array,
    watched_since_ns: Array,
) -> tuple[OutageState, list[dict[str, Array]]]:
    """Let the shard's clock speak: silence is suspected, silence and detached is an outage, returns are settled.

    The clock has moved and this frame's rows are not in yet, so a time is over once the clock is past it: what was
    received up to then is in, however it was cut into frames. Silence counts from when somebody could have heard.
    """
    limits, facts = knowledge.thresholds, knowledge.facts(shard)
    events: list[dict[str, Array]] = []
    silent_ns = np.where((state.heard_ns == _NEVER) | blind, 0, clock_ns - np.maximum(state.heard_ns, watched_since_ns))
    detached = (state.attached == 0) & (state.attached_at_ns >= state.observed_ns - limits.silence_ns)
    gone = (silent_ns > facts.outage_ns + facts.cadence_ns) & detached & (state.observed_ns != _NEVER)
    where = np.flatnonzero(gone & (state.phase != OUT))
    if len(where):
        state, settled = _settle(state, where, knowledge)
        events += settled
        cause = np.full(len(where), OutageCause.SILENT, np.int8)
        start_ns = np.where(state.phase[where] == SUSPECTED, state.start_ns[where], state.observed_ns[where])
        state, started = _start(
            state, where, start_ns, cause, serving, knowledge, facts, shard, plan_version, detached=1
        )
        events.append(started)
    threshold_ns = np.maximum(limits.silence_ns, limits.silence_cadences * facts.cadence_ns)
    quiet = (state.phase == GOOD) & (state.observed_ns != _NEVER) & (silent_ns > threshold_ns)
    where = np.flatnonzero(quiet)
    if len(where):
        state, settled = _settle(state, where, knowledge)
        events += settled
        state, suspected = _suspect(state, where, serving, knowledge, facts, shard, plan_version, threshold_ns)
        events.append(suspected)
    due = np.flatnonzero((state.settle_at_ns != _NEVER) & (state.settle_at_ns < clock_ns))
    if len(due):
        state, settled = _settle(state, due, knowledge)
        events += settled
    return state, events


def _suspect(
    state: OutageState,
    where: Array,
    serving: tuple[Array, Array],
    knowledge: Knowledge,
    facts: ShardFacts,
    shard: int,
    plan_version: int,
    threshold_ns: Array,
) -> tuple[OutageState, dict[str, Array]]:
    start_ns = state.observed_ns[where]
    satellite, gateway = serving[0][where], serving[1][where]
    uncovered = _uncovered(knowledge, facts, where, start_ns, shard, plan_version)
    foreseen = (uncovered | knowledge.in_maintenance(facts, satellite, gateway, where, start_ns, plan_version)).astype(
        np.int8
    )
    values: dict[str, Any] = {
        "phase": SUSPECTED, "start_ns": start_ns, "satellite": satellite, "gateway": gateway, "expected": foreseen,
        "boots": 0, "bad_since_ns": _NEVER, "evidence_ns": _NEVER, "evidence_cause": MISSING, "settle_at_ns": _NEVER,
        "cause": np.where(uncovered, OutageCause.COVERAGE_GAP, OutageCause.SILENT), "detached": 0, "ended": 0,
    }  # fmt: skip
    threshold_s = (threshold_ns[where] / NS_PER_S).astype(np.float32)
    return _put(state, where, values), {
        "event_code": codes("outage_suspected", len(where)), "place": where, "started_at_ns": start_ns,
        "from_satellite_index": satellite, "from_gateway_index": gateway, "expected": foreseen,
        "threshold": threshold_s,
    }  # fmt: skip


def _settle(state: OutageState, where: Array, knowledge: Knowledge) -> tuple[OutageState, list[dict[str, Array]]]:
    """The ring has had its time: suspicions become outages or are withdrawn, ended outages are revised if it says so."""
    due = where[state.settle_at_ns[where] != _NEVER]
    if not len(due):
        return state, []
    told = state.evidence_cause[due] != MISSING
    suspected = state.ended[due] == 0
    silent = np.full(len(due), MISSING, np.int8)
    revised = ~suspected & (_chain(state, due, state.evidence_cause[due])[1] != _chain(state, due, silent)[1])
    guilty = suspected & (told | (state.boots[due] == 1))
    events: list[dict[str, Array]] = []
    if guilty.any():
        events += _confirmed(state, due[guilty], knowledge, told[guilty])
    innocent = due[suspected & ~guilty]
    if len(innocent):
        events.append({
            "event_code": codes("outage_withdrawn", len(innocent)), "place": innocent,
            "started_at_ns": state.start_ns[innocent], **_span(state, innocent),
        })  # fmt: skip
    if revised.any():
        events.append(_ended(state, due[revised], knowledge, revision=2))
    values: dict[str, Any] = {"settle_at_ns": _NEVER, "ended": 0, "evidence_ns": _NEVER, "evidence_cause": MISSING}
    return _put(state, due, values), events


def _confirmed(state: OutageState, where: Array, knowledge: Knowledge, told: Array) -> list[dict[str, Array]]:
    """Say a whole outage at once: it is over, and nobody is woken for it."""
    both = _said(state, where, knowledge, state.evidence_cause[where]) | {"stored": told.astype(np.int8)}
    return [
        {"event_code": codes("outage_started", len(where)), **both},
        {"event_code": codes("outage_ended", len(where)), **both, **_span(state, where)},
    ]
