"""The one-second rings of a dish, as the protobuf JSON of its `get_history` call.

    {"dishGetHistory": {"current": "123456", "popPingDropRate": [900 numbers], ..., "outages": [...]}}

A ring's slot `i % size` holds sample `i`, and `current` samples were ever written: the oldest of a full ring stands at
`current % size`. 64-bit integers are strings in protobuf JSON.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from ingest.contract.instants import NS_PER_S
from ingest.recorded.malformed import Malformed
from ingest.recorded.text import to_text

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_Number: TypeAlias = float | int | str | None

# GPS time has had no leap second since 1980-01-06; UTC has had 18, the last of them at the end of 2016.
_GPS_AHEAD_NS = 18 * NS_PER_S
_GPS_EPOCH_AT_NS = 315_964_800 * NS_PER_S
# 2020-01-01 as Unix time. No dish was older, so what reads as earlier counts from the GPS epoch (until 2030).
_EARLIEST_AT_NS = 1_577_836_800 * NS_PER_S
_HOW = 'give what `get_history` answers, as JSON: {"dishGetHistory": {"current": "...", "popPingDropRate": [...], ...}}'
_EVENT_OUTAGE = "EVENT_REASON_OUTAGE_"


@dataclass(frozen=True, slots=True, kw_only=True)
class DishOutages:
    """The dish's own list of outages: its opinion, kept apart from what is measured.

    Attributes:
        cause: The dish's word for each, as in NO_SCHEDULE.
        start_at_ns: UTC.
        duration_ns: How long.
        did_switch: Whether it came back through another satellite.
    """

    cause: tuple[str, ...]
    start_at_ns: Ints
    duration_ns: Ints
    did_switch: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class DishHistory:
    """The rings in the order of time.

    Attributes:
        clock: `utc` if the time of the newest sample was given; else times count from the first sample.
        sequence: The dish's own count of samples since it booted: two histories overlap where it repeats, and the dish
            rebooted where it falls.
        observed_at_ns: One second apart.
        pop_ping_drop_ratio: NaN where the dish gave none, as in the columns below.
        pop_ping_latency_ms: NaN also where every ping was lost.
        downlink_throughput_bps: Over the second.
        uplink_throughput_bps: Over the second.
        outages: UTC whatever the clock of the samples.
        bad_values_count: Values that are no number or out of range, and read as NaN.
    """

    clock: Literal["utc", "relative"]
    sequence: Ints
    observed_at_ns: Ints
    pop_ping_drop_ratio: Floats
    pop_ping_latency_ms: Floats
    downlink_throughput_bps: Floats
    uplink_throughput_bps: Floats
    outages: DishOutages
    bad_values_count: int


class _Outage(msgspec.Struct, frozen=True, rename="camel"):
    cause: str = "UNKNOWN"
    start_timestamp_ns: int | str = 0
    duration_ns: int | str = 0
    did_switch: bool = False


class _LoggedEvent(msgspec.Struct, frozen=True, rename="camel"):
    reason: str = ""
    start_timestamp_ns: int | str = 0
    duration_ns: int | str = 0


class _EventLog(msgspec.Struct, frozen=True, rename="camel"):
    events: tuple[_LoggedEvent, ...] = ()


class _Rings(msgspec.Struct, frozen=True, rename="camel"):
    current: int | str = 0
    pop_ping_drop_rate: tuple[_Number, ...] = ()
    pop_ping_latency_ms: tuple[_Number, ...] = ()
    downlink_throughput_bps: tuple[_Number, ...] = ()
    uplink_throughput_bps: tuple[_Number, ...] = ()
    outages: tuple[_Outage, ...] = ()
    event_log: _EventLog = _EventLog()


class _Answer(msgspec.Struct, frozen=True, rename="camel"):
    dish_get_history: _Rings


def read_dish_history(raw: bytes, name: str, taken_at_ns: int | None = None) -> DishHistory:
    """Read a history dump, gzipped or not.

    Args:
        raw: The file.
        name: Its name, for messages.
        taken_at_ns: When the dump was taken: the time of the newest sample.

    Raises:
        Malformed: It is no history, or holds no sample.
    """
    try:
        rings = msgspec.json.decode(to_text(raw, name), type=_Answer).dish_get_history
    except msgspec.MsgspecError as error:
        raise Malformed(name, f"no dish history ({error})", _HOW) from error
    order, sequence = _order(rings, name)
    drop, drop_bad = _column(rings.pop_ping_drop_rate, order, 1.0)
    latency, latency_bad = _column(rings.pop_ping_latency_ms, order, 60_000.0)
    downlink, downlink_bad = _column(rings.downlink_throughput_bps, order, 1e12)
    uplink, uplink_bad = _column(rings.uplink_throughput_bps, order, 1e12)
    newest_at_ns = (len(order) - 1) * NS_PER_S if taken_at_ns is None else taken_at_ns
    return DishHistory(
        clock="relative" if taken_at_ns is None else "utc",
        sequence=sequence,
        observed_at_ns=newest_at_ns - (len(order) - 1 - np.arange(len(order))) * NS_PER_S,
        pop_ping_drop_ratio=drop,
        # A second in which every ping was lost has no latency; dishes write 0 or repeat an old one.
        pop_ping_latency_ms=np.where((drop >= 1) | (latency <= 0), np.nan, latency),
        downlink_throughput_bps=downlink,
        uplink_throughput_bps=uplink,
        outages=_outages(rings, name),
        bad_values_count=drop_bad + latency_bad + downlink_bad + uplink_bad,
    )


def _order(rings: _Rings, name: str) -> tuple[Ints, Ints]:
    """Return the ring's slots from the oldest sample to the newest, and the number of each sample."""
    columns = (
        rings.pop_ping_drop_rate,
        rings.pop_ping_latency_ms,
        rings.downlink_throughput_bps,
        rings.uplink_throughput_bps,
    )
    sizes = {len(column) for column in columns if column}
    if len(sizes) > 1:
        raise Malformed(name, f"rings of different lengths {sorted(sizes)}", "take the dump again in one call")
    size, written = max(sizes, default=0), _integer(rings.current, name)
    held = min(size, written)
    if held <= 0:
        raise Malformed(name, "no samples in it", _HOW)
    sequence = np.arange(written - held, written)
    return sequence % size, sequence


