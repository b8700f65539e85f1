"""Which channel each cell's beam is in: cells that touch never share one."""

import numpy as np
from h3.api import basic_int as h3

from simulators.cells import Cells
from simulators.visibility import Indexes


def first_frequencies(cells: Cells) -> Indexes:
    """Give each cell the lowest channel that none of its neighbours to the south has.

    Of a hexagon's six neighbours three lie to the south, so four channels are enough.
    """
    southern_first = np.argsort(cells.latitude_deg, kind="stable")
    place = dict(zip(cells.cell_ids[southern_first].tolist(), southern_first.tolist(), strict=True))
    channel = np.full(len(cells), -1, dtype=np.int32)
    for cell, index in place.items():
        around = [place[other] for other in h3.grid_disk(cell, 1) if other in place]
        taken = set(channel[around].tolist())
        channel[index] = next(free for free in range(len(around) + 1) if free not in taken)
    return channel
