"""The recording rules: ratios that boards and alerts ask for again and again, counted once."""

import msgspec

from exporters.contract.metrics import BAD_SECONDS, GOOD_SECONDS, UNKNOWN_SECONDS, WATERMARK, Metric


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """One recording rule; its name is level:metric:operation."""

    name: str
    expr: str


def _rate(metric: Metric, by: str) -> str:
    return f"sum{by}(rate({metric.name}[5m]))"


def _good_share(by: str = "") -> str:
    """Return good over good and bad: what was foreseen and what we cannot know are neither, and are shown apart."""
    return f"{_rate(GOOD_SECONDS, by)} / ({_rate(GOOD_SECONDS, by)} + {_rate(BAD_SECONDS, by)})"


def _unknown_share() -> str:
    known = " + ".join(_rate(metric, "") for metric in (GOOD_SECONDS, BAD_SECONDS, UNKNOWN_SECONDS))
    return f"{_rate(UNKNOWN_SECONDS, '')} / ({known})"


FLEET_GOOD_RATIO = Recording(name="fleet:leo_service_good:ratio_rate5m", expr=_good_share())
GATEWAY_GOOD_RATIO = Recording(name="gateway:leo_service_good:ratio_rate5m", expr=_good_share(" by (gateway) "))
FLEET_UNKNOWN_RATIO = Recording(name="fleet:leo_service_unknown:ratio_rate5m", expr=_unknown_share())
# 1 in real time, 60 in a demo at speed 60, 0 at a standstill.
PIPELINE_SPEED = Recording(name="fleet:leo_pipeline_speed:ratio_deriv2m", expr=f"max(deriv({WATERMARK.name}[2m]))")

RECORDINGS: tuple[Recording, ...] = (FLEET_GOOD_RATIO, GATEWAY_GOOD_RATIO, FLEET_UNKNOWN_RATIO, PIPELINE_SPEED)
