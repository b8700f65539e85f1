import pytest

from tests.score.make_run import perfect_run


@pytest.fixture
def run(tmp_path):
    return perfect_run(tmp_path)
