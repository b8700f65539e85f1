import pytest

from simulators.contract.faults import FAULTS, FaultKind
from simulators.effects import EFFECTS
from simulators.generated import generate
from simulators.scenario import BadScenario, load_scenario, parse_scenario, shipped


def test_the_scenarios_of_the_sky_are_shipped():
    assert shipped() == [
        "bad_day", "calm", "control_plane", "fibre_cut", "grey_day", "hurricane", "launch_day", "maintenance_night",
        "noisy_telemetry", "ocean_crossing", "overlaps", "quiet", "security_day", "soak",
    ]  # fmt: skip
    assert load_scenario("quiet").fault == ()
    kinds = [fault.kind for fault in load_scenario("bad_day").fault]
    assert kinds == [FaultKind.TERMINAL_POWER_LOST, FaultKind.GATEWAY_DOWN, FaultKind.ANTENNA_KNOCKED_OVER]


def test_every_kind_of_fault_is_reached_by_a_shipped_scenario_and_has_an_effect():
    played = {fault.kind for name in shipped() for fault in load_scenario(name).fault}
    assert played == set(FaultKind) == {entry.kind for entry in FAULTS} == set(EFFECTS)


def test_calm_holds_every_decoy_and_wakes_nobody():
    calm = load_scenario("calm").fault
    assert {entry.kind for entry in FAULTS if entry.decoy} <= {fault.kind for fault in calm}
    assert {fault.heard_by for fault in calm} == {"nobody"}


def test_what_is_included_comes_first_and_later_by_its_shift(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "one.toml").write_text('name = "one"\n[[fault]]\nkind = "door_stopped"\nstart_s = 5\n')
    (tmp_path / "two.toml").write_text(
        'name = "two"\n[[include]]\nscenario = "deep/one.toml"\nshift_s = 60\n[[include]]\nscenario = "bad_day"\n'
        '[[fault]]\nkind = "pop_failed"\nstart_s = 1\n'
    )
    two = load_scenario(str(tmp_path / "two.toml"))
    kinds = [(fault.kind, fault.start_s) for fault in two.fault]
    assert kinds[0] == ("door_stopped", 65)
    assert kinds[-1] == ("pop_failed", 1)
    assert len(kinds) == 5


def test_a_scenario_that_includes_itself_is_refused(tmp_path):
    path = tmp_path / "ring.toml"
    path.write_text('name = "ring"\n[[include]]\nscenario = "ring.toml"\n')
    with pytest.raises(BadScenario, match="includes itself"):
        load_scenario(str(path))


def test_a_generated_scenario_is_the_seed_s_own_and_can_be_read():
    texts = [generate(seed, 15.0) for seed in range(40)]
    assert texts[7] == generate(7, 15.0)
    assert len(set(texts)) == len(texts)
    kinds = {fault.kind for text in texts for fault in parse_scenario(text, "generated").fault}
    assert len(kinds) > len(FaultKind) * 0.9


def test_the_bad_day_is_over_within_ten_minutes():
    assert all(fault.start_s + fault.duration_s < 600 for fault in load_scenario("bad_day").fault)


def test_only_the_gateway_of_the_bad_day_wakes_somebody():
    paged = {
        fault.kind: fault.page_by_s for fault in load_scenario("bad_day").fault if fault.heard_by.endswith("_page")
    }
    assert paged == {FaultKind.GATEWAY_DOWN: 90}


def test_a_scenario_is_read_from_any_path(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\n[[fault]]\nkind = "gateway_down"\nstart_s = 3\n')
    assert load_scenario(str(path)).fault[0].start_s == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "is no TOML"),
        ('name = "x"\n[[fault]]\nkind = "meteor"\nstart_s = 1', r"meteor.*fault\[0\]\.kind"),
        ('name = "x"\n[[fault]]\nkind = "gateway_down"', "start_s"),
        ('name = "x"\n[[fault]]\nkind = "gateway_down"\nstart_s = -1', r"fault\[0\]\.start_s"),
        ('name = "x"\n[[fault]]\nkind = "gateway_down"\nstart_s = 1\nlength = 3', "length.*duration_s"),
        ('name = "x"\n[[fault]]\nkind = "gateway_down"\nstart_s = 1\nradius_km = 4', "take it out of gateway_down"),
        ('name = "x"\n[[fault]]\nkind = "gateway_down"\nstart_s = 1\ntarget = "gw-a"\ncount = 2', "count 2"),
        ('name = "x"\n[[fault]]\nkind = "terminal_power_lost"\nstart_s = 1\npage_by_s = 9', "audience that is paged"),
        ('name = "x"\n[[fault]]\nkind = "door_stopped"\nstart_s = 1\nremediation = "auto"', "remediation_after_s"),
        ('name = "x"\n[[fault]]\nkind = "ethernet_slow"\nstart_s = 1\ncount = 3\nshare = 0.1', "count and share"),
        ("", "name"),
    ],
)
def test_a_bad_scenario_says_what_where_and_how_to_mend_it(text, said):
    with pytest.raises(BadScenario, match=said) as error:
        parse_scenario(text, "mine.toml")
    assert "mine.toml" in str(error.value)


def test_an_unknown_name_lists_those_there_are():
    with pytest.raises(BadScenario, match="bad_day, calm, control_plane"):
        load_scenario("good_day")
