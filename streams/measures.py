"""What samples add to the windows: counts, round trips, drops and volume; each sample once, whenever and however it comes.

A sample is new if it lies beyond the front of its terminal or in a hole behind it; a hole is what lies between two samples
that follow each other here. Volume is what a counter has grown by since the sample before it, so one that fills a hole takes
its share from the sample behind the hole. None of this asks in which order samples came.
"""

from collections.abc import Mapping

import msgspec
import numpy as np
from msgspec.structs import replace

from ingest.contract.columns import MISSING, Array, Columns, row_count, take
from ingest.contract.instants import NS_PER_S
from ingest.contract.telemetry import TERMINAL
from streams import ledger as ledgers
from streams.knowledge import Knowledge
from streams.ledger import Ledger
from streams.rollup_lines import CORRECTION_NS, WINDOW_NS, code
from streams.sequencer import above, is_rising

# A hole of a few samples is filled soon or never; a longer one is an outage, whose ring may come hours later.
SHORT_HOLE_COUNT = 15
SHORT_HOLE_NS = 120 * NS_PER_S
LONG_HOLE_NS = CORRECTION_NS + 900 * NS_PER_S

_HOLE: Mapping[str, type[np.generic]] = {
    "place": np.int64, "low": np.int64, "high": np.int64, "low_down": np.int64, "low_up": np.int64,
    "high_down": np.int64, "high_up": np.int64, "high_window_ns": np.int64, "high_group": np.int64, "since_ns": np.int64,
}  # fmt: skip


class MeasuresState(msgspec.Struct, frozen=True, eq=False):
    """How far each terminal has been counted, by place.

    Attributes:
        front: The key (boot count, then sequence) of its last sample; -1 before the first.
        down, up: Its counters there; -1 where it had none.
        gateway, pop, group: The group that its last sample was counted in, to look it up only where that changes.
        holes: The open ones, as columns: place; the keys and counters of the samples on both sides; where the one behind
            it was counted; log time since when it is open.
    """

    front: Array
    down: Array
    up: Array
    gateway: Array
    pop: Array
    group: Array
    holes: dict[str, Array]


def new_state(places: int) -> MeasuresState:
    """Return a state in which nothing has been counted."""
    never, nowhere = np.full(places, MISSING, np.int64), np.full(places, MISSING, np.int32)
    holes = {name: np.empty(0, kind) for name, kind in _HOLE.items()}
    return MeasuresState(never, never, never, nowhere, nowhere, never, holes)


def measure(
    state: MeasuresState,
    ledger: Ledger,
    columns: Columns,
    at: Array | slice,
    knowledge: Knowledge,
    shard: int,
    clock_ns: int,
) -> tuple[MeasuresState, Ledger, Columns]:
    """Return the samples of a frame that have not been counted before, for the daybook.

    Args:
        state: How far they are counted.
        ledger: Where groups have their place.
        columns: The samples.
        at: Their places; a slice if they are a whole shard in order.
        knowledge: Inventory.
        shard: Whose terminals.
        clock_ns: Log time.
    """
    if not row_count(columns):
        return state, ledger, {}
    state, ledger, group = _groups(state, ledger, columns, at, knowledge, shard)
    keys = (columns["boot_count"].astype(np.int64) << 32) | columns["sequence"]
    down, up = (_column(columns, f"{way}link_bytes_total") for way in ("down", "up"))
    if is_rising(at) and bool((keys == state.front[at] + 1).all()):
        flown = _risen(down, state.down[at]), _risen(up, state.up[at])
        state = replace(
            state, front=_put(state.front, at, keys), down=_put(state.down, at, down), up=_put(state.up, at, up)
        )
        return state, ledger, _entry(columns, group, *flown)
    rows = {
        "place": np.arange(len(keys)) if isinstance(at, slice) else at, "key": keys, "down": down, "up": up,
        "group": group, "row": np.arange(len(keys)), "window_ns": columns["observed_at_ns"] // WINDOW_NS * WINDOW_NS,
    }  # fmt: skip
    state, ledger, new, volumes = _fit(state, ledger, rows, clock_ns)
    return state, ledger, _entry(take(columns, new), group[new], *volumes)


def _entry(columns: Columns, group: Array, down: Array, up: Array) -> Columns:
    return {
        "at_ns": columns["observed_at_ns"], "group": group, "rtt_ms": _column(columns, "pop_ping_latency_ms"),
        "drop": _column(columns, "pop_ping_drop_ratio"), "down": down, "up": up,
    }  # fmt: skip


