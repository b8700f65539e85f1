"""The hexagons that beams light: h3 cells, each known by its centre."""

import msgspec
import numpy as np
from h3.api import basic_int as h3
from numpy.typing import NDArray

from simulators.geometry import Floats

RESOLUTION = 5  # 253 km2 on average, about 9 km to an edge: a small spot beam


class Cells(msgspec.Struct, frozen=True, kw_only=True):
    """Cells in rising order of id; a cell's position in these arrays is its index."""

    cell_ids: NDArray[np.int64]
    latitude_deg: Floats
    longitude_deg: Floats

    def __len__(self) -> int:
        return len(self.cell_ids)


def cells_around(latitude_deg: Floats, longitude_deg: Floats) -> tuple[Cells, NDArray[np.int32]]:
    """Find the cells that hold these positions, and the index of each position's cell."""
    points = zip(latitude_deg.tolist(), longitude_deg.tolist(), strict=True)
    ids = np.array([h3.latlng_to_cell(latitude, longitude, RESOLUTION) for latitude, longitude in points], np.int64)
    distinct, index = np.unique(ids, return_inverse=True)
    centres = np.array([h3.cell_to_latlng(cell) for cell in distinct.tolist()], np.float64).reshape(-1, 2)
    cells = Cells(cell_ids=distinct, latitude_deg=centres[:, 0], longitude_deg=centres[:, 1])
    return cells, index.astype(np.int32)
