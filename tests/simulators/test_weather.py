import numpy as np
import pytest

from simulators.geometry import surface_distance_km
from simulators.weather import RainCells, Weather, direction, everyday_rain, moved

SECOND_NS = 1_000_000_000
HOUR_NS = 3_600 * SECOND_NS


def one_cell(**fields):
    plain = {
        "born_at_ns": 0.0,
        "died_at_ns": 2.0 * HOUR_NS,
        "latitude_deg": 50.0,
        "longitude_deg": 10.0,
        "towards_deg": 90.0,
        "speed_mps": 10.0,
        "radius_km": 8.0,
        "peak_mmph": 40.0,
    }
    return RainCells(**{name: np.array([value]) for name, value in {**plain, **fields}.items()})


def rate_at(weather, latitude_deg, longitude_deg, at_ns):
    return weather.rate_mmph(direction(np.atleast_1d(latitude_deg), np.atleast_1d(longitude_deg)), at_ns)


def test_a_cell_of_rain_is_strongest_in_its_middle_half_way_through_its_life():
    weather = Weather(one_cell())
    assert rate_at(weather, 50.0, 10.0, HOUR_NS) == pytest.approx(40.0)
    north_deg, _ = moved(np.array([50.0]), np.array([10.0]), np.array([0.0]), np.array([8.0]))
    assert rate_at(weather, north_deg, 10.0, HOUR_NS) == pytest.approx(40.0 * np.exp(-0.5), rel=1e-3)
    assert rate_at(weather, 51.0, 10.0, HOUR_NS) == 0.0


def test_it_drifts_with_the_wind_and_dies():
    weather = Weather(one_cell())
    there = moved(np.array([50.0]), np.array([10.0]), np.array([90.0]), np.array([18.0]))
    assert surface_distance_km(np.array([50.0]), np.array([10.0]), *there) == pytest.approx(18.0, rel=1e-3)
    now = weather.active(HOUR_NS + HOUR_NS // 2)
    assert np.allclose([now.latitude_deg, now.longitude_deg], there)
    assert rate_at(weather, *there, HOUR_NS + HOUR_NS // 2) == pytest.approx(20.0)
    assert rate_at(weather, 50.0, 10.0, 2 * HOUR_NS) == 0.0


def test_an_ordinary_day_is_wet_for_a_few_per_cent_of_the_time_and_the_tropics_for_more():
    rng = np.random.default_rng(3)
    latitude_deg = np.repeat([45.0, 5.0], 200)
    longitude_deg = rng.uniform(-180.0, 180.0, 400)
    weather = Weather(everyday_rain(latitude_deg, longitude_deg, 0, 24 * HOUR_NS, rng))
    place = direction(latitude_deg, longitude_deg)
    rates = np.array([weather.rate_mmph(place, at_ns) for at_ns in range(0, 24 * HOUR_NS, HOUR_NS // 4)])
    temperate, tropical = (rates[:, :200] > 0.5).mean(), (rates[:, 200:] > 0.5).mean()
    assert 0.01 < temperate < 0.06
    assert 1.2 < tropical / temperate < 3.0
    assert rates.max() < 200.0
    assert (rates[:, 200:] > 30.0).sum() > (rates[:, :200] > 30.0).sum()


def test_the_same_seed_rains_the_same():
    places = np.array([10.0, 40.0]), np.array([0.0, 5.0])
    drawn = [everyday_rain(*places, 0, 100 * HOUR_NS, np.random.default_rng(4)) for _ in range(2)]
    assert np.array_equal(drawn[0].peak_mmph, drawn[1].peak_mmph)
    assert len(drawn[0]) > 0