def forget(state: MeasuresState, clock_ns: int) -> MeasuresState:
    """Close the holes that nothing will fill any more: whatever comes for them is taken for a repeat."""
    holes = state.holes
    if not len(holes["place"]):
        return state
    short = holes["high"] - holes["low"] - 1 <= SHORT_HOLE_COUNT
    stay = holes["since_ns"] + np.where(short, SHORT_HOLE_NS, LONG_HOLE_NS) >= clock_ns
    return state if stay.all() else replace(state, holes=take(holes, stay))


def _column(columns: Columns, name: str) -> Array:
    return columns[name] if name in columns else TERMINAL.column(name).nulls(row_count(columns))


def _put(values: Array, at: Array | slice, new: Array) -> Array:
    if isinstance(at, slice):
        return new
    changed = values.copy()
    changed[at] = new
    return changed


def _groups(
    state: MeasuresState, ledger: Ledger, columns: Columns, at: Array | slice, knowledge: Knowledge, shard: int
) -> tuple[MeasuresState, Ledger, Array]:
    """Return where each sample's group stands: the gateway and PoP that it names itself; -1 where it names none."""
    gateway, pop = _column(columns, "gateway_index"), _column(columns, "pop_index")
    group = state.group[at]
    other = (gateway != state.gateway[at]) | (pop != state.pop[at]) | (group < 0)
    if not other.any():
        return state, ledger, group
    rows = np.flatnonzero(other)
    places = rows if isinstance(at, slice) else at[rows]
    codes = group_codes(gateway[rows], pop[rows], places, knowledge, shard)
    ledger, found = ledgers.group(ledger, codes)
    group = group.copy()
    group[rows] = found
    state = replace(
        state, gateway=_put(state.gateway, places, gateway[rows]), pop=_put(state.pop, places, pop[rows]),
        group=_put(state.group, places, found),
    )  # fmt: skip
    return state, ledger, group


def group_codes(gateway: Array, pop: Array, places: Array, knowledge: Knowledge, shard: int) -> Array:
    """Return the codes of groups; a gateway or a PoP that the inventory does not have is none."""
    inventory = knowledge.inventory
    gateway = np.where(gateway < len(inventory.gateways), gateway, MISSING)
    pop = np.where(pop < len(inventory.pops), pop, MISSING)
    return code(gateway, pop, knowledge.facts(shard).model[places])


def _risen(counter: Array, before: Array) -> Array:
    """Return by how much the counters of terminals that have not booted have grown."""
    risen: Array = counter - before
    return risen if before.min() >= 0 and risen.min() >= 0 else _grown(counter, before, booted=False)


def _grown(counter: Array, before: Array, *, booted: Array | bool) -> Array:
    """Return by how much counters have grown; after a boot, or where one is smaller, it has started anew."""
    grown: Array = np.where(booted | (counter < before), counter, counter - before)
    return np.where((counter < 0) | (before < 0), 0, grown)


def _booted(key: Array, key_before: Array) -> Array:
    booted: Array = key >> 32 != key_before >> 32
    return booted


def _fit(
    state: MeasuresState, ledger: Ledger, rows: dict[str, Array], clock_ns: int
) -> tuple[MeasuresState, Ledger, Array, tuple[Array, ...]]:
    """Find which rows are new; return their numbers in the frame, and what has flowed before each of them."""
    rows = take(rows, np.lexsort((rows["key"], rows["place"])))
    twin = np.zeros(len(rows["key"]), bool)
    twin[1:] = (np.diff(rows["place"]) == 0) & (np.diff(rows["key"]) == 0)
    beyond = rows["key"] > state.front[rows["place"]]
    hole = np.where(beyond, MISSING, _hole_of(state.holes, rows["place"], rows["key"]))
    new = ~twin & (beyond | (hole >= 0))
    if not new.any():
        return state, ledger, rows["row"][new], (rows["down"][new], rows["up"][new])
    rows, hole = take(rows, new), hole[new]
    starts = np.ones(len(hole), bool)
    starts[1:] = (np.diff(rows["place"]) != 0) | (np.diff(hole) != 0)
    before = _before(state, rows, hole, starts)
    booted = _booted(rows["key"], before["key"])
    volumes = tuple(_grown(rows[way], before[way], booted=booted) for way in ("down", "up"))
    ends = np.append(starts[1:], True)
    ledger = _take_back(state.holes, ledger, take(rows, ends & (hole >= 0)), hole[ends & (hole >= 0)])
    state = replace(state, holes=_holes(state.holes, rows, hole, before, ends, clock_ns))
    front = take(rows, ends & (hole < 0))
    where = front["place"]
    state = replace(
        state, front=_put(state.front, where, front["key"]), down=_put(state.down, where, front["down"]),
        up=_put(state.up, where, front["up"]),
    )  # fmt: skip
    return state, ledger, rows["row"], volumes


