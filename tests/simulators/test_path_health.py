import numpy as np
import pytest

from ingest.contract.vocabulary import PathKind, SatelliteLifecycle
from simulators.assigner import Assigner
from simulators.causes import COVERAGE_GAP, GATEWAY_DOWN, IN_SERVICE, LINK, POP_DOWN, SATELLITE_DOWN
from simulators.conditions import calm_network
from simulators.feeders import feeders_of
from simulators.fleet import build_fleet
from simulators.passes import passes_of
from simulators.path_health import path_codes
from simulators.scheduler import NONE, Rules, Slots
from simulators.settings import Settings

SETTINGS = Settings(terminals=400, gateways=30, edge_ratio=0.1, published_layer=False)
START_AT_NS = SETTINGS.first_at_ns


@pytest.fixture(scope="module")
def fleet():
    return build_fleet(SETTINGS, np.random.default_rng(1), Rules(), Slots())


@pytest.fixture(scope="module")
def assigner(fleet):
    return Assigner(fleet, Slots(), Rules())


@pytest.fixture(scope="module")
def plan(assigner):
    return assigner.assign(START_AT_NS)


@pytest.fixture
def network(fleet):
    return calm_network(fleet)


def cell_of(plan, path_kind):
    return int(np.flatnonzero(plan.path_kind == path_kind)[0])


def test_without_trouble_every_planned_path_holds(plan, network, fleet):
    codes = path_codes(plan, network, feeders_of(network.gateways), fleet.carrying.peers)
    assert {PathKind.NONE, PathKind.BENT_PIPE, PathKind.LASER} == set(plan.path_kind.tolist())
    assert (codes == np.where(plan.satellite_index == NONE, COVERAGE_GAP, IN_SERVICE)).all()


def test_a_satellite_that_fails_takes_its_cells_and_those_it_relays(plan, network, fleet):
    far = cell_of(plan, PathKind.LASER)
    network.satellites.carrying[plan.landing_satellite[far]] = False
    codes = path_codes(plan, network, feeders_of(network.gateways), fleet.carrying.peers)
    lost = np.flatnonzero((codes != IN_SERVICE) & (codes != COVERAGE_GAP))
    served = plan.satellite_index[lost] == plan.landing_satellite[far]
    assert far in lost
    assert (codes[lost] == np.where(served, SATELLITE_DOWN, LINK)).all()
    assert (plan.landing_satellite[lost] == plan.landing_satellite[far]).any()


@pytest.mark.parametrize("stage", [SatelliteLifecycle.MANOEUVRING, SatelliteLifecycle.FAILED])
def test_a_satellite_that_is_not_operational_serves_nobody(plan, network, fleet, stage):
    near = cell_of(plan, PathKind.BENT_PIPE)
    network.satellites.lifecycle[plan.satellite_index[near]] = stage
    assert path_codes(plan, network, feeders_of(network.gateways), fleet.carrying.peers)[near] == SATELLITE_DOWN


@pytest.mark.parametrize("end", ["satellite", "towards"])
def test_a_head_lost_at_either_end_breaks_the_ways_over_it_and_no_other(plan, network, fleet, end):
    row = 0
    near, far = plan.lasers.satellite[row], plan.lasers.towards[row]
    own, other = (near, far) if end == "satellite" else (far, near)
    network.satellites.laser_works[own, fleet.carrying.peers[own].tolist().index(other)] = False
    codes = path_codes(plan, network, feeders_of(network.gateways), fleet.carrying.peers)
    over = plan.lasers.way[(plan.lasers.satellite == near) & (plan.lasers.towards == far)]
    assert np.flatnonzero(codes == LINK).tolist() == sorted(set(over.tolist()))


def test_a_gateway_that_fails_takes_all_that_lands_there(plan, network, fleet):
    gateway = plan.gateway_index[cell_of(plan, PathKind.BENT_PIPE)]
    network.gateways.fibre_a_up[gateway] = network.gateways.fibre_b_up[gateway] = False
    codes = path_codes(plan, network, feeders_of(network.gateways), fleet.carrying.peers)
    assert ((codes == GATEWAY_DOWN) == (plan.gateway_index == gateway)).all()


