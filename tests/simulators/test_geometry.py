import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.geometry import (
    ecef_km,
    geodetic,
    look_angles,
    look_angles_of_all,
    off_boresight_deg,
    surface_distance_km,
)

latitudes = st.floats(-90, 90)
longitudes = st.floats(-179.99, 179.99)


@given(latitudes, longitudes, st.floats(0, 1000))
def test_a_place_survives_the_way_to_the_earth_fixed_frame_and_back(latitude_deg, longitude_deg, altitude_km):
    place = geodetic(ecef_km(np.array([latitude_deg]), np.array([longitude_deg]), altitude_km))
    assert ecef_km(*place)[0] == pytest.approx(
        ecef_km(np.array(latitude_deg), np.array(longitude_deg), altitude_km), abs=1e-6
    )
    assert place[2][0] == pytest.approx(altitude_km, abs=1e-6)
    assert place[0][0] == pytest.approx(latitude_deg, abs=1e-8)


@given(latitudes, longitudes, st.floats(1, 1000))
def test_what_stands_straight_above_is_at_ninety_degrees_and_as_far_as_it_is_high(latitude_deg, longitude_deg, up_km):
    site = np.array([latitude_deg]), np.array([longitude_deg])
    seen = look_angles(*site, ecef_km(*site, up_km))
    assert seen.elevation_deg[0] == pytest.approx(90.0, abs=1e-5)
    assert seen.range_km[0] == pytest.approx(up_km, abs=1e-6)


@pytest.mark.parametrize(("north_deg", "east_deg", "azimuth_deg"), [(1, 0, 0), (0, 1, 90), (-1, 0, 180), (0, -1, 270)])
def test_azimuth_turns_clockwise_from_north(north_deg, east_deg, azimuth_deg):
    object_km = ecef_km(np.array(float(north_deg)), np.array(float(east_deg)), 600.0)
    seen = look_angles(np.array(0.0), np.array(0.0), object_km)
    off_deg = (seen.azimuth_deg - azimuth_deg + 180.0) % 360.0 - 180.0
    assert off_deg == pytest.approx(0.0, abs=1e-9)
    assert 0.0 <= seen.azimuth_deg < 360.0


def test_the_table_of_all_pairs_holds_what_each_pair_sees():
    latitude_deg, longitude_deg = np.array([10.0, -40.0, 56.0]), np.array([5.0, 170.0, -3.0])
    objects_km = ecef_km(np.array([12.0, -41.0]), np.array([6.0, 171.0]), 630.0)
    table = look_angles_of_all(latitude_deg, longitude_deg, objects_km)
    pair = look_angles(latitude_deg[2], longitude_deg[2], objects_km[1])
    assert table.range_km.shape == (3, 2)
    assert table.elevation_deg[2, 1] == pair.elevation_deg
    assert table.azimuth_deg[2, 1] == pair.azimuth_deg


def test_a_level_antenna_scans_by_the_complement_of_the_elevation():
    elevation_deg = np.array([90.0, 60.0, 35.0, 0.0])
    scan_deg = off_boresight_deg(np.full(4, 123.0), elevation_deg, np.array(0.0), np.array(90.0))
    assert scan_deg == pytest.approx(90.0 - elevation_deg)


def test_a_tilted_antenna_gains_on_one_side_what_it_loses_on_the_other():
    low_deg = np.array([35.0, 35.0])
    scan_deg = off_boresight_deg(np.array([180.0, 0.0]), low_deg, np.array(180.0), np.array(70.0))
    assert scan_deg == pytest.approx([35.0, 75.0])


def test_a_small_angle_is_not_lost_to_rounding():
    scan_deg = off_boresight_deg(np.array([10.0]), np.array([50.0]), np.array([10.0]), np.array([50.0 + 1e-7]))
    assert scan_deg[0] == pytest.approx(1e-7, rel=1e-3)


def test_a_quarter_of_the_globe_is_ten_thousand_km():
    quarter_km = surface_distance_km(np.array(0.0), np.array(0.0), np.array(0.0), np.array(90.0))
    assert quarter_km == pytest.approx(10_019, abs=1)
