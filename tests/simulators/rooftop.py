"""A few terminals under a sky of one's own choice: what the tests of attitude, reception and traffic stand on."""

from types import SimpleNamespace

import numpy as np

from simulators.attitude import Attitude
from simulators.cells import Cells
from simulators.fleet import Terminals
from simulators.network_conditions import CellConditions
from simulators.noise import Noise
from simulators.passes import Passes
from simulators.reception import Reception
from simulators.terminal_conditions import untroubled

SECOND_NS = 1_000_000_000
START_NS = 1_759_449_600 * SECOND_NS


def terminals(count, **fields):
    """Level terminals in one cell at 47 N."""
    plain = {
        "cell": np.zeros(count, np.int32),
        "tenant": np.zeros(count, np.int32),
        "model": np.ones(count, np.int8),
        "mobility": np.zeros(count, np.int8),
        "service": np.zeros(count, np.int8),
        "network_type": np.zeros(count, np.int8),
        "at_edge": np.zeros(count, np.bool_),
        "dual_path": np.zeros(count, np.bool_),
        "cadence_s": np.ones(count, np.int16),
        "latitude_deg": np.full(count, 47.0),
        "longitude_deg": np.zeros(count),
        "aligned_tilt_deg": np.zeros(count),
        "aligned_azimuth_deg": np.zeros(count),
    }
    return Terminals(**{**plain, **fields})


def cells(count=1):
    return CellConditions(
        lit=np.ones(count, np.bool_),
        demand_factor=np.ones(count),
        interference_db=np.zeros(count),
        rain_rate_mmph=np.zeros(count),
        weather_mmph=np.zeros(count),
    )


def passes(azimuth_deg, elevation_deg, start_at_ns=START_NS):
    """A satellite over the one cell: an entry a second."""
    azimuth, elevation = np.broadcast_arrays(np.radians(azimuth_deg), np.radians(elevation_deg))
    direction = np.stack(
        [np.sin(azimuth) * np.cos(elevation), np.cos(azimuth) * np.cos(elevation), np.sin(elevation)], axis=-1
    )
    range_km = 630.0 / np.sin(elevation)
    return Passes(
        start_at_ns=start_at_ns,
        service_range_km=range_km[:, None],
        propagation_ms=range_km[:, None] / 75.0,
        direction=direction[:, None, :].astype(np.float32),
    )


class Rooftop:
    def __init__(self, count=1, seed=1, **fields):
        self.terminals = terminals(count, **fields)
        self.conditions, self.cells = untroubled(self.terminals), cells()
        ground = Cells(cell_ids=np.array([1]), latitude_deg=np.array([47.0]), longitude_deg=np.array([0.0]))
        rngs = np.random.default_rng(seed).spawn(3)
        self.attitude = Attitude(self.terminals, self.conditions, Noise(count, rngs[0]), rngs[1])
        fleet = SimpleNamespace(terminals=self.terminals, cells=ground)
        self.reception = Reception(fleet, self.conditions, self.cells, self.attitude, rngs[2])
        self.reception.skyline[:] = 0

    def look(self, azimuth_deg, elevation_deg, start_at_ns=START_NS):
        """Live through a slot; return every second's causes."""
        slot = passes(azimuth_deg, elevation_deg, start_at_ns)
        self.reception.enter_slot(self.terminals.cell, slot)
        seen = []
        for second in range(len(slot.service_range_km)):
            at_ns = start_at_ns + second * SECOND_NS
            self.attitude.turn_to(at_ns)
            self.reception.turn_to(at_ns)
            seen.append(self.reception.cause.copy())
        return np.array(seen)
