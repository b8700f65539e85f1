import h3
import numpy as np
import pytest

from ingest.contract.inventory import Inventory
from ingest.contract.vocabulary import MobilityClass, NetworkType, ServiceClass
from simulators.fleet import build_fleet, private_tenants
from simulators.scheduler import Rules, Slots
from simulators.settings import Settings


@pytest.fixture(scope="module")
def fleet():
    return build_fleet(Settings(terminals=600, edge_ratio=0.05), np.random.default_rng(1), Rules(), Slots())


def test_the_inventory_survives_its_file_form(fleet):
    again = Inventory.from_lines(fleet.inventory.to_lines())
    assert again.records() == fleet.inventory.records()
    assert again.shard_count == 16


def test_every_terminal_stands_inside_its_cell(fleet):
    for terminal in fleet.inventory.terminals:
        if terminal.terminal_index in fleet.movers.who:
            assert terminal.cell_id == -1
            continue
        assert h3.str_to_int(h3.latlng_to_cell(terminal.latitude_deg, terminal.longitude_deg, 5)) == terminal.cell_id


def test_ids_are_unique_and_speak(fleet):
    inventory = fleet.inventory
    assert inventory.terminals[123].terminal_id == "ut-000123"
    assert inventory.satellites[0].satellite_id == "leo-k1-0001"
    assert inventory.satellites[1156].satellite_id == "leo-k2-0001"
    assert inventory.satellites[-1].satellite_id.isdigit()
    for ids in (
        [one.satellite_id for one in inventory.satellites],
        [one.gateway_id for one in inventory.gateways],
        [one.pop_id for one in inventory.pops],
    ):
        assert len(set(ids)) == len(ids)


def test_only_operational_gateways_and_pops_take_part(fleet):
    assert (len(fleet.inventory.gateways), len(fleet.inventory.pops)) == (214, 35)


def test_a_share_of_the_terminals_stands_where_geometry_makes_gaps(fleet):
    edge = np.array([terminal.latitude_deg for terminal in fleet.inventory.terminals])[fleet.terminals.at_edge]
    assert len(edge) == 30
    assert ((np.abs(edge) > 57) & (np.abs(edge) < 60)).all()


def test_a_fixed_terminal_is_aligned_within_a_few_degrees_of_level(fleet):
    tilts = [terminal.aligned_tilt_deg for terminal in fleet.inventory.terminals]
    assert 0 < min(tilts) < max(tilts) <= 3
    nomadic = [terminal.mobility is MobilityClass.NOMADIC for terminal in fleet.inventory.terminals]
    assert 0.01 < np.mean(nomadic) < 0.12


def test_plants_stand_still(fleet):
    critical = fleet.terminals.service == ServiceClass.CRITICAL_OT

    assert critical.any()
    assert (fleet.terminals.mobility[critical] == MobilityClass.FIXED).all()


def test_a_tenant_s_terminals_share_its_networking(fleet):
    private = set(private_tenants(8).tolist())
    assert private == {3, 7}
    for terminal in fleet.inventory.terminals:
        assert (terminal.network_type is NetworkType.PRIVATE_AWS) == (terminal.tenant_index in private)


@pytest.mark.parametrize("constellation", ["phase1-578", "preview-153", "D:630:51.9:289/17/3"])
def test_a_thinner_constellation_has_terminals_where_it_serves_most(constellation):
    settings = Settings(terminals=50, constellation=constellation, gateways=60, published_layer=False)
    fleet = build_fleet(settings, np.random.default_rng(1), Rules(), Slots())
    assert len(fleet.terminals) == 50
    assert len(fleet.inventory.gateways) == 60
