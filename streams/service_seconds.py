"""Service-level seconds: each second of a known terminal is good, bad, foreseen as bad, or unknown, and never two of them.

A terminal is known from its first sample on: of one that nobody has heard, nobody can say that it should have been heard.
Its seconds are good but for its gaps: a suspicion and a producer that is gone are unknown, an outage is bad, or foreseen by
plan or maintenance, and what was withdrawn is good after all. A gap belongs to the gateway and PoP that served last before
it, whatever becomes of it; all other seconds to those that served at the window's end.

Seconds are booked up to the last window that is closed, so a gap that is still open grows with each; what a gap turns out to
be later moves the seconds that are booked already.
"""

from collections.abc import Iterable

import msgspec
import numpy as np
from msgspec.structs import replace

from ingest.contract.columns import MISSING, Array, take
from streams import ledger as ledgers
from streams.contract.catalogue import code_of
from streams.detectors.outage_state import GOOD, OutageState
from streams.knowledge import Knowledge
from streams.ledger import NEVER, Ledger
from streams.measures import group_codes
from streams.rollup_lines import WINDOW_NS
from streams.sequencer import Layer

_OPEN_NS = np.iinfo(np.int64).max
# A return is known a sample or two after it: of a terminal that reports once a minute, two windows late.
ENDED_COUNT = 4
# How a gap stands: there is none, it is over for good, it is over but its class may change, or it is open.
NONE, FINAL, RETURNED, OUT, SUSPECTED, BLIND = range(6)
_CLASSES = ("good_s", "bad_s", "expected_bad_s", "unknown_s")
_GOOD, _BAD, _EXPECTED, _UNKNOWN = range(4)
_SUSPECTED, _STARTED, _ENDED, _WITHDRAWN = map(
    code_of, ("outage_suspected", "outage_started", "outage_ended", "outage_withdrawn")
)
_STANDING = {_SUSPECTED: SUSPECTED, _STARTED: OUT, _ENDED: FINAL, _WITHDRAWN: FINAL}


class ServiceState(msgspec.Struct, frozen=True, eq=False):
    """What is booked of each terminal, by place.

    Attributes:
        known_ns: Since when it is known; `NEVER` before its first sample.
        standing, start_ns, end_ns: Of its last gap.
        kind: The class of that gap's seconds.
        gateway, pop: What served before that gap.
        taken_ns, taken_next_ns: Time in gaps that lies in the oldest open window, and in the next.
        end_gateway, end_pop: What serves at the end of the oldest open window, as far as is known.
        ended: Group at the end of each of the newest closed windows, newest first; -1 for none. A gap that is found later
            takes its seconds from there.
    """

    known_ns: Array
    standing: Array
    start_ns: Array
    end_ns: Array
    kind: Array
    gateway: Array
    pop: Array
    taken_ns: Array
    taken_next_ns: Array
    end_gateway: Array
    end_pop: Array
    ended: tuple[Array, ...]


def new_state(places: int) -> ServiceState:
    """Return a state in which no terminal is known."""
    never, no, nothing = np.full(places, NEVER), np.zeros(places, np.int8), np.zeros(places, np.int64)
    nowhere = np.full(places, MISSING, np.int32)
    return ServiceState(
        known_ns=never, standing=no, start_ns=never, end_ns=never, kind=no, gateway=nowhere, pop=nowhere,
        taken_ns=nothing, taken_next_ns=nothing, end_gateway=nowhere, end_pop=nowhere, ended=(nowhere,) * ENDED_COUNT,
    )  # fmt: skip


class Serving(msgspec.Struct, frozen=True, eq=False):
    """Gateway and PoP of each place."""

    gateway: Array
    pop: Array


