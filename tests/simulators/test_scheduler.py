from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from msgspec import structs

from ingest.contract.vocabulary import PathKind
from simulators.constellation import filed_layer
from simulators.lasers import LONGEST_LASER_KM
from simulators.orbits import propagate
from simulators.scheduler import NONE, Rules, Slots, all_resources, ground_segment, plan_slot
from simulators.sites import gateways, only, pops
from simulators.visibility import elevations_deg, ground, sightings

START_AT_NS = 1_759_449_600_000_000_000  # 2025-10-03T00:00:00Z
SECOND_NS = 1_000_000_000
RULES = Rules()


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
    layer = filed_layer(START_AT_NS)
    segment = ground_segment(working, only(pops(), pops().operational))
    start_km, end_km = propagate(layer.satellites, START_AT_NS + np.array([0, 30]) * SECOND_NS).position_km
    return {
        "slot_start_at_ns": START_AT_NS,
        "cells": ground(latitude_deg, longitude_deg),
        "frequency": np.arange(len(latitude_deg), dtype=np.int32),
        "segment": segment,
        "peers": layer.peers,
        "resources": all_resources(segment, layer.on_duty, len(latitude_deg)),
        "ends_km": (start_km, end_km),
        "rules": RULES,
    }


def told(world, **known):
    """The same world, of which the planner knows something else."""
    return world | {"resources": structs.replace(world["resources"], **known)}


def test_a_slot_starts_at_its_boundary_and_holds_until_the_next():
    slots = Slots(length_ns=15 * SECOND_NS, phase_ns=12 * SECOND_NS)
    boundary_at_ns = slots.start_at_ns(START_AT_NS + 12 * SECOND_NS)
    assert boundary_at_ns == START_AT_NS + 12 * SECOND_NS
    assert slots.start_at_ns(boundary_at_ns - 1) == boundary_at_ns - 15 * SECOND_NS
    assert slots.start_at_ns(boundary_at_ns + 15 * SECOND_NS - 1) == boundary_at_ns


def test_everything_the_plan_names_is_above_its_mask_at_both_ends_of_the_slot(world):
    plan = plan_slot(**world)
    covered = np.flatnonzero(plan.satellite_index != NONE)
    assert covered.tolist() == [0, 1, 2, 3]
    served_by, landing, gateway = (
        column[covered] for column in (plan.satellite_index, plan.landing_satellite, plan.gateway_index)
    )
    for now_km in world["ends_km"]:
        assert (elevations_deg(world["cells"], now_km, covered, served_by) >= RULES.terminal_mask_deg).all()
        assert (elevations_deg(world["segment"].gateways, now_km, gateway, landing) >= RULES.gateway_mask_deg).all()
    assert (plan.path_kind[covered] == PathKind.BENT_PIPE).all()
    assert (landing == served_by).all()
    assert (plan.pop_index[covered] == world["segment"].pop_of_gateway[gateway]).all()


def test_a_cell_beyond_the_edge_of_service_has_no_cover_and_no_path(world):
    plan = plan_slot(**world)
    north = 4
    assert [column[north] for column in (plan.satellite_index, plan.gateway_index, plan.pop_index)] == [NONE] * 3
    assert [plan.beam_id[north], plan.frequency_id[north], plan.path_kind[north]] == [NONE, NONE, PathKind.NONE]


def test_the_highest_satellite_with_an_antenna_below_serves(world):
    plan = plan_slot(**world)
    pairs = sightings(world["cells"], world["ends_km"][0], RULES.terminal_mask_deg)
    alone = told(world, satellite_serves=world["resources"].satellite_serves.copy())
    for cell in range(4):
        serving = plan.satellite_index[cell]
        higher = pairs.satellite[
            (pairs.site == cell)
            & (pairs.elevation_deg > pairs.elevation_deg[(pairs.site == cell) & (pairs.satellite == serving)])
        ]
        # Whoever stands higher would not stay for the slot, or has no gateway: without the chosen one they serve no more.
        alone["resources"].satellite_serves[serving] = False
        assert plan_slot(**alone).satellite_index[cell] not in higher


def test_a_dead_gateway_moves_its_cells_and_no_others(world):
    before = plan_slot(**world)
    lost = before.gateway_index[0]
    antennas = world["segment"].antenna_count.copy()
    antennas[lost] = 0
    after = plan_slot(**told(world, antennas=antennas))
    moved = before.gateway_index == lost
    assert (after.gateway_index != lost).all()
    assert (after.gateway_index[~moved] == before.gateway_index[~moved]).all()
    assert after.gateway_index[0] != NONE


def test_where_no_gateway_is_in_view_the_path_goes_over_lasers(world):
    """One gateway in California, for cells in Seattle, Los Angeles, London and Sydney."""
    antennas = np.zeros_like(world["segment"].antenna_count)
    california = gateways().names.index("Adelanto, CA")
    antennas[california] = 2
    plan = plan_slot(**told(world, antennas=antennas))
    assert plan.path_kind.tolist() == [
        PathKind.LASER,
        PathKind.BENT_PIPE,
        PathKind.LASER,
        PathKind.LASER,
        PathKind.NONE,
    ]
    assert plan.gateway_index[:4].tolist() == [california] * 4
    assert len(np.unique(plan.landing_satellite[:4])) <= 2
    assert plan.laser_count[1] == 0 < plan.laser_count[0] < plan.laser_count[2] < plan.laser_count[3]
    assert 12_000 < plan.laser_km[0][3] < 25_000  # 12,070 km on the ground


