"""Outage, seen from both ends.

Watches: drop ratio and state of samples, silence by the door's clock, attach and detach records of the gateways, and what
    a terminal's ring tells afterwards.
Emits: `outage_suspected`, `outage_started`, `outage_ended`, `outage_withdrawn`.
Thresholds: a bad run of 2 s (1 s for operational technology); two good samples end it, so that outages 1 s apart are one;
    silence of three cadences and at least 5 s is suspected; silence and detached is an outage. A terminal never heard
    since somebody listens is suspected after `first_contact_ns`, if it is commissioned and the plan covers it.
Cause: the chain holds what was seen in order, a silence as SILENT until the ring or a boot says what it was. Primary is
    what explains the whole, else the first known of the chain. What explains, in this order: no cover in the plan; what
    only the terminal itself does (power, boot, heat, stowed, asleep); its gateway out of service, by the gateway's own
    word; a face that was said to be knocked over or disturbed.
Ring: what it tells (rules in `streams.detectors.ring`) confirms a suspicion as the outages that it holds, from bad part
    to bad part, or withdraws it where it holds none. An outage that was told for silence and detachment alone is moved
    by it too: revised, withdrawn, or told anew where its start was another. An outage that bad samples heard live opened
    keeps its start and end; its silence gets its causes. A gap before the first sample ever is told only if the ring tells
    of an outage in it.
Cannot see: outages under a second (8 of 15 on a real dish); why the link is gone, beyond what the terminal, the plan and
    the gateway say; anything while the door itself is silent: then the terminal is blind, and neither good nor bad; when
    a terminal that stays dark went dark, if that was before anybody listened.

A terminal's life here: GOOD -> (silent) SUSPECTED -> GOOD or OUT, or GOOD -> (bad run, or silent and detached) OUT ->
GOOD. Back at GOOD its ring has `stored_wait_ns` to tell; a new trouble settles the old one at once.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from ingest.contract.columns import MISSING, Array, Columns, take
from ingest.contract.instants import NS_PER_S
from ingest.contract.vocabulary import STATES_WITHOUT_TRAFFIC, DetachReason, TerminalState
from streams.contract.catalogue import codes
from streams.contract.events import pack_chain
from streams.contract.vocabulary import OutageCause
from streams.detectors import chain, ring
from streams.detectors.tilt import TiltState, askew_since_ns
from streams.knowledge import Knowledge, ShardFacts
from streams.sequencer import Layer

_NEVER = np.iinfo(np.int64).min
GOOD, SUSPECTED, OUT = range(3)
# As what a trouble waits for its ring, or goes on: nobody was told of it, it was suspected, it was told as an outage.
UNSAID, SUSPICION, OUTAGE = range(3)

_CAUSES = np.zeros(len(TerminalState), np.int8)
for _state, _word in {
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
    _CAUSES[_state] = _word
_WITHOUT_TRAFFIC = np.isin(np.arange(len(TerminalState)), [int(state) for state in STATES_WITHOUT_TRAFFIC])
# What a terminal does by itself, whatever the sky, its gateway or its face do.
_ITS_OWN = (
    OutageCause.POWER, OutageCause.BOOTING, OutageCause.STOWED, OutageCause.THERMAL_SHUTDOWN, OutageCause.SLEEPING,
)  # fmt: skip
_POWER_LOSS = pack_chain([OutageCause.POWER, OutageCause.BOOTING])
_SILENCE = pack_chain([OutageCause.SILENT])
_UNPLANNED = -2
_UNASKED = -2


@dataclass(frozen=True, slots=True)
class OutageState:
    """What is remembered of each terminal, by place; instants are `_NEVER` where there is none.

    Attributes:
        heard_ns: Log time at which anything live came from it.
        observed_ns: Observed time of the last sample that went on.
        phase: GOOD, SUSPECTED or OUT.
        start_ns: Start of the trouble, and of the last one while its ring may still tell.
        bad_since_ns, bad_chain: Start and causes of the bad run before an outage.
        good_since_ns: Start of the good run that may end an outage.
        chain, repeats: Causes of the trouble in order, and how often one came again after a good second.
        context: What explains the trouble from outside; -1 for nothing, -2 while its gateway has not been asked: that
            waits for the clock to move, as records and samples of one moment come in any order.
        detached, expected, satellite, gateway: As they were said at the start.
        boot_count, booted: Boot count at the start, and after a boot since; -1 for none.
        is_heard: 1 if bad samples heard live opened the outage: then its start and end are known.
        told_as: UNSAID, SUSPICION or OUTAGE.
        attached, attached_at_ns, attached_gateway, detach_reason: The newest attachment record; -1 for none.
        end_ns: End of the last trouble.
        settle_at_ns: Log time at which the ring's word is taken as all; `_NEVER` while nothing waits for it.
        told: What rings have told of open gaps and of those that wait, as runs.
    """

    heard_ns: Array
    observed_ns: Array
    phase: Array
    start_ns: Array
    bad_since_ns: Array
    bad_chain: Array
    good_since_ns: Array
    chain: Array
    repeats: Array
    context: Array
    detached: Array
    expected: Array
    satellite: Array
    gateway: Array
    boot_count: Array
    booted: Array
    is_heard: Array
    told_as: Array
    attached: Array
    attached_at_ns: Array
    attached_gateway: Array
    detach_reason: Array
    end_ns: Array
    settle_at_ns: Array
    told: ring.Records


class Surroundings(NamedTuple):
    """What the rest of the shard knows when outages are judged.

    Attributes:
        satellite, gateway: Serving each place before the layer.
        tilt: How each face stands.
        knowledge, shard, plan_version: What is known, whose terminals, which plan is in force.
        clock_ns: The shard's log time.
        listening_since_ns: Log time since when anybody has been listening.
    """

    satellite: Array
    gateway: Array
    tilt: TiltState
    knowledge: Knowledge
    shard: int
    plan_version: int
    clock_ns: int
    listening_since_ns: int

    @property
    def facts(self) -> ShardFacts:
        """What the inventory says."""
        return self.knowledge.facts(self.shard)


Found = list[dict[str, Array]]


def new_state(places: int) -> OutageState:
    """Return a state in which no terminal has been heard."""
    never, none, no = np.full(places, _NEVER), np.full(places, MISSING, np.int32), np.zeros(places, np.int8)
    unknown, empty = np.full(places, MISSING, np.int8), np.zeros(places, np.int64)
    return OutageState(
        heard_ns=never, observed_ns=never, phase=no, start_ns=never, bad_since_ns=never, bad_chain=empty,
        good_since_ns=never, chain=empty, repeats=np.zeros(places, np.int16), context=unknown, detached=no, expected=no,
        satellite=none, gateway=none, boot_count=none, booted=none, is_heard=no, told_as=no, attached=unknown,
        attached_at_ns=never, attached_gateway=none, detach_reason=unknown, end_ns=never, settle_at_ns=never,
        told=ring.no_records(),
    )  # fmt: skip


def hear(state: OutageState, at: Array | slice, clock_ns: int) -> OutageState:
    """Note that something live has come from places, in order or not."""
    heard = state.heard_ns.copy()
    heard[at] = clock_ns
    return replace(state, heard_ns=heard)


def attach(state: OutageState, columns: Columns, place: Array) -> OutageState:
    """Take attach and detach records in; the newest holds, and of two at once the attached one."""
    at_ns, attached = columns["observed_at_ns"], columns["attached"]
    reason = columns.get("detach_reason", np.full(len(place), MISSING, np.int8))
    order = np.lexsort((attached, at_ns))
    known_ns, known = state.attached_at_ns[place[order]], state.attached[place[order]]
    rows = order[(at_ns[order] > known_ns) | ((at_ns[order] == known_ns) & (attached[order] >= known))]
    values = {"attached": attached, "attached_at_ns": at_ns, "attached_gateway": columns["gateway_index"],
              "detach_reason": reason}  # fmt: skip
    return _put(state, place[rows], {name: new[rows] for name, new in values.items()})


def _is_dark(state: OutageState, where: Array | slice) -> Array:
    """Say whose gateway let it go because it was itself out of service."""
    dark: Array = (state.detach_reason[where] == DetachReason.GATEWAY_OUT_OF_SERVICE) & (state.attached[where] == 0)
    return dark


def _set(layer: Layer, values: Array, rows: Array, new: Any) -> Array:
    """Return `values`, by place, with the rows of a mask over the layer set to their share of `new`."""
    return layer.put(values, np.broadcast_to(new, layer.rows), rows) if rows.any() else values


def _put(state: OutageState, where: Array, values: dict[str, Any]) -> OutageState:
    changed = {}
    for name, new in values.items():
        array = getattr(state, name).copy()
        array[where] = new
        changed[name] = array
    return replace(state, **changed)


def step(state: OutageState, layer: Layer, around: Surroundings) -> tuple[OutageState, Found]:
    """Take a layer in; return the new state and what was noticed."""
    limits, at = around.knowledge.thresholds, layer.place
    observed_ns = layer.column("observed_at_ns")
    bad = _is_bad(layer.column("state"), layer.column("pop_ping_drop_ratio"), limits.drop_ratio)
    first = state.observed_ns[at] == _NEVER
    phase = state.phase[at]
    events: Found = []
    if bad.any() or phase.any() or layer.rebooted.any() or first.any() or (state.bad_since_ns[at] != _NEVER).any():
        state = _meet(state, layer, first, around)
        state, events = _judge(state, layer, bad, around)
    return replace(state, observed_ns=_set(layer, state.observed_ns, np.ones(layer.rows, bool), observed_ns)), events


def _is_bad(states: Array, drop: Array, limit: float) -> Array:
    bad: Array = (drop >= limit) | _WITHOUT_TRAFFIC[np.clip(states, 0, len(_WITHOUT_TRAFFIC) - 1)]
    return bad


def _cause(states: Array) -> Array:
    causes: Array = _CAUSES[np.clip(states, 0, len(_CAUSES) - 1)]
    return causes


def _meet(state: OutageState, layer: Layer, first: Array, around: Surroundings) -> OutageState:
    """A terminal heard for the first time, later than silence is suspected, has a gap behind it: its ring may tell."""
    where = layer.places(first & (state.phase[layer.place] == GOOD))
    where = where[around.clock_ns - around.listening_since_ns > _patience_ns(around)[where]]
    if not len(where):
        return state
    start_ns = np.full(len(where), around.listening_since_ns)
    return _open(state, where, start_ns, around, phase=SUSPECTED, told_as=UNSAID, boot_count=MISSING)


def _patience_ns(around: Surroundings) -> Array:
    """Return how long each terminal may be silent before it is suspected."""
    limits = around.knowledge.thresholds
    patience_ns: Array = np.maximum(limits.silence_ns, limits.silence_cadences * around.facts.cadence_ns)
    return patience_ns


def _judge(state: OutageState, layer: Layer, bad: Array, around: Surroundings) -> tuple[OutageState, Found]:
    limits, facts, at = around.knowledge.thresholds, around.facts, layer.place
    observed_ns = layer.column("observed_at_ns")
    begins_ns = observed_ns - facts.cadence_ns[at]
    phase = state.phase[at]
    events: Found = []
    state = replace(
        state, booted=_set(layer, state.booted, layer.rebooted & (phase != GOOD), layer.column("boot_count"))
    )
    state = _run(state, layer, bad, begins_ns)
    # 1. A bad run that is long enough is an outage.
    long = bad & (phase != OUT) & (observed_ns - state.bad_since_ns[at] >= facts.outage_ns[at] - limits.stamp_jitter_ns)
    if long.any():
        state, started = _break(state, layer.places(long), layer.column("boot_count")[long], around)
        events += started
    # 2. A good run ends an outage; the first good sample ends a suspicion.
    out = (phase == OUT) & ~long
    state = _go_on(state, layer, out & bad, _cause(layer.column("state")))
    begins = out & ~bad & (state.good_since_ns[at] == _NEVER)
    state = replace(
        state, good_since_ns=_set(layer, _set(layer, state.good_since_ns, begins, begins_ns), out & bad, _NEVER)
    )
    over = out & ~bad & (observed_ns - state.good_since_ns[at] > limits.merge_ns)
    if over.any():
        where = layer.places(over)
        state = _return(state, where, state.good_since_ns[where], around)
        events.append(_ended(_outages(state, where), around))
    back = (phase == SUSPECTED) & ~bad & ~long
    if back.any():
        state = _return(state, layer.places(back), begins_ns[back], around)
    return state, events


def _run(state: OutageState, layer: Layer, bad: Array, begins_ns: Array) -> OutageState:
    """Follow bad runs that may become outages, and keep what is heard of gaps that silence opened."""
    at, phase = layer.place, state.phase[layer.place]
    running = bad & (phase != OUT)
    cause = _cause(layer.column("state"))
    begins = running & (state.bad_since_ns[at] == _NEVER)
    chains = np.where(begins, 0, state.bad_chain[at])
    state = replace(
        state,
        bad_chain=_set(layer, state.bad_chain, running, chain.append(chains, cause)),
        bad_since_ns=_set(layer, _set(layer, state.bad_since_ns, begins, begins_ns), ~bad, _NEVER),
    )
    # A gap that silence opened is judged by records alone, and what is heard of it live is one too.
    recorded = (bad & (phase == SUSPECTED)) | ((phase == OUT) & (state.is_heard[at] == 0))
    if not recorded.any():
        return state
    columns = {name: layer.column(name)[recorded] for name in ("boot_count", "sequence", "observed_at_ns")}
    records = _records(columns, layer.places(recorded), np.where(bad, cause, ring.GOOD)[recorded])
    return replace(state, told=ring.fold(state.told, records))


def _records(columns: Columns, place: Array, cause: Array) -> ring.Records:
    return {
        "place": place, "boot_count": columns["boot_count"], "first": columns["sequence"], "last": columns["sequence"],
        "from_ns": columns["observed_at_ns"], "to_ns": columns["observed_at_ns"], "cause": cause,
    }  # fmt: skip


def _go_on(state: OutageState, layer: Layer, rows: Array, cause: Array) -> OutageState:
    """An outage goes on with a bad sample: its cause joins the chain, or comes again after a good second."""
    if not rows.any():
        return state
    where, cause = layer.places(rows), cause[rows]
    grown = chain.append(state.chain[where], cause)
    again = (grown == state.chain[where]) & (
        (state.good_since_ns[where] != _NEVER) | (chain.last(state.chain[where]) != cause)
    )
    return _put(state, where, {"chain": grown, "repeats": state.repeats[where] + again})


def _break(state: OutageState, where: Array, boot_count: Array, around: Surroundings) -> tuple[OutageState, Found]:
    """Bad runs have become outages: from where they began, or the suspected silence before them did."""
    state, events = _settle(state, where, around)
    suspected = (state.phase[where] == SUSPECTED) & (state.told_as[where] == SUSPICION)
    start_ns = np.where(suspected, state.start_ns[where], state.bad_since_ns[where])
    whole = chain.join(state.chain[where], state.bad_chain[where])
    state = _open(
        state, where, start_ns, around, phase=OUT, told_as=OUTAGE, is_heard=1, bad_since_ns=_NEVER,
        chain=np.where(suspected, whole, state.bad_chain[where]),
        boot_count=np.where(suspected, state.boot_count[where], boot_count),
        booted=np.where(suspected, state.booted[where], MISSING),
    )  # fmt: skip
    return state, [*events, _started(_outages(state, where), around)]


def _open(
    state: OutageState,
    where: Array,
    start_ns: Array,
    around: Surroundings,
    *,
    phase: int,
    told_as: int,
    **more: Any,
) -> OutageState:
    """Open a trouble at places; what is known at its start is remembered."""
    satellite, gateway = around.satellite[where], around.gateway[where]
    uncovered = _planned(where, start_ns, around)[0] == MISSING
    planned_work = around.knowledge.in_maintenance(
        around.facts, satellite, gateway, where, start_ns, around.plan_version
    )
    values: dict[str, Any] = {
        "phase": phase, "start_ns": start_ns, "told_as": told_as, "expected": (uncovered | planned_work).astype(np.int8),
        "detached": 0, "satellite": satellite, "gateway": gateway, "booted": MISSING, "good_since_ns": _NEVER,
        "settle_at_ns": _NEVER, "is_heard": 0, "repeats": 0, "chain": _SILENCE,
        "context": np.where(uncovered, OutageCause.COVERAGE_GAP, _UNASKED),
    }  # fmt: skip
    return _put(state, where, values | more)


def _ask_gateways(state: OutageState, where: Array, around: Surroundings) -> OutageState:
    """Ask whether a trouble's gateway was out of service, or else its face askew, as it began."""
    asked = where[state.context[where] == _UNASKED]
    if len(asked):
        dark = _in_the_dark(state, asked, state.start_ns[asked], around)
        state = _put(state, asked, {"context": np.where(dark, OutageCause.GATEWAY, MISSING)})
        state = _blame_tilt(state, asked, state.start_ns[asked], around)
    return state