def follow(
    state: ServiceState, ledger: Ledger, layer: Layer, before: Serving, after: Serving, out: OutageState,
    knowledge: Knowledge, shard: int,
) -> tuple[ServiceState, Ledger]:  # fmt: skip
    """Take in that a layer of samples has gone on: terminals become known, change their gateway, and return.

    Args:
        state: Before.
        ledger: Before.
        layer: The samples.
        before: What served before it.
        after: What serves after it.
        out: What the outage detector makes of it.
        knowledge: Inventory.
        shard: Whose terminals.
    """
    if not layer.is_plain and not layer.adjacent.all():
        state, ledger = _meet(state, ledger, layer, after, knowledge, shard)
    if after.gateway is not before.gateway or after.pop is not before.pop:
        moved = ((after.gateway != before.gateway) | (after.pop != before.pop))[layer.place]
        moved &= layer.column("observed_at_ns") < ledger.closed_ns[0] + WINDOW_NS
        if moved.any():
            where = layer.places(moved)
            state = _set(state, where, end_gateway=after.gateway[where], end_pop=after.pop[where])
    waiting = state.standing[layer.place] >= SUSPECTED
    if not waiting.any():
        return state, ledger
    where, rows = layer.places(waiting), np.flatnonzero(waiting)
    begins_ns = layer.column("observed_at_ns")[rows] - knowledge.facts(shard).cadence_ns[where]
    blind = state.standing[where] == BLIND
    returned = ~blind & (out.phase[where] == GOOD)
    end_ns = np.where(blind, begins_ns, out.end_ns[where])
    for who, standing in ((blind, FINAL), (returned, RETURNED)):
        at = where[who]
        gap = _gaps(state, at) | {"end_ns": np.maximum(end_ns[who], state.start_ns[at])}
        state, ledger = _turn(state, ledger, at, gap, np.full(len(at), standing), knowledge, shard)
    return state, ledger


def hear(
    state: ServiceState, ledger: Ledger, events: Iterable[dict[str, Array]], serving: Serving, knowledge: Knowledge,
    shard: int,
) -> tuple[ServiceState, Ledger]:  # fmt: skip
    """Take in what the outage detector has noticed, in its order; other events mean nothing here."""
    for event in events:
        code = int(event["event_code"][0]) if len(event["place"]) else MISSING
        # What a ring tells of is over: its end says both instants.
        if code not in _STANDING or (code == _STARTED and "stored" in event):
            continue
        part = take(event, state.known_ns[event["place"]] != NEVER)
        while len(part["place"]):
            first = np.zeros(len(part["place"]), bool)
            first[np.unique(part["place"], return_index=True)[1]] = True
            state, ledger = _hear(state, ledger, code, take(part, first), serving, knowledge, shard)
            part = take(part, ~first)
    return state, ledger


def _hear(
    state: ServiceState, ledger: Ledger, code: int, part: dict[str, Array], serving: Serving, knowledge: Knowledge,
    shard: int,
) -> tuple[ServiceState, Ledger]:  # fmt: skip
    """Take in one event a place: it goes on with the gap that it is about, or that waits to be explained."""
    where, standing = part["place"], _STANDING[code]
    goes_on = (state.start_ns[where] == part["started_at_ns"]) | (state.standing[where] == RETURNED)
    goes_on |= state.standing[where] >= SUSPECTED
    gap = {
        "start_ns": part["started_at_ns"],
        "end_ns": part["ended_at_ns"] if standing == FINAL else np.full(len(where), _OPEN_NS),
        "kind": _kinds(code, part),
        "gateway": np.where(goes_on, state.gateway[where], serving.gateway[where]),
        "pop": np.where(goes_on, state.pop[where], serving.pop[where]),
    }
    return _turn(state, ledger, where, gap, np.full(len(where), standing), knowledge, shard, goes_on)


