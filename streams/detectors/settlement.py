"""What becomes of an outage or a suspicion once the terminal's ring has told: confirmed, revised, moved or withdrawn."""

import numpy as np
from msgspec.structs import replace

from ingest.contract.columns import MISSING, Array, Columns, take
from streams.contract.vocabulary import OutageCause
from streams.detectors import chain, ring
from streams.detectors.outage_causes import ask_gateways, blame_tilt, cause_of, in_the_dark, is_bad, planned
from streams.detectors.outage_state import GOOD, NEVER, OUTAGE, SUSPICION, Found, OutageState, Surroundings, put
from streams.detectors.outage_words import Outages, ended, outages_of, some, started, withdrawn, words
from streams.knowledge import Knowledge, ShardFacts


def records_of(columns: Columns, place: Array, cause: Array) -> ring.Records:
    """Return samples as records of a ring."""
    return {
        "place": place, "boot_count": columns["boot_count"], "first": columns["sequence"], "last": columns["sequence"],
        "from_ns": columns["observed_at_ns"], "to_ns": columns["observed_at_ns"], "cause": cause,
    }  # fmt: skip


def fold(state: OutageState, columns: Columns, place: Array, knowledge: Knowledge, facts: ShardFacts) -> OutageState:
    """Fold late and stored samples into the gap of their terminal."""
    if not len(place):
        return state
    at_ns, states = columns["observed_at_ns"], columns["state"]
    drop = columns.get("pop_ping_drop_ratio", np.full(len(place), np.nan, np.float32))
    over = state.phase[place] == GOOD
    inside = (at_ns > state.start_ns[place]) | (state.boot_count[place] == MISSING)
    inside &= np.where(over, at_ns - facts.cadence_ns[place] < state.end_ns[place], True)
    inside &= ~over | (state.settle_at_ns[place] != NEVER)
    # A first sample that is held: whether it has a gap behind it is not known yet.
    held = (state.observed_ns[place] == NEVER) & (state.heard_ns[place] != NEVER)
    rows = np.flatnonzero(inside | held)
    if not len(rows):
        return state
    bad = is_bad(states[rows], drop[rows], knowledge.thresholds.drop_ratio)
    cause = np.where(bad, cause_of(states[rows]), ring.GOOD)
    return replace(state, told=ring.fold(state.told, records_of(take(columns, rows), place[rows], cause)))


def settle(state: OutageState, where: Array, around: Surroundings) -> tuple[OutageState, Found]:
    """The ring has had its time: what waits is confirmed, revised, moved or withdrawn."""
    due = np.sort(where[state.settle_at_ns[where] != NEVER])
    if not len(due):
        return state, []
    before = outages_of(state, due)
    limits = around.knowledge.thresholds
    # What the wait's last seconds show may come in time or not.
    late_ns = limits.stored_wait_ns - limits.silence_ns
    state = blame_tilt(ask_gateways(state, due, around), due, state.end_ns[due], around, late_ns=late_ns)
    state, asked, parts = _ask(state, due, around)
    was_outage = state.told_as[due] == OUTAGE
    moved = ~state.is_heard[due].astype(bool) & np.isin(due, asked)
    kept = was_outage & ~(moved & ~np.isin(due, parts.place[_is_own(state, parts)]))
    gone = np.where(was_outage, ~kept, (state.told_as[due] == SUSPICION) & ~np.isin(due, parts.place))
    after = outages_of(state, due)
    revised = kept & _differs(before, after)
    events: Found = []
    if gone.any():
        events.append(withdrawn(some(before, gone)))
    if revised.any():
        events.append(ended(some(after, revised), around, revision=2))
    new = some(parts, ~_is_own(state, parts))
    if len(new.place):
        stored = {"stored": np.isin(new.place, state.told["place"]).astype(np.int8)}
        events += [started(new, around) | stored, ended(new, around) | stored]
    return put(replace(state, told=ring.forget(state.told, due)), due, {"settle_at_ns": NEVER}), events


def _is_own(state: OutageState, parts: Outages) -> Array:
    """Say which parts of gaps are what had been told as an outage already."""
    own: Array = (state.told_as[parts.place] == OUTAGE) & (parts.start_ns == state.start_ns[parts.place])
    return own


def _differs(before: Outages, after: Outages) -> Array:
    said, says = words(before), words(after)
    differs: Array = before.end_ns != after.end_ns
    for name, values in said.items():
        differs |= values != says[name]
    return differs


def _ask(state: OutageState, due: Array, around: Surroundings) -> tuple[OutageState, Array, Outages]:
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
    state = put(state, parts.place[own], {name: new[own] for name, new in values.items()})
    return state, asked, parts


def _explain_silences(state: OutageState, asked: Array, found: ring.Stretches, heard: Array) -> OutageState:
    """Put what rings tell of outages that were heard live where these had fallen silent."""
    chains, repeats = state.chain.copy(), state.repeats.copy()
    for row in np.flatnonzero(heard[found.gap]).tolist():
        place = asked[found.gap[row]]
        chains[place] = chain.explain(int(chains[place]), int(found.chain[row]))
        repeats[place] += found.repeats[row]
    return replace(state, chain=chains, repeats=repeats)


def _parts(state: OutageState, place: Array, found: ring.Stretches, around: Surroundings) -> Outages:
    """Return stretches as outages; what explained the gap explains them, but for cover, which each had or had not."""
    uncovered = planned(place, found.start_ns, around)[0] == MISSING
    dark = in_the_dark(state, place, found.start_ns, around)
    gateway, context = state.gateway[place], state.context[place]
    planned_work = around.knowledge.in_maintenance(
        around.facts, state.satellite[place], gateway, place, found.start_ns, around.plan_version
    )
    context = np.where(context == OutageCause.COVERAGE_GAP, np.where(dark, OutageCause.GATEWAY, MISSING), context)
    return Outages(
        place, found.start_ns, found.end_ns, state.satellite[place], gateway, found.chain, found.repeats,
        np.full(len(place), MISSING, np.int32), np.where(uncovered, OutageCause.COVERAGE_GAP, context),
        (uncovered | planned_work).astype(np.int8), state.detached[place],
    )  # fmt: skip
