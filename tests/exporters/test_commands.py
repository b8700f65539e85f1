import json

import pytest
import typer
from typer.testing import CliRunner

from exporters import __main__ as dock
from exporters.consumer import refuse_replays
from exporters.log_reader import topic_names
from exporters.metrics import Metrics
from exporters.sinks import SINKS
from ingest.contract.bus import Fatal
from streams.contract.topics import TERMINAL_EVENTS
from tests.exporters.findings import Log, a_detail


def run(*arguments, environment=None):
    app = typer.Typer()
    app.command()(dock.main)
    return CliRunner().invoke(app, [*arguments], env=environment or {})


def test_every_sink_can_be_named():
    assert {name.value for name in dock.Name} == set(SINKS)


def test_check_prints_the_settings_and_no_secret():
    result = run("influx", "--check", environment={"EXPORTERS_INFLUX_TOKEN": "hush", "EXPORTERS_INFLUX_BUCKET": "b"})
    assert result.exit_code == 0
    assert "hush" not in result.output
    assert json.loads(result.output)["influx_bucket"] == "b"


def test_a_setting_out_of_its_range_ends_with_2_and_its_name():
    result = run("influx", "--check", environment={"EXPORTERS_BATCH_RECORDS": "0"})
    assert result.exit_code == 2
    assert "batch_records" in result.output


def test_a_replay_is_read_only_when_it_is_asked_for():
    assert topic_names([TERMINAL_EVENTS], "") == ["events.terminal.v1"]
    assert topic_names([TERMINAL_EVENTS], "r1") == ["replay.r1.events.terminal.v1"]


@pytest.mark.parametrize(("told", "is_refused"), [("", True), ("r2", True), ("r", True), ("r1", False)])
def test_the_records_of_a_replay_reach_no_destination_that_was_not_named_for_them(told, is_refused):
    class Replay:
        name = "replay.r1.events.network.v1"

    messages = [Log().message(Replay, a_detail())]
    if not is_refused:
        refuse_replays(messages, told)
        return
    with pytest.raises(Fatal, match="EXPORTERS_REPLAY"):
        refuse_replays(messages, told)


def test_the_loop_is_alive_as_long_as_it_turns():
    now_s = [0.0]
    metrics = Metrics(clock_s=lambda: now_s[0], stalled_after_s=60.0)
    statuses = []

    def ask():
        list(
            metrics.app()(
                {"PATH_INFO": "/healthz", "REQUEST_METHOD": "GET"}, lambda status, _: statuses.append(status[:3])
            )
        )

    ask()
    now_s[0] = 61.0
    ask()
    metrics.turned()
    ask()
    assert statuses == ["200", "503", "200"]
