import numpy as np
import pytest

from ingest.contract.vocabulary import LaserState
from simulators.laser_states import ACQUIRED_AFTER_NS, Acquisition
from simulators.lasers import grid_peers

# Four in a ring of one plane: north and south are the next and the last; east and west are themselves.
PEERS = grid_peers(1, 4)
NORTH, SOUTH = 0, 2
SECOND_NS = 1_000_000_000


def ring_km(radius_km=3_000.0):
    angle = np.arange(4) * np.pi / 2
    return radius_km * np.stack([np.cos(angle), np.sin(angle), np.zeros(4)], axis=1)


def works(*broken):
    every = np.ones((4, 4), dtype=bool)
    for satellite, head in broken:
        every[satellite, head] = False
    return every


ALIVE = np.ones(4, dtype=bool)


@pytest.fixture
def heads():
    acquisition = Acquisition(PEERS)
    acquisition.look(0, ring_km(), works(), ALIVE)
    return acquisition


def test_at_the_first_look_every_link_is_up_and_as_long_as_it_is():
    now = Acquisition(PEERS).look(0, ring_km(), works(), ALIVE)
    assert (now.state[:, [NORTH, SOUTH]] == LaserState.UP).all()
    assert now.range_km[:, NORTH] == pytest.approx(3_000 * np.sqrt(2))


def test_a_broken_head_is_down_and_the_one_that_faced_it_looks_for_it(heads):
    now = heads.look(SECOND_NS, ring_km(), works((1, NORTH)), ALIVE)
    assert now.state[1, NORTH] == LaserState.DOWN
    assert now.state[2, SOUTH] == LaserState.ACQUIRING
    assert np.isnan(now.range_km[2, SOUTH])
    assert now.state[1, SOUTH] == now.state[2, NORTH] == LaserState.UP


def test_a_mended_head_takes_its_time_to_find_its_peer(heads):
    heads.look(SECOND_NS, ring_km(), works((1, NORTH)), ALIVE)
    states = [
        heads.look(2 * SECOND_NS + after_ns, ring_km(), works(), ALIVE).state[1, NORTH]
        for after_ns in (0, ACQUIRED_AFTER_NS - SECOND_NS - 1, ACQUIRED_AFTER_NS - SECOND_NS)
    ]
    assert states == [LaserState.ACQUIRING, LaserState.ACQUIRING, LaserState.UP]


def test_a_dead_satellite_takes_all_its_lasers_down(heads):
    now = heads.look(SECOND_NS, ring_km(), works(), np.array([True, False, True, True]))
    assert (now.state[1] == LaserState.DOWN).all()
    assert now.state[0, NORTH] == LaserState.ACQUIRING


def test_who_is_too_far_is_not_looked_for(heads):
    now = heads.look(SECOND_NS, ring_km(4_000.0), works(), ALIVE)
    assert (now.state[:, NORTH] == LaserState.DOWN).all()


def test_who_has_no_peer_is_down():
    now = Acquisition(np.full((1, 4), -1, np.int32)).look(0, ring_km()[:1], works()[:1], ALIVE[:1])
    assert (now.state == LaserState.DOWN).all()
