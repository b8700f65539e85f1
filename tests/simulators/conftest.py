import pytest

from simulators.run import Settings
from tests.simulators.lived import live_through

SHORT_BAD_DAY = """
name = "short_bad_day"

[[fault]]
kind = "terminal_power_lost"
start_s = 20.3
duration_s = 25

[[fault]]
kind = "gateway_down"
start_s = 35
duration_s = 60
page_by_s = 90

[[fault]]
kind = "antenna_knocked_over"
start_s = 40
duration_s = 110
magnitude = 60
"""


@pytest.fixture(scope="session")
def short_bad_day(tmp_path_factory):
    path = tmp_path_factory.mktemp("scenario") / "short_bad_day.toml"
    path.write_text(SHORT_BAD_DAY)
    return Settings(terminals=400, minutes=4, scenario=str(path), edge_ratio=0.05, seed=2)


@pytest.fixture(scope="session")
def bad_day(short_bad_day, tmp_path_factory):
    return live_through(short_bad_day, tmp_path_factory.mktemp("truth"))
