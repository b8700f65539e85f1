import numpy as np

from simulators.sites import cities, gateways, only, pops


def test_the_package_ships_cities_gateways_and_pops():
    assert len(cities()) >= 150
    assert (len(gateways()), gateways().operational.sum()) == (307, 214)
    assert (len(pops()), pops().operational.sum()) == (50, 35)


def test_cities_reach_from_the_equator_to_beyond_the_edge_of_service():
    latitude_deg = cities().latitude_deg
    for band_deg in range(0, 60, 5):
        assert (np.abs(latitude_deg) // 5 * 5 == band_deg).any()
    assert ((latitude_deg > 58.5) & (latitude_deg < 60)).sum() >= 3


def test_every_place_is_on_the_globe_and_has_a_country():
    for places in (cities(), gateways(), pops()):
        assert (np.abs(places.latitude_deg) <= 90).all()
        assert (np.abs(places.longitude_deg) <= 180).all()
        assert all(len(country) == 2 and country.isupper() for country in places.countries)


def test_a_choice_keeps_a_place_whole():
    every = cities()
    seattle = every.names.index("Seattle")
    chosen = only(every, np.array([seattle]))
    assert (chosen.names, chosen.countries) == (("Seattle",), ("US",))
    assert chosen.latitude_deg[0] == every.latitude_deg[seattle]
    assert len(only(gateways(), gateways().operational)) == 214
