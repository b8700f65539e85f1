"""A broker of its own for each test: the topics have the contract's names, and a test harms them."""

from pathlib import Path

import pytest

from tests.stack.servers import kafka as kafkas

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.slow)
            if "kafka" in item.fixturenames:
                item.add_marker(pytest.mark.stack)


@pytest.fixture
def kafka(tmp_path):
    """A broker that nobody else sees."""
    folder = tmp_path / "kafka"
    folder.mkdir()
    with kafkas.start(folder) as broker:
        yield broker
