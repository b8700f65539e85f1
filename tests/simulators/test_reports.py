"""What satellites, gateways and PoPs say of themselves when something is wrong with them."""

from types import SimpleNamespace

import numpy as np
import pytest

from ingest.contract.vocabulary import (
    Egress,
    EncryptionState,
    LaserState,
    MitigationState,
    PathKind,
    SatelliteLifecycle,
)
from simulators.assigner import Assigner
from simulators.conditions import calm_network
from simulators.feeders import feeders_of
from simulators.fleet import build_fleet
from simulators.passes import passes_of
from simulators.scheduler import NONE, Rules, Slots
from simulators.settings import Settings
from simulators.spacecraft import Spacecraft
from simulators.stations import Stations

SETTINGS = Settings(terminals=300, gateways=40)
AT_NS = SETTINGS.first_at_ns


class Caught:
    """A packer that keeps what it is given."""

    def __init__(self):
        self.rows = {}

    def source(self, kind, feed, columns, received_at_ns):
        assert len({len(values) for values in columns.values()}) == 1
        self.rows[kind] = SimpleNamespace(**columns)


@pytest.fixture(scope="module")
def fleet():
    return build_fleet(SETTINGS, np.random.default_rng(1), Rules(), Slots())


@pytest.fixture(scope="module")
def plan(fleet):
    return Assigner(fleet, Slots(), Rules()).assign(AT_NS)


@pytest.fixture(scope="module")
def passes(plan, fleet):
    return passes_of(plan, fleet, Slots().length_ns)


@pytest.fixture
def network(fleet):
    return calm_network(fleet)


@pytest.fixture
def ground(fleet, plan, passes, network):
    def said():
        caught, stations = Caught(), Stations(fleet, network, np.random.default_rng(1))
        cell_bps = np.full(len(fleet.cells), 1e8)
        stations.report_gateways(
            AT_NS, AT_NS, plan=plan, passes=passes, feeders=feeders_of(network.gateways), cell=fleet.terminals.cell,
            attached_gateway=plan.gateway_index[fleet.terminals.cell],
            cell_bps=cell_bps, packer=caught,
        )  # fmt: skip
        stations.report_pops(AT_NS, AT_NS, plan, cell_bps, caught)
        return caught.rows

    return said


@pytest.fixture
def space(fleet, plan, network):
    spacecraft = Spacecraft(fleet, network, Rules())

    def said(at_ns=AT_NS, crowd=0.0):
        caught = Caught()
        spacecraft.report(at_ns, at_ns, plan, np.full(len(fleet.cells), crowd), caught)
        return caught.rows

    return said


def busiest(plan):
    return int(np.bincount(plan.gateway_index[plan.gateway_index != NONE]).argmax())


def test_without_trouble_every_gateway_and_pop_is_whole(ground):
    said = ground()
    gateway = said["gateway"]
    assert (gateway.antennas_in_service_count == gateway.antennas_total_count).all()
    assert np.isfinite(said["gateway_path"].round_trip_ms).all()
    assert (said["pop_egress"].loss_ratio == 0).all()
    assert (said["pop_egress"].bgp_sessions_up_count == said["pop_egress"].bgp_sessions_total_count).all()


def test_a_gateway_without_power_is_silent_on_everything_but_its_bad_state(ground, plan, network):
    gateway = busiest(plan)
    network.gateways.up[gateway] = False
    said = ground()
    row = said["gateway"]
    assert (row.antennas_in_service_count[gateway], row.hpa_on[gateway], row.throughput_bps[gateway]) == (0, 0, 0)
    assert np.isnan(row.feeder_snr_db[gateway])
    path = said["gateway_path"]
    assert np.isnan(path.round_trip_ms[path.gateway_index == gateway]).all()


def test_one_cut_fibre_is_only_seen_in_its_flag_and_two_end_the_traffic(ground, plan, network):
    gateway = busiest(plan)
    network.gateways.fibre_a_up[gateway] = False
    before = ground()["gateway"]
    assert (before.fibre_a_up[gateway], before.fibre_b_up[gateway], before.antennas_in_service_count[gateway]) == (
        0,
        1,
        8,
    )
    assert before.throughput_bps[gateway] > 0
    network.gateways.fibre_b_up[gateway] = False
    after = ground()["gateway"]
    assert (after.antennas_in_service_count[gateway], after.throughput_bps[gateway]) == (8, 0)


def test_rain_a_fade_a_detour_and_macsec_show_where_they_are_measured(ground, network):
    network.gateways.rain_rate_mmph[0] = 12.0
    network.gateways.downlink_fade_db[1] = 5.0
    network.gateways.backbone_extra_ms[2] = 40.0
    network.gateways.macsec_state[3] = EncryptionState.NOT_ENCRYPTED
    calm, said = calm_reading(ground, network), ground()
    assert said["gateway"].rain_rate_mmph[0] == 12.0
    lost_db = calm["gateway"].feeder_snr_db - said["gateway"].feeder_snr_db
    assert lost_db[0] > 5.0
    assert lost_db[1] == pytest.approx(5.0, abs=0.11)
    added_ms = said["gateway_path"].round_trip_ms - calm["gateway_path"].round_trip_ms
    assert added_ms[said["gateway_path"].gateway_index == 2] == pytest.approx(40.0, abs=0.11)
    assert said["gateway"].macsec_state[3] == EncryptionState.NOT_ENCRYPTED


def calm_reading(ground, network):
    kept = {name: getattr(network.gateways, name).copy() for name in network.gateways.__struct_fields__}
    for name in ("rain_rate_mmph", "downlink_fade_db", "backbone_extra_ms", "macsec_state"):
        getattr(network.gateways, name)[:] = 0
    said = ground()
    for name, values in kept.items():
        getattr(network.gateways, name)[:] = values
    return said


