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
Hole: samples that are missing between two good ones, for as long as an outage lasts and too short to be suspected, are
    outages if the ring says so; nobody is told of them before.
Ring: what it tells (rules in `streams.detectors.ring`) confirms a suspicion as the outages that it holds, from bad part
    to bad part, or withdraws it where it holds none. An outage that was told for silence and detachment alone is moved
    by it too: revised, withdrawn, or told anew where its start was another. An outage that bad samples heard live opened
    keeps its start and end; its silence gets its causes. A gap before the first sample ever is told only if the ring tells
    of an outage in it.
Cannot see: outages under a second (8 of 15 on a real dish); why the link is gone, beyond what the terminal, the plan and
    the gateway say; anything while the door itself is silent: then the terminal is blind, and neither good nor bad; a hole
    beside another trouble that waits for its ring's first word; when a terminal that stays dark went dark, if that was before anybody listened.

A terminal's life here: GOOD -> (silent) SUSPECTED -> GOOD or OUT, or GOOD -> (bad run, or silent and detached) OUT ->
GOOD. Back at GOOD its ring has `stored_wait_ns` to tell; a new trouble settles the old one at once.
"""

from typing import Any, NamedTuple

import numpy as np
from msgspec.structs import replace

from ingest.contract.columns import MISSING, Array, Columns
from ingest.contract.instants import NS_PER_S
from streams.contract.catalogue import codes
from streams.contract.events import pack_chain
from streams.contract.vocabulary import OutageCause
from streams.detectors import chain, ring
from streams.detectors.outage_causes import UNASKED, ask_gateways, blame_tilt, cause_of, hear_gateways, is_bad, planned
from streams.detectors.outage_state import (
    GOOD,
    NEVER,
    OUT,
    OUTAGE,
    SUSPECTED,
    SUSPICION,
    UNSAID,
    Found,
    OutageState,
    Surroundings,
    put,
)
from streams.detectors.outage_words import ended, outages_of, started
from streams.detectors.settlement import records_of, settle
from streams.knowledge import ShardFacts
from streams.sequencer import Layer

_SILENCE = pack_chain([OutageCause.SILENT])


def hear(state: OutageState, at: Array | slice, clock_ns: int) -> OutageState:
    """Note that something live has come from places, in order or not."""
    heard_ns = state.heard_ns.copy()
    heard_ns[at] = clock_ns
    return replace(state, heard_ns=heard_ns)


def attach(state: OutageState, columns: Columns, place: Array) -> OutageState:
    """Take attach and detach records in; the newest holds, and of two at once the attached one."""
    at_ns, attached = columns["observed_at_ns"], columns["attached"]
    reason = columns.get("detach_reason", np.full(len(place), MISSING, np.int8))
    order = np.lexsort((attached, at_ns))
    known_ns, known = state.attached_at_ns[place[order]], state.attached[place[order]]
    rows = order[(at_ns[order] > known_ns) | ((at_ns[order] == known_ns) & (attached[order] >= known))]
    values = {"attached": attached, "attached_at_ns": at_ns, "attached_gateway": columns["gateway_index"],
              "detach_reason": reason}  # fmt: skip
    return put(state, place[rows], {name: new[rows] for name, new in values.items()})


def _set(layer: Layer, values: Array, rows: Array, new: Any) -> Array:
    """Return `values`, by place, with the rows of a mask over the layer set to their share of `new`."""
    return layer.put(values, np.broadcast_to(new, layer.rows), rows) if rows.any() else values


def step(state: OutageState, layer: Layer, around: Surroundings) -> tuple[OutageState, Found]:
    """Take a layer in; return the new state and what was noticed."""
    limits, at = around.knowledge.thresholds, layer.place
    observed_ns = layer.column("observed_at_ns")
    bad = is_bad(layer.column("state"), layer.column("pop_ping_drop_ratio"), limits.drop_ratio)
    odd = bad | (state.phase[at] != GOOD) | (state.bad_since_ns[at] != NEVER)
    if not layer.is_plain:
        odd |= (state.observed_ns[at] == NEVER) | _holes(state, layer, around)
    events: Found = []
    rows = np.flatnonzero(odd)
    if len(rows):
        those = layer.take(rows)
        hole = _holes(state, those, around)
        state, events = _look_back(_meet(state, those, around), those, hole, around)
        state, found = _judge(state, those, bad[rows], around)
        events += found
    return replace(state, observed_ns=layer.put_all(state.observed_ns, observed_ns)), events


def _meet(state: OutageState, layer: Layer, around: Surroundings) -> OutageState:
    """A terminal heard for the first time, later than silence is suspected, has a gap behind it: its ring may tell."""
    first = state.observed_ns[layer.place] == NEVER
    if not first.any():
        return state
    where = layer.places(first)
    begins_ns = layer.column("observed_at_ns")[first] - around.facts.cadence_ns[where]
    late = begins_ns - around.listening_since_ns > around.facts.patience_ns[where]
    state = replace(state, told=ring.forget(state.told, where[~late]))
    where = where[late & (state.phase[where] == GOOD)]
    if not len(where):
        return state
    start_ns = np.full(len(where), around.listening_since_ns)
    return _open(state, where, start_ns, around, phase=SUSPECTED, told_as=UNSAID, boot_count=MISSING)


def _holes(state: OutageState, layer: Layer, around: Surroundings) -> Array:
    """Say which samples come after a hole that an outage fits in, and that nobody has noticed yet."""
    missing = ~layer.adjacent | layer.rebooted
    if not missing.any():
        return missing
    before_ns, at = state.observed_ns[layer.place], layer.place
    hold_ns = around.facts.outage_ns[at] - around.knowledge.thresholds.stamp_jitter_ns
    hole_ns = layer.column("observed_at_ns") - around.facts.cadence_ns[at] - before_ns
    calm = (state.phase[at] == GOOD) & (state.bad_since_ns[at] == NEVER) & (before_ns != NEVER)
    holes: Array = missing & calm & (hole_ns >= hold_ns)
    waiting = np.flatnonzero(holes & (state.settle_at_ns[at] != NEVER))
    # The trouble before it may still wait for its ring; once that has told, it is settled.
    holes[waiting] = np.isin(layer.places(waiting), state.told["place"])
    return holes


def _look_back(state: OutageState, layer: Layer, hole: Array, around: Surroundings) -> tuple[OutageState, Found]:
    """A hole too short to be suspected may yet hold an outage: its ring may tell."""
    if not hole.any():
        return state, []
    where = layer.places(hole)
    state, events = settle(state, where, around)
    boot_count = (layer.column("boot_count") - layer.rebooted)[hole]
    start_ns = state.observed_ns[where]
    return _open(state, where, start_ns, around, phase=SUSPECTED, told_as=UNSAID, boot_count=boot_count), events


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
    state = _go_on(state, layer, out & bad, cause_of(layer.column("state")))
    begins = out & ~bad & (state.good_since_ns[at] == NEVER)
    state = replace(
        state, good_since_ns=_set(layer, _set(layer, state.good_since_ns, begins, begins_ns), out & bad, NEVER)
    )
    over = out & ~bad & (observed_ns - state.good_since_ns[at] > limits.merge_ns)
    if over.any():
        where = layer.places(over)
        state = _return(state, where, state.good_since_ns[where], around)
        events.append(ended(outages_of(state, where), around))
    back = (phase == SUSPECTED) & ~bad & ~long
    if back.any():
        state = _return(state, layer.places(back), begins_ns[back], around)
    return state, events


def _run(state: OutageState, layer: Layer, bad: Array, begins_ns: Array) -> OutageState:
    """Follow bad runs that may become outages, and keep what is heard of gaps that silence opened."""
    at, phase = layer.place, state.phase[layer.place]
    running = bad & (phase != OUT)
    cause = cause_of(layer.column("state"))
    begins = running & (state.bad_since_ns[at] == NEVER)
    chains = np.where(begins, 0, state.bad_chain[at])
    state = replace(
        state,
        bad_chain=_set(layer, state.bad_chain, running, chain.append(chains, cause)),
        bad_since_ns=_set(layer, _set(layer, state.bad_since_ns, begins, begins_ns), ~bad, NEVER),
    )
    # A gap that silence opened is judged by records alone, and what is heard of it live is one too.
    recorded = (bad & (phase == SUSPECTED)) | ((phase == OUT) & (state.is_heard[at] == 0))
    if not recorded.any():
        return state
    columns = {name: layer.column(name)[recorded] for name in ("boot_count", "sequence", "observed_at_ns")}
    records = records_of(columns, layer.places(recorded), np.where(bad, cause, ring.GOOD)[recorded])
    return replace(state, told=ring.fold(state.told, records))


def _go_on(state: OutageState, layer: Layer, rows: Array, cause: Array) -> OutageState:
    """An outage goes on with a bad sample: its cause joins the chain, or comes again after a good second."""
    if not rows.any():
        return state
    where, cause = layer.places(rows), cause[rows]
    grown = chain.append(state.chain[where], cause)
    again = (grown == state.chain[where]) & (
        (state.good_since_ns[where] != NEVER) | (chain.last(state.chain[where]) != cause)
    )
    return put(state, where, {"chain": grown, "repeats": state.repeats[where] + again})


def _break(state: OutageState, where: Array, boot_count: Array, around: Surroundings) -> tuple[OutageState, Found]:
    """Bad runs have become outages: from where they began, or the suspected silence before them did."""
    state, events = settle(state, where, around)
    suspected = (state.phase[where] == SUSPECTED) & (state.told_as[where] == SUSPICION)
    start_ns = np.where(suspected, state.start_ns[where], state.bad_since_ns[where])
    whole = chain.join(state.chain[where], state.bad_chain[where])
    state = _open(
        state, where, start_ns, around, phase=OUT, told_as=OUTAGE, is_heard=1, bad_since_ns=NEVER,
        chain=np.where(suspected, whole, state.bad_chain[where]),
        boot_count=np.where(suspected, state.boot_count[where], boot_count),
        booted=np.where(suspected, state.booted[where], MISSING),
    )  # fmt: skip
    return state, [*events, started(outages_of(state, where), around)]


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
    uncovered = planned(where, start_ns, around)[0] == MISSING
    planned_work = around.knowledge.in_maintenance(
        around.facts, satellite, gateway, where, start_ns, around.plan_version
    )
    values: dict[str, Any] = {
        "phase": phase, "start_ns": start_ns, "told_as": told_as, "expected": (uncovered | planned_work).astype(np.int8),
        "detached": 0, "satellite": satellite, "gateway": gateway, "booted": MISSING, "good_since_ns": NEVER,
        "settle_at_ns": NEVER, "is_heard": 0, "repeats": 0, "chain": _SILENCE,
        "context": np.where(uncovered, OutageCause.COVERAGE_GAP, UNASKED),
    }  # fmt: skip
    return put(state, where, values | more)


def _return(state: OutageState, where: Array, end_ns: Array, around: Surroundings) -> OutageState:
    """Service is back; the ring may yet tell what it was."""
    settle_at_ns = around.clock_ns + around.knowledge.thresholds.stored_wait_ns
    values: dict[str, Any] = {
        "phase": GOOD, "good_since_ns": NEVER, "end_ns": end_ns, "settle_at_ns": settle_at_ns,
    }  # fmt: skip
    return blame_tilt(put(state, where, values), where, end_ns, around, late_ns=0)


class Overdue(NamedTuple):
    """Places that have been silent for long enough that something may be made of it.

    Attributes:
        where: Them.
        blind: Whether nobody could hear them now.
        watched_since_ns: Silence counts from when somebody could have heard.
    """

    where: Array
    blind: Array
    watched_since_ns: Array


def overdue(state: OutageState, facts: ShardFacts, clock_ns: int) -> Array:
    """Return the places that nothing live has come from for the shortest silence that anything is made of, or ever."""
    return np.flatnonzero(state.heard_ns < clock_ns - facts.least_silence_ns)


def pass_time(
    state: OutageState, around: Surroundings, overdue: Overdue, last: tuple[Array, Array]
) -> tuple[OutageState, Found]:
    """Let the shard's clock speak: silence is suspected, silence and detached is an outage, returns are settled.

    The clock has moved and this frame's rows are not in yet, so a time is over once the clock is past it: what was
    received up to then is in, however it was cut into frames.

    Args:
        state: What is remembered.
        around: What the rest of the shard knows.
        overdue: Who may have fallen silent.
        last: Boot count and sequence of the last sample of each place.
    """
    troubled = np.flatnonzero(state.phase)
    if len(troubled):
        state = hear_gateways(ask_gateways(state, troubled, around), troubled, around)
    events: Found = []
    if len(overdue.where):
        state, events = _judge_silence(state, around, overdue, last)
    waits = np.flatnonzero(state.settle_at_ns != NEVER)
    if len(waits):
        state, settled = settle(state, waits[state.settle_at_ns[waits] < around.clock_ns], around)
        events += settled
    return state, events


def _judge_silence(
    state: OutageState, around: Surroundings, overdue: Overdue, last: tuple[Array, Array]
) -> tuple[OutageState, Found]:
    limits, facts, where = around.knowledge.thresholds, around.facts, overdue.where
    heard_ns, observed_ns = state.heard_ns[where], state.observed_ns[where]
    known = (heard_ns != NEVER) & ~overdue.blind & (observed_ns != NEVER)
    silent_ns = np.where(known, around.clock_ns - np.maximum(heard_ns, overdue.watched_since_ns), 0)
    detached = (state.attached[where] == 0) & (state.attached_at_ns[where] >= observed_ns - limits.silence_ns)
    gone = known & detached & (silent_ns > facts.outage_ns[where] + facts.cadence_ns[where])
    state, events = _lose(state, where[gone], around, last)
    quiet = where[silent_ns > facts.patience_ns[where]]
    state = _mark_silence(state, quiet)
    phase = state.phase[quiet]
    unsuspected = quiet[(phase == GOOD) | ((phase == SUSPECTED) & (state.told_as[quiet] == UNSAID))]
    state, suspected = _suspect(state, unsuspected, _last_good_ns(state, unsuspected), around, last)
    unheard = _never_heard(state, where[heard_ns == NEVER], around)
    state, expected = _suspect(state, unheard, np.full(len(unheard), around.listening_since_ns), around, last)
    return state, [*events, *suspected, *expected]


def _last_good_ns(state: OutageState, where: Array) -> Array:
    bad_since_ns = state.bad_since_ns[where]
    return np.where(bad_since_ns == NEVER, state.observed_ns[where], bad_since_ns)


def _lose(
    state: OutageState, where: Array, around: Surroundings, last: tuple[Array, Array]
) -> tuple[OutageState, Found]:
    """Silent and detached is an outage."""
    where = where[state.phase[where] != OUT]
    if not len(where):
        return state, []
    state, events = settle(state, where, around)
    suspected = (state.phase[where] == SUSPECTED) & (state.told_as[where] == SUSPICION)
    start_ns = np.where(suspected, state.start_ns[where], _last_good_ns(state, where))
    state = _keep_lead(state, where, around, last)
    state = _open(
        state, where, start_ns, around, phase=OUT, told_as=OUTAGE, detached=1, bad_since_ns=NEVER,
        chain=np.where(suspected, state.chain[where], _fallen_silent(state, where)),
        boot_count=np.where(suspected, state.boot_count[where], last[0][where]),
        booted=np.where(suspected, state.booted[where], MISSING),
    )  # fmt: skip
    state = ask_gateways(state, where, around)
    return state, [*events, started(outages_of(state, where), around)]


def _fallen_silent(state: OutageState, where: Array) -> Array:
    """Return the causes of a bad run that a silence followed, if one went on, and the silence."""
    before = np.where(state.bad_since_ns[where] == NEVER, 0, state.bad_chain[where])
    return chain.append(before, np.full(len(where), OutageCause.SILENT))


def _keep_lead(state: OutageState, where: Array, around: Surroundings, last: tuple[Array, Array]) -> OutageState:
    """The bad samples with which a silence began are records of its gap."""
    led = where[(state.bad_since_ns[where] != NEVER) & (state.phase[where] == GOOD)]
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
    where = quiet[(state.phase[quiet] == OUT) & (state.is_heard[quiet] == 1)]
    where = where[chain.last(state.chain[where]) != OutageCause.SILENT]
    if not len(where):
        return state
    silent = np.full(len(where), OutageCause.SILENT)
    return put(state, where, {"chain": chain.append(state.chain[where], silent)})


def _never_heard(state: OutageState, where: Array, around: Surroundings) -> Array:
    """Return which of the places that nobody has heard since somebody listens are commissioned and covered by the plan."""
    facts, since_ns = around.facts, around.clock_ns - around.listening_since_ns
    waits = (state.phase[where] == GOOD) & np.isfinite(facts.reference_tilt_deg[where])
    patience_ns = np.maximum(facts.patience_ns[where], around.knowledge.thresholds.first_contact_ns)
    where = where[waits & (since_ns > patience_ns)]
    if not len(where):
        return where
    return where[planned(where, around.clock_ns - facts.cadence_ns[where], around)[0] >= 0]


def _suspect(
    state: OutageState, where: Array, start_ns: Array, around: Surroundings, last: tuple[Array, Array]
) -> tuple[OutageState, Found]:
    if not len(where):
        return state, []
    state, events = settle(state, where, around)
    state = _keep_lead(state, where, around, last)
    state = _open(
        state, where, start_ns, around, phase=SUSPECTED, told_as=SUSPICION, chain=_fallen_silent(state, where),
        boot_count=last[0][where], bad_since_ns=NEVER,
    )  # fmt: skip
    state = ask_gateways(state, where, around)
    patience_s = (around.facts.patience_ns[where] / NS_PER_S).astype(np.float32)
    return state, [*events, {
        "event_code": codes("outage_suspected", len(where)), "place": where, "started_at_ns": start_ns,
        "from_satellite_index": state.satellite[where], "from_gateway_index": state.gateway[where],
        "expected": state.expected[where], "threshold": patience_s,
    }]  # fmt: skip
