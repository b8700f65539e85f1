"""`leowatch page` as a person starts it, where there is no Kafka."""

import json
import subprocess
import sys
import threading
import urllib.request

import pytest
from typer.testing import CliRunner

from dashboards.page.server import serving
from ingest.contract.bus import Retry
from leowatch import page as pages
from leowatch.__main__ import app
from leowatch.page import Follower, Options
from tests.stack.servers.ports import free_port


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--kafka", "kafka"], "--kafka 'kafka' is no address: write host:port"),
        (["--kafka", "a:9092,http://b:1"], "--kafka 'http://b:1' is no address"),
        (["--allow-host", "noc.example:8080"], "--allow-host 'noc.example:8080' is no host name"),
        (["--allow-host", "https://noc.example"], "without scheme and port"),
    ],
)
def test_an_option_that_cannot_be_meant_is_refused_by_name(options, said):
    result = CliRunner().invoke(app, ["page", *options])
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_taken_port_is_said_and_nothing_is_left_running():
    with serving(lambda *_: None) as url:
        port = url.rstrip("/").rsplit(":", 1)[1]
        result = CliRunner().invoke(app, ["page", "--port", port])
    assert result.exit_code == 2
    assert "in use" in result.stderr


def test_names_that_browsers_may_use_can_be_added():
    Options(kafka="a:9092,b:9092", allowed_hosts=("noc.example", "*.noc.example", "10.0.0.7")).check()


class Absent:
    """A log that is not there, asked so many times."""

    def __init__(self, stopping, times):
        self._stopping, self._left = stopping, times

    def __call__(self, *_):
        self._left -= 1
        if not self._left:
            self._stopping.set()
        raise Retry("topic incidents.v1 is not there yet")


def test_a_log_that_is_not_there_is_waited_for_and_told_of_once_a_minute(monkeypatch):
    stopping = threading.Event()
    monkeypatch.setattr(pages, "Reading", Absent(stopping, 5))
    monkeypatch.setattr(pages, "_PAUSE_S", 0)
    said = []
    follower = Follower("127.0.0.1:9", 3600, said.append)
    assert follower.snapshot().notice == "Waiting for the log on Kafka at 127.0.0.1:9."
    follower.follow(stopping)
    state = follower.snapshot()
    assert (state.ready, state.at) == (False, "")
    assert state.notice == "Waiting for the log: topic incidents.v1 is not there yet."
    (line,) = said
    assert line.endswith(state.notice)


def test_the_page_is_up_before_kafka_is_and_ends_in_order_when_told_to():
    port = free_port()
    command = [sys.executable, "-m", "leowatch", "page", "--kafka", "127.0.0.1:9", "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert f"http://127.0.0.1:{port}/" in process.stderr.readline()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/state", timeout=5) as answer:
            assert json.load(answer)["now"]["notice"] == "Waiting for the log on Kafka at 127.0.0.1:9."
        process.terminate()
        assert process.wait(20) == 0