def _hear_gateways(state: OutageState, where: Array, around: Surroundings) -> OutageState:
    """Whoever is in trouble already may hear why from its gateway only now."""
    let_go = state.attached_at_ns[where] >= state.start_ns[where] - around.knowledge.thresholds.silence_ns
    told = where[(state.context[where] == MISSING) & _is_dark(state, where) & let_go]
    return _put(state, told, {"context": OutageCause.GATEWAY}) if len(told) else state


def _in_the_dark(state: OutageState, where: Array, start_ns: Array, around: Surroundings) -> Array:
    """Say whose gateway, planned or last serving, was out of service by its own word to those it held."""
    gateway = _planned(where, start_ns, around)[1]
    out = _dark_gateways(state)
    let_go = state.attached_at_ns[where] >= start_ns - around.knowledge.thresholds.silence_ns
    return (_is_dark(state, where) & let_go) | np.isin(gateway, out) | np.isin(state.gateway[where], out)


def _planned(where: Array, start_ns: Array, around: Surroundings) -> tuple[Array, Array]:
    """Return the satellite and the gateway that the plan gives places just after instants; -1 nothing, -2 unknown.

    The last second before a slot belongs to its gap.
    """
    knowledge, version = around.knowledge, around.plan_version
    stretches_ns = knowledge.stretch_start_ns(start_ns + around.facts.cadence_ns[where], version)
    satellite, gateway = np.full(len(where), _UNPLANNED), np.full(len(where), _UNPLANNED)
    for stretch_ns in np.unique(stretches_ns).tolist():
        plan = knowledge.planned(around.shard, stretch_ns, version)
        rows = stretches_ns == stretch_ns
        if plan is not None:
            satellite[rows], gateway[rows] = (plan[n][where[rows]] for n in ("satellite_index", "gateway_index"))
    return satellite, gateway