def go_blind(
    state: ServiceState,
    ledger: Ledger,
    blind: Array,
    out: OutageState,
    serving: Serving,
    knowledge: Knowledge,
    shard: int,
) -> tuple[ServiceState, Ledger]:
    """Take in that nobody can hear some terminals any more: unknown since their last sample, unless they were out before."""
    # The last gap is explained first, or the word on it would find another in its place.
    free = (state.standing <= FINAL) & (out.settle_at_ns == NEVER) & (out.phase == GOOD)
    where = np.flatnonzero(blind & free & (state.known_ns != NEVER))
    gap = {
        "start_ns": out.observed_ns[where], "end_ns": np.full(len(where), _OPEN_NS), "kind": np.full(len(where), _UNKNOWN),
        "gateway": serving.gateway[where], "pop": serving.pop[where],
    }  # fmt: skip
    return _turn(state, ledger, where, gap, np.full(len(where), BLIND), knowledge, shard, np.zeros(len(where), bool))


def close(
    state: ServiceState, ledger: Ledger, serving: Serving, knowledge: Knowledge, shard: int
) -> tuple[ServiceState, Ledger]:
    """Book the oldest open window; the ledger's closing moves on."""
    start_ns = int(ledger.closed_ns[0])
    ledger = replace(ledger, closed_ns=ledger.closed_ns + WINDOW_NS)
    open_ = np.flatnonzero(state.standing >= OUT)
    gap_ns = start_ns + WINDOW_NS - np.clip(state.start_ns[open_], start_ns, start_ns + WINDOW_NS)
    taken_ns = state.taken_ns.copy()
    taken_ns[open_] += gap_ns
    ledger, groups = _group(ledger, state.gateway[open_], state.pop[open_], open_, knowledge, shard)
    ledger = _book(ledger, start_ns, groups, state.kind[open_], gap_ns)
    known = np.flatnonzero(state.known_ns != NEVER)
    good_ns = start_ns + WINDOW_NS - np.clip(state.known_ns[known], start_ns, start_ns + WINDOW_NS) - taken_ns[known]
    ledger, groups = _group(ledger, state.end_gateway[known], state.end_pop[known], known, knowledge, shard)
    ledger = _book(ledger, start_ns, groups, np.full(len(known), _GOOD), good_ns)
    ended = np.full(len(taken_ns), MISSING, np.int32)
    ended[known] = groups
    state = replace(
        state, taken_ns=state.taken_next_ns, taken_next_ns=np.zeros_like(taken_ns), end_gateway=serving.gateway,
        end_pop=serving.pop, ended=(ended, *state.ended[:-1]),
    )  # fmt: skip
    return state, ledger


def _kinds(code: int, part: dict[str, Array]) -> Array:
    if code in (_STARTED, _ENDED):
        return np.where(part["expected"] == 1, _EXPECTED, _BAD)
    return np.full(len(part["place"]), _UNKNOWN if code == _SUSPECTED else _GOOD)


def _set(state: ServiceState, where: Array, **values: Array) -> ServiceState:
    changed = {}
    for name, new in values.items():
        array = getattr(state, name).copy()
        array[where] = new
        changed[name] = array
    return replace(state, **changed)


def _meet(
    state: ServiceState, ledger: Ledger, layer: Layer, after: Serving, knowledge: Knowledge, shard: int
) -> tuple[ServiceState, Ledger]:
    """Begin to know terminals; what of them lies in closed windows is good until something else is said of it."""
    rows = np.flatnonzero(state.known_ns[layer.place] == NEVER)
    where = layer.places(rows)
    known_ns = layer.column("observed_at_ns")[rows] - knowledge.facts(shard).cadence_ns[where]
    state = _set(state, where, known_ns=known_ns)
    ledger, groups = _group(ledger, after.gateway[where], after.pop[where], where, knowledge, shard)
    row, window_ns, overlap_ns = _spread(known_ns, np.full(len(where), ledger.closed_ns[0]))
    ledger = _book(ledger, window_ns, groups[row], np.full(len(row), _GOOD), overlap_ns)
    ended = tuple(values.copy() for values in state.ended)
    for values in ended:
        values[where] = groups
    return replace(state, ended=ended), ledger


def _gaps(state: ServiceState, where: Array) -> dict[str, Array]:
    return {name: getattr(state, name)[where] for name in ("start_ns", "end_ns", "kind", "gateway", "pop")}