def _column(ring: tuple[_Number, ...], order: Ints, most: float) -> tuple[Floats, int]:
    """Return a ring in order and the number of values that are none; all NaN where the dish has no such ring."""
    if not ring:
        return np.full(len(order), np.nan), 0
    values = np.array([_float(ring[slot]) for slot in order.tolist()])
    good = (values >= 0) & (values <= most)
    return np.where(good, values, np.nan), int((~good).sum())


def _float(value: _Number) -> float:
    try:
        return np.nan if value is None else float(value)  # protobuf JSON writes "NaN" as a string
    except ValueError:
        return np.nan


def _integer(value: int | str, name: str) -> int:
    try:
        number = int(value)
    except ValueError as error:
        raise Malformed(name, f"{value!r} is no 64-bit integer", _HOW) from error
    if not 0 <= number < 2**63:
        raise Malformed(name, f"{value!r} is no 64-bit count", _HOW)
    return number


def _outages(rings: _Rings, name: str) -> DishOutages:
    # Newer firmware logs outages among other events.
    logged = [
        _Outage(event.reason.removeprefix(_EVENT_OUTAGE), event.start_timestamp_ns, event.duration_ns)
        for event in rings.event_log.events
        if event.reason.startswith(_EVENT_OUTAGE)
    ]
    listed = sorted((*rings.outages, *logged), key=lambda outage: _integer(outage.start_timestamp_ns, name))
    starts = [_to_utc_ns(_integer(outage.start_timestamp_ns, name)) for outage in listed]
    return DishOutages(
        cause=tuple(outage.cause for outage in listed),
        start_at_ns=np.array(starts, np.int64),
        duration_ns=np.array([_integer(outage.duration_ns, name) for outage in listed], np.int64),
        did_switch=np.array([outage.did_switch for outage in listed], np.bool_),
    )


def _to_utc_ns(gps_ns: int) -> int:
    unix_ns = gps_ns if gps_ns >= _EARLIEST_AT_NS else gps_ns + _GPS_EPOCH_AT_NS
    return unix_ns - _GPS_AHEAD_NS