def _dark_gateways(state: OutageState) -> Array:
    """Return the gateways whose newest word is that they let terminals go for being out of service themselves."""
    dark = np.flatnonzero(_is_dark(state, slice(None)))
    if not len(dark):
        return np.empty(0, np.int32)
    newest_ns: dict[int, int] = {}
    for gateway in np.unique(state.attached_gateway[dark]).tolist():
        newest_ns[gateway] = int(state.attached_at_ns[dark][state.attached_gateway[dark] == gateway].max())
    attached = state.attached == 1
    up_ns = {
        gateway: int(state.attached_at_ns[attached & (state.attached_gateway == gateway)].max(initial=_NEVER))
        for gateway in newest_ns
    }
    return np.array([gateway for gateway, at_ns in newest_ns.items() if at_ns > up_ns[gateway]], np.int32)


def _blame_tilt(state: OutageState, where: Array, until_ns: Array, around: Surroundings) -> OutageState:
    """A face said to be knocked over or disturbed by then explains what nothing else does."""
    since_ns = askew_since_ns(around.tilt, where)
    tilted = (since_ns != _NEVER) & (since_ns <= until_ns) & (state.context[where] == MISSING)
    return _put(state, where[tilted], {"context": OutageCause.TILT}) if tilted.any() else state


def _return(state: OutageState, where: Array, end_ns: Array, around: Surroundings) -> OutageState:
    """Service is back; the ring may yet tell what it was."""
    settle_at_ns = around.clock_ns + around.knowledge.thresholds.stored_wait_ns
    values: dict[str, Any] = {
        "phase": GOOD, "good_since_ns": _NEVER, "end_ns": end_ns, "settle_at_ns": settle_at_ns,
    }  # fmt: skip
    return _blame_tilt(_put(state, where, values), where, end_ns, around)


