"""How often each terminal reports: most once a second, some over longer intervals of which they tell the means."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ingest.contract.columns import Array
from ingest.contract.instants import NS_PER_S
from ingest.contract.vocabulary import TerminalModel

Flags: TypeAlias = NDArray[np.bool_]

# Of the smallest terminals, which count bytes and cost, so many report every 5, 15 and 60 s (assumed).
_SLOW_S, _SLOW_SHARES = (5, 15, 60), (0.05, 0.03, 0.05)
_MEANS = ("pop_ping_latency_ms", "pop_ping_drop_ratio", "downlink_throughput_bps", "uplink_throughput_bps")


def draw_cadences_s(model: NDArray[np.int8], rng: np.random.Generator) -> NDArray[np.int16]:
    """Say how many seconds lie between each terminal's samples."""
    choices = np.array([*_SLOW_S, 1], dtype=np.int16)
    drawn = choices[np.searchsorted(np.cumsum(_SLOW_SHARES), rng.random(len(model)), side="right")]
    return np.where(model == TerminalModel.NANO, drawn, 1).astype(np.int16)


class Reporting:
    """Who reports in a second; those that report seldom remember what they measured since."""

    def __init__(self, cadence_s: NDArray[np.int16]) -> None:
        self._slow: NDArray[np.int32] = np.flatnonzero(cadence_s > 1).astype(np.int32)
        self._cadence_s = cadence_s[self._slow].astype(np.int64)
        self._everyone: Flags = np.ones(len(cadence_s), dtype=np.bool_)
        self._sums = {name: np.zeros(len(self._slow)) for name in _MEANS}
        self._counts = {name: np.zeros(len(self._slow)) for name in _MEANS}

    def due(self, at_ns: int) -> Flags:
        """Tell who reports: the slow ones each in a second of its own."""
        reports = self._everyone.copy()
        reports[self._slow] = (at_ns // NS_PER_S + self._slow) % self._cadence_s == 0
        return reports

    def average(self, columns: dict[str, Array], reports: Flags) -> None:
        """Put the means of their intervals into the samples of those who report seldom."""
        due = reports[self._slow]
        for name in _MEANS:
            values = columns[name][self._slow]
            known = np.isfinite(values)
            self._sums[name] += np.where(known, values, 0.0)
            self._counts[name] += known
            with np.errstate(invalid="ignore"):
                means = self._sums[name] / self._counts[name]
            columns[name][self._slow[due]] = np.round(means[due], 3 if name.endswith("ratio") else 1)
            self._sums[name][due], self._counts[name][due] = 0.0, 0.0
