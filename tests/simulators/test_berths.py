"""Terminals that do not keep to the plan: what they do, what truth says of it, and that their sky is really there."""

import numpy as np
import pytest

from ingest.contract.instants import from_rfc3339
from ingest.contract.vocabulary import MobilityClass
from simulators.geometry import look_angles
from simulators.orbits import propagate
from simulators.run import Settings
from tests.simulators.lived import live_through

pytestmark = pytest.mark.slow

S = 1_000_000_000
SLOT = 30 * S
KINDS = {
    "handover_late": "magnitude = 7", "handover_early": "magnitude = 4", "handover_missed": "",
    "handover_unplanned": "", "handover_ping_pong": "", "terminal_on_old_plan": "magnitude = 1",
}  # fmt: skip


@pytest.fixture(scope="module")
def unruly(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unruly")
    fault = '[[fault]]\nkind = "{}"\nstart_s = 20\nduration_s = 130\ncount = 4\n{}\n'
    (folder / "unruly.toml").write_text(
        'name = "unruly"\n' + "".join(fault.format(kind, more) for kind, more in KINDS.items())
    )
    settings = Settings(
        terminals=120, minutes=3, scenario=str(folder / "unruly.toml"), plan_ahead_s=30, edge_ratio=0, seed=4
    )
    return live_through(settings, folder / "truth")


@pytest.fixture(scope="module")
def planned(unruly):
    """Return the planned satellite of a cell in the slot of an instant."""
    found = {
        (plan.header.slot_start_ns, cell): satellite
        for plan in unruly.plans
        for cell, satellite in zip(
            plan.columns["cell_id"].tolist(), plan.columns["satellite_index"].tolist(), strict=True
        )
    }
    cells = [terminal.cell_id for terminal in unruly.sky.inventory.terminals]
    return lambda who, at_ns: found[at_ns - at_ns % SLOT, cells[who]]


def who(unruly, kind):
    return [fault.root_index for fault in unruly.sky.faults if fault.kind == kind]


def window(unruly):
    start_ns = unruly.sky.settings.first_at_ns
    return start_ns + 32 * S, start_ns + 148 * S


def serving(unruly, index):
    """Yield instant and satellite of each live sample in the window."""
    rows, (from_ns, until_ns) = unruly.rows("terminal", stored=False), window(unruly)
    mine = (rows["terminal_index"] == index) & (rows["observed_at_ns"] >= from_ns) & (rows["observed_at_ns"] < until_ns)
    return zip(rows["observed_at_ns"][mine].tolist(), rows["serving_satellite_index"][mine].tolist(), strict=True)


def said(unruly, kind):
    """Return the rows of truth's handovers of a kind's terminals within the window."""
    handovers, (from_ns, until_ns) = unruly.truth("handovers"), window(unruly)
    ids = {unruly.sky.inventory.terminals[index].terminal_id for index in who(unruly, kind)}
    mine = handovers[handovers.terminal_id.isin(ids)]
    return mine[(mine.at_ns >= from_ns) & (mine.at_ns < until_ns)]


@pytest.mark.parametrize(
    ("kind", "conformance", "error_s"), [("handover_late", "late", 7), ("handover_early", "early", -4)]
)
def test_a_plan_is_followed_so_many_seconds_late_or_early(unruly, planned, kind, conformance, error_s):
    found = said(unruly, kind)
    assert len(found) >= 4
    assert set(found.conformance) == {conformance}
    assert set(found.at_ns - found.planned_at_ns) == {error_s * S}
    for index in who(unruly, kind):
        for at_ns, satellite in serving(unruly, index):
            assert satellite == planned(index, at_ns - error_s * S)


def test_a_handover_is_missed_and_made_up_for_at_a_later_edge(unruly, planned):
    missed = [
        satellite == planned(index, at_ns - SLOT) != planned(index, at_ns)
        for index in who(unruly, "handover_missed")
        for at_ns, satellite in serving(unruly, index)
    ]
    assert sum(missed) >= 2 * 25
    found = said(unruly, "handover_missed")
    assert (found.at_ns % SLOT == 0).all()
    assert "late" in set(found.conformance)


def test_a_stray_is_served_by_a_satellite_that_no_plan_names(unruly, planned):
    for index in who(unruly, "handover_unplanned"):
        for at_ns, satellite in serving(unruly, index):
            assert satellite not in {planned(index, at_ns + n * SLOT) for n in (-1, 0)}
    assert "unplanned" in set(said(unruly, "handover_unplanned").conformance)


def test_a_ping_pong_goes_to_and_fro_every_ten_seconds(unruly):
    found = said(unruly, "handover_ping_pong")
    assert len(found) >= 4 * 10
    assert (found.conformance == "unplanned").mean() > 0.5


def test_an_old_plan_is_followed_a_slot_late(unruly, planned):
    for index in who(unruly, "terminal_on_old_plan"):
        for at_ns, satellite in serving(unruly, index):
            assert satellite == planned(index, at_ns - SLOT)


def test_everyone_else_keeps_to_the_plan_and_so_do_they_afterwards(unruly, planned):
    rows, (_, until_ns) = unruly.rows("terminal", stored=False), window(unruly)
    steered = [index for kind in KINDS for index in who(unruly, kind)]
    still = unruly.sky.fleet.terminals.mobility[rows["terminal_index"]] == MobilityClass.FIXED
    mine = ~np.isin(rows["terminal_index"], steered) | (rows["observed_at_ns"] > until_ns + 4 * S)
    mine &= still
    for index, at_ns, satellite in zip(
        rows["terminal_index"][mine][::37].tolist(), rows["observed_at_ns"][mine][::37].tolist(),
        rows["serving_satellite_index"][mine][::37].tolist(), strict=True,
    ):  # fmt: skip
        assert satellite == planned(index, at_ns)


def test_whoever_strays_really_sees_its_satellite(unruly):
    fleet = unruly.sky.fleet
    for kind in ("handover_late", "handover_early", "handover_unplanned"):
        for index in who(unruly, kind):
            at_ns, satellite = map(np.array, zip(*list(serving(unruly, index))[::20], strict=True))
            for instant, number in zip(at_ns.tolist(), satellite.tolist(), strict=True):
                position_km = propagate([fleet.carrying.satellites[number]], np.array([instant])).position_km[0]
                cell = fleet.terminals.cell[[index]]
                look = look_angles(fleet.cells.latitude_deg[cell], fleet.cells.longitude_deg[cell], position_km)
                assert look.elevation_deg[0] > 30.0


def test_their_labels_page_nobody_and_hold_their_window(unruly):
    label = unruly.labels()["handover_late"]
    assert (label["audience"], label["page"], label["decoy"]) == ("nobody", False, False)
    assert from_rfc3339(label["ended_at"]) - from_rfc3339(label["started_at"]) == 130 * S
