import numpy as np
import pytest

from simulators.cells import cells_around
from simulators.geometry import surface_distance_km


def test_each_position_lies_within_its_cell():
    latitude_deg, longitude_deg = np.array([47.6062, 51.5074, -33.8688]), np.array([-122.3321, -0.1278, 151.2093])
    cells, index = cells_around(latitude_deg, longitude_deg)
    away_km = surface_distance_km(latitude_deg, longitude_deg, cells.latitude_deg[index], cells.longitude_deg[index])
    assert (away_km < 11).all()
    assert (np.diff(cells.cell_ids) > 0).all()


def test_neighbours_in_one_cell_share_its_index():
    cells, index = cells_around(np.array([47.6062, 10.0, 47.6063]), np.array([-122.3321, 10.0, -122.3320]))
    assert len(cells) == 2
    assert index[0] == index[2] != index[1]


def test_a_cell_is_named_as_h3_names_it():
    cells, _ = cells_around(np.array([37.7749]), np.array([-122.4194]))
    assert f"{cells.cell_ids[0]:x}" == "85283083fffffff"
    assert cells.latitude_deg[0] == pytest.approx(37.7, abs=0.1)


def test_no_position_has_no_cell():
    cells, index = cells_around(np.array([]), np.array([]))
    assert (len(cells), len(index)) == (0, 0)
