"""Each fault: what truth says of it, and what the network and the terminals say."""

import numpy as np
import pytest

from ingest.contract.instants import from_rfc3339
from ingest.contract.vocabulary import TerminalState
from simulators.run import Settings, new_sky
from simulators.scenario import BadScenario
from tests.simulators.lived import by_terminal, live_through

pytestmark = pytest.mark.slow

SECOND_NS = 1_000_000_000


def label_instants(label):
    return from_rfc3339(label["started_at"]), from_rfc3339(label["ended_at"])


def test_every_fault_has_its_label(bad_day):
    labels = bad_day.labels()
    start_at_ns = bad_day.sky.settings.first_at_ns
    assert set(labels) == {"terminal_power_lost", "gateway_down", "antenna_knocked_over"}
    seconds = {k: tuple((at - start_at_ns) / 1e9 for at in label_instants(v)) for k, v in labels.items()}
    assert seconds == {
        "terminal_power_lost": (20.3, 45.3),
        "gateway_down": (35.0, 95.0),
        "antenna_knocked_over": (40.0, 150.0),
    }
    assert labels["gateway_down"]["page"]
    assert labels["gateway_down"]["page_by_s"] == 90
    assert labels["gateway_down"]["audience"] == "noc_page"
    for kind in ("terminal_power_lost", "antenna_knocked_over"):
        assert not labels[kind]["page"]
        assert labels[kind]["audience"] == "tenant"
        assert labels[kind]["affected_terminal_ids"] == [labels[kind]["root_id"]]


def test_no_terminal_suffers_two_faults(bad_day):
    labels = bad_day.labels().values()
    affected = [terminal for label in labels for terminal in label["affected_terminal_ids"]]
    assert len(affected) == len(set(affected))


def test_a_gateway_that_is_down_takes_those_whom_the_plan_lands_there_and_nobody_else(bad_day):
    label = bad_day.labels()["gateway_down"]
    start_ns, end_ns = label_instants(label)
    gateway = [g.gateway_id for g in bad_day.sky.inventory.gateways].index(label["root_id"])
    cell_of = {t.terminal_id: t.cell_id for t in bad_day.sky.inventory.terminals}
    planned = set()
    for plan in bad_day.plans:
        if plan.header.slot_start_ns < end_ns and plan.header.slot_end_ns > start_ns:
            planned |= set(plan.columns["cell_id"][plan.columns["gateway_index"] == gateway].tolist())
    expected = {t for t, cell in cell_of.items() if cell in planned}
    assert set(label["affected_terminal_ids"]) == expected
    assert len(expected) >= 5
    outages = bad_day.truth("outages")
    outages = outages[outages.cause == "gateway_down"]
    assert set(outages.label_id) == {label["label_id"]}
    assert (outages.started_at_ns >= start_ns).all()
    assert (outages.ended_at_ns <= end_ns).all()


def test_a_gateway_that_is_down_says_so_and_detaches_its_terminals_at_once(bad_day):
    label = bad_day.labels()["gateway_down"]
    start_ns, end_ns = label_instants(label)
    gateway = [g.gateway_id for g in bad_day.sky.inventory.gateways].index(label["root_id"])
    rows = bad_day.rows("gateway")
    mine = rows["gateway_index"] == gateway
    at_ns, antennas = rows["observed_at_ns"][mine], rows["antennas_in_service_count"][mine]
    down = (at_ns >= start_ns) & (at_ns < end_ns)
    assert (antennas[down] == 0).all()
    assert (antennas[~down] > 0).all()
    assert (rows["terminals_attached_count"][mine][down] == 0).all()
    records = bad_day.rows("attachment")
    gone = (records["gateway_index"] == gateway) & (records["attached"] == 0) & (records["observed_at_ns"] == start_ns)
    live = bad_day.rows("terminal", stored=False)
    before = (
        (live["gateway_index"] == gateway)
        & (live["observed_at_ns"] < start_ns)
        & (live["observed_at_ns"] >= start_ns - SECOND_NS)
    )
    assert set(records["terminal_index"][gone].tolist()) == set(live["terminal_index"][before].tolist())


