"""Geometry of the three shells against the computed tables of the domain (3a, 3b)."""

import numpy as np
import pytest

from simulators.geometry import (
    EARTH_RADIUS_KM,
    LIGHT_SPEED_KM_PER_S,
    ecef_km,
    footprint_half_angle_deg,
    nadir_half_angle_deg,
    slant_range_km,
)
from simulators.lasers import LONGEST_LASER_KM, grid_peers, laser_links, laser_range_km
from simulators.link import doppler_hz, free_space_loss_db, propagation_round_trip_ms
from simulators.orbits import DAY_NS, circular_orbits, mean_motion_rev_per_day, propagate, sidereal_rad
from simulators.shells import FILED_SHELLS, argument_of_latitude_deg, raan_deg
from tests.authority.published import START_AT_NS

K1 = FILED_SHELLS[0]


def shell_orbits(shell, **changed):
    fields = {
        "mean_motion_rev_per_day": mean_motion_rev_per_day(shell.altitude_km),
        "inclination_deg": shell.inclination_deg,
        "raan_deg": raan_deg(shell),
        "argument_of_latitude_deg": argument_of_latitude_deg(shell),
        "epoch_at_ns": START_AT_NS,
    }
    return circular_orbits(**(fields | changed))


def test_the_filing_has_3236_satellites_in_98_planes():
    assert sum(shell.satellite_count for shell in FILED_SHELLS) == 3236
    assert sum(shell.plane_count for shell in FILED_SHELLS) == 98
    assert [shell.walker for shell in FILED_SHELLS] == [
        "D:630:51.9:1156/34/3",
        "D:610:42.0:1296/36/3",
        "D:590:33.0:784/28/1",
    ]


def test_planes_are_spaced_and_phased_as_filed():
    spacing = [(10.588, 10.588, 0.934), (10.0, 10.0, 0.833), (12.857, 12.857, 0.459)]
    for shell, (plane_deg, in_plane_deg, phase_deg) in zip(FILED_SHELLS, spacing, strict=True):
        nodes, arguments = raan_deg(shell), argument_of_latitude_deg(shell)
        in_a_plane = shell.satellites_per_plane
        assert nodes[in_a_plane] - nodes[0] == pytest.approx(plane_deg, abs=6e-4)
        assert arguments[1] - arguments[0] == pytest.approx(in_plane_deg, abs=6e-4)
        assert arguments[in_a_plane] - arguments[0] == pytest.approx(phase_deg, abs=6e-4)


@pytest.mark.parametrize(("altitude_km", "revolutions"), [(630, 14.80), (610, 14.86), (590, 14.93)])
def test_revolutions_a_day(altitude_km, revolutions):
    assert mean_motion_rev_per_day(altitude_km) == pytest.approx(revolutions, abs=0.005)


@pytest.mark.parametrize(
    ("altitude_km", "ranges_km"),
    [(630, (1012.5, 854.1, 716.9, 630)), (610, (982.4, 827.9, 694.4, 610)), (590, (952.3, 801.7, 671.9, 590))],
)
def test_slant_ranges(altitude_km, ranges_km):
    assert slant_range_km(altitude_km, np.array([35, 45, 60, 90])) == pytest.approx(np.array(ranges_km), abs=0.06)


@pytest.mark.parametrize(
    ("altitude_km", "footprint_km", "nadir_deg"), [(630, 757, 48.20), (610, 736, 48.39), (590, 716, 48.57)]
)
def test_footprints(altitude_km, footprint_km, nadir_deg):
    half_angle_deg = footprint_half_angle_deg(altitude_km, 35)
    assert np.radians(half_angle_deg) * EARTH_RADIUS_KM == pytest.approx(footprint_km, abs=0.6)
    assert nadir_half_angle_deg(altitude_km, 35) == pytest.approx(nadir_deg, abs=0.006)


@pytest.mark.parametrize(
    ("altitude_km", "frequency_ghz", "low_db", "zenith_db"),
    [(630, 19.7, 178.45, 174.33), (610, 19.7, 178.19, 174.05), (590, 19.7, 177.91, 173.76), (630, 29, 181.81, 177.68),
     (590, 29, 181.27, 177.12)],
)  # fmt: skip
def test_free_space_loss(altitude_km, frequency_ghz, low_db, zenith_db):
    losses_db = free_space_loss_db(slant_range_km(altitude_km, np.array([35, 90])), frequency_ghz)
    # The table rounds, and was made with the rounded constant 92.45 dB.
    assert losses_db == pytest.approx(np.array([low_db, zenith_db]), abs=0.008)


def test_one_way_delay_at_the_edge_and_overhead():
    delays_ms = slant_range_km(630, np.array([35, 90])) / LIGHT_SPEED_KM_PER_S * 1e3
    assert delays_ms == pytest.approx(np.array([3.377, 2.101]), abs=0.001)


