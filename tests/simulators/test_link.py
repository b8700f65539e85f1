import numpy as np
import pytest

from simulators.geometry import slant_range_km
from simulators.link import (
    MODCODS,
    drop_ratio,
    modcod,
    round_trip_ms,
    scan_loss_db,
    snr_db,
    throughput_bps,
)
from simulators.rain import rain_db


def test_a_level_terminal_under_a_clear_zenith_has_14_db():
    assert snr_db(np.array(630.0), np.array(0.0)) == pytest.approx(14.0)


def test_geometry_alone_takes_4_1_db_and_the_scan_3_1_db_at_the_edge_of_the_cone():
    edge_km = slant_range_km(630, 35)
    assert 14.0 - snr_db(edge_km, np.array(0.0)) == pytest.approx(4.1, abs=0.05)
    assert scan_loss_db(55.0) == pytest.approx(3.1, abs=0.05)
    assert snr_db(edge_km, np.array(55.0)) == pytest.approx(6.74, abs=0.05)


def test_rain_takes_from_the_signal_what_it_takes_from_the_wave():
    clear, wet = snr_db(np.array(700.0), np.array(20.0)), snr_db(np.array(700.0), np.array(20.0), np.array(6.0))
    assert clear - wet == pytest.approx(6.0)


def test_a_face_turned_away_still_gives_a_number():
    assert np.isfinite(scan_loss_db(np.array([89.0, 90.0, 120.0, 180.0]))).all()
    assert scan_loss_db(120.0) > 20.0


def test_the_uplink_fades_about_twice_as_deep_as_the_downlink():
    rate, elevation_deg = np.array([5.0, 25.0, 50.0]), np.array(45.0)
    ratio = rain_db(rate, 29.0, elevation_deg) / rain_db(rate, 19.7, elevation_deg)
    assert (ratio > 1.6).all()
    assert (ratio < 2.4).all()


def test_heavier_rain_and_lower_paths_fade_more_and_no_rain_not_at_all():
    assert rain_db(np.array(0.0), 19.7, np.array(45.0)) == 0.0
    assert (np.diff(rain_db(np.linspace(0, 120, 50), 19.7, np.array(40.0))) > 0).all()
    assert np.isfinite(rain_db(np.array(30.0), 19.7, np.array(-5.0)))  # it has set
    assert np.isfinite(rain_db(np.array(30.0), 19.7, np.array(90.00001)))  # right above, rounded
    by_elevation_db = rain_db(np.array(30.0), 19.7, np.array([35.0, 60.0, 90.0]))
    assert (np.diff(by_elevation_db) < 0).all()


def test_the_round_trip_adds_ground_and_processing_and_stays_below_50_ms():
    assert round_trip_ms(np.array(13.5)) == pytest.approx(29.5)
    assert round_trip_ms(np.array(8.4), queueing_ms=2.0, jitter_ms=-1.0) == pytest.approx(25.4)


def test_no_jitter_makes_light_faster():
    assert round_trip_ms(np.array(8.4), jitter_ms=-100.0) == pytest.approx(8.4)


def test_a_good_link_loses_a_thousandth_and_a_dead_one_everything():
    lost = drop_ratio(np.array([14.0, 6.74, -10.0]))
    assert lost[:2] == pytest.approx(0.001, abs=1e-4)
    assert lost[2] == pytest.approx(1.0, abs=1e-6)


def test_an_interruption_at_a_slot_edge_loses_its_share_of_the_second():
    assert drop_ratio(np.array(14.0), interrupted_s=0.3) == pytest.approx(0.3007, abs=1e-3)
    assert drop_ratio(np.array(14.0), interrupted_s=3.0) == 1.0


def test_a_stronger_signal_never_carries_less():
    assert (np.diff(MODCODS.least_snr_db) > 0).all()
    assert (np.diff(MODCODS.bits_per_symbol) > 0).all()
    steps = modcod(np.array([-5.0, -0.30, 6.74, 14.0]))
    assert steps.tolist() == [-1, 0, 7, 14]


def test_the_plan_is_held_over_the_whole_cone_in_clear_sky():
    edge_snr_db = snr_db(slant_range_km(630, 35), np.array(55.0))
    assert throughput_bps(modcod(edge_snr_db), 400e6) == 400e6


def test_rain_cuts_throughput_before_it_cuts_the_link():
    faded = modcod(np.array([14.0, 3.5, -5.0]))
    assert throughput_bps(faded, 400e6).tolist() == pytest.approx([400e6, 400e6 * 1.322 / 1.981, 0.0])
    assert throughput_bps(faded, 400e6, load_ratio=0.1).tolist() == pytest.approx([40e6, 40e6, 0.0])
