"""A shard's log time: the lowest of what its live producers last said; a producer that falls silent leaves the others blind."""

import msgspec
import numpy as np
from msgspec.structs import replace

from ingest.contract.columns import Array


class ClockState(msgspec.Struct, frozen=True, eq=False):
    """Who has spoken, and when.

    Attributes:
        names: Producers, in the order in which they came.
        last_ns: Their last `received_at_ns`.
        live: Whether they count.
        joined_ns: When each came, or came back: nobody was heard through it before.
        clock_ns: Log time; it never goes back.
        carrier: By place: the producer that last brought something of the terminal; -1 for none.
    """

    names: tuple[str, ...]
    last_ns: Array
    live: Array
    joined_ns: Array
    clock_ns: int
    carrier: Array


def new_state(places: int) -> ClockState:
    """Return a clock that has heard nobody."""
    return ClockState(
        (), np.empty(0, np.int64), np.empty(0, bool), np.empty(0, np.int64), 0, np.full(places, -1, np.int16)
    )


def hear(state: ClockState, producer: str, received_at_ns: int, timeout_ns: int, *, goodbye: bool) -> ClockState:
    """Note that a producer has spoken; return the clock after it."""
    names, last_ns, live, joined_ns = state.names, state.last_ns.copy(), state.live.copy(), state.joined_ns.copy()
    if producer not in names:
        names, last_ns, live = (*names, producer), np.append(last_ns, received_at_ns), np.append(live, True)
        joined_ns = np.append(joined_ns, received_at_ns)
    index = names.index(producer)
    if not live[index] or received_at_ns - last_ns[index] > timeout_ns:
        joined_ns[index] = received_at_ns
    last_ns[index] = max(int(last_ns[index]), received_at_ns)
    live[index] = not goodbye
    clock_ns = state.clock_ns
    if live.any():  # one that said goodbye no longer tells the time, however far ahead its clock was
        live &= last_ns > last_ns[live].max() - timeout_ns
        clock_ns = max(clock_ns, int(last_ns[live].min()))
    return replace(state, names=names, last_ns=last_ns, live=live, joined_ns=joined_ns, clock_ns=clock_ns)


def carry(state: ClockState, producer: str, at: Array | slice) -> ClockState:
    """Note who brought the samples of places."""
    index = state.names.index(producer)
    if bool((state.carrier[at] == index).all()):
        return state
    carrier = state.carrier.copy()
    carrier[at] = index
    return replace(state, carrier=carrier)


def listening_since_ns(state: ClockState) -> int:
    """Return since when anybody has been listening without a break."""
    return int(state.joined_ns[state.live].min(initial=state.clock_ns))


def watched_since_ns(state: ClockState) -> Array:
    """Return by place since when the producer that carried the terminal has been there without a break; 0 for none."""
    return np.append(state.joined_ns, 0)[state.carrier]


def blind(state: ClockState) -> Array:
    """Return by place whether the producer that carried the terminal has left."""
    if bool(state.live.all()):
        return np.zeros(len(state.carrier), bool)
    return (state.carrier >= 0) & ~state.live[np.maximum(state.carrier, 0)]