def test_a_lost_antenna_takes_one_satellite_s_cells_where_all_are_in_use(plan, network, fleet):
    links = np.unique(np.stack([plan.gateway_index, plan.landing_satellite]), axis=1)
    gateway = int(np.bincount(links[0, links[0] >= 0]).argmax())
    landing = np.unique(plan.landing_satellite[plan.gateway_index == gateway])
    network.gateways.antennas_in_service[gateway] = len(landing)
    assert (path_codes(plan, network, feeders_of(network.gateways), fleet.carrying.peers) != GATEWAY_DOWN).all()
    network.gateways.antennas_in_service[gateway] -= 1
    codes = path_codes(plan, network, feeders_of(network.gateways), fleet.carrying.peers)
    assert np.unique(plan.landing_satellite[codes == GATEWAY_DOWN]).tolist() == [landing[-1]]


def test_half_a_pop_is_enough_and_none_is_not(plan, network, fleet):
    pop = plan.pop_index[cell_of(plan, PathKind.BENT_PIPE)]
    network.pops.pair_in_service[pop] = 1
    assert (path_codes(plan, network, feeders_of(network.gateways), fleet.carrying.peers) != POP_DOWN).all()
    network.pops.pair_in_service[pop] = 0
    codes = path_codes(plan, network, feeders_of(network.gateways), fleet.carrying.peers)
    assert ((codes == POP_DOWN) == (plan.pop_index == pop)).all()


def test_a_plan_made_with_the_trouble_known_holds_again(plan, assigner, network, fleet):
    crowded = np.abs(fleet.cells.latitude_deg) < 48  # where others stand over a cell too
    near, far = (np.flatnonzero(crowded & (plan.path_kind == kind))[0] for kind in (PathKind.BENT_PIPE, PathKind.LASER))
    network.satellites.carrying[plan.satellite_index[near]] = False
    network.satellites.laser_works[plan.satellite_index[far]] = False
    network.gateways.up[plan.gateway_index[far]] = False
    network.pops.pair_in_service[plan.pop_index[near]] = 0
    again = assigner.assign(START_AT_NS, network)
    codes = path_codes(again, network, feeders_of(network.gateways), fleet.carrying.peers)
    assert set(codes.tolist()) <= {IN_SERVICE, COVERAGE_GAP}
    assert codes[near] == codes[far] == IN_SERVICE


def test_a_plan_knows_of_a_burn_only_if_it_is_told(plan, assigner, network):
    near = cell_of(plan, PathKind.BENT_PIPE)
    burning = plan.satellite_index[near]
    network.satellites.burn_from_ns[burning] = START_AT_NS - 86_400_000_000_000
    network.satellites.burn_s[burning], network.satellites.delta_v_mps[burning] = 600.0, 5.0
    assert assigner.assign(START_AT_NS).satellite_index[near] == burning
    # 5 m/s are 1,300 km behind after a day: somebody else stands over the cell.
    assert assigner.assign(START_AT_NS, network).satellite_index[near] != burning


def test_a_terminal_looks_at_where_its_satellite_is_and_not_at_where_it_was_planned(plan, network, fleet):
    near = cell_of(plan, PathKind.BENT_PIPE)
    network.satellites.burn_from_ns[plan.satellite_index[near]] = START_AT_NS - 3_600_000_000_000
    network.satellites.burn_s[plan.satellite_index[near]] = 60.0
    network.satellites.delta_v_mps[plan.satellite_index[near]] = 2.0  # 21 km behind by now
    planned, real = (passes_of(plan, fleet, Slots().length_ns, burns) for burns in (None, network.satellites))
    apart_km = np.abs(real.service_range_km - planned.service_range_km)[0]
    others = (plan.satellite_index != plan.satellite_index[near]) & (plan.satellite_index != NONE)
    assert 1.0 < apart_km[near] < 25.0
    assert (apart_km[others] == 0).all()


def test_a_cell_in_which_nobody_is_gets_no_beam(fleet, plan):
    """Ships and flights have cells all along their ways: over an ocean, beams are off but where they are."""
    nobody = np.bincount(fleet.cell_at(START_AT_NS), minlength=len(fleet.cells)) == 0
    assert nobody.any()
    assert (plan.beam_count[nobody] == 0).all()
    assert (plan.beam_count[~nobody] > 0).mean() > 0.9