# --- words -----------------------------------------------------------------------------------------------------------


class _Outages(NamedTuple):
    """Outages about to be worded; several may be of one place."""

    place: Array
    start_ns: Array
    end_ns: Array
    satellite: Array
    gateway: Array
    chain: Array
    repeats: Array
    booted: Array
    context: Array
    expected: Array
    detached: Array


def _outages(state: OutageState, where: Array) -> _Outages:
    return _Outages(where, *(getattr(state, name)[where] for name in _Outages._fields[1:]))


def _words(outages: _Outages) -> dict[str, Array]:
    """Return primary cause, chain and number of merged parts."""
    chains = outages.chain.copy()
    # A boot since says what a silence was: without power nothing is told.
    for row in np.flatnonzero(outages.booted != MISSING).tolist():
        chains[row] = chain.explain(int(chains[row]), _POWER_LOSS, only_silence=True)
    merged = chain.length(chains) + outages.repeats
    cause, context = chain.primary(chains), outages.context
    explained = (context == OutageCause.COVERAGE_GAP) | ((context >= 0) & ~np.isin(cause, _ITS_OWN))
    return {
        "cause": np.where(explained, context, cause).astype(np.int8),
        "cause_chain": np.where(explained, chain.prepend(chains, context), chains),
        "merged_count": merged.astype(np.int16),
    }


