"""Several seeds through the whole road, and one verdict: no worse than the floors that are checked in."""

import json
import tomllib
from functools import reduce
from pathlib import Path

import pytest
from typer.testing import CliRunner

from leowatch.__main__ import app
from leowatch.trials import seed_range, settings_of

FLOORS = tomllib.loads(Path(__file__).with_name("floors.toml").read_text())


def score(*arguments):
    return CliRunner().invoke(app, ["score", *map(str, arguments)])


@pytest.mark.parametrize(("text", "seeds"), [("7", [7]), ("1..3", [1, 2, 3]), ("0..0", [0])])
def test_seeds_are_one_or_from_one_to_another_both_included(text, seeds):
    assert list(seed_range(text)) == seeds


@pytest.mark.parametrize("text", ["", "1..", "1-3", "3..1", "one", "1...3"])
def test_what_names_no_seed_is_refused(text):
    with pytest.raises(ValueError, match="--seeds"):
        seed_range(text)


def test_a_run_is_as_long_as_its_scenario_unless_it_is_told():
    assert settings_of("grey_day", terminals=5, minutes=None).minutes == 75
    assert settings_of("grey_day", terminals=5, minutes=3).minutes == 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "--scenario NAME, or all of"),
        (("--scenario", "armageddon"), "armageddon"),
        (("--scenario", "quiet", "--seeds", "2..1"), "--seeds 2..1"),
        (("--scenario", "quiet", "--truth", "x"), "leave --truth"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_one_line(arguments, says):
    found = score(*arguments)

    assert found.exit_code == 2
    assert says in found.stderr
    assert found.stdout == ""


@pytest.mark.slow
def test_fixed_seeds_are_no_worse_than_the_floors(tmp_path):
    run = {f"--{name}": FLOORS[name] for name in ("scenario", "seeds", "terminals", "minutes")}
    found = score(*(part for pair in run.items() for part in pair), "--json", tmp_path / "whole.json")

    assert found.exit_code == 0, found.output
    said = json.loads(found.stdout.splitlines()[-1])
    assert (said["scenario"], said["seeds"]) == (FLOORS["scenario"], list(seed_range(FLOORS["seeds"])))
    assert json.loads((tmp_path / "whole.json").read_text())["scoreboard"] == said["scoreboard"]
    below = [floor["figure"] for floor in FLOORS["floor"] if not keeps(floor, said)]
    assert below == [], {figure: figure_of(said, figure) for figure in below}
    assert said["controls"]["naive"]["per_kind"]["gateway_down"]["recall"] == 0


def figure_of(said, figure):
    return reduce(lambda part, name: part[name], figure.split("."), said)


def keeps(floor, said):
    assert floor["why"]
    value = figure_of(said, floor["figure"])
    return value is not None and floor.get("least", value) <= value <= floor.get("most", value)


@pytest.mark.parametrize(("value", "kept"), [(0.9, True), (0.89, False), (None, False)])
def test_a_floor_is_kept_from_above_and_by_nothing_that_was_not_judged(value, kept):
    assert keeps({"figure": "a.b", "least": 0.9, "why": "-"}, {"a": {"b": value}}) is kept
