"""Puts each terminal's samples in order, by (boot count, sequence), and says what follows what.

A sample that follows the last one goes on at once. At a hole that terminal alone is held, until the hole fills or
`reorder_wait_ns` of log time has passed since the sample behind it came. Before a terminal's first sample stands a hole too:
nobody knows whether it is the first. What goes on comes in layers: each terminal at
most once a layer, so that a detector is arithmetic over arrays.
"""

import msgspec
import numpy as np
from msgspec.structs import replace

from ingest.contract.columns import Array, Columns, Layout, concatenate, row_count, take
from ingest.contract.telemetry import TERMINAL

_NEVER = -1


class SequencerState(msgspec.Struct, frozen=True, eq=False):
    """How far each terminal is, and what is held.

    Attributes:
        boot_count, sequence: Of the last sample that went on, by place; -1 before the first.
        gap_boot_count, gap_first, gap_last: The sequences that the last hole skipped: what comes of them is late.
        held: Columns of the samples that wait.
        held_since_ns: Log time at which each of them came.
    """

    boot_count: Array
    sequence: Array
    gap_boot_count: Array
    gap_first: Array
    gap_last: Array
    held: dict[str, Array]
    held_since_ns: Array


class Layer(msgspec.Struct, frozen=True, eq=False):
    """Samples that go on together.

    Attributes:
        place: Places of their terminals: all of them in order (a slice), or an array of distinct ones.
        columns: The samples.
        adjacent: Whether each follows the one before it without a hole.
        rebooted: Whether the terminal has booted since the one before.
        rows: How many.
        is_plain: Every one follows the one before it without a hole and without a boot.
    """

    place: Array | slice
    columns: dict[str, Array]
    adjacent: Array
    rebooted: Array
    rows: int
    is_plain: bool = False

    def places(self, rows: Array) -> Array:
        """Return the places of some rows, given as a mask or as indexes."""
        if not isinstance(self.place, slice):
            return self.place[rows]
        return np.flatnonzero(rows) if rows.dtype == bool else rows

    def take(self, rows: Array) -> "Layer":
        """Return some of them, by their indexes."""
        columns = take(self.columns, rows)
        return Layer(self.places(rows), columns, self.adjacent[rows], self.rebooted[rows], len(rows), self.is_plain)

    def put(self, values: Array, new: Array, rows: Array) -> Array:
        """Return `values`, an array by place, with the places of the rows of a mask set to their share of `new`."""
        if rows.all():
            return self.put_all(values, new)
        changed = values.copy()
        changed[self.places(rows)] = new[rows]
        return changed

    def put_all(self, values: Array, new: Array) -> Array:
        """Return `values`, an array by place, with the places of all rows set to `new`."""
        if isinstance(self.place, slice):
            return np.asarray(new, values.dtype)
        changed = values.copy()
        changed[self.place] = new
        return changed

    def column(self, name: str, layout: Layout = TERMINAL) -> Array:
        """Return a column, or nulls where no sample has it."""
        values = self.columns.get(name)
        return layout.column(name).nulls(self.rows) if values is None else values


class Admitted(msgspec.Struct, frozen=True, eq=False):
    """What came of a frame.

    Attributes:
        layers: What goes on, in order.
        late: Samples out of a hole that is already closed.
        late_place: Their places.
        repeats_count: Samples that had gone on before.
    """

    layers: list[Layer]
    late: dict[str, Array]
    late_place: Array
    repeats_count: int


_NOTHING = Admitted([], {}, np.empty(0, np.int64), 0)


def new_state(places: int) -> SequencerState:
    """Return a state in which no terminal has been heard."""
    never = np.full(places, _NEVER, np.int32)
    return SequencerState(never, never, never, never, never, {}, np.empty(0, np.int64))


def admit(
    state: SequencerState, columns: Columns, at: Array | slice, clock_ns: int, wait_ns: int
) -> tuple[SequencerState, Admitted]:
    """Take the samples of a frame in; return what goes on.

    Args:
        state: How far each terminal is.
        columns: The frame's samples, in any order.
        at: Their places; a slice if they are all of a shard's, in order: it costs a tenth of a gather.
        clock_ns: The shard's log time.
        wait_ns: How long a hole holds.
    """
    if not len(state.held_since_ns):
        if not row_count(columns):
            return state, _NOTHING
        if is_rising(at) and _all_follow(state, columns, at):
            return _admit_all(state, columns, at)
    elif not row_count(columns) and state.held_since_ns.min() + wait_ns >= clock_ns:
        return state, _NOTHING
    place = np.arange(len(state.sequence)) if isinstance(at, slice) else at
    return _admit_some(state, columns, place, clock_ns, wait_ns)


def is_rising(at: Array | slice) -> bool:
    """Say whether places come in order, each once."""
    return isinstance(at, slice) or bool((at[1:] > at[:-1]).all())


def _all_follow(state: SequencerState, columns: Columns, at: Array | slice) -> bool:
    return bool((columns["sequence"] == state.sequence[at] + 1).all()) and bool(
        (columns["boot_count"] == state.boot_count[at]).all()
    )


def _admit_all(state: SequencerState, columns: Columns, at: Array | slice) -> tuple[SequencerState, Admitted]:
    rows = row_count(columns)
    layer = Layer(at, dict(columns), np.ones(rows, bool), np.zeros(rows, bool), rows, is_plain=True)
    sequence = layer.put_all(state.sequence, columns["sequence"])
    return replace(state, sequence=sequence), Admitted([layer], {}, np.empty(0, np.int64), 0)