def _said(outages: _Outages, around: Surroundings) -> dict[str, Array]:
    return {
        "place": outages.place, "started_at_ns": outages.start_ns, "from_satellite_index": outages.satellite,
        "from_gateway_index": outages.gateway, **_words(outages), "expected": outages.expected,
        "detached": outages.detached, "slot_aligned": _aligned(around.knowledge, outages.start_ns),
    }  # fmt: skip


def _aligned(knowledge: Knowledge, start_ns: Array) -> Array:
    into_ns = start_ns - knowledge.slot_start_ns(start_ns)
    edge_ns = knowledge.thresholds.slot_edge_ns
    return ((into_ns <= edge_ns) | (knowledge.slot_length_ns - into_ns <= edge_ns)).astype(np.int8)


def _started(outages: _Outages, around: Surroundings) -> dict[str, Array]:
    said = _said(outages, around)
    del said["merged_count"]
    return {"event_code": codes("outage_started", len(outages.place)), **said}


def _ended(outages: _Outages, around: Surroundings, *, revision: int = 1) -> dict[str, Array]:
    return {
        "event_code": codes("outage_ended", len(outages.place)), **_said(outages, around), **_span(outages),
        "revision": np.full(len(outages.place), revision, np.int16),
    }  # fmt: skip


def _span(outages: _Outages) -> dict[str, Array]:
    duration_s = ((outages.end_ns - outages.start_ns) / NS_PER_S).astype(np.float32)
    return {"ended_at_ns": outages.end_ns, "duration_s": duration_s}


