import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.constellation import filed_layer
from simulators.geometry import ecef_km, look_angles_of_all
from simulators.orbits import propagate
from simulators.visibility import elevations_deg, ground, sightings

START_AT_NS = 1_759_449_600_000_000_000  # 2025-10-03T00:00:00Z


@pytest.fixture(scope="module")
def satellites_km():
    return propagate(filed_layer(START_AT_NS).satellites, np.array([START_AT_NS])).position_km[0]


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), mask_deg=st.floats(5, 60))
def test_the_cheap_test_never_loses_a_satellite_that_is_above_the_mask(satellites_km, seed, mask_deg):
    rng = np.random.default_rng(seed)
    latitude_deg, longitude_deg = rng.uniform(-90, 90, 30), rng.uniform(-180, 180, 30)
    pairs = sightings(ground(latitude_deg, longitude_deg), satellites_km, mask_deg)
    every = look_angles_of_all(latitude_deg, longitude_deg, satellites_km)
    site, satellite = np.nonzero(every.elevation_deg >= mask_deg)
    assert (pairs.site.tolist(), pairs.satellite.tolist()) == (site.tolist(), satellite.tolist())
    assert pairs.elevation_deg == pytest.approx(every.elevation_deg[site, satellite], abs=1e-7)


def test_every_one_of_many_sites_is_looked_from(satellites_km):
    latitude_deg, longitude_deg = np.full(2500, 40.0), np.linspace(-180, 179, 2500)
    pairs = sightings(ground(latitude_deg, longitude_deg), satellites_km, 35.0)
    assert np.unique(pairs.site).tolist() == list(range(2500))
    last = sightings(ground(latitude_deg[-1:], longitude_deg[-1:]), satellites_km, 35.0)
    assert pairs.satellite[pairs.site == 2499].tolist() == last.satellite.tolist()


def test_a_satellite_that_is_nowhere_is_never_seen(satellites_km):
    site = ground(np.array([0.0]), np.array([0.0]))
    above_km = ecef_km(np.array([0.0]), np.array([0.0]), 630.0)
    lost_km = np.full((1, 3), np.nan)
    assert sightings(site, np.concatenate([lost_km, above_km]), 35.0).satellite.tolist() == [1]
    assert len(sightings(site, lost_km, 35.0)) == 0
    assert len(sightings(site, np.empty((0, 3)), 35.0)) == 0


def test_no_site_sees_nothing(satellites_km):
    assert len(sightings(ground(np.array([]), np.array([])), satellites_km, 35.0)) == 0


def test_a_satellite_overhead_is_at_ninety_degrees():
    site = ground(np.array([30.0]), np.array([20.0]))
    above_km = ecef_km(np.array([30.0]), np.array([20.0]), 630.0)
    assert elevations_deg(site, above_km, np.array([0]), np.array([0]))[0] == pytest.approx(90.0, abs=1e-4)
