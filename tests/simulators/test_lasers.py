import numpy as np
import pytest

from simulators.constellation import filed_layer
from simulators.lasers import grid_peers, laser_links, laser_range_km, shortest_ways
from simulators.orbits import propagate
from simulators.shells import FILED_SHELLS, Shell

START_AT_NS = 1_759_449_600_000_000_000  # 2025-10-03T00:00:00Z
SMALL = Shell(name="small", altitude_km=630, inclination_deg=50, plane_count=3, satellites_per_plane=4, phasing=0)


def test_a_neighbourhood_is_mutual():
    for shell in (SMALL, *FILED_SHELLS):
        north, east, south, west = grid_peers(shell.plane_count, shell.satellites_per_plane).T
        own = np.arange(shell.satellite_count)
        assert (south[north] == own).all()
        assert (west[east] == own).all()
        assert (own // shell.satellites_per_plane == north // shell.satellites_per_plane).all()


def test_four_lasers_a_satellite_are_two_links_a_satellite():
    links = laser_links(grid_peers(34, 34))
    assert len(links) == len({frozenset(link) for link in links.tolist()}) == 2 * 1156


def test_every_link_of_the_first_shell_clears_the_earth():
    position_km = propagate(filed_layer(START_AT_NS, FILED_SHELLS[:1]).satellites, np.array([START_AT_NS])).position_km[
        0
    ]
    assert np.isfinite(laser_range_km(laser_links(grid_peers(34, 34)), position_km)).all()


def test_a_link_through_the_earth_is_none():
    opposite_km = np.array([[7000.0, 0.0, 0.0], [-7000.0, 0.0, 0.0]])
    assert laser_range_km(np.array([[0, 1]], dtype=np.int32), opposite_km).tolist() == [np.inf]


def test_the_shortest_way_takes_the_detour_when_a_laser_is_down():
    links = np.array([[0, 1], [1, 2], [0, 2]], dtype=np.int32)
    entry = np.array([0], dtype=np.int32), np.array([700.0])
    assert shortest_ways(links, np.array([100.0, 100.0, 150.0]), *entry, 3).total_km == pytest.approx([700, 800, 850])
    assert shortest_ways(links, np.array([100.0, 100.0, np.inf]), *entry, 3).total_km == pytest.approx([700, 800, 900])
    assert shortest_ways(links, np.array([100.0, np.inf, np.inf]), *entry, 3).total_km[2] == np.inf