def test_a_pop_that_is_lost_has_no_way_out_and_no_session(ground, network):
    network.pops.pair_in_service[4] = 0
    said = ground()
    mine = said["pop_egress"].pop_index == 4
    assert (said["pop"].pair_in_service_count[4], said["pop"].margin_ratio[4]) == (0, 0.0)
    assert (said["pop_egress"].loss_ratio[mine] == 1.0).all()
    assert (said["pop_egress"].bgp_sessions_up_count[mine] == 0).all()
    assert np.isnan(said["pop_egress"].round_trip_ms[mine]).all()


def test_half_a_pair_has_half_the_margin_and_a_flood_takes_the_rest(ground, network):
    whole = ground()["pop"].margin_ratio
    network.pops.pair_in_service[0] = 1
    network.pops.extra_traffic_bps[1] = 500e9
    network.pops.mitigation_state[1] = MitigationState.SCRUBBING
    said = ground()["pop"]
    assert said.margin_ratio[0] == pytest.approx(whole[0] - 0.25, abs=1e-3)
    assert (said.margin_ratio[1], said.mitigation_state[1]) == (0.0, MitigationState.SCRUBBING)


def test_trouble_beyond_a_pop_shows_on_its_own_way_out(ground, network):
    network.pops.egress_loss_ratio[2, Egress.INTERNET] = 0.1
    network.pops.egress_extra_ms[2, Egress.AWS] = 50.0
    network.pops.invalid_routes[2, Egress.INTERNET] = 70
    network.pops.bgp_lost[2, Egress.PRIVATE_INTERCONNECT] = 1
    out = ground()["pop_egress"]
    internet, aws, private = ((out.pop_index == 2) & (out.egress == way) for way in Egress)
    assert out.loss_ratio[internet] == pytest.approx(0.1)
    assert out.loss_ratio[aws | private].tolist() == [0.0, 0.0]
    assert out.round_trip_ms[aws] > 50.0
    assert out.invalid_routes_count[internet] == 70
    assert out.bgp_sessions_up_count[private] == out.bgp_sessions_total_count[private] - 1


def test_an_attachment_that_is_down_takes_its_session_with_it(ground, network):
    network.attachments.up[0] = False
    network.attachments.bgp_up[1] = False
    network.attachments.extra_cidr_ratio[2] = 5.0
    said = ground()["pop_attachment"]
    assert said.attachment_up[:3].tolist() == [0, 1, 1]
    assert said.bgp_up[:3].tolist() == [0, 0, 1]
    assert said.cidr_used_ratio[2] == 1.0


def test_a_failed_satellite_lights_nothing_and_its_lasers_are_down(space, plan, network):
    serving = plan.satellite_index[plan.satellite_index != NONE][0]
    before = space()
    network.satellites.carrying[serving] = False
    network.satellites.lifecycle[serving] = SatelliteLifecycle.FAILED
    said = space(AT_NS + 10_000_000_000)
    assert said["satellite"].lifecycle[serving] == SatelliteLifecycle.FAILED
    assert said["satellite"].power_w[serving] < before["satellite"].power_w[serving] - 600
    beams = said["satellite_beam"]
    assert (beams.beam_on == (beams.satellite_index != serving)).all()
    lasers = said["laser"]
    assert (lasers.laser_state[lasers.satellite_index == serving] == LaserState.DOWN).all()
    assert (lasers.laser_state[lasers.peer_satellite_index == serving] == LaserState.ACQUIRING).all()


def test_a_burn_is_told_by_the_thrust_flag_and_by_where_the_satellite_then_is(space, network):
    network.satellites.lifecycle[7] = SatelliteLifecycle.MANOEUVRING
    network.satellites.burn_from_ns[7] = AT_NS
    network.satellites.burn_s[7], network.satellites.delta_v_mps[7] = 60.0, 1.0
    thrust = [space(AT_NS + at_s * 1_000_000_000)["satellite"].thrusting[[6, 7]].tolist() for at_s in (0, 50, 60)]
    assert thrust == [[0, 1], [0, 1], [0, 0]]
    later_ns = AT_NS + 3_600_000_000_000
    there = space(later_ns)["satellite"]
    network.satellites.delta_v_mps[7] = 0.0
    planned = space(later_ns)["satellite"]
    apart_km = np.hypot(there.position_x_km - planned.position_x_km, there.position_y_km - planned.position_y_km)
    assert apart_km[6] == 0
    assert apart_km[7] > 3.0


def test_satellites_on_their_way_up_thrust_and_serve_nobody(space, fleet, plan):
    said = space()["satellite"]
    raising = said.lifecycle == SatelliteLifecycle.RAISING
    assert raising.sum() == 64
    assert (said.thrusting == raising).all()
    assert not raising[plan.satellite_index[plan.satellite_index != NONE]].any()


def test_no_beam_carries_more_than_it_can_and_no_satellite_lights_more_than_it_has(space, plan):
    beams = space(crowd=7.0)["satellite_beam"]
    assert len(beams.cell_id) == plan.beam_count.sum()
    assert beams.load_ratio.max() == 1.0
    assert np.bincount(beams.satellite_index).max() <= Rules().beam_count
    assert beams.beam_id.max() < Rules().beam_count


def test_every_planned_path_reaches_a_pop(plan):
    covered = plan.satellite_index != NONE
    for column in (plan.landing_satellite, plan.gateway_index, plan.pop_index):
        assert ((column != NONE) == covered).all()
    assert ((plan.path_kind != PathKind.NONE) == covered).all()
    assert ((plan.laser_count > 0) == (plan.path_kind == PathKind.LASER)).all()
