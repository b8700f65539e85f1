import numpy as np
import pytest

from simulators.feeders import feeders_of
from simulators.network_conditions import neutral_network


@pytest.fixture
def gateways():
    network = neutral_network(
        lifecycle=np.zeros(1, np.int8), antenna_count=np.array([8, 8, 6], np.int16), pop_count=1, attachment_count=0,
        cell_count=1,
    )  # fmt: skip
    return network.gateways


def test_every_antenna_of_a_gateway_without_trouble_carries(gateways):
    assert feeders_of(gateways).carrying_antennas.tolist() == [8, 8, 6]
    feeders = feeders_of(gateways)
    assert max(feeders.downwards_lost_ratio.max(), feeders.upwards_lost_ratio.max()) < 1e-6


def test_one_of_eight_antennas_down_leaves_seven(gateways):
    gateways.antennas_in_service[0] = 7
    assert feeders_of(gateways).carrying_antennas[0] == 7


@pytest.mark.parametrize("name", ["up", "hpa_on"])
def test_a_gateway_without_power_or_amplifiers_carries_nothing(gateways, name):
    getattr(gateways, name)[1] = False
    assert feeders_of(gateways).carries.tolist() == [True, False, True]


def test_one_fibre_cut_is_bridged_by_the_other_and_both_are_not(gateways):
    gateways.fibre_a_up[:2] = False
    gateways.fibre_b_up[1:] = False
    gateways.fibre_a_up[2] = True
    assert feeders_of(gateways).carries.tolist() == [True, False, True]


def test_a_shower_is_bridged_by_margin_and_a_cloudburst_ends_the_upward_direction_first(gateways):
    gateways.rain_rate_mmph[:] = [0.0, 10.0, 60.0]
    assert feeders_of(gateways).carries.tolist() == [True, True, False]
    feeders = feeders_of(gateways)
    up_db, down_db = (snr_db[0] - snr_db[1:] for snr_db in (feeders.uplink_snr_db, feeders.downlink_snr_db))
    assert (up_db / down_db > 1.6).all()  # 29 against 19.7 GHz


def test_a_one_way_fade_loses_packets_one_way_before_it_ends_service(gateways):
    gateways.uplink_fade_db[0] = 16.0
    feeders = feeders_of(gateways)
    assert feeders.downwards_lost_ratio[0] < 1e-6
    assert 0.3 < feeders.upwards_lost_ratio[0] < 1.0
    assert feeders.carries[0]
    gateways.uplink_fade_db[0] = 18.0
    assert not feeders_of(gateways).carries[0]


def test_a_grey_gateway_loses_both_ways(gateways):
    gateways.loss_ratio[2] = 0.25
    feeders = feeders_of(gateways)
    assert (feeders.downwards_lost_ratio[2], feeders.upwards_lost_ratio[2]) == pytest.approx((0.25, 0.25))
