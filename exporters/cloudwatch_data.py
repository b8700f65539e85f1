"""Findings as CloudWatch data, within every limit of PutMetricData (domain section 8a); moto would accept much that AWS refuses.

CloudWatch has no idempotency: a datum that is put twice counts twice in Sum and SampleCount. So there is one datum for
each metric, dimensions and minute, put when the minute is over for every shard, and read with Maximum: putting it again
changes nothing that is read.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from ingest.contract.frame import Frame, Rejected, RejectReason
from ingest.contract.instants import NS_PER_S
from ingest.contract.vocabulary import SubjectKind, TerminalModel
from streams.contract.detail import InventoryNames
from streams.contract.rollups import ROLLUP, RollupHeader

PERIOD_NS = 60 * NS_PER_S
DATA_COUNT = 1_000
CALL_BYTES = 1_000_000
DIMENSIONS_COUNT = 30
NAME_LENGTH = 255
DIMENSION_VALUE_LENGTH = 1_024
VALUE_LIMIT = 2.0**360
EARLIEST_NS = 14 * 86_400 * NS_PER_S
LATEST_NS = 2 * 3600 * NS_PER_S
UNITS = frozenset(
    {
        "Seconds", "Microseconds", "Milliseconds", "Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes", "Bits",
        "Kilobits", "Megabits", "Gigabits", "Terabits", "Percent", "Count", "Bytes/Second", "Kilobytes/Second",
        "Megabytes/Second", "Gigabytes/Second", "Terabytes/Second", "Bits/Second", "Kilobits/Second", "Megabits/Second",
        "Gigabits/Second", "Terabits/Second", "Count/Second", "None",
    }
)  # fmt: skip

# Our column and CloudWatch's unit; it has none for dB, degrees and ratios.
_WINDOW_UNITS = {
    "samples_count": "Count", "handovers_count": "Count", "good_s": "Seconds", "bad_s": "Seconds",
    "expected_bad_s": "Seconds", "unknown_s": "Seconds", "downlink_bytes": "Bytes", "uplink_bytes": "Bytes",
}  # fmt: skip


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """Many values as four numbers; percentiles cannot be had of them."""

    count: float
    total: float
    minimum: float
    maximum: float


class Datum(msgspec.Struct, frozen=True, kw_only=True):
    """One value of one metric in one minute.

    Attributes:
        dimensions: Name and value; each combination is a metric that is paid for.
        at_ns: First instant of the minute.
        value: A number, or statistics.
        resolution_s: 1 or 60.
    """

    metric: str
    dimensions: tuple[tuple[str, str], ...]
    at_ns: int
    unit: str
    value: float | Statistics
    resolution_s: int = 60


def count_datum(metric: str, dimensions: tuple[tuple[str, str], ...], at_ns: int, count: int) -> Datum:
    """Return how many there were in a minute."""
    return Datum(metric=metric, dimensions=dimensions, at_ns=at_ns, unit="Count", value=float(count))


def window_data(rollup: Frame[RollupHeader], names: InventoryNames) -> Iterator[Datum]:
    """Yield the data of a window, by gateway, PoP and model."""
    values = {column.name: rollup.column(column.name).tolist() for column in ROLLUP.columns}
    for row in range(rollup.rows):
        at_ns = values["window_start_ns"][row]
        dimensions = (
            ("Gateway", _name(names, SubjectKind.GATEWAY, values["gateway_index"][row])),
            ("Pop", _name(names, SubjectKind.POP, values["pop_index"][row])),
            ("Model", TerminalModel(values["model"][row]).name.lower()),
        )
        for name, unit in _WINDOW_UNITS.items():
            if values[name][row] >= 0:  # what a frame leaves out reads as NaN or -1
                yield Datum(metric=name, dimensions=dimensions, at_ns=at_ns, unit=unit, value=float(values[name][row]))
        if values["rtt_count"][row] > 0:
            rtt = Statistics(
                count=float(values["rtt_count"][row]),
                total=values["rtt_sum_ms"][row],
                minimum=values["rtt_min_ms"][row],
                maximum=values["rtt_max_ms"][row],
            )
            yield Datum(
                metric="pop_ping_latency_ms", dimensions=dimensions, at_ns=at_ns, unit="Milliseconds", value=rtt
            )


def complaint(datum: Datum, now_ns: int) -> Rejected | None:
    """Return which limit a datum breaks, None where CloudWatch takes it."""
    for reason, wrong in _complaints(datum, now_ns):
        return Rejected(reason=reason, detail=wrong, field=datum.metric)
    return None


def check_namespace(namespace: str) -> str | None:
    """Return what is wrong with a namespace, None where it may be used."""
    if not 1 <= len(namespace) <= NAME_LENGTH:
        return f"a namespace has 1 to {NAME_LENGTH} characters, this one {len(namespace)}"
    if namespace.startswith((":", "AWS/")):
        return f"a namespace begins neither with ':' nor with 'AWS/': {namespace!r}"
    return None


def size_bytes(datum: Datum) -> int:
    """Return an upper bound of what a datum fills of a call: each character may be written as three."""
    texts = sum(120 + 3 * (len(name) + len(value)) for name, value in datum.dimensions)
    return 600 + 3 * len(datum.metric) + texts


def parameters(datum: Datum) -> dict[str, Any]:
    """Return a datum as PutMetricData takes it, all but its time."""
    said: dict[str, Any] = {
        "MetricName": datum.metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in datum.dimensions],
        "Unit": datum.unit,
        "StorageResolution": datum.resolution_s,
    }
    if isinstance(datum.value, Statistics):
        told: Mapping[str, float] = {
            "SampleCount": datum.value.count,
            "Sum": datum.value.total,
            "Minimum": datum.value.minimum,
            "Maximum": datum.value.maximum,
        }
        return {**said, "StatisticValues": dict(told)}
    return {**said, "Value": datum.value}


def _complaints(datum: Datum, now_ns: int) -> Iterator[tuple[RejectReason, str]]:
    if not 1 <= len(datum.metric) <= NAME_LENGTH:
        yield RejectReason.TOO_LARGE, f"a metric's name has 1 to {NAME_LENGTH} characters"
    if len(datum.dimensions) > DIMENSIONS_COUNT:
        yield RejectReason.TOO_LARGE, f"{len(datum.dimensions)} dimensions; {DIMENSIONS_COUNT} are taken"
    for name, value in datum.dimensions:
        yield from _dimension_complaints(name, value)
    if datum.unit not in UNITS:
        yield RejectReason.UNKNOWN_CHOICE, f"{datum.unit!r} is no unit of CloudWatch"
    if datum.resolution_s not in (1, 60):
        yield RejectReason.UNKNOWN_CHOICE, f"a storage resolution is 1 or 60, not {datum.resolution_s}"
    yield from _value_complaints(datum.value)
    if not now_ns - EARLIEST_NS <= datum.at_ns <= now_ns + LATEST_NS:
        yield RejectReason.OUT_OF_RANGE, "a datum lies at most two weeks back and two hours ahead"


def _dimension_complaints(name: str, value: str) -> Iterator[tuple[RejectReason, str]]:
    if not 1 <= len(name) <= NAME_LENGTH or not 1 <= len(value) <= DIMENSION_VALUE_LENGTH:
        yield (
            RejectReason.TOO_LARGE,
            f"a dimension's name has 1 to {NAME_LENGTH} characters, its value to {DIMENSION_VALUE_LENGTH}",
        )
    if not (name.isascii() and value.isascii()):
        yield RejectReason.OUT_OF_RANGE, f"dimension {name!r} is not ASCII"
    if not name.strip() or not value.strip():
        yield RejectReason.OUT_OF_RANGE, "a dimension needs at least one character that is not blank"
    if name.startswith(":"):
        yield RejectReason.OUT_OF_RANGE, f"dimension {name!r} begins with ':'"


def _value_complaints(value: float | Statistics) -> Iterator[tuple[RejectReason, str]]:
    numbers = [value] if isinstance(value, float) else [value.count, value.total, value.minimum, value.maximum]
    if not all(math.isfinite(number) for number in numbers):
        yield RejectReason.NOT_A_NUMBER, "NaN and infinity are not taken"
    elif any(abs(number) > VALUE_LIMIT for number in numbers):
        yield RejectReason.OUT_OF_RANGE, "a value lies within -2^360 and 2^360"


def _name(names: InventoryNames, kind: SubjectKind, index: int) -> str:
    return names(kind, index) if index >= 0 else "none"
