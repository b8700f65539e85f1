"""Our Earth-fixed positions and look angles against Skyfield's."""

import numpy as np
from skyfield.api import EarthSatellite, load, wgs84

from simulators.geometry import geodetic, look_angles
from simulators.orbits import propagate
from tests.authority.published import START_AT_NS, published_element_sets, published_lines

A_TENTH_OF_A_DEGREE = 0.1
ONE_KM = 1.0
SITES = [(47.6, -122.3), (0.0, 0.0), (-46.4, 168.4), (56.0, 12.6), (90.0, 0.0)]


def sightings_of_both(element_set, lines, site):
    timescale = load.timescale(builtin=True)
    at_ns = START_AT_NS + np.arange(0, 86_400, 1800, dtype=np.int64) * 1_000_000_000
    times = timescale.utc(2025, 10, 3, 0, 0, np.arange(0, 86_400, 1800))
    altitude, azimuth, distance = (EarthSatellite(*lines, ts=timescale) - wgs84.latlon(*site)).at(times).altaz()
    ours = look_angles(*np.array(site), propagate([element_set.satrec], at_ns).position_km[:, 0])
    return ours, altitude.degrees, azimuth.degrees, distance.km


def test_look_angles_agree_within_a_tenth_of_a_degree_and_one_km():
    chosen = list(zip(published_element_sets(), published_lines(), strict=True))[::25]
    for element_set, lines in chosen:
        for site in SITES:
            ours, elevation_deg, azimuth_deg, range_km = sightings_of_both(element_set, lines, site)
            assert np.abs(ours.elevation_deg - elevation_deg).max() < A_TENTH_OF_A_DEGREE
            assert np.abs(ours.range_km - range_km).max() < ONE_KM
            off_deg = (ours.azimuth_deg - azimuth_deg + 180.0) % 360.0 - 180.0
            # Near the zenith an azimuth means little: measure it along the sky.
            assert np.abs(off_deg * np.cos(np.radians(elevation_deg))).max() < A_TENTH_OF_A_DEGREE


def test_sub_satellite_points_agree():
    timescale = load.timescale(builtin=True)
    element_set, lines = published_element_sets()[0], published_lines()[0]
    at_ns = START_AT_NS + np.arange(0, 6000, 60, dtype=np.int64) * 1_000_000_000
    latitude_deg, longitude_deg, altitude_km = geodetic(propagate([element_set.satrec], at_ns).position_km[:, 0])
    point = wgs84.geographic_position_of(
        EarthSatellite(*lines, ts=timescale).at(timescale.utc(2025, 10, 3, 0, 0, np.arange(0, 6000, 60)))
    )
    assert np.abs(latitude_deg - point.latitude.degrees).max() < 0.01
    assert np.abs((longitude_deg - point.longitude.degrees + 180) % 360 - 180).max() < 0.01
    assert np.abs(altitude_km - point.elevation.km).max() < 0.1
