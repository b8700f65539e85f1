"""The whole road in one process: what was broken is found, and nobody on the road has seen the truth."""

import io
import json

import pytest
from rich.console import Console
from typer.testing import CliRunner

from leowatch.__main__ import app
from leowatch.demo import Options, run_demo
from simulators.run import Settings

pytestmark = pytest.mark.slow
# A seed whose attitude filter settles while the antenna lies: until then nobody can know.
RUN = ["demo", "--terminals", "200", "--minutes", "10", "--speed", "0", "--port", "0", "--once", "--seed", "3"]


def play(out, **settings):
    sky = Settings(**{"terminals": 120, "minutes": 7.0, **settings})
    return run_demo(Options(sky=sky, speed=0, once=True, out=out, port=0), console=Console(file=io.StringIO()))


def lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def incidents(folder):
    return list({i["incident_id"]: i for i in lines(folder / "incidents.jsonl")}.values())


def test_the_bad_day_is_found_whole_and_the_last_line_says_so(tmp_path):
    result = CliRunner().invoke(app, [*RUN, "--out", str(tmp_path / "out")])

    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout.splitlines()[-1])
    board = said["scoreboard"]
    assert (board["injected"], board["detected"], board["missed"], board["false"], board["wrong_root"]) == (
        3,
        3,
        0,
        0,
        0,
    )
    assert set(board["per_kind"]) == {"gateway_down", "antenna_knocked_over", "terminal_power_lost"}
    assert board["median_time_to_detect_s"] < 120
    assert {i["root_id"] for i in incidents(tmp_path / "out")} >= {
        label["root_id"] for label in lines(tmp_path / "out" / "truth" / "labels.jsonl")
    }
    assert said["samples"] > 100_000
    assert said["events"] > 1_000
    pages = lines(tmp_path / "out" / "pages.jsonl")
    assert [(page["team"], page["cause"]) for page in pages] == [("noc", "gateway_isolated")]
    for name in (
        "plan.parquet",
        "inventory.jsonl",
        "events.jsonl",
        "incidents.jsonl",
        "truth/labels.jsonl",
        "score.html",
    ):
        assert (tmp_path / "out" / name).stat().st_size > 0, name
    for kind in ("terminal", "satellite", "gateway", "pop"):
        assert (tmp_path / "out" / "telemetry" / f"{kind}.parquet").stat().st_size > 0, kind


def test_a_quiet_day_holds_no_page_and_no_incident_but_those_of_single_terminals_that_were_really_out(tmp_path):
    result = play(tmp_path / "out", scenario="quiet")

    assert result["scoreboard"]["false"] == 0
    assert {i["audience"] for i in incidents(tmp_path / "out")} <= {"tenant"}
    assert (tmp_path / "out" / "pages.jsonl").read_bytes() == b""


def test_the_same_seed_finds_the_same_events_to_the_byte_and_another_seed_others(tmp_path):
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        play(tmp_path / name, seed=seed, minutes=4.0)

    first, second, other = ((tmp_path / name / "events.jsonl").read_bytes() for name in "abc")
    assert first == second
    assert first != other


def test_a_run_that_cannot_be_is_refused_with_what_to_do(tmp_path):
    unknown = CliRunner().invoke(app, [*RUN, "--scenario", "armageddon"])
    early = CliRunner().invoke(app, [*RUN, "--start", "2025-10-03T00:00:00"])

    assert unknown.exit_code == early.exit_code == 2
    assert "armageddon" in unknown.stderr
    assert "offset from UTC" in early.stderr
