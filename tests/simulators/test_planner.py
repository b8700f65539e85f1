"""The control plane: ahead of time, late, silent, and round what is broken."""

import numpy as np
import pytest
from msgspec import structs

from simulators.network_conditions import ControlPlane
from simulators.run import Settings, new_sky
from simulators.scheduler import NONE
from tests.simulators.lived import live_through

pytestmark = pytest.mark.slow

S = 1_000_000_000


def planner(minutes=5, ahead_s=60):
    sky = new_sky(Settings(terminals=40, minutes=minutes, scenario="quiet", plan_ahead_s=ahead_s))
    return sky._planner, sky.conditions.network, sky.settings.first_at_ns


def test_slots_are_published_so_far_ahead():
    plans, network, start = planner()
    assert len(plans.due(start, network).records) == 3
    assert plans.due(start + 29 * S, network).records == []
    out = plans.due(start + 30 * S, network)
    assert len(out.records) == 1
    assert out.effective_at_ns == start + 90 * S


def test_a_late_plan_is_in_force_from_when_it_is_out():
    plans, network, start = planner(ahead_s=0)
    plans.due(start, network)
    late = structs.replace(network, control=ControlPlane(delay_s=8))
    assert plans.due(start + 30 * S, late).effective_at_ns is None
    assert not plans.is_planned(start + 30 * S)
    out = plans.due(start + 38 * S, late)
    assert out.effective_at_ns == start + 38 * S
    assert plans.is_planned(start + 38 * S)


def test_while_nothing_is_published_a_slot_beyond_the_last_plan_serves_nobody():
    plans, network, start = planner(ahead_s=30)
    plans.due(start, network)
    silent = structs.replace(network, control=ControlPlane(publishing=False))
    for second in range(30, 130):
        assert plans.due(start + second * S, silent).records == []
    assert plans.is_planned(start + 59 * S)
    assert (plans.in_force(start + 125 * S).satellite_index == NONE).all()
    out = plans.due(start + 130 * S, network)
    assert len(out.records) == 2  # the slots of 60 and 90 s are over: nobody needs them
    assert out.effective_at_ns == start + 130 * S


def test_a_gateway_that_rain_drowns_is_planned_round_after_a_minute_and_used_again_a_minute_after_it_hears():
    plans, network, start = planner(minutes=10)
    plans.due(start, network)
    gateway = int(
        np.bincount(plans.in_force(start).gateway_index[plans.in_force(start).gateway_index != NONE]).argmax()
    )
    used = {}
    for second in range(1, 400):
        network.gateways.rain_rate_mmph[gateway] = 100.0 if 25 <= second < 200 else 0.0
        plans.due(start + second * S, network)
        used[second] = (plans.in_force(start + second * S).gateway_index == gateway).any()

    # It is looked at every 10 s: drowned at 30, acted upon at 90; heard at 200, planned with from 260 on, a minute ahead.
    assert [second for second in used if used[second] != used.get(second - 1, True)] == [90, 330]