def test_the_round_trip_through_one_satellite_is_8_4_to_13_5_ms():
    edge_km, overhead_km = slant_range_km(630, 35), slant_range_km(630, 90)
    assert propagation_round_trip_ms(overhead_km, overhead_km) == pytest.approx(8.4, abs=0.05)
    assert propagation_round_trip_ms(edge_km, edge_km) == pytest.approx(13.5, abs=0.05)


@pytest.mark.parametrize(("shell_number", "drift_deg_per_day"), [(0, -4.42), (1, -5.38), (2, -6.13)])
def test_the_oblate_earth_turns_the_planes(shell_number, drift_deg_per_day):
    shell = FILED_SHELLS[shell_number]
    satellites = shell_orbits(shell, raan_deg=np.array([40.0]), argument_of_latitude_deg=np.array([0.0]))
    at_ns = START_AT_NS + np.arange(0, 10 * DAY_NS + 1, DAY_NS // 48)
    motion = propagate(satellites, at_ns)
    # Back to the frame that does not turn, and the orbit's normal there.
    turned = np.exp(1j * sidereal_rad(at_ns))
    spin = np.array([0.0, 0.0, 7.2921158553e-5])
    position, velocity = motion.position_km[:, 0], motion.velocity_km_per_s[:, 0]
    normal = np.cross(position, velocity + np.cross(spin, position))
    node_deg = np.unwrap(np.angle((normal[:, 0] + 1j * normal[:, 1]) * turned * 1j), period=2 * np.pi)
    slope_deg_per_day = np.degrees(np.polyfit((at_ns - START_AT_NS) / DAY_NS, node_deg, 1)[0])
    assert slope_deg_per_day == pytest.approx(drift_deg_per_day, abs=0.02)


@pytest.mark.parametrize(("shell_number", "still_s", "longest_s"), [(0, 220, 230), (1, 214, 225), (2, 207, 219)])
def test_the_longest_pass_above_35_degrees(shell_number, still_s, longest_s):
    shell = FILED_SHELLS[shell_number]
    footprint_deg = footprint_half_angle_deg(shell.altitude_km, 35)
    period_s = 86_400 / mean_motion_rev_per_day(shell.altitude_km)
    assert 2 * footprint_deg / 360 * period_s == pytest.approx(still_s, abs=1)
    # On the turning Earth the longest pass is over the northern edge of the band, where both go east.
    satellites = shell_orbits(shell, raan_deg=np.array([0.0]), argument_of_latitude_deg=np.array([0.0]))
    at_ns = START_AT_NS + np.arange(0, 3000, dtype=np.int64) * 1_000_000_000
    track_km = propagate(satellites, at_ns).position_km[:, 0]
    top = track_km[np.argmax(track_km[:, 2])]
    site = top / np.linalg.norm(top) * EARTH_RADIUS_KM
    sight = track_km - site
    elevation_deg = np.degrees(np.arcsin(sight @ (site / EARTH_RADIUS_KM) / np.linalg.norm(sight, axis=1)))
    # SGP4's orbits breathe by 10 km with the Earth's oblateness, hence five seconds.
    assert (elevation_deg >= 35).sum() == pytest.approx(longest_s, abs=5)


@pytest.mark.parametrize(("shell_number", "shift_khz"), [(0, 369), (1, 371), (2, 373)])
def test_doppler_at_35_degrees(shell_number, shift_khz):
    shell = FILED_SHELLS[shell_number]
    orbit_km = EARTH_RADIUS_KM + shell.altitude_km
    speed_km_per_s = np.sqrt(398_600.4418 / orbit_km)
    angle = np.radians(footprint_half_angle_deg(shell.altitude_km, 35))
    position_km = orbit_km * np.array([np.cos(angle), -np.sin(angle), 0.0])
    velocity_km_per_s = speed_km_per_s * np.array([np.sin(angle), np.cos(angle), 0.0])
    site_km = ecef_km(np.array(0.0), np.array(0.0))
    shift_hz = doppler_hz(position_km, velocity_km_per_s, site_km, 19.7)
    assert shift_hz / 1e3 == pytest.approx(shift_khz, abs=2)
    assert doppler_hz(position_km, -velocity_km_per_s, site_km, 19.7) == pytest.approx(-shift_hz)


@pytest.mark.parametrize(("shell_number", "hop_km"), [(0, 1293), (1, 1218), (2, 1560)])
def test_lasers_along_a_plane(shell_number, hop_km):
    shell = FILED_SHELLS[shell_number]
    position_km = propagate(shell_orbits(shell), np.array([START_AT_NS])).position_km[0]
    own_plane = laser_links(grid_peers(shell.plane_count, shell.satellites_per_plane))[: shell.satellite_count]
    lengths_km = laser_range_km(own_plane, position_km)
    assert lengths_km == pytest.approx(hop_km, abs=5)


def test_the_longest_laser_at_630_km_grazes_80_km():
    orbit_km, grazing_km = 6378.135 + 630, 6378.135 + 80
    assert pytest.approx(2 * np.sqrt(orbit_km**2 - grazing_km**2), abs=0.01) == LONGEST_LASER_KM
