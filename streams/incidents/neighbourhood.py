"""Which cells are of one area: those that a storm or a power cut takes together."""

from collections.abc import Collection, Sequence

import numpy as np
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from ingest.contract.columns import Array
from ingest.contract.inventory import Inventory

# Cells so near each other fail together: a storm's cells have one incident.
NEAR_KM = 150.0
_EARTH_KM = 6_371.0
# A chord of the unit sphere, instead of the arc: at this distance they differ by less than a metre.
_NEAR_CHORD = NEAR_KM / _EARTH_KM


class Neighbourhood:
    """Where cells are, by a terminal in each; a cell whose terminals have no place is near itself alone."""

    def __init__(self, inventory: Inventory) -> None:
        """Take a terminal's place for its cell's; (0, 0) is what an inventory says that knows none."""
        self._place_of_cell = {
            terminal.cell_id: (terminal.latitude_deg, terminal.longitude_deg)
            for terminal in inventory.terminals
            if (terminal.latitude_deg, terminal.longitude_deg) != (0.0, 0.0)
        }

    def areas(self, cells: Sequence[int]) -> list[list[int]]:
        """Return cells in groups: each is near another of its group, and near none of any other."""
        placed = [cell for cell in cells if cell in self._place_of_cell]
        alone = [[cell] for cell in cells if cell not in self._place_of_cell]
        if not placed:
            return alone
        tree = cKDTree(self._vectors(placed))
        count, labels = connected_components(tree.sparse_distance_matrix(tree, _NEAR_CHORD), directed=False)
        groups: list[list[int]] = [[] for _ in range(count)]
        for cell, label in zip(placed, labels.tolist(), strict=True):
            groups[label].append(cell)
        return [*groups, *alone]

    def near(self, cells: Collection[int], others: Collection[int]) -> int | None:
        """Return one of the others that is near one of the cells, or is one of them; None if there is none."""
        same = next((cell for cell in cells if cell in others), None)
        placed = [cell for cell in others if cell in self._place_of_cell]
        asked = [cell for cell in cells if cell in self._place_of_cell]
        if same is not None or not placed or not asked:
            return same
        distances, which = cKDTree(self._vectors(placed)).query(self._vectors(asked))
        nearest = int(np.argmin(distances))
        return placed[int(which[nearest])] if distances[nearest] <= _NEAR_CHORD else None

    def _vectors(self, cells: Sequence[int]) -> Array:
        """Return places as vectors of length one."""
        latitude, longitude = np.radians([self._place_of_cell[cell] for cell in cells]).T
        return np.stack(
            [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)], axis=1
        )