def test_a_storm_over_a_region_drowns_its_gateways_until_they_are_planned_round_and_the_outages_are_the_storm_s(
    tmp_path,
):
    path = tmp_path / "storm.toml"
    path.write_text(
        'name = "storm"\n[[fault]]\nkind = "regional_storm"\nstart_s = 20\nonset_s = 0\nmagnitude = 100\nradius_km = 700\n'
    )
    lived = live_through(Settings(terminals=120, minutes=2.5, scenario=str(path), edge_ratio=0), tmp_path / "truth")
    outages, start = lived.truth("outages"), lived.sky.settings.first_at_ns
    drowned = outages[outages.cause == "gateway_down"]
    assert len(drowned) > 5
    assert (drowned.label_id == "regional_storm-001").all()
    assert set(((drowned.started_at_ns - start) // S).tolist()) == {20}
    assert set(((drowned.ended_at_ns - start) // S).tolist()) == {90}


def test_what_a_scenario_says_of_a_gateway_s_own_fault_is_not_seen_to_again(tmp_path):
    path = tmp_path / "storm.toml"
    path.write_text('name = "storm"\n[[fault]]\nkind = "gateway_storm"\nstart_s = 5\nonset_s = 0\nmagnitude = 100\n')
    lived = live_through(Settings(terminals=60, minutes=3, scenario=str(path), edge_ratio=0), tmp_path / "truth")
    outages = lived.truth("outages")
    assert outages[outages.cause == "gateway_down"].ended_at_ns.isna().any()


def test_service_ends_where_the_last_plan_ends_and_truth_knows_why(tmp_path):
    path = tmp_path / "mute.toml"
    path.write_text('name = "mute"\n[[fault]]\nkind = "control_plane_failed"\nstart_s = 20\nduration_s = 55\n')
    lived = live_through(
        Settings(terminals=60, minutes=1.6, scenario=str(path), plan_ahead_s=30, edge_ratio=0), tmp_path / "truth"
    )
    outages = lived.truth("outages")
    mute = outages[outages.cause == "no_plan"]
    seconds = {
        tuple(row) for row in ((mute[["started_at_ns", "ended_at_ns"]] - lived.sky.settings.first_at_ns) / S).to_numpy()
    }
    assert seconds == {(60.0, 76.0)}
    assert len(mute) == 60
    assert set(mute.label_id) == {"control_plane_failed-001"}
    late = [plan.header for plan in lived.plans if plan.header.published_at_ns > plan.header.slot_start_ns]
    assert [header.valid_from_ns - header.slot_start_ns for header in late] == [16 * S]


def test_a_gateway_that_is_routed_round_serves_nobody_and_its_terminals_land_elsewhere(tmp_path):
    path = tmp_path / "round.toml"
    path.write_text(
        'name = "round"\n[[fault]]\nkind = "gateway_down"\nstart_s = 20\nduration_s = 60\nremediation = "auto"\n'
        'remediation_after_s = 8\naudience = "nobody"\n'
    )
    lived = live_through(
        Settings(terminals=200, minutes=2.5, scenario=str(path), plan_ahead_s=60, edge_ratio=0), tmp_path / "truth"
    )
    start = lived.sky.settings.first_at_ns
    label = lived.labels()["gateway_down"]
    gateway = [g.gateway_id for g in lived.sky.inventory.gateways].index(label["root_id"])
    rows = lived.rows("terminal", stored=False)
    at_s = (rows["observed_at_ns"] - start) / S
    landed = rows["gateway_index"] == gateway
    assert landed[at_s < 20].any()
    assert not landed[(at_s > 20) & (at_s < 120)].any()
    outages = lived.truth("outages")
    down = outages[outages.cause == "gateway_down"]
    assert ((down.ended_at_ns - start) / S).max() == 28.0
    replaced = [plan.header for plan in lived.plans if plan.header.supersedes]
    assert replaced[0].valid_from_ns == start + 28 * S
    assert len(replaced) == 3
    assert {header.published_at_ns for header in replaced} == {start + 28 * S}
    assert not any(
        (plan.columns["gateway_index"] == gateway).any()
        for plan in lived.plans
        if plan.header.published_at_ns == start + 28 * S
    )


def test_a_manoeuvre_that_the_planner_knows_takes_nobody_s_service(tmp_path):
    path = tmp_path / "burn.toml"
    text = 'name = "burn"\n[[fault]]\nkind = "satellite_manoeuvre"\nstart_s = 20\nduration_s = 60\n'
    settings = Settings(terminals=60, minutes=1.5, scenario=str(path), plan_ahead_s=60, edge_ratio=0)
    outages = []
    for folder, more in (("surprise", ""), ("known", 'remediation = "auto"\nremediation_after_s = 0\n')):
        path.write_text(text + more)
        lived = live_through(settings, tmp_path / folder)
        outages.append((lived.truth("outages").cause == "satellite_down").sum())
        assert lived.sky.faults[0].root_id.startswith("leo-")
    assert outages[0] > 0
    assert outages[1] == 0
