"""How many satellites stand above 35 degrees, and how long one serves, against the domain's own simulation (3c)."""

from itertools import pairwise

import numpy as np
import pytest

from simulators.constellation import filed_layer
from simulators.geometry import EARTH_RADIUS_KM, EARTH_ROTATION_RAD_PER_S, east_north_up
from simulators.orbits import propagate
from simulators.scheduler import GroundSegment, Rules, all_resources, plan_slot
from simulators.shells import FILED_SHELLS, argument_of_latitude_deg, raan_deg
from simulators.visibility import Ground, ground, ground_at, sightings
from tests.authority.published import START_AT_NS

MASK_DEG = 35.0
SECOND_NS = 1_000_000_000


LATITUDES_DEG = np.array([0.0, 20, 30, 33, 40, 45, 50, 52, 54, 56, 58, 60])
MEAN_COUNT = np.array([10.3, 12.3, 17.4, 17.7, 16.5, 14.5, 9.9, 8.6, 6.7, 4.2, 1.2, 0.0])
MOMENTS_AT_NS = START_AT_NS + np.arange(0, 86_400, 1081, dtype=np.int64) * SECOND_NS


def on_a_sphere(latitude_deg, longitude_deg) -> Ground:
    _, _, up = east_north_up(latitude_deg, longitude_deg)
    return ground_at(EARTH_RADIUS_KM * up, up)


def kepler_circles_km(shells, at_ns):
    """Give the filed shells by two-body motion alone, as the table of the domain was made."""
    elapsed_s = ((at_ns - START_AT_NS) / SECOND_NS)[:, None]
    positions_km = []
    for shell in shells:
        orbit_km = EARTH_RADIUS_KM + shell.altitude_km
        turn = np.radians(argument_of_latitude_deg(shell)) + np.sqrt(398_600.4418 / orbit_km**3) * elapsed_s
        node = np.radians(raan_deg(shell)) - EARTH_ROTATION_RAD_PER_S * elapsed_s
        along, across = np.cos(turn), np.sin(turn) * np.cos(np.radians(shell.inclination_deg))
        x, y = np.cos(node) * along - np.sin(node) * across, np.sin(node) * along + np.cos(node) * across
        z = np.sin(turn) * np.sin(np.radians(shell.inclination_deg))
        positions_km.append(orbit_km * np.stack([x, y, z], axis=-1))
    return np.concatenate(positions_km, axis=1)


def counts(place, positions_km, latitudes_deg=LATITUDES_DEG):
    """Count satellites above the mask; rows are latitudes, columns moments and longitudes."""
    grid = np.meshgrid(latitudes_deg, np.arange(0.0, 360.0, 15.0), indexing="ij")
    sites = place(*(axis.ravel() for axis in grid))
    seen = [np.bincount(sightings(sites, now_km, MASK_DEG).site, minlength=len(sites)) for now_km in positions_km]
    by_latitude = np.array(seen).reshape(len(positions_km), len(latitudes_deg), -1).transpose(1, 0, 2)
    return by_latitude.reshape(len(latitudes_deg), -1)


def test_counts_by_latitude_are_those_of_the_table():
    seen = counts(on_a_sphere, kepler_circles_km(FILED_SHELLS, MOMENTS_AT_NS))
    assert seen.mean(axis=1) == pytest.approx(MEAN_COUNT, abs=0.07)
    least = dict(zip(LATITUDES_DEG.tolist(), seen.min(axis=1).tolist(), strict=True))
    table = {0: 6, 20: 9, 30: 13, 33: 14, 40: 13, 45: 11, 50: 8, 56: 2, 58: 0}
    # The rarest moments depend on which moments are looked at.
    assert all(abs(least[latitude] - count) <= 1 for latitude, count in table.items())


