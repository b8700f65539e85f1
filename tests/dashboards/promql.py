"""The metric names in an expression of PromQL, and those that somebody declares."""

import re

from dashboards.recordings import RECORDINGS
from exporters.contract.metrics import NETWORK_METRICS, MetricType

_STRING = re.compile(r'"[^"]*"')
_GROUPING = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_NAME = re.compile(r"(?<![\w:.])([a-zA-Z_][\w:]*)(?!\s*\(|[\w:])")
_SELECTOR = re.compile(r"\{[^}]*\}")
_DURATION = re.compile(r"\[[^\]]*\]|\boffset\s+\w+")
_WORDS = {"or", "and", "unless", "bool", "by", "without", "on", "offset", "le"}


def names_in(expression):
    """Return every metric that the expression selects."""
    for what in (_STRING, _SELECTOR, _DURATION, _GROUPING):
        expression = what.sub(" ", expression)
    return set(_NAME.findall(expression)) - _WORDS


def declared_names():
    """Return every name that the exporter's page or a recording rule gives a series."""
    names = {recording.name for recording in RECORDINGS}
    for metric in NETWORK_METRICS:
        suffixes = ("_bucket", "_sum", "_count") if metric.type is MetricType.HISTOGRAM else ("",)
        names |= {metric.name + suffix for suffix in suffixes}
    return names