# --- the ring --------------------------------------------------------------------------------------------------------


def fold(state: OutageState, columns: Columns, place: Array, knowledge: Knowledge, facts: ShardFacts) -> OutageState:
    """Fold late and stored samples into the gap of their terminal."""
    if not len(place):
        return state
    at_ns, states = columns["observed_at_ns"], columns["state"]
    drop = columns.get("pop_ping_drop_ratio", np.full(len(place), np.nan, np.float32))
    over = state.phase[place] == GOOD
    inside = (at_ns > state.start_ns[place]) | (state.boot_count[place] == MISSING)
    inside &= np.where(over, at_ns - facts.cadence_ns[place] < state.end_ns[place], True)
    rows = np.flatnonzero(inside & (~over | (state.settle_at_ns[place] != _NEVER)))
    if not len(rows):
        return state
    bad = _is_bad(states[rows], drop[rows], knowledge.thresholds.drop_ratio)
    cause = np.where(bad, _cause(states[rows]), ring.GOOD)
    return replace(state, told=ring.fold(state.told, _records(take(columns, rows), place[rows], cause)))


def _settle(state: OutageState, where: Array, around: Surroundings) -> tuple[OutageState, Found]:
    """The ring has had its time: what waits is confirmed, revised, moved or withdrawn."""
    due = np.sort(where[state.settle_at_ns[where] != _NEVER])
    if not len(due):
        return state, []
    before = _outages(state, due)
    state = _blame_tilt(_ask_gateways(state, due, around), due, state.end_ns[due], around)
    state, asked, parts = _ask(state, due, around)
    was_outage = state.told_as[due] == OUTAGE
    moved = ~state.is_heard[due].astype(bool) & np.isin(due, asked)
    kept = was_outage & ~(moved & ~np.isin(due, parts.place[_is_own(state, parts)]))
    gone = np.where(was_outage, ~kept, (state.told_as[due] == SUSPICION) & ~np.isin(due, parts.place))
    after = _outages(state, due)
    revised = kept & _differs(before, after)
    events: Found = []
    if gone.any():
        events.append(_withdrawn(_rows(before, gone)))
    if revised.any():
        events.append(_ended(_rows(after, revised), around, revision=2))
    new = _rows(parts, ~_is_own(state, parts))
    if len(new.place):
        stored = {"stored": np.isin(new.place, state.told["place"]).astype(np.int8)}
        events += [_started(new, around) | stored, _ended(new, around) | stored]
    return _put(replace(state, told=ring.forget(state.told, due)), due, {"settle_at_ns": _NEVER}), events


def _rows(outages: _Outages, chosen: Array) -> _Outages:
    return _Outages(*(values[chosen] for values in outages))


def _is_own(state: OutageState, parts: _Outages) -> Array:
    """Say which parts of gaps are what had been told as an outage already."""
    own: Array = (state.told_as[parts.place] == OUTAGE) & (parts.start_ns == state.start_ns[parts.place])
    return own


def _differs(before: _Outages, after: _Outages) -> Array:
    said, says = _words(before), _words(after)
    differs: Array = before.end_ns != after.end_ns
    for name, values in said.items():
        differs |= values != says[name]
    return differs


def _withdrawn(outages: _Outages) -> dict[str, Array]:
    return {
        "event_code": codes("outage_withdrawn", len(outages.place)), "place": outages.place,
        "started_at_ns": outages.start_ns, **_span(outages),
    }  # fmt: skip