def test_58_degrees_north_has_no_cover_4_per_cent_of_the_time_and_60_never_any():
    seen = counts(on_a_sphere, kepler_circles_km(FILED_SHELLS, MOMENTS_AT_NS))
    uncovered_ratio = dict(zip(LATITUDES_DEG.tolist(), (seen == 0).mean(axis=1), strict=True))
    assert uncovered_ratio[56] == 0.0
    assert uncovered_ratio[58] == pytest.approx(0.043, abs=0.005)
    assert uncovered_ratio[60] == 1.0


def test_the_first_shell_alone_by_latitude():
    seen = counts(on_a_sphere, kepler_circles_km(FILED_SHELLS[:1], MOMENTS_AT_NS), np.array([0.0, 33, 45, 50, 56]))
    assert seen.mean(axis=1) == pytest.approx(np.array([3.3, 4.6, 8.7, 9.9, 4.2]), abs=0.07)


def test_sgp4_over_the_ellipsoid_keeps_the_counts():
    positions_km = propagate(filed_layer(START_AT_NS).satellites, MOMENTS_AT_NS).position_km
    seen = counts(ground, positions_km)
    # Flattening puts 56 to 58 degrees of geodetic latitude 0.2 degrees nearer to the orbits.
    assert seen.mean(axis=1) == pytest.approx(MEAN_COUNT, abs=0.35)


def test_over_the_ellipsoid_cover_thins_out_at_58_5_degrees_and_ends_before_59():
    positions_km = propagate(filed_layer(START_AT_NS).satellites, MOMENTS_AT_NS).position_km
    uncovered_ratio = (counts(ground, positions_km, np.array([58.0, 58.5, 59.0])) == 0).mean(axis=1)
    assert uncovered_ratio[0] == 0.0
    assert 0.2 < uncovered_ratio[1] < 0.4
    assert uncovered_ratio[2] == 1.0


# So that every satellite over the sites lands somewhere, and the highest one serves.
_LATITUDES, _LONGITUDES = (axis.ravel() for axis in np.meshgrid(np.arange(10.0, 70.0, 5), np.arange(-30.0, 31.0, 5)))
GATEWAYS_EVERYWHERE = GroundSegment(
    gateways=ground(_LATITUDES, _LONGITUDES),
    round_trip_ms=np.zeros((len(_LATITUDES), 1)),
    pop_of_gateway=np.zeros(len(_LATITUDES), dtype=np.int32),
    antenna_count=np.full(len(_LATITUDES), 1_000, dtype=np.int16),
)


def dwells_s(serving, slot_s):
    edges = np.flatnonzero(np.diff(serving)) + 1
    return np.diff(edges) * slot_s  # the first and the last stay are cut off by the window


@pytest.fixture(scope="module")
def served_for_two_hours():
    layer = filed_layer(START_AT_NS)
    at_ns = START_AT_NS + np.arange(0, 7201, 30, dtype=np.int64) * SECOND_NS
    world = {
        "slot_start_at_ns": START_AT_NS,
        "cells": ground(np.array([25.0, 40.0, 47.6]), np.zeros(3)),
        "frequency": np.zeros(3, dtype=np.int32),
        "segment": GATEWAYS_EVERYWHERE,
        "peers": layer.peers,
        "resources": all_resources(GATEWAYS_EVERYWHERE, layer.on_duty, 3),
        "rules": Rules(terminal_mask_deg=MASK_DEG),
    }
    positions_km = propagate(layer.satellites, at_ns).position_km
    return np.array([plan_slot(**world, ends_km=ends).satellite_index for ends in pairwise(positions_km)])


@pytest.mark.parametrize(("site", "p10_s", "median_s", "p90_s"), [(0, 30, 30, 60), (1, 30, 30, 60), (2, 30, 60, 90)])
def test_slots_of_30_s_and_the_highest_satellite_make_stays_of_30_60_and_90_s(
    served_for_two_hours, site, p10_s, median_s, p90_s
):
    stays_s = dwells_s(served_for_two_hours[:, site], 30)
    assert np.percentile(stays_s, [10, 50, 90], method="nearest").tolist() == [p10_s, median_s, p90_s]
    assert (served_for_two_hours[:, site] >= 0).all()
