import pytest

from simulators.contract.faults import FaultKind
from simulators.scenario import BadScenario, load_scenario, parse_scenario, shipped


def test_the_bad_day_and_the_calm_one_are_shipped():
    assert shipped() == ["bad_day", "calm"]
    assert load_scenario("calm").fault == ()
    kinds = [fault.kind for fault in load_scenario("bad_day").fault]
    assert kinds == [FaultKind.TERMINAL_POWER_LOST, FaultKind.GATEWAY_DOWN, FaultKind.ANTENNA_KNOCKED_OVER]


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
        ("", "name"),
    ],
)
def test_a_bad_scenario_says_what_where_and_how_to_mend_it(text, said):
    with pytest.raises(BadScenario, match=said) as error:
        parse_scenario(text, "mine.toml")
    assert "mine.toml" in str(error.value)


def test_an_unknown_name_lists_those_there_are():
    with pytest.raises(BadScenario, match="bad_day, calm"):
        load_scenario("good_day")
