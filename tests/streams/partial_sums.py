"""What the partials or the wholes of a run come to, added by window, gateway, PoP and model."""

from collections import Counter, defaultdict

import numpy as np

from ingest.contract.frame import decode
from streams.contract.rollups import ROLLUP_LAYOUTS, RTT_BUCKETS_MS, RollupHeader, bucket_name

# A rollup's column, the twin's word for it, and how many of the twin's units make one of the column's.
WHOLE = {
    "samples_count": ("samples_count", 1), "rtt_count": ("rtt_count", 1), "rtt_sum_ms": ("rtt_us", 1000),
    "drop_sum": ("drop_millionths", 10**6), "downlink_bytes": ("downlink_bytes", 1), "uplink_bytes": ("uplink_bytes", 1),
    "handovers_count": ("handovers_count", 1), "good_s": ("good", 10**9), "bad_s": ("bad", 10**9),
    "expected_bad_s": ("expected", 10**9), "unknown_s": ("unknown", 10**9),
    **{bucket_name(limit): (bucket_name(limit), 1) for limit in RTT_BUCKETS_MS},
}  # fmt: skip


def add_up(said):
    """Return {(window, gateway, pop, model): columns in whole numbers} of partials as (header, columns)."""
    found = defaultdict(Counter)
    for header, columns in said:
        for row in range(len(columns.get("model", ()))):
            key = tuple(int(columns[name][row]) for name in ("gateway_index", "pop_index", "model"))
            for name, (word, per_unit) in WHOLE.items():
                found[header.window_start_ns, *key][word] += round(float(columns[name][row]) * per_unit)
    return {
        key: {name: value for name, value in total.items() if value}
        for key, total in found.items()
        if any(total.values())
    }


def final(values):
    """Return what the last revision of each window among wholes' frames comes to."""
    last = {}
    for value in values:
        frame = decode(value, ROLLUP_LAYOUTS, RollupHeader)
        known = last.get(frame.header.window_start_ns)
        if known is None or frame.header.revision > known.header.revision:
            last[frame.header.window_start_ns] = frame
    return add_up((frame.header, frame.columns) for frame in last.values())


def extremes(said):
    """Return the lowest and the highest round trip of each window."""
    found = {}
    for header, columns in said:
        for low, high in zip(columns.get("rtt_min_ms", ()), columns.get("rtt_max_ms", ()), strict=True):
            was = found.get(header.window_start_ns, (np.inf, -np.inf))
            found[header.window_start_ns] = np.fmin(was[0], low), np.fmax(was[1], high)
    return found
