import h3
import numpy as np
import pytest

from ingest.contract.vocabulary import MobilityClass, TerminalState
from simulators.run import Settings
from simulators.tracks import Kind, where
from tests.simulators.lived import by_terminal, live_through

pytestmark = pytest.mark.slow

SECOND_NS = 1_000_000_000


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    return live_through(
        Settings(terminals=1_500, minutes=4, scenario="quiet", plan_ahead_s=60, published_layer=False),
        tmp_path_factory.mktemp("truth"),
    )


@pytest.fixture(scope="module")
def rows(lived):
    return by_terminal(lived.rows("terminal"))


def test_all_kinds_of_vehicles_take_part(lived):
    fleet = lived.sky.fleet
    assert set(fleet.movers.tracks.kind.tolist()) == set(map(int, Kind))
    mobility = fleet.terminals.mobility
    assert set(mobility[fleet.movers.riders].tolist()) == {
        MobilityClass.LAND, MobilityClass.MARITIME, MobilityClass.AVIATION
    }  # fmt: skip
    assert (np.diff(fleet.movers.riders) > 0).all()


def test_who_moves_says_where_with_every_sample_and_is_there(lived, rows):
    movers = lived.sky.fleet.movers
    rider = int(movers.riders[movers.tracks.kind[movers.vehicle] == Kind.FLIGHT][0])
    vehicle = movers.vehicle[movers.riders == rider][0]
    mine = rows["terminal_index"] == rider
    assert np.isfinite(rows["latitude_deg"][mine]).all()
    for at_ns, latitude_deg, speed_mps in zip(
        rows["observed_at_ns"][mine], rows["latitude_deg"][mine], rows["speed_mps"][mine], strict=True
    ):
        there = where(movers.tracks, int(at_ns // SECOND_NS * SECOND_NS))
        assert latitude_deg == pytest.approx(there.latitude_deg[vehicle], abs=3e-3)
        assert speed_mps == pytest.approx(there.speed_mps[vehicle], abs=0.06)
    still = rows["terminal_index"] == np.flatnonzero(lived.sky.fleet.terminals.mobility == MobilityClass.FIXED)[0]
    assert 1 <= np.isfinite(rows["latitude_deg"][still]).sum() <= lived.sky.settings.minutes


def test_an_aircraft_changes_its_cell_and_the_plan_singles_it_out(lived):
    movers, cells = lived.sky.fleet.movers, lived.sky.fleet.cells
    rider = int(movers.riders[movers.tracks.kind[movers.vehicle] == Kind.FLIGHT][0])
    vehicle = movers.vehicle[movers.riders == rider][0]
    assert lived.sky.inventory.terminals[rider].cell_id == -1
    planned = []
    for plan in lived.plans:
        row = np.flatnonzero(plan.columns["terminal_index"] == rider)
        assert len(row) == 1
        planned.append(int(plan.columns["cell_id"][row[0]]))
        middle = where(movers.tracks, plan.header.slot_start_ns + 15 * SECOND_NS)
        cell = h3.latlng_to_cell(middle.latitude_deg[vehicle], middle.longitude_deg[vehicle], 5)
        assert h3.str_to_int(cell) == planned[-1]
        same_cell = (plan.columns["cell_id"] == planned[-1]) & (plan.columns["terminal_index"] == -1)
        for name in ("satellite_index", "gateway_index", "beam_id"):
            assert plan.columns[name][row[0]] == plan.columns[name][same_cell][0]
    assert len(set(planned)) > len(planned) // 2
    assert set(planned) <= set(cells.cell_ids.tolist())


def test_a_ship_rolls_and_its_desired_boresight_rolls_with_it(lived, rows):
    movers = lived.sky.fleet.movers
    ships = movers.riders[movers.tracks.kind[movers.vehicle] == Kind.SHIP]
    mine = np.isin(rows["terminal_index"], ships) & (rows["attitude_converged"] == 1)
    tilt_deg = rows["tilt_angle_deg"][mine]
    assert 3.0 < tilt_deg.max() < 12.0
    apart_deg = rows["boresight_elevation_deg"][mine] - rows["desired_boresight_elevation_deg"][mine]
    assert np.nanmax(np.abs(apart_deg)) < 1.0


def test_truth_knows_where_a_rider_pointed_ten_times_a_second_and_its_samples_are_of_their_own_instants(lived):
    movers, sway = lived.sky.fleet.movers, lived.truth("sway")
    names = [lived.sky.inventory.terminals[who].terminal_id for who in movers.riders.tolist()]
    assert sway.groupby("terminal_id").size().to_dict() == dict.fromkeys(names, 10 * len(lived.seconds))

    rows = lived.rows("terminal")
    true_deg = sway.set_index(["terminal_id", "at_ns"]).tilt_angle_deg
    mine = np.isin(rows["terminal_index"], movers.riders) & (rows["attitude_converged"] == 1)
    ids = [lived.sky.inventory.terminals[who].terminal_id for who in rows["terminal_index"][mine].tolist()]
    apart_deg = rows["tilt_angle_deg"][mine] - true_deg.loc[list(zip(ids, rows["observed_at_ns"][mine], strict=True))]
    assert len(apart_deg) > 1_000
    assert np.abs(apart_deg).max() < 0.6  # noise of 0.08 and rounding; a ship rolls by 2.5 in a second


def test_a_truck_moves_about_as_much_as_a_real_dish_on_a_car(lived, rows):
    """Domain 5e: tilt 2 to 28 degrees, its rate 1.4 in the median, 5.1 at p90, 10.5 at p99, in degrees a second."""
    movers = lived.sky.fleet.movers
    trucks = movers.riders[movers.tracks.kind[movers.vehicle] == Kind.TRUCK]
    mine = np.isin(rows["terminal_index"], trucks) & (rows["speed_mps"] > 0)
    rate = np.abs(np.diff(rows["tilt_angle_deg"][mine]))
    assert 0.3 < np.median(rate) < 3.0
    assert 1.0 < np.quantile(rate, 0.9) < 6.0


def test_a_backpack_is_dark_on_its_way_and_comes_up_elsewhere(lived, rows):
    hops = lived.sky.fleet.movers.hops
    first_ns, last_ns = lived.sky.settings.first_at_ns, lived.seconds[-1].at_ns
    assert len(hops.who) >= 1
    assert (hops.unpacked_at_ns - hops.packed_at_ns > 200 * SECOND_NS).all()
    for who, packed_ns, unpacked_ns in zip(hops.who, hops.packed_at_ns, hops.unpacked_at_ns, strict=True):
        at_ns = rows["observed_at_ns"][rows["terminal_index"] == who]
        assert not ((at_ns >= packed_ns) & (at_ns < unpacked_ns)).any()
        assert first_ns <= packed_ns <= last_ns
    outages = lived.truth("outages")
    names = {lived.sky.inventory.terminals[who].terminal_id for who in hops.who.tolist()}
    dark = outages[(outages.cause == "power_lost") & outages.label_id.isna()]
    assert names <= set(dark.terminal_id)
    new = {lived.sky.inventory.terminals[who].terminal_id for who in lived.sky._service.dishes.installs._plan.who}
    assert set(dark.terminal_id) <= names | new


def test_a_new_terminal_is_installed_then_aligned_then_active_once_it_has_service(lived):
    """Time to first connection: from its first boot on; what it measured before, its ring tells afterwards."""
    everything = by_terminal(lived.rows("terminal"))
    new = lived.sky._service.dishes.installs._plan
    assert len(new.who) >= 4
    connected = 0
    for who, on_ns, aligned_ns in zip(new.who, new.switched_on_at_ns, new.aligned_at_ns, strict=True):
        mine = everything["terminal_index"] == who
        at_ns, state = everything["observed_at_ns"][mine], everything["state"][mine]
        assert (at_ns >= on_ns).all()
        live = state == TerminalState.CONNECTED
        assert (at_ns[live] >= aligned_ns).all()
        handled = everything["attitude_converged"][mine][at_ns < aligned_ns]
        assert not len(handled) or (handled == 0).mean() > 0.9
        connected += bool(live.any())
        stages = everything["install_state"][mine]
        assert (np.diff(stages[stages >= 0]) >= 0).all()
    assert connected >= 1


def test_who_waits_for_a_satellite_behind_a_house_says_so(rows):
    assert (rows["state"] == TerminalState.OBSTRUCTED).sum() > 0
