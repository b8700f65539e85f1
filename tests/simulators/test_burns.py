import numpy as np
import pytest

from ingest.contract.vocabulary import SatelliteLifecycle
from simulators.burns import displaced, thrusting
from simulators.constellation import filed_layer
from simulators.geometry import geodetic
from simulators.network_conditions import neutral_network
from simulators.orbits import circular_orbits, mean_motion_rev_per_day, propagate
from simulators.shells import FILED_SHELLS

START_AT_NS = 1_759_449_600_000_000_000  # 2025-10-03T00:00:00Z
SECOND_NS = 1_000_000_000
INDEX = np.arange(3, dtype=np.int32)
SATELLITES = filed_layer(START_AT_NS, FILED_SHELLS[:1]).satellites[:3]


def burning(delta_v_mps, burn_s=100.0, satellite=1):
    network = neutral_network(
        lifecycle=np.full(3, SatelliteLifecycle.OPERATIONAL, np.int8), antenna_count=np.array([8], np.int16),
        pop_count=1, attachment_count=0, cell_count=1,
    )  # fmt: skip
    network.satellites.burn_from_ns[satellite] = START_AT_NS
    network.satellites.burn_s[satellite] = burn_s
    network.satellites.delta_v_mps[satellite] = delta_v_mps
    return network.satellites


def flown(at_s, satellites):
    at_ns = START_AT_NS + np.array(at_s, dtype=np.int64) * SECOND_NS
    plain = propagate(SATELLITES, at_ns)
    return plain, displaced(plain, at_ns, satellites, INDEX)


def test_the_thruster_fires_for_as_long_as_it_was_told():
    satellites = burning(0.5)
    for at_s, fires in ((-1, False), (0, True), (99, True), (100, False)):
        assert thrusting(satellites, START_AT_NS + at_s * SECOND_NS).tolist() == [False, fires, False]


def test_before_a_burn_and_without_one_satellites_are_where_they_would_be():
    plain, moved = flown([-60, 0], burning(0.5))
    assert moved is plain


def test_others_are_not_moved():
    plain, moved = flown([600], burning(0.5))
    assert (moved.position_km[0, [0, 2]] == plain.position_km[0, [0, 2]]).all()


def test_half_a_metre_a_second_for_an_hour_makes_it_5_km_late_and_900_m_higher():
    plain, moved = flown([3600], burning(0.5, burn_s=1.0))
    apart_km = moved.position_km[0, 1] - plain.position_km[0, 1]
    along = plain.velocity_km_per_s[0, 1] / np.linalg.norm(plain.velocity_km_per_s[0, 1])
    assert apart_km @ along == pytest.approx(-3 * 0.5 * 3.6, rel=0.02)
    rise_km = np.linalg.norm(moved.position_km[0, 1]) - np.linalg.norm(plain.position_km[0, 1])
    assert rise_km == pytest.approx(2 * 0.5e-3 / (2 * np.pi / 5838.6), rel=0.01)


def test_a_long_burn_arrives_at_the_orbit_that_kepler_gives_for_its_height():
    """From 600 km, 8 m/s raise a circular orbit by 15 km: there it keeps pace with one that was always there."""
    low, high = (
        circular_orbits(
            mean_motion_rev_per_day=mean_motion_rev_per_day(altitude_km), inclination_deg=51.9,
            raan_deg=np.zeros(1), argument_of_latitude_deg=np.zeros(1), epoch_at_ns=START_AT_NS,
        )
        for altitude_km in (600.0, 614.8)
    )  # fmt: skip
    at_ns = START_AT_NS + np.array([4000, 7000], dtype=np.int64) * SECOND_NS
    moved = displaced(propagate(low, at_ns), at_ns, burning(8.0, burn_s=600.0, satellite=0), INDEX[:1])
    _, _, altitude_km = geodetic(moved.position_km)
    _, _, target_km = geodetic(propagate(high, at_ns).position_km)
    assert altitude_km == pytest.approx(target_km, abs=8.0)
    turned = [
        np.degrees(np.arccos(np.clip(np.sum(states[0] * states[1], axis=-1) / np.prod(
            np.linalg.norm(states, axis=-1), axis=0), -1, 1)))
        for states in (moved.position_km, propagate(high, at_ns).position_km)
    ]  # fmt: skip
    assert turned[0] == pytest.approx(turned[1], abs=0.05)
