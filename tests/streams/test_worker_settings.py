"""The settings of a worker, how they are shown, and what they make of Faust."""

import json

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from ingest.contract.topics import TERMINAL_TELEMETRY
from streams.__main__ import cli
from streams.app import ResumingConsumer, listen, make_app
from streams.metrics import Metrics
from streams.settings import Settings


def test_check_prints_the_resolved_settings_and_runs_nothing(monkeypatch):
    monkeypatch.setenv("STREAMS_INSTANCE", "worker-7")
    done = CliRunner().invoke(cli, ["worker", "--check"])

    assert done.exit_code == 0
    assert json.loads(done.stdout)["instance"] == "worker-7"


def test_every_setting_says_what_it_is_for():
    assert all(field.description for field in Settings.model_fields.values())


def test_a_setting_that_cannot_be_is_refused(monkeypatch):
    monkeypatch.setenv("STREAMS_SESSION_TIMEOUT_S", "-1")

    with pytest.raises(ValidationError, match="session_timeout_s"):
        Settings()


def test_faust_keeps_no_table_serves_no_web_and_never_waits_for_streams_to_empty():
    conf = make_app(Settings()).conf

    assert not conf.web_enabled
    assert not conf.stream_wait_empty
    assert not conf.topic_allow_declare
    assert conf.topic_disable_leader


def test_a_worker_keeps_its_place_in_the_group_over_a_restart():
    conf = make_app(Settings(instance="worker-3", session_timeout_s=10, heartbeat_s=3)).conf

    assert conf.consumer_group_instance_id == "worker-3"
    assert (conf.broker_session_timeout, conf.broker_heartbeat_interval) == (10, 3)


def test_the_app_has_one_agent_over_raw_bytes_in_order():
    app = make_app(Settings())

    async def carry(stream):
        pass

    listen(app, carry)
    (agent,) = app.agents.values()
    assert agent.concurrency == 1
    assert agent.channel.get_topic_name() == TERMINAL_TELEMETRY.name
    assert app.transport.Consumer is ResumingConsumer
    assert not app.tables


def test_every_metric_of_the_worker_is_named_after_it_and_explained():
    metrics = Metrics()
    metrics.watch(ages_s=lambda: {0: 1.0}, found=lambda: {"samples": 3})
    families = list(metrics.registry.collect())

    assert all(family.name.startswith("leo_streams_") for family in families)
    assert all(family.documentation.endswith(".") for family in families)
    assert len({family.name for family in families}) == len(families)
