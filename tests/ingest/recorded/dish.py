"""Builds a dish history as the dish would answer it, from invented numbers whose truth is known."""

import json
import sys

import numpy as np

TAKEN_AT_NS = 1_759_450_500_000_000_000  # 2025-10-03T00:15:00Z
SIZE = 900
GPS_EPOCH_S = 315_964_800
GPS_AHEAD_S = 18
# (first second after the oldest sample, length in s, cause, whether another satellite took over)
OUTAGES = (
    (100.0, 4.0, "NO_SCHEDULE", True),
    (250.6, 0.4, "NO_DOWNLINK", True),
    (403.0, 9.0, "OBSTRUCTED", False),
    (700.0, 2.0, "NO_PINGS", True),
)


def made_dish_history(*, written=123_456, size=SIZE, taken_at_ns=TAKEN_AT_NS, outages=OUTAGES, seed=0, gps_epoch=True):
    """Answer of `get_history` at that time, after that many samples were ever written."""
    rng = np.random.default_rng(seed)
    oldest_at_s = taken_at_ns / 1e9 - (size - 1)
    second = np.arange(size)
    slot = ((oldest_at_s - 12 + second) // 15).astype(int)
    slot -= slot[0]
    level_ms = 45 + 15 * rng.random(slot[-1] + 1)
    columns = {
        "popPingDropRate": np.where(rng.random(size) < 0.02, 0.05, 0.0),
        "popPingLatencyMs": level_ms[slot] + rng.gamma(1.5, 0.8, size),
        "downlinkThroughputBps": rng.gamma(2, 4e6, size),
        "uplinkThroughputBps": rng.gamma(2, 5e5, size),
    }
    for start_s, length_s, _, _ in outages:
        lost = np.clip(np.minimum(second + 1, start_s + length_s) - np.maximum(second, start_s), 0, 1)
        columns["popPingDropRate"] = np.maximum(columns["popPingDropRate"], lost)
        for name in ("popPingLatencyMs", "downlinkThroughputBps", "uplinkThroughputBps"):
            columns[name] = np.where(lost >= 1, 0.0, columns[name])
    base_s = oldest_at_s + GPS_AHEAD_S - (GPS_EPOCH_S if gps_epoch else 0)
    listed = [
        {
            "cause": cause,
            "startTimestampNs": str(round((base_s + start_s) * 1000) * 1_000_000),
            "durationNs": str(round(length_s * 1e9)),
            "didSwitch": switched,
        }
        for start_s, length_s, cause, switched in outages
    ]
    rings = {name: np.roll(values.round(3), written % size).tolist() for name, values in columns.items()}
    return {"apiVersion": "25", "dishGetHistory": {"current": str(written), **rings, "outages": listed}}


if __name__ == "__main__":
    json.dump(made_dish_history(), sys.stdout)
    sys.stdout.write("\n")
