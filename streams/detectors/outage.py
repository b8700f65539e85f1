"""Outage, seen from both ends.

Watches: drop ratio and state of samples, silence by the door's clock, attach and detach records of the gateways, and what
    a terminal's ring tells afterwards.
Emits: `outage_suspected`, `outage_started`, `outage_ended`, `outage_withdrawn`.
Thresholds: a bad run of 2 s (1 s for operational technology); two good samples end it, so that outages 1 s apart are one;
    silence of three cadences and at least 5 s is suspected; silence and detached is an outage.
Cannot see: outages under a second (8 of 15 on a real dish); why the link is gone, beyond what the terminal, the plan and
    the gateway say; anything while the door itself is silent: then the terminal is blind, and neither good nor bad.

A terminal's life here: GOOD -> (silent) SUSPECTED -> OUT or RETURNED -> GOOD, or GOOD -> (bad run, or silent and
detached) OUT -> GOOD. RETURNED waits `stored_wait_ns` for the ring: it confirms, explains or withdraws.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ingest.contract.columns import MISSING, Array, Columns
from ingest.contract.instants import NS_PER_S
from ingest.contract.vocabulary import STATES_WITHOUT_TRAFFIC, TerminalState
from streams.contract.vocabulary import OutageCause
from streams.knowledge import Knowledge, ShardFacts
from streams.sequencer import Layer

_NEVER = np.iinfo(np.int64).min
GOOD, SUSPECTED, OUT, RETURNED = range(4)

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
        phase: GOOD, SUSPECTED, OUT or RETURNED.
        start_ns: Start of the suspicion or the outage.
        bad_since_ns, good_since_ns: Start of the bad run before an outage, of the good run that may end one.
        cause, detached, expected, satellite, gateway: As they were said at the start.
        boots: Whether it booted since the start.
        attached, attached_at_ns: The newest attachment record; -1 for none.
        evidence_ns, evidence_cause: The earliest bad sample that the ring has told of the open or last gap.
        returned_ns: End of the suspicion or outage that waits for the ring.
        settle_at_ns: Log time at which the ring's word is taken as all.
        ended: Whether what waits is an outage that has been said to have ended, so that the ring can only revise it.
        ended_cause, ended_chain: What was said of it.
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
    returned_ns: Array
    settle_at_ns: Array
    settle_start_ns: Array
    ended: Array
    ended_rows: dict[str, Array]


_ENDED = ("from_satellite_index", "from_gateway_index", "cause", "cause_chain", "expected", "detached", "slot_aligned")
_ENDED_TYPES = (np.int32, np.int32, np.int8, np.int64, np.int8, np.int8, np.int8)


def new_state(places: int) -> OutageState:
    """Return a state in which no terminal has been heard."""
    never, none, no = np.full(places, _NEVER), np.full(places, MISSING, np.int32), np.zeros(places, np.int8)
    unknown = np.full(places, MISSING, np.int8)
    return OutageState(
        heard_ns=never, observed_ns=never, phase=no, start_ns=never, bad_since_ns=never, bad_cause=no,
        good_since_ns=never, cause=unknown, detached=no, expected=no, satellite=none, gateway=none, boots=no,
        attached=unknown, attached_at_ns=never, evidence_ns=never, evidence_cause=unknown, returned_ns=never,
        settle_at_ns=never, settle_start_ns=never, ended=no,
        ended_rows={name: np.full(places, MISSING, kind) for name, kind in zip(_ENDED, _ENDED_TYPES, strict=True)},
    )  # fmt: skip


def hear(state: OutageState, place: Array, clock_ns: int) -> OutageState:
    """Note that something live has come from terminals, in order or not."""
    if not len(place):
        return state
    heard = state.heard_ns.copy()
    heard[place] = clock_ns
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
    long &= observed_ns - state.bad_since_ns[at] >= facts.outage_ns[at]
    if long.any():
        where = np.flatnonzero(long) if isinstance(at, slice) else at[long]
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
        state, ended = _end(state, where, state.good_since_ns[where], knowledge, clock_ns)
        events.append(ended)
    back = (phase == SUSPECTED) & ~bad & ~long
    if back.any():
        where = np.flatnonzero(back) if isinstance(at, slice) else at[back]
        state = _return(state, where, begins_ns[back], clock_ns + limits.stored_wait_ns)
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
    foreseen = uncovered | knowledge.in_maintenance(facts, gateway, where, start_ns)
    cause = np.where(uncovered, OutageCause.COVERAGE_GAP, cause).astype(np.int8)
    values: dict[str, Any] = {
        "phase": OUT, "start_ns": start_ns, "cause": cause, "detached": detached, "expected": foreseen.astype(np.int8),
        "satellite": satellite, "gateway": gateway, "boots": 0, "good_since_ns": _NEVER, "bad_since_ns": _NEVER,
        "evidence_ns": _NEVER, "evidence_cause": MISSING, "settle_at_ns": _NEVER, "ended": 0,
    }  # fmt: skip
    state = _put(state, where, values)
    return state, {
        "kind": _kinds("outage_started", where), "place": where, "started_at_ns": start_ns,
        "from_satellite_index": satellite, "from_gateway_index": gateway, "cause": cause,
        "cause_chain": (cause.astype(np.int64) + 1), "expected": foreseen.astype(np.int8),
        "detached": np.full(len(where), detached, np.int8), "slot_aligned": _aligned(knowledge, start_ns),
    }  # fmt: skip


def _kinds(kind: str, where: Array) -> Array:
    return np.full(len(where), kind, object)


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
    slots_ns = knowledge.slot_start_ns(start_ns + facts.cadence_ns[where])
    uncovered = np.zeros(len(where), bool)
    for slot_ns in np.unique(slots_ns).tolist():
        plan = knowledge.planned(shard, slot_ns, plan_version)
        rows = slots_ns == slot_ns
        if plan is not None:
            uncovered[rows] = plan["satellite_index"][where[rows]] == MISSING
    return uncovered


def _aligned(knowledge: Knowledge, start_ns: Array) -> Array:
    into_ns = start_ns - knowledge.slot_start_ns(start_ns)
    edge_ns = knowledge.thresholds.slot_edge_ns
    return ((into_ns <= edge_ns) | (knowledge.slot_length_ns - into_ns <= edge_ns)).astype(np.int8)


def _chain(state: OutageState, where: Array, cause: Array) -> tuple[Array, Array]:
    """Return primary cause and chain: a boot was a power loss unless the ring says more; the ring beats mere silence."""
    told = state.evidence_cause[where]
    silent = np.isin(cause, [OutageCause.SILENT, OutageCause.UNKNOWN])
    booted = state.boots[where] == 1
    power = booted & silent & ((told == MISSING) | (told == OutageCause.BOOTING))
    primary = np.where(power, OutageCause.POWER, np.where(silent & (told != MISSING), told, cause)).astype(np.int8)
    second = np.where(power, OutageCause.BOOTING, np.where((told != MISSING) & (told != primary), told, MISSING))
    chain = (primary.astype(np.int64) + 1) + ((second.astype(np.int64) + 1) << 5)
    return primary, chain


def _end(
    state: OutageState, where: Array, end_ns: Array, knowledge: Knowledge, clock_ns: int
) -> tuple[OutageState, dict[str, Array]]:
    """Close outages; the ring may yet revise what they were."""
    cause, chain = _chain(state, where, state.cause[where])
    start_ns = state.start_ns[where]
    said = {
        "from_satellite_index": state.satellite[where], "from_gateway_index": state.gateway[where], "cause": cause,
        "cause_chain": chain, "expected": state.expected[where], "detached": state.detached[where],
        "slot_aligned": _aligned(knowledge, start_ns),
    }  # fmt: skip
    event = {
        "kind": _kinds("outage_ended", where), "place": where, "started_at_ns": start_ns, "ended_at_ns": end_ns,
        "duration_s": ((end_ns - start_ns) / NS_PER_S).astype(np.float32), **said,
    }  # fmt: skip
    rows = {name: array.copy() for name, array in state.ended_rows.items()}
    for name, new in said.items():
        rows[name][where] = new
    values: dict[str, Any] = {
        "phase": GOOD, "good_since_ns": _NEVER, "returned_ns": end_ns, "settle_start_ns": start_ns,
        "settle_at_ns": clock_ns + knowledge.thresholds.stored_wait_ns, "ended": 1,
    }  # fmt: skip
    return replace(_put(state, where, values), ended_rows=rows), event


def _return(state: OutageState, where: Array, end_ns: Array, settle_at_ns: int) -> OutageState:
    values: dict[str, Any] = {
        "phase": RETURNED, "returned_ns": end_ns, "settle_at_ns": settle_at_ns, "settle_start_ns": state.start_ns[where],
        "ended": 0,
    }  # fmt: skip
    return _put(state, where, values)


def fold(state: OutageState, columns: Columns, place: Array, knowledge: Knowledge, facts: ShardFacts) -> OutageState:
    """Fold late and stored samples into the gap of their terminal: the earliest bad one is the evidence."""
    if not len(place):
        return state
    at_ns = columns["observed_at_ns"]
    states = columns["state"]
    drop = columns.get("pop_ping_drop_ratio", np.full(len(place), np.nan, np.float32))
    bad = (drop >= knowledge.thresholds.drop_ratio) | _WITHOUT_TRAFFIC[np.clip(states, 0, len(_WITHOUT_TRAFFIC) - 1)]
    phase = state.phase[place]
    waiting = (phase != GOOD) | (state.settle_at_ns[place] != _NEVER)
    start_ns = np.where(phase == GOOD, state.settle_start_ns[place], state.start_ns[place])
    end_ns = np.where((phase == GOOD) | (phase == RETURNED), state.returned_ns[place], np.iinfo(np.int64).max)
    inside = waiting & (at_ns >= start_ns) & (at_ns - facts.cadence_ns[place] < end_ns)
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
) -> tuple[OutageState, list[dict[str, Array]]]:
    """Let the shard's clock speak: silence is suspected, silence and detached is an outage, returns are settled."""
    limits, facts = knowledge.thresholds, knowledge.facts(shard)
    events: list[dict[str, Array]] = []
    silent_ns = np.where((state.heard_ns == _NEVER) | blind, 0, clock_ns - state.heard_ns)
    detached = (state.attached == 0) & (state.attached_at_ns >= state.observed_ns - limits.silence_ns)
    gone = (silent_ns >= facts.outage_ns + facts.cadence_ns) & detached & (state.observed_ns != _NEVER)
    where = np.flatnonzero(gone & ((state.phase == GOOD) | (state.phase == SUSPECTED)))
    if len(where):
        cause = np.full(len(where), OutageCause.SILENT, np.int8)
        start_ns = np.where(state.phase[where] == SUSPECTED, state.start_ns[where], state.observed_ns[where])
        state, started = _start(
            state, where, start_ns, cause, serving, knowledge, facts, shard, plan_version, detached=1
        )
        events.append(started)
    threshold_ns = np.maximum(limits.silence_ns, limits.silence_cadences * facts.cadence_ns)
    quiet = (state.phase == GOOD) & (state.observed_ns != _NEVER) & (silent_ns >= threshold_ns)
    where = np.flatnonzero(quiet)
    if len(where):
        state, suspected = _suspect(state, where, serving, knowledge, facts, shard, plan_version, threshold_ns)
        events.append(suspected)
    due = np.flatnonzero((state.settle_at_ns != _NEVER) & (state.settle_at_ns <= clock_ns))
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
    foreseen = (uncovered | knowledge.in_maintenance(facts, gateway, where, start_ns)).astype(np.int8)
    values: dict[str, Any] = {
        "phase": SUSPECTED, "start_ns": start_ns, "satellite": satellite, "gateway": gateway, "expected": foreseen,
        "boots": 0, "bad_since_ns": _NEVER, "evidence_ns": _NEVER, "evidence_cause": MISSING, "settle_at_ns": _NEVER,
        "cause": np.where(uncovered, OutageCause.COVERAGE_GAP, OutageCause.SILENT), "detached": 0, "ended": 0,
    }  # fmt: skip
    threshold_s = (threshold_ns[where] / NS_PER_S).astype(np.float32)
    return _put(state, where, values), {
        "kind": _kinds("outage_suspected", where), "place": where, "started_at_ns": start_ns,
        "from_satellite_index": satellite, "from_gateway_index": gateway, "expected": foreseen,
        "threshold": threshold_s,
    }  # fmt: skip