def _admit_some(
    state: SequencerState, columns: Columns, place: Array, clock_ns: int, wait_ns: int
) -> tuple[SequencerState, Admitted]:
    columns, place, since_ns = _with_held(state, columns, place, clock_ns)
    boot, sequence = columns["boot_count"], columns["sequence"]
    last_boot, last_sequence = state.boot_count[place], state.sequence[place]
    behind = (boot < last_boot) | ((boot == last_boot) & (sequence <= last_sequence))
    late = behind & (boot == state.gap_boot_count[place])
    late &= (state.gap_first[place] <= sequence) & (sequence <= state.gap_last[place])
    ahead = np.flatnonzero(~behind)
    order = ahead[np.lexsort((sequence[ahead], boot[ahead], place[ahead]))]
    order, twins_count = _without_twins(order, place, boot, sequence)
    repeats_count = int(behind.sum() - late.sum()) + twins_count
    late_rows = np.flatnonzero(late)
    late_columns, late_place = take(columns, late_rows), place[late_rows]
    if not len(order):
        kept = replace(state, held={}, held_since_ns=np.empty(0, np.int64))
        return kept, Admitted([], late_columns, late_place, repeats_count)
    state, layers = _release(state, take(columns, order), place[order], since_ns[order], clock_ns, wait_ns)
    return state, Admitted(layers, late_columns, late_place, repeats_count)


def _with_held(
    state: SequencerState, columns: Columns, place: Array, clock_ns: int
) -> tuple[dict[str, Array], Array, Array]:
    """Return the held samples and the new ones together, with the log time at which each came."""
    since_ns = np.full(len(place), clock_ns, np.int64)
    if not len(state.held_since_ns):
        return dict(columns), place, since_ns
    held = dict(state.held)
    held_place = held.pop("_place")
    together = concatenate([held, columns], TERMINAL) if row_count(columns) else held
    return together, np.concatenate([held_place, place]), np.concatenate([state.held_since_ns, since_ns])


def _without_twins(order: Array, place: Array, boot: Array, sequence: Array) -> tuple[Array, int]:
    same = np.zeros(len(order), bool)
    before, after = order[:-1], order[1:]
    same[1:] = (place[before] == place[after]) & (boot[before] == boot[after]) & (sequence[before] == sequence[after])
    return order[~same], int(same.sum())


def _release(
    state: SequencerState, columns: dict[str, Array], place: Array, since_ns: Array, clock_ns: int, wait_ns: int
) -> tuple[SequencerState, list[Layer]]:
    """Let go on what follows, or has waited long enough; hold the rest. Rows are sorted, without twins."""
    boot, sequence = columns["boot_count"], columns["sequence"]
    first = np.ones(len(place), bool)
    first[1:] = place[1:] != place[:-1]
    boot_before = np.where(first, state.boot_count[place], above(boot))
    sequence_before = np.where(first, state.sequence[place], above(sequence))
    unheard = boot_before == _NEVER
    same_boot = boot == boot_before
    follows = (same_boot & (sequence == sequence_before + 1)) | ((boot == boot_before + 1) & (sequence == 0))
    follows &= ~unheard
    goes = _until_first_stop(~(follows | (since_ns + wait_ns < clock_ns)), first)
    gap = goes & ~follows
    layers = _layers(columns, place, first, goes, follows, ~same_boot & ~unheard)
    ends = goes & np.append(~goes[1:] | first[1:], True)
    who = place[ends]
    boots, sequences = state.boot_count.copy(), state.sequence.copy()
    boots[who], sequences[who] = boot[ends], sequence[ends]
    gap_boots, gap_first, gap_last = state.gap_boot_count.copy(), state.gap_first.copy(), state.gap_last.copy()
    gap_boots[place[gap]] = boot[gap]
    gap_first[place[gap]] = np.where(same_boot, sequence_before + 1, 0)[gap]
    gap_last[place[gap]] = sequence[gap] - 1
    held = {**take(columns, ~goes), "_place": place[~goes]} if not goes.all() else {}
    return SequencerState(boots, sequences, gap_boots, gap_first, gap_last, held, since_ns[~goes]), layers


def above(values: Array) -> Array:
    """Return the value of the row above each row, its own for the first."""
    found = values.copy()
    found[1:] = values[:-1]
    return found


def _until_first_stop(stops: Array, first: Array) -> Array:
    """Return which rows lie before their terminal's first stop."""
    stops_so_far = np.cumsum(stops)
    at_start = (stops_so_far - stops)[first]
    before_me: Array = np.repeat(at_start, np.diff(np.append(np.flatnonzero(first), len(first))))
    free: Array = stops_so_far == before_me
    return free


def _layers(
    columns: dict[str, Array], place: Array, first: Array, goes: Array, adjacent: Array, rebooted: Array
) -> list[Layer]:
    starts = np.flatnonzero(first)
    rank = np.arange(len(place)) - np.repeat(starts, np.diff(np.append(starts, len(place))))
    layers = []
    for level in range(int(rank[goes].max()) + 1 if goes.any() else 0):
        rows = np.flatnonzero(goes & (rank == level))
        layers.append(Layer(place[rows], take(columns, rows), adjacent[rows], rebooted[rows], len(rows)))
    return layers
