import numpy as np
import pytest

from simulators.obstruction import (
    STEPS,
    azimuth_step,
    blocked_ratio,
    skylines,
    skylines_of_road,
    skylines_of_sites,
    within,
)


def test_the_first_skyline_is_clear_and_the_kinds_block_more_and_more():
    drawn = skylines(np.random.default_rng(1))
    ratio = blocked_ratio(drawn)
    assert ratio[0] == 0.0
    little, some, much = (ratio[1 + kind * 40 : 41 + kind * 40].mean() for kind in range(3))
    assert 0.0 < little < some < much < 0.5


def test_all_of_a_cone_blocked_is_one_and_nothing_above_35_degrees_is_nothing():
    assert blocked_ratio(np.full((1, STEPS), 90.0, np.float32))[0] == pytest.approx(1.0)
    assert blocked_ratio(np.full((1, STEPS), 35.0, np.float32))[0] == pytest.approx(0.0, abs=1e-6)


def test_azimuths_fall_into_steps_and_sectors_go_round_north():
    assert azimuth_step(np.array([0.0, 4.9, 5.0, 359.9, 360.0])).tolist() == [0, 0, 1, 71, 0]
    assert within(np.array([350.0, 10.0, 30.0]), np.array([340.0]), np.array([20.0])).tolist() == [True, True, False]


def test_most_sites_have_a_clear_sky():
    assert 0.8 < np.mean(skylines_of_sites(5_000, np.random.default_rng(2)) == 0) < 0.9


def test_a_road_driven_twice_is_the_same_road_and_its_stretches_differ():
    places, vehicle = np.arange(2_000), np.zeros(2_000, np.int64)
    drawn = skylines_of_road(places, vehicle)
    assert np.array_equal(drawn, skylines_of_road(places, vehicle))
    assert not np.array_equal(drawn, skylines_of_road(places, vehicle + 1))
    assert 0.5 < np.mean(drawn == 0) < 0.6
    assert len(np.unique(drawn)) > 100