def _hole_of(holes: dict[str, Array], place: Array, key: Array) -> Array:
    """Return the hole that each key lies in; -1 for none."""
    count = len(holes["place"])
    if not count:
        return np.full(len(place), MISSING)
    places, keys = np.concatenate([holes["place"], place]), np.concatenate([holes["low"], key])
    order = np.lexsort((np.arange(len(keys)) >= count, keys, places))
    # Of each key, the hole that begins last before it, whosever it is.
    number = np.where(order < count, np.arange(len(order)), MISSING)
    latest = np.maximum.accumulate(number)
    nearest = np.empty(len(order), np.int64)
    nearest[order] = np.where(latest >= 0, order[latest], MISSING)
    nearest = nearest[count:]
    inside = (nearest >= 0) & (holes["place"][nearest] == place) & (holes["low"][nearest] < key)
    inside &= key < holes["high"][nearest]
    return np.where(inside, nearest, MISSING)


def _before(state: MeasuresState, rows: dict[str, Array], hole: Array, starts: Array) -> dict[str, Array]:
    """Return key and counters of the sample before each row: the row above, the front, or the near side of its hole."""
    found = {}
    for name, front, low in (
        ("key", state.front, "low"), ("down", state.down, "low_down"), ("up", state.up, "low_up")
    ):  # fmt: skip
        side = front[rows["place"]]
        inside = hole >= 0
        side[inside] = state.holes[low][hole[inside]]
        found[name] = np.where(starts, side, above(rows[name]))
    return found


def _take_back(holes: dict[str, Array], ledger: Ledger, last: dict[str, Array], hole: Array) -> Ledger:
    """Take from the sample behind each hole what is now counted with the last one that came into it."""
    far = take(holes, hole)
    amounts = {}
    for name, way in (("downlink_bytes", "down"), ("uplink_bytes", "up")):
        counter = far[f"high_{way}"]
        now = _grown(counter, last[way], booted=_booted(far["high"], last["key"]))
        amounts[name] = now - _grown(counter, far[f"low_{way}"], booted=_booted(far["high"], far["low"]))
    timely = far["high_window_ns"] >= ledgers.earliest_ns(ledger)
    if not timely.any():
        return ledger
    ledger, cells = ledgers.cells(ledger, far["high_window_ns"][timely], far["high_group"][timely])
    return ledgers.add(ledger, cells, take(amounts, timely))


def _holes(
    holes: dict[str, Array], rows: dict[str, Array], hole: Array, before: dict[str, Array], ends: Array, clock_ns: int
) -> dict[str, Array]:
    """Return the holes that are open after the rows have come: those untouched, and what is left on both sides of rows."""
    inside = hole >= 0
    since_ns = np.full(len(hole), clock_ns)
    since_ns[inside] = holes["since_ns"][hole[inside]]
    left = {
        "place": rows["place"], "low": before["key"], "high": rows["key"], "low_down": before["down"],
        "low_up": before["up"], "high_down": rows["down"], "high_up": rows["up"], "high_window_ns": rows["window_ns"],
        "high_group": rows["group"], "since_ns": since_ns,
    }  # fmt: skip
    last = ends & inside
    right = take(holes, hole[last]) | {
        "low": rows["key"][last],
        "low_down": rows["down"][last],
        "low_up": rows["up"][last],
    }
    untouched = np.ones(len(holes["place"]), bool)
    untouched[hole[inside]] = False
    parts = [take(holes, untouched), *(take(part, part["high"] - part["low"] > 1) for part in (left, right))]
    found = {name: np.concatenate([part[name] for part in parts]) for name in _HOLE}
    return take(found, np.lexsort((found["low"], found["place"])))