def test_a_way_over_lasers_is_a_chain_from_the_serving_satellite_to_the_landing_one(world):
    plan = plan_slot(**told(world, antennas=(np.arange(214) == 0) * np.int16(8)))
    start_km, end_km = world["ends_km"]
    for cell in np.flatnonzero(plan.laser_count > 0):
        mine = plan.lasers.way == cell
        chain = [*plan.lasers.satellite[mine].tolist(), plan.landing_satellite[cell]]
        assert chain[0] == plan.satellite_index[cell]
        assert chain[1:] == plan.lasers.towards[mine].tolist()
        assert all(after in world["peers"][before] for before, after in pairwise(chain))
        for now_km, length_km in ((start_km, plan.laser_km[0]), (end_km, plan.laser_km[1])):
            steps_km = np.linalg.norm(now_km[chain[1:]] - now_km[chain[:-1]], axis=1)
            assert steps_km.max() <= LONGEST_LASER_KM
            assert length_km[cell] == pytest.approx(steps_km.sum())


def test_a_dead_laser_is_gone_round(world):
    one_gateway = told(world, antennas=(np.arange(214) == 0) * np.int16(8))
    before = plan_slot(**one_gateway)
    far = int(before.laser_count.argmax())
    first = np.flatnonzero(before.lasers.way == far)[0]
    satellite, towards = before.lasers.satellite[first], before.lasers.towards[first]
    works = one_gateway["resources"].laser_works.copy()
    works[towards, world["peers"][towards].tolist().index(satellite)] = False  # the far end alone
    after = plan_slot(**told(one_gateway, laser_works=works))
    used = set(zip(after.lasers.satellite.tolist(), after.lasers.towards.tolist(), strict=True))
    assert (satellite, towards) not in used
    assert after.gateway_index[far] == before.gateway_index[far]
    assert after.laser_km[0][far] > before.laser_km[0][far]


def test_no_gateway_lands_more_satellites_than_it_has_antennas(world):
    latitude_deg, longitude_deg = (
        axis.ravel() for axis in np.meshgrid(np.arange(30.0, 50, 2), np.arange(-120.0, -75, 2))
    )
    antennas = np.full(214, 1, dtype=np.int16)
    crowd = told(world, antennas=antennas, cell_lit=np.ones(230, dtype=bool), demand_bps=np.zeros(230))
    plan = plan_slot(**crowd | {"cells": ground(latitude_deg, longitude_deg), "frequency": np.zeros(230, np.int32)})
    links = {*zip(plan.gateway_index.tolist(), plan.landing_satellite.tolist(), strict=True)}
    assert max(Counter(gateway for gateway, _ in links).values()) == 1
    assert (plan.satellite_index != NONE).all()


def test_without_gateways_or_without_pops_there_is_no_cover(world):
    for nothing in ({"antennas": np.zeros(214, dtype=np.int16)}, {"pop_live": np.zeros(35, dtype=bool)}):
        plan = plan_slot(**told(world, **nothing))
        assert (plan.satellite_index == NONE).all()
        assert (plan.path_kind == PathKind.NONE).all()


def test_traffic_of_a_dead_pop_leaves_at_the_next_one(world):
    before = plan_slot(**world)
    live = np.ones(35, dtype=bool)
    live[before.pop_index[0]] = False
    after = plan_slot(**told(world, pop_live=live))
    assert after.pop_index[0] not in (before.pop_index[0], NONE)


def test_a_dark_cell_is_planned_dark(world):
    plan = plan_slot(**told(world, cell_lit=np.array([False, True, True, True, True])))
    assert (plan.satellite_index[0], plan.path_kind[0], plan.beam_count[0]) == (NONE, PathKind.NONE, 0)
    assert (plan.satellite_index[1:4] != NONE).all()


def test_a_cell_that_wants_more_gets_more_beams_up_to_its_channels(world):
    plan = plan_slot(**told(world, demand_bps=np.array([0.0, 3e9, 5.5e9, 1e12, 0.0])))
    assert plan.beam_count.tolist() == [1, 2, 3, RULES.frequency_count, 0]


def test_a_satellite_without_a_beam_left_sends_cells_to_the_next_and_then_shares(world):
    near = world | {
        "cells": ground(np.array([34.0, 34.1, 34.2]), np.full(3, -118.2)),
        "frequency": np.zeros(3, np.int32),
    }
    near = told(near, cell_lit=np.ones(3, dtype=bool), demand_bps=np.array([1.0, 3.0, 2.0]))
    together = plan_slot(**near)
    assert len(set(together.satellite_index.tolist())) == 1
    apart = plan_slot(**near | {"rules": Rules(beam_count=1)})
    assert len(set(apart.satellite_index.tolist())) == 3
    assert apart.satellite_index[1] == together.satellite_index[1]  # who wants most comes first
    serves = np.zeros_like(near["resources"].satellite_serves)
    serves[apart.satellite_index[1]] = True
    alone = plan_slot(**told(near, satellite_serves=serves) | {"rules": Rules(beam_count=1)})
    assert alone.satellite_index.tolist() == [apart.satellite_index[1]] * 3


def test_traffic_leaves_at_the_pop_nearest_to_the_gateway():
    every = pops()
    segment = ground_segment(only_gateway("Adelanto, CA"), every)
    assert every.names[segment.pop_of_gateway[0]] == "Los Angeles, CA"


def test_beams_and_frequencies_stay_within_their_counts(world):
    plan = plan_slot(**(world | {"rules": Rules(beam_count=3, frequency_count=2)}))
    assert plan.beam_id[:4].tolist() == [0, 1, 2, 0]
    assert plan.frequency_id[:4].tolist() == [0, 1, 0, 1]
