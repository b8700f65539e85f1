"""Laser heads that look for their peers: up, still acquiring, or down."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.contract.instants import NS_PER_S
from ingest.contract.vocabulary import LaserState
from simulators.geometry import Floats
from simulators.lasers import LONGEST_LASER_KM, heads_facing
from simulators.matching import NONE
from simulators.network_conditions import Bools
from simulators.visibility import Indexes

# From the first look to a locked link; tens of seconds, assumed.
ACQUIRED_AFTER_NS = 40 * NS_PER_S


class Heads(msgspec.Struct, frozen=True, kw_only=True):
    """A row a satellite, a column a head, in the order of `lasers.grid_peers`."""

    state: NDArray[np.int8]
    range_km: Floats
    """To the peer; NaN while the link is not up."""


class Acquisition:
    """What every head does; it remembers since when each could see its peer."""

    def __init__(self, peers: Indexes) -> None:
        self._peers = peers
        self._facing = heads_facing(peers)
        self._seen_since_ns: NDArray[np.int64] | None = None

    def look(self, at_ns: int, positions_km: Floats, works: Bools, alive: Bools) -> Heads:
        """Return what each head does at this instant; at the first look all that can be up is.

        Args:
            at_ns: Later than at the last look.
            positions_km: Of every satellite.
            works: Whether each head works.
            alive: Whether each satellite does.
        """
        range_km = np.linalg.norm(positions_km[:, None, :] - positions_km[self._peers], axis=2)
        ready = works & alive[:, None]
        in_range = (self._peers != NONE) & (range_km <= LONGEST_LASER_KM)
        sees = ready & in_range & ready[self._peers, self._facing]
        if self._seen_since_ns is None:
            self._seen_since_ns = np.where(sees, at_ns - ACQUIRED_AFTER_NS, at_ns)
        self._seen_since_ns = np.where(sees, self._seen_since_ns, at_ns)
        up = sees & (at_ns - self._seen_since_ns >= ACQUIRED_AFTER_NS)
        state = np.select([up, ready & in_range], [LaserState.UP, LaserState.ACQUIRING], LaserState.DOWN)
        return Heads(state=state.astype(np.int8), range_km=np.where(up, range_km, np.nan))