def _settle(state: OutageState, due: Array, knowledge: Knowledge) -> tuple[OutageState, list[dict[str, Array]]]:
    """The ring has had its time: suspicions become outages or are withdrawn, ended outages are revised if it says so."""
    events: list[dict[str, Array]] = []
    returned = state.phase[due] == RETURNED
    guilty = returned & ((state.evidence_ns[due] != _NEVER) | (state.boots[due] == 1))
    for rows, stored in (
        (guilty & (state.evidence_ns[due] == _NEVER), 0),
        (guilty & (state.evidence_ns[due] != _NEVER), 1),
    ):
        where = due[rows]
        if len(where):
            events += _confirmed(state, where, knowledge, stored)
    innocent = due[returned & ~guilty]
    if len(innocent):
        start_ns, end_ns = state.start_ns[innocent], state.returned_ns[innocent]
        events.append({
            "kind": _kinds("outage_withdrawn", innocent), "place": innocent, "started_at_ns": start_ns,
            "ended_at_ns": end_ns, "duration_s": ((end_ns - start_ns) / NS_PER_S).astype(np.float32),
        })  # fmt: skip
    revised = due[~returned & (state.ended[due] == 1)]
    if len(revised):
        event = _revision(state, revised)
        if event:
            events.append(event)
    values: dict[str, Any] = {"settle_at_ns": _NEVER, "ended": 0, "evidence_ns": _NEVER, "evidence_cause": MISSING}
    state = _put(state, due, values)
    state = _put(state, due[returned], {"phase": GOOD}) if returned.any() else state
    return state, events