def _turn(
    state: ServiceState, ledger: Ledger, where: Array, gap: dict[str, Array], standing: Array, knowledge: Knowledge,
    shard: int, goes_on: Array | None = None,
) -> tuple[ServiceState, Ledger]:  # fmt: skip
    """Put gaps in the place of those that go on in them, or beside those that are over (where `goes_on` is false)."""
    if not len(where):
        return state, ledger
    old = where if goes_on is None else where[goes_on]
    state, ledger = _apply(state, ledger, old, _gaps(state, old), -1, knowledge, shard)
    state, ledger = _apply(state, ledger, where, gap, 1, knowledge, shard)
    return _set(state, where, standing=standing, **gap), ledger


def _apply(
    state: ServiceState,
    ledger: Ledger,
    where: Array,
    gap: dict[str, Array],
    sign: int,
    knowledge: Knowledge,
    shard: int,
) -> tuple[ServiceState, Ledger]:
    """Book what gaps have of each window, or take it back: from the good seconds of closed ones, aside for open ones."""
    closed_ns = ledger.closed_ns[0]
    end_ns = np.where(gap["end_ns"] == _OPEN_NS, closed_ns, gap["end_ns"])
    row, window_ns, overlap_ns = _spread(np.maximum(gap["start_ns"], state.known_ns[where]), end_ns)
    overlap_ns *= sign
    who, shut = where[row], window_ns < closed_ns
    ledger, groups = _group(ledger, gap["gateway"], gap["pop"], where, knowledge, shard)
    ledger = _book(ledger, window_ns, groups[row], gap["kind"][row], overlap_ns)
    ago = (closed_ns - window_ns[shut]) // WINDOW_NS - 1
    served = np.stack(state.ended)[np.minimum(ago, ENDED_COUNT - 1), who[shut]]
    served = np.where((ago < ENDED_COUNT) & (served >= 0), served, groups[row][shut])
    ledger = _book(ledger, window_ns[shut], served, np.full(len(served), _GOOD), -overlap_ns[shut])
    if shut.all():
        return state, ledger
    taken = {}
    for name, opens_ns in (("taken_ns", closed_ns), ("taken_next_ns", closed_ns + WINDOW_NS)):
        taken[name] = getattr(state, name).copy()
        np.add.at(taken[name], who[window_ns == opens_ns], overlap_ns[window_ns == opens_ns])
    return replace(state, **taken), ledger


def _spread(start_ns: Array, end_ns: Array) -> tuple[Array, Array, Array]:
    """Cut spans at the windows' edges; return for each piece its span, its window and how long it is."""
    first, last = start_ns // WINDOW_NS, -(-end_ns // WINDOW_NS)
    counts = np.where(end_ns > start_ns, last - first, 0)
    row = np.repeat(np.arange(len(counts)), counts)
    window_ns = (np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts) + first[row]) * WINDOW_NS
    overlap_ns = np.minimum(end_ns[row], window_ns + WINDOW_NS) - np.maximum(start_ns[row], window_ns)
    return row, window_ns, overlap_ns


def _group(
    ledger: Ledger, gateway: Array, pop: Array, where: Array, knowledge: Knowledge, shard: int
) -> tuple[Ledger, Array]:
    return ledgers.group(ledger, group_codes(gateway, pop, where, knowledge, shard))


def _book(ledger: Ledger, window_ns: Array | int, groups: Array, kind: Array, amount_ns: Array) -> Ledger:
    """Add time to windows, by class; what lies before the ledger's first window that may change is lost."""
    window_ns = np.broadcast_to(window_ns, groups.shape)
    timely = window_ns >= ledgers.earliest_ns(ledger)
    ledger = ledgers.lose(ledger, int((~timely).sum()))
    if not timely.any():
        return ledger
    ledger, cells = ledgers.cells(ledger, window_ns[timely], groups[timely])
    amounts = {name: np.where(kind[timely] == place, amount_ns[timely], 0) for place, name in enumerate(_CLASSES)}
    return ledgers.add(ledger, cells, amounts)
