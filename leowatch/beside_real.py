"""What is held beside real dishes: simulated links and outages on their slots of 15 s, and what was measured of theirs."""

from pathlib import Path

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from ingest.contract.columns import concatenate
from ingest.contract.frame import Rejected, TelemetryHeader, decode
from ingest.contract.telemetry import LAYOUTS
from ingest.contract.vocabulary import TerminalState
from ingest.recorded.ping import per_second, read_ping
from simulators.geometry import Floats
from simulators.obstruction import MOST_IN_THE_WAY
from simulators.run import Settings, new_sky

# Starlink's slots: 15 s that begin at second 12 (domain section 5a).
LIKE_STARLINK = Settings(
    terminals=150, minutes=12.0, scenario="quiet", slot_length_s=15, slot_phase_s=12, plan_ahead_s=30, edge_ratio=0.0
)
# Domain 5d: a heavily obstructed dish on the move, 13,484 s; outages less than a second apart merged.
REAL_OUTAGES = {"median_s": 4.6, "p90_s": 31.0, "per_hour": 325 / 13_484 * 3_600, "availability": 0.683}
_DRIVEN_MPS, _STRETCH_M = 20, 120
_DRIVEN = 60
_SETTLED_S = 15


def simulated_links(settings: Settings) -> dict[str, Floats]:
    """Live through a run; return every live sample's RTT, drop ratio and SNR, by terminal and then by time."""
    frames = []
    for second in new_sky(settings):
        for record in second.records:
            if record.topic.name.startswith("telemetry.terminal"):
                frame = decode(record.value, LAYOUTS, TelemetryHeader)
                if not isinstance(frame, Rejected) and frame.header.kind == "terminal" and frame.rows:
                    frames.append(frame.columns)
    rows = concatenate(frames, LAYOUTS["terminal"])
    order = np.lexsort((rows["observed_at_ns"], rows["terminal_index"]))
    wanted = ("terminal_index", "observed_at_ns", "pop_ping_latency_ms", "pop_ping_drop_ratio", "snr_db")
    return {name: rows[name][order] for name in wanted}


def real_seconds(trace: Path) -> dict[str, Floats]:
    """Return RTT and drop ratio of each second of a real trace."""
    seconds = per_second(read_ping(trace.read_bytes(), trace.name))
    names = ("observed_at_ns", "pop_ping_latency_ms", "pop_ping_drop_ratio")
    return {name: getattr(seconds, name) for name in names}


def served_among_trees(seconds: int) -> NDArray[np.bool_]:
    """Drive terminals along a road of nothing but trees and houses; return who had service, a row a second."""
    sky = new_sky(structs.replace(LIKE_STARLINK, terminals=_DRIVEN, minutes=seconds / 60, published_layer=False))
    fixed = np.flatnonzero(~np.isin(np.arange(_DRIVEN), sky.fleet.movers.who))
    served, live = [], iter(sky)
    for second in range(seconds):
        stretch = second * _DRIVEN_MPS // _STRETCH_M
        sky.dishes.reception.skyline[:] = np.random.default_rng(stretch).choice(MOST_IN_THE_WAY, _DRIVEN)
        next(live)
        served.append(sky.picture().terminal_state == TerminalState.CONNECTED)
    return np.array(served)[_SETTLED_S:, fixed]


def outage_lengths_s(served: NDArray[np.bool_]) -> Floats:
    """Return how long outages last that begin and end within the run, those a second apart merged."""
    lengths = []
    for column in served.T:
        ok = column.copy()
        ok[1:-1] &= ~(~column[:-2] & ~column[2:])
        edges = np.flatnonzero(np.diff(np.concatenate([[True], ok, [True]]).astype(np.int8)))
        begins, ends = edges[::2], edges[1::2]
        lengths += [end - begin for begin, end in zip(begins, ends, strict=True) if begin > 0 and end < len(ok)]
    return np.array(lengths, dtype=np.float64)