def test_a_terminal_without_power_measures_nothing_and_boots_when_it_is_back(bad_day):
    label = bad_day.labels()["terminal_power_lost"]
    start_ns, end_ns = label_instants(label)
    rows = by_terminal(bad_day.rows("terminal"))
    mine = rows["terminal_index"] == bad_day.index_of(label["root_id"])
    at_ns, boots, sequence, state = (rows[name][mine] for name in ("observed_at_ns", "boot_count", "sequence", "state"))
    assert not ((at_ns >= start_ns) & (at_ns < end_ns)).any()
    before, after = at_ns < start_ns, at_ns >= end_ns
    assert set(boots[after] - boots[before][0]) == {1}
    assert sequence[after][0] == 0
    assert rows["downlink_bytes_total"][mine][after][0] == 0
    booting = state == TerminalState.BOOTING
    assert 38 <= booting.sum() <= 61
    outages = bad_day.truth("outages")
    outages = outages[(outages.label_id == label["label_id"])]
    assert outages.cause.tolist() == ["power_lost", "booting"]
    assert outages.started_at_ns.tolist() == [start_ns, end_ns]
    assert outages.ended_at_ns.iloc[0] == end_ns
    last = (outages.ended_at_ns.iloc[1] - end_ns) / 1e9
    assert 40 <= last <= 60


def test_samples_of_the_boot_are_told_some_seconds_after_it(bad_day):
    label = bad_day.labels()["terminal_power_lost"]
    who = bad_day.index_of(label["root_id"])
    outages = bad_day.truth("outages")
    back_ns = outages[(outages.label_id == label["label_id"]) & (outages.cause == "booting")].ended_at_ns.iloc[0]
    told = [
        frame
        for frame in bad_day.frames
        if frame.header.stored and frame.rows and who in frame.columns["terminal_index"]
    ]
    assert len(told) == 1
    assert 2 <= (told[0].header.received_at_ns - back_ns) / 1e9 <= 7


def test_a_keep_alive_is_missed_for_one_to_three_seconds_before_a_terminal_is_given_up(bad_day):
    label = bad_day.labels()["terminal_power_lost"]
    records = bad_day.rows("attachment")
    start_ns, end_ns = label_instants(label)
    mine = records["terminal_index"] == bad_day.index_of(label["root_id"])
    off = (
        mine
        & (records["attached"] == 0)
        & (records["observed_at_ns"] > start_ns)
        & (records["observed_at_ns"] < end_ns)
    )
    assert len(records["observed_at_ns"][off]) == 1
    assert 1.0 <= (records["observed_at_ns"][off][0] - start_ns) / 1e9 <= 3.0


def test_a_face_knocked_over_reads_askew_once_its_filter_has_settled(bad_day):
    label = bad_day.labels()["antenna_knocked_over"]
    start_ns, end_ns = label_instants(label)
    who = bad_day.index_of(label["root_id"])
    terminal = bad_day.sky.inventory.terminals[who]
    rows = by_terminal(bad_day.rows("terminal"))
    mine = rows["terminal_index"] == who
    at_ns, tilt_deg = rows["observed_at_ns"][mine], rows["tilt_angle_deg"][mine]
    settled, doubt_deg = rows["attitude_converged"][mine] == 1, rows["attitude_uncertainty_deg"][mine]
    fallen = (at_ns > start_ns + SECOND_NS) & (at_ns < end_ns)
    assert np.abs(tilt_deg[fallen & settled] - 60.0).max(initial=0.0) < 1.0
    assert np.abs(tilt_deg[fallen & ~settled] - 60.0).max() < 4.0
    assert 19 <= (fallen & ~settled).sum() <= 301
    assert (doubt_deg[~settled] > 3.0).all()
    assert (doubt_deg[settled] < 3.0).all()
    upright = settled & ((at_ns < start_ns) | (at_ns > end_ns))
    assert np.abs(tilt_deg[upright] - terminal.aligned_tilt_deg).max() < 1.0
    attitude = bad_day.truth("attitude")
    attitude = attitude[attitude.terminal_id == label["root_id"]]
    assert attitude.at_ns.tolist() == [bad_day.sky.settings.first_at_ns, start_ns, end_ns]
    assert attitude.tilt_angle_deg.tolist() == pytest.approx(
        [terminal.aligned_tilt_deg, 60.0, terminal.aligned_tilt_deg]
    )


def test_a_face_knocked_over_loses_service_only_where_its_satellite_leaves_the_cone(bad_day):
    """Such an outage lasts to the end of its slot: a dish that lost its satellite waits for the next."""
    outages = bad_day.truth("outages")
    outages = outages[outages.cause == "tilt"]
    assert set(outages.label_id) == {bad_day.labels()["antenna_knocked_over"]["label_id"]}
    assert len(outages) >= 1
    assert (outages.ended_at_ns % (30 * SECOND_NS) == 0).all()


def test_what_still_stands_when_the_run_ends_has_no_end(tmp_path):
    path = tmp_path / "open.toml"
    path.write_text('name = "open"\n[[fault]]\nkind = "terminal_power_lost"\nstart_s = 2\n')
    lived = live_through(Settings(terminals=20, minutes=0.1, scenario=str(path), plan_ahead_s=30), tmp_path / "truth")
    assert lived.labels()["terminal_power_lost"]["ended_at"] is None
    outages = lived.truth("outages")
    mine = outages[outages.cause == "power_lost"]
    assert mine.ended_at_ns.isna().tolist() == [True]
    assert mine.label_id.tolist() == ["terminal_power_lost-001"]


