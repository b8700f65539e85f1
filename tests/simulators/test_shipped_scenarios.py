"""Every shipped scenario, played in small: same seed, same bytes, and the truth of it is the same too."""

import re
from importlib import resources

import pytest

from simulators.run import Settings
from simulators.scenario import shipped
from tests.simulators.lived import written

pytestmark = pytest.mark.slow

_TIMES = re.compile(
    r"^(start_s|duration_s|spread_s|onset_s|recovery_s|announced_s|remediation_after_s) = ([\d.]+)$", re.MULTILINE
)
_MINUTES = 1.0


def in_small(name):
    """Return a scenario's text with its times shrunk, so that a minute shows all of it."""
    text = resources.files("simulators").joinpath("scenarios", f"{name}.toml").read_text()
    whole_s = max((float(value) for key, value in _TIMES.findall(text) if key == "start_s"), default=1.0)
    shrink = min(1.0, _MINUTES * 50.0 / whole_s)
    return _TIMES.sub(lambda found: f"{found[1]} = {max(0.5, float(found[2]) * shrink):.1f}", text)


@pytest.mark.parametrize("name", shipped())
def test_the_same_seed_says_the_same_bytes_and_the_same_truth(name, tmp_path):
    path = tmp_path / f"{name}.toml"
    path.write_text(in_small(name))
    settings = Settings(terminals=150, minutes=_MINUTES, seed=5, scenario=str(path), plan_ahead_s=30)
    first, again = (written(settings, tmp_path / folder) for folder in ("first", "again"))
    assert first == again
    for file in ("labels.jsonl", "outages.parquet", "handovers.parquet", "attitude.parquet"):
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "again" / file).read_bytes()