def _ask(state: OutageState, due: Array, around: Surroundings) -> tuple[OutageState, Array, _Outages]:
    """Ask the rings; return the outages with what they tell of them, whose ring was asked, and the parts it told."""
    limits, facts = around.knowledge.thresholds, around.facts
    asked = due[(state.told_as[due] != OUTAGE) | np.isin(due, state.told["place"])]
    heard = state.is_heard[asked] == 1
    gaps = ring.Gaps(
        place=asked, start_ns=state.start_ns[asked], end_ns=state.end_ns[asked], boot_before=state.boot_count[asked],
        boot_after=np.maximum(state.boot_count[asked], state.booted[asked]),
        detached=(state.detached[asked] == 1) & ~heard, cadence_ns=facts.cadence_ns[asked],
        hold_ns=np.where(heard, 0, facts.outage_ns[asked]),
    )  # fmt: skip
    found = ring.stretches(state.told, gaps, limits) if len(asked) else ring.NOTHING
    state = _explain_silences(state, asked, found, heard)
    found = ring.Stretches(*(values[~heard[found.gap]] for values in found))
    parts = _parts(state, asked[found.gap], found, around)
    own = _is_own(state, parts)
    values = {"chain": parts.chain, "repeats": parts.repeats, "end_ns": parts.end_ns, "booted": parts.booted}
    state = _put(state, parts.place[own], {name: new[own] for name, new in values.items()})
    return state, asked, parts


def _explain_silences(state: OutageState, asked: Array, found: ring.Stretches, heard: Array) -> OutageState:
    """Put what rings tell of outages that were heard live where these had fallen silent."""
    chains, repeats = state.chain.copy(), state.repeats.copy()
    for row in np.flatnonzero(heard[found.gap]).tolist():
        place = asked[found.gap[row]]
        chains[place] = chain.explain(int(chains[place]), int(found.chain[row]))
        repeats[place] += found.repeats[row]
    return replace(state, chain=chains, repeats=repeats)


def _parts(state: OutageState, place: Array, found: ring.Stretches, around: Surroundings) -> _Outages:
    """Return stretches as outages; what explained the gap explains them, but for cover, which each had or had not."""
    uncovered = _planned(place, found.start_ns, around)[0] == MISSING
    dark = _in_the_dark(state, place, found.start_ns, around)
    gateway, context = state.gateway[place], state.context[place]
    planned_work = around.knowledge.in_maintenance(
        around.facts, state.satellite[place], gateway, place, found.start_ns, around.plan_version
    )
    context = np.where(context == OutageCause.COVERAGE_GAP, np.where(dark, OutageCause.GATEWAY, MISSING), context)
    return _Outages(
        place, found.start_ns, found.end_ns, state.satellite[place], gateway, found.chain, found.repeats,
        np.full(len(place), MISSING, np.int32), np.where(uncovered, OutageCause.COVERAGE_GAP, context),
        (uncovered | planned_work).astype(np.int8), state.detached[place],
    )  # fmt: skip


# --- time ------------------------------------------------------------------------------------------------------------


def pass_time(
    state: OutageState, around: Surroundings, blind: Array, watched_since_ns: Array, last: tuple[Array, Array]
) -> tuple[OutageState, Found]:
    """Let the shard's clock speak: silence is suspected, silence and detached is an outage, returns are settled.

    The clock has moved and this frame's rows are not in yet, so a time is over once the clock is past it: what was
    received up to then is in, however it was cut into frames.

    Args:
        state: What is remembered.
        around: What the rest of the shard knows.
        blind: By place: whether nobody could hear it now.
        watched_since_ns: By place: silence counts from when somebody could have heard.
        last: Boot count and sequence of the last sample of each place.
    """
    limits, facts, clock_ns = around.knowledge.thresholds, around.facts, around.clock_ns
    troubled = np.flatnonzero(state.phase != GOOD)
    state = _hear_gateways(_ask_gateways(state, troubled, around), troubled, around)
    known = (state.heard_ns != _NEVER) & ~blind & (state.observed_ns != _NEVER)
    silent_ns = np.where(known, clock_ns - np.maximum(state.heard_ns, watched_since_ns), 0)
    patience_ns = _patience_ns(around)
    detached = (state.attached == 0) & (state.attached_at_ns >= state.observed_ns - limits.silence_ns)
    state, events = _lose(
        state, np.flatnonzero(known & detached & (silent_ns > facts.outage_ns + facts.cadence_ns)), around, last
    )
    quiet = silent_ns > patience_ns
    state = _mark_silence(state, quiet)
    unsuspected = (state.phase == GOOD) | ((state.phase == SUSPECTED) & (state.told_as == UNSAID))
    where = np.flatnonzero(quiet & unsuspected)
    state, suspected = _suspect(state, where, _last_good_ns(state, where), around, last)
    where = _never_heard(state, around, patience_ns)
    state, expected = _suspect(state, where, np.full(len(where), around.listening_since_ns), around, last)
    events += suspected + expected
    due = np.flatnonzero((state.settle_at_ns != _NEVER) & (state.settle_at_ns < clock_ns))
    state, settled = _settle(state, due, around)
    return state, events + settled