def test_a_terminal_of_the_gateway_that_fails_is_never_chosen_for_another_fault(tmp_path):
    path = tmp_path / "full.toml"
    faults = '[[fault]]\nkind = "{}"\nstart_s = 5\nduration_s = 30\n{}\n'
    path.write_text(
        'name = "full"\n' + faults.format("terminal_power_lost", "count = 12") + faults.format("gateway_down", "")
    )
    sky = new_sky(Settings(terminals=40, minutes=1, scenario=str(path), plan_ahead_s=60))
    gateway = next(fault.root_index for fault in sky.faults if fault.kind == "gateway_down")
    powerless = [fault.root_index for fault in sky.faults if fault.kind == "terminal_power_lost"]
    landed = set()
    for second in sky:
        landed |= set(sky._service.gateway[powerless].tolist()) if second.at_ns < sky.faults[0].ended_at_ns else set()
    assert gateway not in landed


def test_a_terminal_that_loses_power_while_without_service_forgets_what_it_had_kept(tmp_path):
    path = tmp_path / "twofold.toml"
    gateway = 'name = "twofold"\n[[fault]]\nkind = "gateway_down"\nstart_s = 2\nduration_s = 20\n'
    path.write_text(gateway)
    settings = Settings(terminals=40, minutes=1.5, scenario=str(path), plan_ahead_s=60)
    down = live_through(settings, tmp_path / "first").labels()["gateway_down"]
    who = down["affected_terminal_ids"][0]
    power = f'[[fault]]\nkind = "terminal_power_lost"\nstart_s = 10\nduration_s = 5\ntarget = "{who}"\n'
    path.write_text(gateway + f'target = "{down["root_id"]}"\n' + power)
    twofold = live_through(settings, tmp_path / "second")
    rows = twofold.rows("terminal")
    at_s = (rows["observed_at_ns"] - settings.first_at_ns) / 1e9
    mine = rows["terminal_index"] == twofold.index_of(who)
    assert not (mine & (at_s >= 2) & (at_s < 15)).any()
    assert (mine & (at_s >= 15)).any()


def test_faults_of_a_kind_can_be_many(tmp_path):
    path = tmp_path / "many.toml"
    path.write_text('name = "many"\n[[fault]]\nkind = "terminal_power_lost"\nstart_s = 5\ncount = 7\n')
    sky = new_sky(Settings(terminals=100, minutes=1, scenario=str(path), plan_ahead_s=60))
    assert len({fault.root_index for fault in sky.faults}) == 7
    assert len({fault.label_id for fault in sky.faults}) == 7
    assert {fault.ended_at_ns for fault in sky.faults} == {None}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ('kind = "gateway_down"\nstart_s = 1\ntarget = "gw-atlantis"', "gw-atlantis"),
        ('kind = "terminal_power_lost"\nstart_s = 1\ncount = 500', "take more terminals"),
        ('kind = "gateway_down"\nstart_s = 1\ncount = 40', "take more terminals"),
    ],
)
def test_a_fault_that_cannot_be_aimed_says_why(tmp_path, fault, said):
    path = tmp_path / "bad.toml"
    path.write_text(f'name = "bad"\n[[fault]]\n{fault}\n')
    with pytest.raises(BadScenario, match=said):
        new_sky(Settings(terminals=50, minutes=1, scenario=str(path)))


def test_one_thing_cannot_break_twice_at_a_time(tmp_path):
    path = tmp_path / "twice.toml"
    fault = '[[fault]]\nkind = "terminal_power_lost"\nstart_s = {}\nduration_s = 20\ntarget = "ut-000003"\n'
    path.write_text('name = "twice"\n' + fault.format(5) + fault.format(15))
    with pytest.raises(BadScenario, match="ut-000003 is already broken"):
        new_sky(Settings(terminals=50, minutes=1, scenario=str(path)))
    path.write_text('name = "twice"\n' + fault.format(5) + fault.format(35))
    assert len(new_sky(Settings(terminals=50, minutes=1, scenario=str(path))).faults) == 2


def test_a_fault_that_starts_after_the_run_is_left_out_and_said(tmp_path):
    path = tmp_path / "late.toml"
    path.write_text('name = "late"\n[[fault]]\nkind = "gateway_down"\nstart_s = 300\n')
    sky = new_sky(Settings(terminals=50, minutes=1, scenario=str(path)))
    assert sky.faults == []
    assert any("gateway_down at 300.0 s" in note for note in sky.notes)
