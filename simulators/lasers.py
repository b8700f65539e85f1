"""The lasers between satellites of a shell: four neighbours each, and the shortest way over them."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from simulators.geometry import Floats
from simulators.network_conditions import LASERS_PER_SATELLITE
from simulators.visibility import Indexes

# The longest laser that clears 80 km of atmosphere at 630 km: 2 sqrt((Re+630)^2 - (Re+80)^2), Hypatia's formula.
LONGEST_LASER_KM = 5_442.96


NONE = -1
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
    both = links[:, 1] != NONE
    return np.asarray(links[both])


def laser_range_km(links: NDArray[np.int32], satellites_km: Floats) -> Floats:
    """Measure every link; infinite where the Earth is in the way."""
    length_km = np.linalg.norm(satellites_km[links[:, 0]] - satellites_km[links[:, 1]], axis=1)
    return np.where(length_km <= LONGEST_LASER_KM, length_km, np.inf)


def shortest_km(
    links: NDArray[np.int32], link_km: Floats, entry_satellite: Indexes, entry_km: Floats, satellite_count: int
) -> Floats:
    """Give the shortest way from a ground site, which sees the entry satellites, to every satellite."""
    site = np.full(len(entry_satellite), satellite_count)
    open_links = np.isfinite(link_km)
    rows = np.concatenate([links[open_links, 0], links[open_links, 1], site])
    columns = np.concatenate([links[open_links, 1], links[open_links, 0], entry_satellite])
    lengths_km = np.concatenate([link_km[open_links], link_km[open_links], entry_km])
    graph = csr_array((lengths_km, (rows, columns)), shape=(satellite_count + 1, satellite_count + 1))
    distance_km: Floats = dijkstra(graph, indices=satellite_count)
    return distance_km[:satellite_count]
