"""Normal noise for many instruments at once: a table of it, entered at a random place each time."""

import numpy as np
from numpy.typing import NDArray

# A prime beyond a million: in a run of so many terminals no two instruments share a value.
_LENGTH = 1_299_709


class Noise:
    """Standard normal values for `count` instruments; drawing them anew each second costs ten times as much."""

    def __init__(self, count: int, rng: np.random.Generator) -> None:
        self._count, self._rng = count, rng
        self._table = np.resize(rng.standard_normal(_LENGTH, dtype=np.float32), _LENGTH + count)

    def normal(self) -> NDArray[np.float32]:
        """Return one value for each instrument; the array is only to be read."""
        start = int(self._rng.integers(0, _LENGTH))
        return self._table[start : start + self._count]