def _last_good_ns(state: OutageState, where: Array) -> Array:
    bad_since_ns = state.bad_since_ns[where]
    return np.where(bad_since_ns == _NEVER, state.observed_ns[where], bad_since_ns)


def _lose(
    state: OutageState, where: Array, around: Surroundings, last: tuple[Array, Array]
) -> tuple[OutageState, Found]:
    """Silent and detached is an outage."""
    where = where[state.phase[where] != OUT]
    if not len(where):
        return state, []
    state, events = _settle(state, where, around)
    suspected = (state.phase[where] == SUSPECTED) & (state.told_as[where] == SUSPICION)
    start_ns = np.where(suspected, state.start_ns[where], _last_good_ns(state, where))
    state = _keep_lead(state, where, around, last)
    state = _open(
        state, where, start_ns, around, phase=OUT, told_as=OUTAGE, detached=1, bad_since_ns=_NEVER,
        chain=np.where(suspected, state.chain[where], _fallen_silent(state, where)),
        boot_count=np.where(suspected, state.boot_count[where], last[0][where]),
        booted=np.where(suspected, state.booted[where], MISSING),
    )  # fmt: skip
    state = _ask_gateways(state, where, around)
    return state, [*events, _started(_outages(state, where), around)]


def _fallen_silent(state: OutageState, where: Array) -> Array:
    """Return the causes of a bad run that a silence followed, if one went on, and the silence."""
    before = np.where(state.bad_since_ns[where] == _NEVER, 0, state.bad_chain[where])
    return chain.append(before, np.full(len(where), OutageCause.SILENT))


def _keep_lead(state: OutageState, where: Array, around: Surroundings, last: tuple[Array, Array]) -> OutageState:
    """The bad samples with which a silence began are records of its gap."""
    led = where[(state.bad_since_ns[where] != _NEVER) & (state.phase[where] == GOOD)]
    if not len(led):
        return state
    records = {
        "place": led, "boot_count": last[0][led], "first": last[1][led], "last": last[1][led],
        "from_ns": state.bad_since_ns[led] + around.facts.cadence_ns[led], "to_ns": state.observed_ns[led],
        "cause": chain.last(state.bad_chain[led]),
    }  # fmt: skip
    return replace(state, told=ring.fold(state.told, records))


def _mark_silence(state: OutageState, quiet: Array) -> OutageState:
    """An outage that was heard and falls silent: its chain says so, until the ring tells what it was."""
    where = np.flatnonzero(quiet & (state.phase == OUT) & (state.is_heard == 1))
    where = where[chain.last(state.chain[where]) != OutageCause.SILENT]
    if not len(where):
        return state
    silent = np.full(len(where), OutageCause.SILENT)
    return _put(state, where, {"chain": chain.append(state.chain[where], silent)})


def _never_heard(state: OutageState, around: Surroundings, patience_ns: Array) -> Array:
    """Return commissioned terminals that the plan covers and that nobody has heard since somebody listens."""
    since_ns = around.clock_ns - around.listening_since_ns
    first_contact_ns = around.knowledge.thresholds.first_contact_ns
    waits = (state.heard_ns == _NEVER) & (state.phase == GOOD) & np.isfinite(around.facts.reference_tilt_deg)
    where = np.flatnonzero(waits & (since_ns > np.maximum(patience_ns, first_contact_ns)))
    if not len(where):
        return where
    return where[_planned(where, np.full(len(where), around.clock_ns) - around.facts.cadence_ns[where], around)[0] >= 0]


def _suspect(
    state: OutageState, where: Array, start_ns: Array, around: Surroundings, last: tuple[Array, Array]
) -> tuple[OutageState, Found]:
    if not len(where):
        return state, []
    state, events = _settle(state, where, around)
    state = _keep_lead(state, where, around, last)
    state = _open(
        state, where, start_ns, around, phase=SUSPECTED, told_as=SUSPICION, chain=_fallen_silent(state, where),
        boot_count=last[0][where], bad_since_ns=_NEVER,
    )  # fmt: skip
    state = _ask_gateways(state, where, around)
    patience_s = (_patience_ns(around)[where] / NS_PER_S).astype(np.float32)
    return state, [*events, {
        "event_code": codes("outage_suspected", len(where)), "place": where, "started_at_ns": start_ns,
        "from_satellite_index": state.satellite[where], "from_gateway_index": state.gateway[where],
        "expected": state.expected[where], "threshold": patience_s,
    }]  # fmt: skip
