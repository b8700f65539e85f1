import numpy as np

from simulators.geometry import surface_distance_km
from simulators.sites import built_gateways, cities, gateways, only, pops


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


def test_every_operational_gateway_is_built_before_a_planned_one():
    assert built_gateways(214).names == only(gateways(), gateways().operational).names
    assert not built_gateways(300).operational.all()
    assert len(built_gateways(300)) == 300


def test_the_first_eight_gateways_are_far_apart_and_more_only_add_to_them():
    few, more = built_gateways(8), built_gateways(40)
    assert set(few.names) < set(more.names)
    apart_km = surface_distance_km(
        few.latitude_deg[:, None], few.longitude_deg[:, None], few.latitude_deg, few.longitude_deg
    )
    assert apart_km[~np.eye(8, dtype=bool)].min() > 700
    assert len(set(few.countries)) >= 6
