"""What each version of the terminals' firmware reports: fields come with one and go with another."""

import numpy as np
from numpy.typing import NDArray

from ingest.contract.columns import Array
from ingest.contract.telemetry import TERMINAL

# By version: the columns that it does not fill. Vendors do this to real dishes: a field that was there yesterday is
# null today, in some terminals and not in others.
LACKS: tuple[tuple[str, ...], ...] = (
    ("modcod", "obstruction_ratio"),
    ("power_w",),
)
_NEW_SHARE = 0.4
_NULLS = {column.name: column.nulls(1)[0] for column in TERMINAL.columns}


def draw_versions(count: int, rng: np.random.Generator) -> NDArray[np.int8]:
    """Say which version each terminal runs as a run begins."""
    return (rng.random(count) < _NEW_SHARE).astype(np.int8)


def leave_out(columns: dict[str, Array], firmware: NDArray[np.int8]) -> None:
    """Empty the fields that a terminal's firmware does not report; each column is replaced, not written into."""
    for version, names in enumerate(LACKS):
        lacking = firmware == version
        for name in names:
            columns[name] = np.where(lacking, _NULLS[name], columns[name])