def _confirmed(state: OutageState, where: Array, knowledge: Knowledge, stored: int) -> list[dict[str, Array]]:
    """Say a whole outage at once: it is over, and nobody is woken for it."""
    start_ns, end_ns = state.start_ns[where], state.returned_ns[where]
    cause, chain = _chain(state, where, state.cause[where])
    both = {
        "place": where, "started_at_ns": start_ns, "from_satellite_index": state.satellite[where],
        "from_gateway_index": state.gateway[where], "cause": cause, "cause_chain": chain,
        "expected": state.expected[where], "detached": state.detached[where],
        "slot_aligned": _aligned(knowledge, start_ns), "stored": np.full(len(where), stored, np.int8),
    }  # fmt: skip
    return [
        {"kind": _kinds("outage_started", where), **both},
        {
            "kind": _kinds("outage_ended", where), **both, "ended_at_ns": end_ns,
            "duration_s": ((end_ns - start_ns) / NS_PER_S).astype(np.float32),
        },
    ]  # fmt: skip


def _revision(state: OutageState, revised: Array) -> dict[str, Array]:
    """Return second revisions of ended outages whose causes the ring tells otherwise."""
    said = state.ended_rows
    cause, chain = _chain(state, revised, state.cause[revised])
    other = chain != said["cause_chain"][revised]
    where = revised[other]
    if not len(where):
        return {}
    start_ns, end_ns = state.settle_start_ns[where], state.returned_ns[where]
    rows = {name: array[where] for name, array in said.items()}
    rows |= {"cause": cause[other], "cause_chain": chain[other]}
    return {
        "kind": _kinds("outage_ended", where), "place": where, "started_at_ns": start_ns, "ended_at_ns": end_ns,
        "duration_s": ((end_ns - start_ns) / NS_PER_S).astype(np.float32), **rows,
        "revision": np.full(len(where), 2, np.int16),
    }  # fmt: skip
