"""What a scenario's scope chooses, and what it leaves alone."""

import numpy as np
import pytest

from ingest.contract.vocabulary import NetworkType, ServiceClass, TerminalModel
from simulators.geometry import surface_distance_km
from simulators.run import Settings, new_sky
from simulators.scenario import BadScenario


@pytest.fixture
def aimed(tmp_path):
    def aim(text, *, terminals=300, minutes=5):
        path = tmp_path / "scope.toml"
        path.write_text('name = "scope"\n' + text)
        return new_sky(Settings(terminals=terminals, minutes=minutes, scenario=str(path), plan_ahead_s=60))

    return aim


def fault(kind, more=""):
    return f'[[fault]]\nkind = "{kind}"\nstart_s = 10\nduration_s = 60\n{more}\n'


def test_a_share_is_of_those_that_are_meant(aimed):
    sky = aimed(fault("customer_power_off", 'share = 0.5\ntenant = "tenant-002"'))
    terminals = sky.fleet.terminals
    meant = (terminals.tenant == 2) & (terminals.service != ServiceClass.CRITICAL_OT)
    assert len(sky.faults) == round(0.5 * meant.sum())
    assert all(meant[one.root_index] for one in sky.faults)


def test_a_model_and_a_country_confine_the_choice(aimed):
    records = aimed("").inventory.terminals
    country = max({r.country for r in records}, key=[r.country for r in records].count)
    sky = aimed(fault("terminal_power_lost", f'count = 3\nmodel = "pro"\ncountry = "{country}"'))
    chosen = [sky.inventory.terminals[one.root_index] for one in sky.faults]
    assert {(one.model, one.country) for one in chosen} == {(TerminalModel.PRO, country)}
    assert len({one.terminal_id for one in chosen}) == 3


def test_only_private_customers_have_private_paths(aimed):
    sky = aimed(fault("private_egress_violated", "count = 5"))
    types = sky.fleet.terminals.network_type[[one.root_index for one in sky.faults]]
    assert (types != NetworkType.INTERNET).all()


def test_many_begin_one_after_the_other(aimed):
    sky = aimed(fault("firmware_reboot", "count = 40\nspread_s = 100"))
    begin_s = np.array([one.started_at_ns - sky.settings.first_at_ns for one in sky.faults]) / 1e9
    assert begin_s.min() >= 10
    assert begin_s.max() <= 110
    assert begin_s.std() > 20


def test_a_storm_reaches_the_cells_around_it_and_what_is_inside_is_hit_there(aimed):
    sky = aimed(
        fault("regional_storm", "radius_km = 3000")
        + fault("terminal_power_lost", 'share = 0.5\ninside = "regional_storm"')
    )
    storm, *dark = sky.faults
    cells = sky.fleet.cells
    away_km = surface_distance_km(
        cells.latitude_deg[[storm.root_index]],
        cells.longitude_deg[[storm.root_index]],
        cells.latitude_deg,
        cells.longitude_deg,
    )
    assert set(storm.reach["cells"].tolist()) == set(np.flatnonzero(away_km <= 3000).tolist())
    assert len(storm.reach["cells"]) > 1
    assert dark
    assert {one.root_index for one in dark} <= set(storm.members.tolist())


def test_a_fibre_is_cut_inside_a_gateway_s_storm(aimed):
    sky = aimed(fault("gateway_storm") + fault("fibre_a_cut", 'inside = "gateway_storm"') + fault("gateway_down"))
    storm, cut, down = sky.faults
    assert storm.root_id == cut.root_id != down.root_id


def test_inside_of_what_is_not_there_is_refused(aimed):
    with pytest.raises(BadScenario, match="there is no such fault"):
        aimed(fault("fibre_a_cut", 'inside = "gateway_storm"'))


def test_near_a_place_means_near_it(aimed):
    records = aimed("").inventory.terminals
    place = records[7]
    near = f"near = {{ latitude_deg = {place.latitude_deg}, longitude_deg = {place.longitude_deg}, radius_km = 60 }}"
    sky = aimed(fault("customer_power_off", near))
    chosen = sky.inventory.terminals[sky.faults[0].root_index]
    assert abs(chosen.latitude_deg - place.latitude_deg) < 1


def test_named_roots_of_every_kind_are_found(aimed):
    inventory = aimed("").inventory
    ids = {
        "satellite_failed": inventory.satellites[40].satellite_id, "gateway_down": inventory.gateways[3].gateway_id,
        "pop_failed": inventory.pops[2].pop_id, "stadium_load": f"{inventory.terminals[9].cell_id:x}",
        "terminal_stowed": inventory.terminals[11].terminal_id,
    }  # fmt: skip
    sky = aimed("".join(fault(kind, f'target = "{name}"') for kind, name in ids.items()))
    assert {one.kind: one.root_id for one in sky.faults} == ids


def test_no_two_things_of_a_kind_are_chosen_twice(aimed):
    sky = aimed(fault("gateway_down", "count = 3") + fault("fibre_a_cut", "count = 3"))
    roots = [one.root_index for one in sky.faults]
    assert len(set(roots)) == 6
