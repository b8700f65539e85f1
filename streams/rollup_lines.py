"""A window's rows in whole numbers: microseconds, millionths, nanoseconds; exact, so that no order of adding changes a sum."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec
import numpy as np

from ingest.contract.columns import Array, Columns, row_count, take
from ingest.contract.instants import NS_PER_S
from streams.contract.rollups import ROLLUP, RTT_BUCKETS_MS, WINDOW_S, RollupHeader, bucket_name

WINDOW_NS = WINDOW_S * NS_PER_S
# A window is corrected for so long (design section 3); later ones come from the archive.
CORRECTION_NS = 2 * 3600 * NS_PER_S
# A row takes at most 300 bytes and a frame 900,000; the largest networks have a few hundred groups.
PART_ROWS = 2_500

BUCKETS = tuple(bucket_name(limit_ms) for limit_ms in RTT_BUCKETS_MS)
# Column of a rollup, and how many of the whole numbers here make one of its unit.
WHOLE_PER_UNIT: Mapping[str, int] = {
    "samples_count": 1, "rtt_count": 1, "rtt_sum_ms": 1000, "drop_sum": 1_000_000, "downlink_bytes": 1,
    "uplink_bytes": 1, "handovers_count": 1, "good_s": NS_PER_S, "bad_s": NS_PER_S, "expected_bad_s": NS_PER_S,
    "unknown_s": NS_PER_S, **dict.fromkeys(BUCKETS, 1),
}  # fmt: skip
SUMS = tuple(WHOLE_PER_UNIT)
_PER_UNIT = np.array(list(WHOLE_PER_UNIT.values()))
_INDEX_BITS = 30


class Lines(msgspec.Struct, frozen=True, eq=False):
    """Rows of one window.

    Attributes:
        groups: Gateway, PoP and model of each, as `code` writes them.
        sums: By row and `SUMS`.
        least_ms, most_ms: Round trips; infinite where there was none.
    """

    groups: Array
    sums: Array
    least_ms: Array
    most_ms: Array


def code(gateway: Array, pop: Array, model: Array) -> Array:
    """Return gateway, PoP and model as one number."""
    wide = (gateway.astype(np.int64) + 1) << (_INDEX_BITS + 2)
    coded: Array = wide | ((pop.astype(np.int64) + 1) << 2) | model
    return coded


def to_columns(window_ns: int, lines: Lines) -> dict[str, Array]:
    """Write rows as columns of a rollup, in the order of their groups."""
    order = np.argsort(lines.groups)
    groups, sums = lines.groups[order], lines.sums[order] / _PER_UNIT
    columns = {
        "window_start_ns": np.full(len(groups), window_ns),
        "gateway_index": (groups >> (_INDEX_BITS + 2)) - 1,
        "pop_index": ((groups >> 2) & ((1 << _INDEX_BITS) - 1)) - 1,
        "model": groups & 3,
        "rtt_min_ms": np.where(np.isfinite(lines.least_ms), lines.least_ms, np.nan)[order],
        "rtt_max_ms": np.where(np.isfinite(lines.most_ms), lines.most_ms, np.nan)[order],
        **dict(zip(SUMS, sums.T, strict=True)),
    }
    return {column.name: columns[column.name].astype(column.numpy_type) for column in ROLLUP.columns}


def from_columns(columns: Columns) -> Lines:
    """Read what `to_columns` wrote; a sum that was not sent is zero."""
    rows = row_count(columns)
    none = np.zeros(rows)
    sums = (
        np.stack([columns.get(name, none) for name in SUMS], axis=1) * _PER_UNIT if rows else np.empty((0, len(SUMS)))
    )
    groups = (
        code(*(columns[name] for name in ("gateway_index", "pop_index", "model"))) if rows else np.empty(0, np.int64)
    )
    least_ms, most_ms = (
        np.where(np.isnan(values := columns.get(name, none + np.nan)), beyond, values)
        for name, beyond in (("rtt_min_ms", np.inf), ("rtt_max_ms", -np.inf))
    )
    return Lines(groups, np.rint(sums).astype(np.int64), least_ms, most_ms)


def added(parts: Sequence[Lines]) -> Lines:
    """Add rows of one group together."""
    groups, rows = np.unique(np.concatenate([part.groups for part in parts]), return_inverse=True)
    sums = np.zeros((len(groups), len(SUMS)), np.int64)
    np.add.at(sums, rows, np.concatenate([part.sums for part in parts]))
    least_ms, most_ms = np.full(len(groups), np.inf), np.full(len(groups), -np.inf)
    np.minimum.at(least_ms, rows, np.concatenate([part.least_ms for part in parts]))
    np.maximum.at(most_ms, rows, np.concatenate([part.most_ms for part in parts]))
    return Lines(groups, sums, least_ms, most_ms)


def parted(header: RollupHeader, columns: Columns) -> Iterator[tuple[RollupHeader, dict[str, Array]]]:
    """Yield a window's columns in as many frames as their limit asks for; no rows are one frame."""
    part_count = max(1, -(-row_count(columns) // PART_ROWS))
    for part in range(part_count):
        numbered = msgspec.structs.replace(header, part=part, part_count=part_count)
        yield numbered, take(columns, slice(part * PART_ROWS, (part + 1) * PART_ROWS))
