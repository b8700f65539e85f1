"""Which cells are of one area."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.incidents.neighbourhood import NEAR_KM, Neighbourhood
from tests.make import inventory

KM_PER_DEG = 6_371.0 * np.pi / 180.0


def around(places):
    """Cell i at (latitude, longitude) in degrees; None for nowhere."""
    fields = {
        i: {"cell_id": i} | ({} if at is None else {"latitude_deg": at[0], "longitude_deg": at[1]})
        for i, at in enumerate(places)
    }
    return Neighbourhood(inventory(len(places), terminals=fields))


def areas(places):
    return sorted(sorted(area) for area in around(places).areas(range(len(places))))


def test_cells_in_a_row_are_one_area_as_long_as_none_is_too_far_from_the_next():
    near, far = 0.99 * NEAR_KM / KM_PER_DEG, 1.01 * NEAR_KM / KM_PER_DEG

    assert areas([(1, 0), (1 + near, 0), (1 + 2 * near, 0)]) == [[0, 1, 2]]
    assert areas([(1, 0), (1 + near, 0), (1 + near + far, 0)]) == [[0, 1], [2]]


def test_the_date_line_and_the_pole_divide_nothing():
    assert areas([(0, 179.9), (0, -179.9)]) == [[0, 1]]
    assert areas([(89.9, 0), (89.9, 180)]) == [[0, 1]]


def test_a_cell_without_a_place_is_near_itself_alone():
    found = around([None, (5, 0), None])

    assert sorted(found.areas([0, 1, 2])) == [[0], [1], [2]]
    assert found.near([0], [1, 2]) is None
    assert found.near([0, 2], [1, 2]) == 2
    assert found.areas([]) == []


def test_the_nearest_of_others_is_found_and_none_beyond_reach():
    found = around([(5, 5), (6, 5), (5.5, 5), (14, 5)])

    assert found.near([0], [1, 2, 3]) == 2
    assert found.near([0], [3]) is None
    assert found.near([0], []) is None


@given(st.lists(st.tuples(st.integers(-80, 80), st.integers(1, 180)), min_size=1, max_size=12))
def test_no_two_cells_of_different_areas_are_near(places):
    found = around(places)

    groups = found.areas(range(len(places)))

    assert sorted(cell for group in groups for cell in group) == list(range(len(places)))
    for group in groups:
        others = [cell for cell in range(len(places)) if cell not in group]
        assert found.near(group, others) is None
        assert len(group) == 1 or all(found.near([cell], [c for c in group if c != cell]) is not None for cell in group)
