"""A shard's log time: the lowest of what its live producers last said; a producer that falls silent leaves the others blind."""

import itertools
from collections.abc import Iterator, Sequence

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
    last_ns: tuple[int, ...]
    live: tuple[bool, ...]
    joined_ns: tuple[int, ...]
    clock_ns: int
    carrier: Array


def new_state(places: int) -> ClockState:
    """Return a clock that has heard nobody."""
    return ClockState((), (), (), (), 0, np.full(places, -1, np.int16))


def hear(state: ClockState, producer: str, received_at_ns: int, timeout_ns: int, *, goodbye: bool) -> ClockState:
    """Note that a producer has spoken; return the clock after it."""
    names, last_ns, live, joined_ns = state.names, [*state.last_ns], [*state.live], [*state.joined_ns]
    if producer not in names:
        names = (*names, producer)
        last_ns.append(received_at_ns)
        live.append(True)
        joined_ns.append(received_at_ns)
    index = names.index(producer)
    if not live[index] or received_at_ns - last_ns[index] > timeout_ns:
        joined_ns[index] = received_at_ns
    last_ns[index] = max(last_ns[index], received_at_ns)
    live[index] = not goodbye
    clock_ns = state.clock_ns
    if any(live):  # one that said goodbye no longer tells the time, however far ahead its clock was
        gone_ns = max(_of_live(last_ns, live)) - timeout_ns
        live = [lives and last > gone_ns for lives, last in zip(live, last_ns, strict=True)]
        clock_ns = max(clock_ns, min(_of_live(last_ns, live)))
    return ClockState(names, tuple(last_ns), tuple(live), tuple(joined_ns), clock_ns, state.carrier)


def _of_live(instants_ns: Sequence[int], live: Sequence[bool]) -> Iterator[int]:
    return itertools.compress(instants_ns, live)


def carry(state: ClockState, producer: str, at: Array | slice) -> ClockState:
    """Note who brought the samples of places."""
    index = state.names.index(producer)
    if (state.carrier[at] == index).all():
        return state
    carrier = state.carrier.copy()
    carrier[at] = index
    return replace(state, carrier=carrier)


def listening_since_ns(state: ClockState) -> int:
    """Return since when anybody has been listening without a break."""
    return min((state.clock_ns, *_of_live(state.joined_ns, state.live)))


def watched_since_ns(state: ClockState, where: Array) -> Array:
    """Return since when the producers that carried terminals have been there without a break; 0 for none."""
    return np.array([*state.joined_ns, 0])[state.carrier[where]]


def blind(state: ClockState) -> Array:
    """Return by place whether the producer that carried the terminal has left."""
    if all(state.live):
        return np.zeros(len(state.carrier), bool)
    # Nobody's terminals are nobody's to lose: the last entry.
    gone: Array = np.array([*(not lives for lives in state.live), False])[state.carrier]
    return gone
