"""The lasers between satellites of a shell: four neighbours each, and the shortest way over them."""

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from simulators.geometry import Floats
from simulators.matching import NONE
from simulators.network_conditions import LASERS_PER_SATELLITE
from simulators.visibility import Indexes

# The longest laser that clears 80 km of atmosphere at 630 km: 2 sqrt((Re+630)^2 - (Re+80)^2), Hypatia's formula.
LONGEST_LASER_KM = 5_442.96


NO_PEERS = np.full(LASERS_PER_SATELLITE, NONE, dtype=np.int32)


def grid_peers(plane_count: int, satellites_per_plane: int, seam_shift: int = 0) -> Indexes:
    """Name each satellite's peers within a shell; columns are north, east, south, west.

    North is the next in the plane, east the same place in the next plane: the grid of Hypatia.

    Args:
        plane_count: Planes, numbered eastwards.
        satellites_per_plane: Places, numbered in the direction of flight.
        seam_shift: Places by which the first plane is behind the last one; Walker's phasing makes it so.
    """
    number = np.arange(plane_count * satellites_per_plane, dtype=np.int32).reshape(plane_count, satellites_per_plane)
    east, west = np.roll(number, -1, 0), np.roll(number, 1, 0)
    east[-1], west[0] = np.roll(number[0], -seam_shift), np.roll(number[-1], seam_shift)
    sides = (np.roll(number, -1, 1), east, np.roll(number, 1, 1), west)
    return np.stack(sides, axis=-1).reshape(-1, LASERS_PER_SATELLITE)


def laser_links(peers: Indexes) -> NDArray[np.int32]:
    """List each link once, as pairs of satellites: those to the north and to the east."""
    own = np.arange(len(peers), dtype=np.int32)
    links = np.concatenate([np.stack([own, peers[:, side]], axis=1) for side in (0, 1)])
    links = links[(links[:, 1] != NONE) & (links[:, 0] != links[:, 1])]
    # Of two planes, each is to the east of the other: the same pair twice.
    _, first = np.unique(np.sort(links, axis=1), axis=0, return_index=True)
    return np.asarray(links[np.sort(first)])


def head_towards(peers: Indexes, satellite: Indexes, towards: Indexes) -> NDArray[np.intp]:
    """Name the head by which each satellite sees its neighbour."""
    return np.asarray((peers[satellite] == towards[:, None]).argmax(axis=1))


def heads_facing(peers: Indexes) -> NDArray[np.intp]:
    """Name for each head the one of its peer that looks back at it."""
    own = np.repeat(np.arange(len(peers), dtype=np.int32), LASERS_PER_SATELLITE)
    return head_towards(peers, peers.ravel(), own).reshape(-1, LASERS_PER_SATELLITE)


def working(links: NDArray[np.int32], peers: Indexes, head_works: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which links have a working head at both ends.

    Args:
        links: Pairs as `laser_links` lists them.
        peers: As `grid_peers` names them.
        head_works: A row a satellite, a column a head.
    """
    own, peer = links[:, 0], links[:, 1]
    near, far = head_towards(peers, own, peer), head_towards(peers, peer, own)
    return np.asarray(head_works[own, near] & head_works[peer, far])


def laser_range_km(links: NDArray[np.int32], satellites_km: Floats) -> Floats:
    """Measure every link; infinite where the Earth is in the way."""
    length_km = np.linalg.norm(satellites_km[links[:, 0]] - satellites_km[links[:, 1]], axis=1)
    return np.where(length_km <= LONGEST_LASER_KM, length_km, np.inf)


class Ways(msgspec.Struct, frozen=True, kw_only=True):
    """The shortest ways between the ground and every satellite."""

    total_km: Floats
    """Infinite where there is none."""
    towards: Indexes
    """The next satellite on the way to the ground; NONE where that is the last one, or where there is no way."""


def shortest_ways(
    links: NDArray[np.int32], link_km: Floats, entry_satellite: Indexes, entry_km: Floats, satellite_count: int
) -> Ways:
    """Find the shortest way from every satellite to the ground, which the entry satellites see."""
    earth = satellite_count
    open_links = np.isfinite(link_km)
    rows = np.concatenate([links[open_links, 0], links[open_links, 1], np.full(len(entry_satellite), earth)])
    columns = np.concatenate([links[open_links, 1], links[open_links, 0], entry_satellite])
    lengths_km = np.concatenate([link_km[open_links], link_km[open_links], entry_km])
    graph = csr_array((lengths_km, (rows, columns)), shape=(satellite_count + 1, satellite_count + 1))
    total_km, towards = dijkstra(graph, indices=earth, return_predecessors=True)
    towards = np.where((towards < 0) | (towards == earth), NONE, towards)
    return Ways(total_km=total_km[:earth], towards=towards[:earth].astype(np.int32))


class Hops(msgspec.Struct, frozen=True, kw_only=True):
    """Lasers in use, a row for each on each way, in the order of the way."""

    way: Indexes
    """Which of the starting satellites the row belongs to, by position."""
    satellite: Indexes
    towards: Indexes

    def __len__(self) -> int:
        return len(self.way)


def hops(towards: Indexes, start: Indexes) -> Hops:
    """Follow the ways from these satellites to those that see the ground."""
    way, at = np.arange(len(start), dtype=np.int32), start
    rows: list[tuple[Indexes, Indexes, Indexes]] = []
    while len(way):
        after = towards[at]
        goes_on = after != NONE
        way, at, after = way[goes_on], at[goes_on], after[goes_on]
        rows.append((way, at, after))
        at = after
    columns = [np.concatenate(column) if rows else np.empty(0, dtype=np.int32) for column in zip(*rows, strict=True)]
    way, satellite, after = columns or [np.empty(0, dtype=np.int32)] * 3
    order = np.argsort(way, kind="stable")
    return Hops(way=way[order], satellite=satellite[order], towards=after[order])


def hops_km(taken: Hops, way_count: int, satellites_km: Floats) -> Floats:
    """Measure the lasers of each way together."""
    length_km = np.linalg.norm(satellites_km[taken.satellite] - satellites_km[taken.towards], axis=1)
    return np.bincount(taken.way, weights=length_km, minlength=way_count).astype(np.float64)
