import numpy as np
import pytest

from simulators.attitude import LARGEST_DISAGREEMENT_DEG, UNSETTLED_S, boresight
from tests.simulators.rooftop import SECOND_NS, START_NS, Rooftop

MANY = 2_000


@pytest.fixture(scope="module")
def fallen():
    """Two thousand faces that fall by 50 degrees at once, followed for six minutes."""
    roof = Rooftop(MANY)
    roof.attitude.turn_to(START_NS)
    roof.conditions.tilt_deg[:], roof.conditions.azimuth_deg[:] = 50.0, 120.0
    read = []
    for second in range(1, 361):
        at_ns = START_NS + second * SECOND_NS
        roof.attitude.turn_to(at_ns)
        read.append(roof.attitude.measure(at_ns))
    return {name: np.array([one[name] for one in read]) for name in read[0]}


def test_a_filter_is_unsettled_for_20_to_300_s_after_a_step(fallen):
    unsettled_s = (fallen["attitude_converged"] == 0).sum(axis=0)
    low_s, high_s = UNSETTLED_S
    assert unsettled_s.min() >= low_s - 1
    assert unsettled_s.max() <= high_s
    assert unsettled_s.max() > 0.9 * high_s
    assert 60 < np.median(unsettled_s) < 95


def test_boresight_and_tilt_disagree_by_up_to_18_degrees_until_it_has_converged_and_not_after(fallen):
    apart_deg = np.abs(90.0 - fallen["boresight_elevation_deg"] - fallen["tilt_angle_deg"])
    settled = fallen["attitude_converged"] == 1
    assert 15.0 < apart_deg.max() <= LARGEST_DISAGREEMENT_DEG
    assert np.quantile(apart_deg[settled], 0.999) < 0.6
    assert apart_deg[0].mean() > 10.0


def test_it_admits_to_its_doubt_exactly_as_long(fallen):
    settled = fallen["attitude_converged"] == 1
    assert fallen["attitude_uncertainty_deg"][~settled].min() > 3.0
    assert fallen["attitude_uncertainty_deg"].max() == pytest.approx(16.4, abs=0.1)
    assert fallen["attitude_uncertainty_deg"][settled].max() < 1.0


def test_gravity_shows_the_tilt_at_once(fallen):
    assert np.abs(fallen["tilt_angle_deg"] - 50.0).max() < 3.5
    assert np.abs(fallen["tilt_angle_deg"].mean() - 50.0) < 0.05


def test_a_slow_sag_upsets_no_filter():
    roof = Rooftop(10)
    for second in range(60):
        roof.conditions.tilt_deg += 0.5
        roof.attitude.turn_to(START_NS + second * SECOND_NS)
        assert roof.attitude.settled(START_NS + second * SECOND_NS).all()
    assert np.allclose(roof.attitude.tilt_deg, 30.0)
    assert np.allclose(roof.attitude.boresight, boresight(np.full(10, 30.0), np.zeros(10)))


def test_a_filter_starts_anew_with_a_boot():
    roof = Rooftop(3)
    roof.attitude.boot(np.array([1]), START_NS, np.array([45.0]))
    assert roof.attitude.settled(START_NS + SECOND_NS).tolist() == [True, False, True]
    assert roof.attitude.settled(START_NS + 45 * SECOND_NS).all()
