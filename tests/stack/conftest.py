"""The real servers, one of each for the whole test run; every test in this folder is marked `stack`.

A server that is not on the machine is a failure that says how to get it, never a skip.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.stack.servers import alertmanager as alertmanagers
from tests.stack.servers import fault_proxy as proxies
from tests.stack.servers import influx as influxes
from tests.stack.servers import kafka as kafkas
from tests.stack.servers import moto as motos
from tests.stack.servers import prometheus as prometheuses
from tests.stack.servers import webhook as webhooks

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.stack)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory) -> Iterator[kafkas.Kafka]:
    """A broker that all tests share: name your topics after your test."""
    with kafkas.start(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture(scope="session")
def influx(tmp_path_factory) -> Iterator[influxes.Influx]:
    """An InfluxDB with one bucket that all tests share."""
    with influxes.start(tmp_path_factory.mktemp("influx")) as server:
        yield server


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory) -> Iterator[Callable[..., prometheuses.Prometheus]]:
    """Start a Prometheus with a configuration of the test's own."""
    with ExitStack() as running:
        yield lambda config: running.enter_context(prometheuses.start(tmp_path_factory.mktemp("prometheus"), config))


@pytest.fixture(scope="session")
def alertmanager(tmp_path_factory) -> Iterator[Callable[..., alertmanagers.Alertmanager]]:
    """Start an Alertmanager with a configuration of the test's own."""
    with ExitStack() as running:
        yield lambda config: running.enter_context(alertmanagers.start(tmp_path_factory.mktemp("alerts"), config))


@pytest.fixture(scope="session")
def moto(tmp_path_factory) -> Iterator[motos.Moto]:
    """A CloudWatch, EventBridge, SQS and STS that all tests share; `moto.reset()` empties it."""
    with motos.start(tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture
def fault_proxy(moto) -> Iterator[proxies.FaultProxy]:
    """A proxy in front of moto that a test tells what to do wrong."""
    with proxies.start(moto.url) as proxy:
        yield proxy


@pytest.fixture
def webhook() -> Iterator[webhooks.Webhook]:
    """The on-call engineer's telephone."""
    with webhooks.start() as receiver:
        yield receiver
