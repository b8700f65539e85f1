"""Who gets whom where there is not room for all: cells and satellites, satellites and antennas."""

import numpy as np
from numpy.typing import NDArray

from simulators.geometry import Floats
from simulators.visibility import Indexes

NONE = -1
"""Nobody: no satellite, gateway, ... has been given."""


def matched(
    owner: Indexes,
    candidate: Indexes,
    preference: Floats,
    *,
    room: NDArray[np.int64],
    need: NDArray[np.int64],
    rank: Floats,
) -> Indexes:
    """Give each owner the candidate it likes best that has room; NONE where none has.

    All ask their best at once; who is turned away asks the next best. A candidate takes those of greatest rank first,
    and nobody who came in an earlier round is sent away for one who comes later.

    Args:
        owner: Of each pair that is possible.
        candidate: Of each pair.
        preference: How much the owner likes it.
        room: What each candidate has to give.
        need: What each owner takes of it.
        rank: Who is served first; the lowest index among equals.
    """
    order = np.lexsort((candidate, -preference, owner))
    candidate = candidate[order]
    waiting, at = np.unique(owner[order], return_index=True)
    until = np.append(at[1:], len(order))
    left = room.astype(np.int64, copy=True)
    chosen = np.full(len(need), NONE, dtype=np.int32)
    while len(waiting):
        asked = candidate[at]
        taken = _fits(waiting, asked, need, left, rank)
        chosen[waiting[taken]] = asked[taken]
        left -= np.bincount(asked[taken], weights=need[waiting[taken]], minlength=len(left)).astype(np.int64)
        again = ~taken & (at + 1 < until)
        waiting, at, until = waiting[again], at[again] + 1, until[again]
    return chosen


def _fits(
    waiting: NDArray[np.integer],
    asked: Indexes,
    need: NDArray[np.int64],
    left: NDArray[np.int64],
    rank: Floats,
) -> NDArray[np.bool_]:
    """Tell who of those that ask now is taken: each candidate counts down its queue until its room is used up."""
    queue = np.lexsort((waiting, -rank[waiting], asked))
    wanted = np.cumsum(need[waiting[queue]])
    heads = np.flatnonzero(np.diff(asked[queue], prepend=-1))
    before = np.append(0, wanted)[heads]
    own = wanted - np.repeat(before, np.diff(np.append(heads, len(queue))))
    taken = np.zeros(len(waiting), dtype=np.bool_)
    taken[queue] = own <= left[asked[queue]]
    return taken
