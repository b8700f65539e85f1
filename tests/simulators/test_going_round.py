"""What is planned round: a storm, a fibre cut, a failed satellite, a manoeuvre, a failed PoP."""

import pytest

from simulators.run import Settings
from tests.simulators.lived import live_through

pytestmark = pytest.mark.slow

SECOND_NS = 1_000_000_000
STARTS_S = {
    "gateway_storm": 10,
    "satellite_failed": 35,
    "fibres_cut": 70,
    "satellite_manoeuvre": 100,
    "pop_failed": 130,
}
COLUMN_OF_ROOT = {"gateway": "gateway_index", "satellite": "satellite_index", "pop": "pop_index"}
KNOWN_AFTER_S = 5

SCENARIO = "name = 'going_round'\n" + "".join(
    f"[[fault]]\nkind = '{kind}'\nstart_s = {start_s}\nduration_s = 60\nonset_s = 0\nrecovery_s = 0\n"
    f"remediation = 'auto'\nremediation_after_s = {KNOWN_AFTER_S}\n"
    for kind, start_s in STARTS_S.items()
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("going_round")
    (folder / "going_round.toml").write_text(SCENARIO)
    settings = Settings(terminals=300, minutes=3.5, scenario=str(folder / "going_round.toml"), plan_ahead_s=60)
    return live_through(settings, folder / "truth")


def fault_of(run, kind):
    (fault,) = [one for one in run.sky.faults if one.kind == kind]
    return fault


@pytest.mark.parametrize("kind", STARTS_S)
def test_those_it_takes_are_back_as_soon_as_the_planner_knows(run, kind):
    fault, outages = fault_of(run, kind), run.truth("outages")
    mine = outages[outages.label_id == fault.label_id]
    assert len(mine) >= 1
    assert (mine.ended_at_ns - fault.started_at_ns <= (KNOWN_AFTER_S + 1) * SECOND_NS).all()


@pytest.mark.parametrize("kind", STARTS_S)
def test_the_running_slot_s_plan_is_superseded_by_one_without_it(run, kind):
    fault = fault_of(run, kind)
    column = COLUMN_OF_ROOT[fault.spec.type.root]
    known_at_ns = fault.started_at_ns + KNOWN_AFTER_S * SECOND_NS
    again = [plan for plan in run.plans if plan.header.published_at_ns == known_at_ns and plan.header.supersedes]
    running = again[0].header
    assert running.slot_start_ns <= known_at_ns == running.valid_from_ns < running.slot_end_ns
    assert len(again) >= 2  # and those of the slots ahead
    before = next(plan for plan in run.plans if plan.header.plan_version == running.supersedes)
    assert fault.root_index in before.columns[column]
    assert all(fault.root_index not in plan.columns[column] for plan in again)


def test_a_satellite_that_gets_out_of_the_way_says_that_it_thrusts(run):
    fault = fault_of(run, "satellite_manoeuvre")
    said = run.rows("satellite")
    mine = said["satellite_index"] == fault.root_index
    burning = (said["observed_at_ns"] >= fault.started_at_ns) & (said["observed_at_ns"] < fault.ended_at_ns)
    assert (said["thrusting"][mine] == burning[mine]).all()
    assert burning[mine].sum() == 6
