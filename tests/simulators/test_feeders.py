import numpy as np
import pytest

from simulators.feeders import carries, carrying_antennas, downlink_snr_db, lost_ratio, uplink_snr_db
from simulators.network_conditions import neutral_network


@pytest.fixture
def gateways():
    network = neutral_network(
        lifecycle=np.zeros(1, np.int8), antenna_count=np.array([8, 8, 6], np.int16), pop_count=1, attachment_count=0,
        cell_count=1,
    )  # fmt: skip
    return network.gateways


def test_every_antenna_of_a_gateway_without_trouble_carries(gateways):
    assert carrying_antennas(gateways).tolist() == [8, 8, 6]
    downwards, upwards = lost_ratio(gateways)
    assert max(downwards.max(), upwards.max()) < 1e-6


def test_one_of_eight_antennas_down_leaves_seven(gateways):
    gateways.antennas_in_service[0] = 7
    assert carrying_antennas(gateways)[0] == 7


@pytest.mark.parametrize("name", ["up", "hpa_on"])
def test_a_gateway_without_power_or_amplifiers_carries_nothing(gateways, name):
    getattr(gateways, name)[1] = False
    assert carries(gateways).tolist() == [True, False, True]


def test_one_fibre_cut_is_bridged_by_the_other_and_both_are_not(gateways):
    gateways.fibre_a_up[:2] = False
    gateways.fibre_b_up[1:] = False
    gateways.fibre_a_up[2] = True
    assert carries(gateways).tolist() == [True, False, True]


def test_a_shower_is_bridged_by_margin_and_a_cloudburst_ends_the_upward_direction_first(gateways):
    gateways.rain_rate_mmph[:] = [0.0, 10.0, 60.0]
    assert carries(gateways).tolist() == [True, True, False]
    fade_db = (
        uplink_snr_db(gateways)[0] - uplink_snr_db(gateways),
        downlink_snr_db(gateways)[0] - downlink_snr_db(gateways),
    )
    assert (fade_db[0][1:] / fade_db[1][1:] > 1.6).all()  # 29 against 19.7 GHz


def test_a_one_way_fade_loses_packets_one_way_before_it_ends_service(gateways):
    gateways.uplink_fade_db[0] = 16.0
    downwards, upwards = lost_ratio(gateways)
    assert downwards[0] < 1e-6
    assert 0.3 < upwards[0] < 1.0
    assert carries(gateways)[0]
    gateways.uplink_fade_db[0] = 18.0
    assert not carries(gateways)[0]


def test_a_grey_gateway_loses_both_ways(gateways):
    gateways.loss_ratio[2] = 0.25
    assert [ratio[2] for ratio in lost_ratio(gateways)] == pytest.approx([0.25, 0.25])
