import numpy as np
import pytest

from ingest.contract.vocabulary import PathKind
from simulators.constellation import filed_layer
from simulators.geometry import ecef_km
from simulators.orbits import propagate
from simulators.scheduler import NONE, Rules, Slots, assign_gateways, assign_satellites, ground_segment, plan_slot
from simulators.sites import gateways, only, pops
from simulators.visibility import elevations_deg, ground

START_AT_NS = 1_759_449_600_000_000_000  # 2025-10-03T00:00:00Z
SECOND_NS = 1_000_000_000
RULES = Rules()


def above(latitude_deg, longitude_deg):
    return ecef_km(np.array(latitude_deg, dtype=float), np.array(longitude_deg, dtype=float), 630.0)


def site(latitude_deg=0.0, longitude_deg=0.0):
    return ground(np.array([latitude_deg]), np.array([longitude_deg]))


def only_gateway(name):
    every = gateways()
    return only(every, np.array([every.names.index(name)]))


@pytest.fixture(scope="module")
def world():
    latitude_deg, longitude_deg = (
        np.array([47.6, 34.0, 51.5, -33.9, 60.0]),
        np.array([-122.3, -118.2, -0.1, 151.2, 0.0]),
    )
    working = only(gateways(), gateways().operational)
    positions_km = propagate(
        filed_layer(START_AT_NS).satellites, START_AT_NS + np.array([0, 30], dtype=np.int64) * SECOND_NS
    ).position_km
    return {
        "slot_start_at_ns": START_AT_NS,
        "cells": ground(latitude_deg, longitude_deg),
        "segment": ground_segment(working, only(pops(), pops().operational)),
        "gateway_live": np.ones(len(working), dtype=bool),
        "satellites_km_at_start": positions_km[0],
        "satellites_km_at_end": positions_km[1],
        "rules": RULES,
    }


def test_a_slot_starts_at_its_boundary_and_holds_until_the_next():
    slots = Slots(length_ns=15 * SECOND_NS, phase_ns=12 * SECOND_NS)
    boundary_at_ns = slots.start_at_ns(START_AT_NS + 12 * SECOND_NS)
    assert boundary_at_ns == START_AT_NS + 12 * SECOND_NS
    assert slots.start_at_ns(boundary_at_ns - 1) == boundary_at_ns - 15 * SECOND_NS
    assert slots.start_at_ns(boundary_at_ns + 15 * SECOND_NS - 1) == boundary_at_ns


def test_the_highest_usable_satellite_serves():
    satellites_km = above([1.0, 0.5, 2.0], [0.0, 0.0, 0.0])
    every = np.array([True, True, True])
    assert assign_satellites(site(), every, (satellites_km, satellites_km), 35.0).tolist() == [1]
    assert assign_satellites(site(), np.array([True, False, True]), (satellites_km, satellites_km), 35.0).tolist() == [
        0
    ]


def test_a_satellite_that_sinks_below_the_mask_before_the_slot_ends_does_not_serve():
    start_km, end_km = above([1.0, 3.0], [0.0, 0.0]), above([20.0, 3.0], [0.0, 0.0])
    usable = np.array([True, True])
    assert assign_satellites(site(), usable, (start_km, end_km), 35.0).tolist() == [1]


def test_a_satellite_lands_at_the_live_gateway_nearest_to_it():
    stations = ground(np.array([0.0, 5.0, 2.0]), np.zeros(3))
    satellites_km = above([4.0, 80.0], [0.0, 0.0])
    live = np.array([True, True, True])
    assert assign_gateways(stations, live, (satellites_km, satellites_km), 15.0).tolist() == [1, NONE]
    assert assign_gateways(stations, ~np.array([False, True, False]), (satellites_km, satellites_km), 15.0)[0] == 2
    assert (assign_gateways(stations, ~live, (satellites_km, satellites_km), 15.0) == NONE).all()


def test_everything_the_plan_names_is_above_its_mask_at_both_ends_of_the_slot(world):
    plan = plan_slot(**world)
    covered = np.flatnonzero(plan.satellite_index != NONE)
    assert covered.tolist() == [0, 1, 2, 3]
    served_by, landing = plan.satellite_index[covered], plan.gateway_index[covered]
    for end_km in (world["satellites_km_at_start"], world["satellites_km_at_end"]):
        assert (elevations_deg(world["cells"], end_km, covered, served_by) >= RULES.terminal_mask_deg).all()
        assert (elevations_deg(world["segment"].gateways, end_km, landing, served_by) >= RULES.gateway_mask_deg).all()
    assert (plan.path_kind[covered] == PathKind.BENT_PIPE).all()
    assert (plan.pop_index[covered] == world["segment"].pop_of_gateway[landing]).all()


def test_a_cell_beyond_the_edge_of_service_has_no_cover_and_no_path(world):
    plan = plan_slot(**world)
    north = 4
    assert [column[north] for column in (plan.satellite_index, plan.gateway_index, plan.pop_index)] == [NONE] * 3
    assert [plan.beam_id[north], plan.frequency_id[north], plan.path_kind[north]] == [NONE, NONE, PathKind.NONE]


def test_a_dead_gateway_moves_its_cells_and_no_others(world):
    before = plan_slot(**world)
    lost = before.gateway_index[0]
    live = world["gateway_live"].copy()
    live[lost] = False
    after = plan_slot(**(world | {"gateway_live": live}))
    moved = before.gateway_index == lost
    assert (after.gateway_index != lost).all()
    assert (after.gateway_index[~moved] == before.gateway_index[~moved]).all()
    assert after.gateway_index[0] != NONE


def test_without_gateways_there_is_no_cover(world):
    plan = plan_slot(**(world | {"gateway_live": np.zeros_like(world["gateway_live"])}))
    assert (plan.satellite_index == NONE).all()


def test_traffic_leaves_at_the_pop_nearest_to_the_gateway():
    every = pops()
    segment = ground_segment(only_gateway("Adelanto, CA"), every)
    assert every.names[segment.pop_of_gateway[0]] == "Los Angeles, CA"


def test_beams_and_frequencies_stay_within_their_counts(world):
    plan = plan_slot(**(world | {"rules": Rules(beam_count=3, frequency_count=2)}))
    assert plan.beam_id[:4].tolist() == [0, 1, 2, 0]
    assert plan.frequency_id[:4].tolist() == [0, 1, 0, 0]
