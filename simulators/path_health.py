"""Whose planned path holds now, and what breaks those that do not: the plan against what is true."""

import numpy as np

from simulators.backbone import pops_work
from simulators.causes import COVERAGE_GAP, GATEWAY_DOWN, IN_SERVICE, LINK, POP_DOWN, SATELLITE_DOWN, Codes
from simulators.feeders import Feeders, feeders_of
from simulators.geometry import Floats
from simulators.lasers import head_towards
from simulators.matching import NONE
from simulators.network_conditions import Bools, NetworkConditions, operational
from simulators.scheduler import Plan, Resources
from simulators.visibility import Indexes

_TOLERATED_LOSS_RATIO = 0.05


def path_codes(plan: Plan, conditions: NetworkConditions, feeders: Feeders, peers: Indexes) -> Codes:
    """Say for each cell why its path does not hold, or that it does; the nearest break to the terminal counts.

    Args:
        plan: Of the running slot.
        conditions: What is true.
        feeders: Of its gateways.
        peers: Of every carrying satellite's lasers.
    """
    covered = plan.satellite_index != NONE
    serves = operational(conditions.satellites)
    landing = plan.landing_satellite
    return np.select(
        [
            ~covered,
            ~serves[plan.satellite_index],
            _lasers_broken(plan, conditions, peers, serves),
            _without_antenna(plan, feeders) | ~serves[landing],
            ~pops_work(conditions.pops)[plan.pop_index],
        ],
        [COVERAGE_GAP, SATELLITE_DOWN, LINK, GATEWAY_DOWN, POP_DOWN],
        IN_SERVICE,
    ).astype(np.int8)


def known_resources(belief: NetworkConditions, satellite_count: int, demand_bps: Floats) -> Resources:
    """Return what a planner that believes this can plan with.

    Args:
        belief: What it takes to be true; it also leaves a gateway alone that loses packets.
        satellite_count: Of the carrying layer.
        demand_bps: What each cell usually wants.
    """
    antennas = feeders_of(belief.gateways).carrying_antennas
    antennas = np.where(belief.gateways.loss_ratio < _TOLERATED_LOSS_RATIO, antennas, 0)
    return Resources(
        satellite_serves=operational(belief.satellites)[:satellite_count],
        laser_works=belief.satellites.laser_works[:satellite_count].copy(),
        antennas=antennas.astype(np.int16),
        pop_live=pops_work(belief.pops),
        cell_lit=belief.cells.lit.copy(),
        demand_bps=demand_bps * belief.cells.demand_factor,
    )


def _lasers_broken(plan: Plan, conditions: NetworkConditions, peers: Indexes, serves: Bools) -> Bools:
    """Tell which cells' ways go over a dead head, or through a satellite that does not work."""
    taken = plan.lasers
    works = conditions.satellites.laser_works
    broken = np.zeros(len(plan.satellite_index), dtype=np.bool_)
    if len(taken):
        near, far = (
            head_towards(peers, taken.satellite, taken.towards),
            head_towards(peers, taken.towards, taken.satellite),
        )
        holds = works[taken.satellite, near] & works[taken.towards, far] & serves[taken.towards]
        broken[taken.way[~holds]] = True
    return broken


def _without_antenna(plan: Plan, feeders: Feeders) -> Bools:
    """Tell which cells land where no antenna is left: each satellite has one, in the order of their numbers."""
    cell = np.flatnonzero(plan.gateway_index != NONE)
    gateway = plan.gateway_index[cell].astype(np.int64)
    links, of_cell = np.unique(np.stack([gateway, plan.landing_satellite[cell]], axis=1), axis=0, return_inverse=True)
    first = np.searchsorted(links[:, 0], links[:, 0])
    number = np.arange(len(links)) - first
    lost = np.zeros(len(plan.gateway_index), dtype=np.bool_)
    lost[cell] = (number >= feeders.carrying_antennas[links[:, 0]])[of_cell.ravel()]
    return lost
