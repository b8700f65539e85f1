"""The geometry of one slot: how each cell's satellite stands over it and over its gateway, second by second."""

from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.contract.instants import NS_PER_S
from simulators.fleet import Fleet
from simulators.geometry import Floats, east_north_up, ecef_km
from simulators.link import propagation_round_trip_ms
from simulators.orbits import propagate
from simulators.scheduler import NONE, Plan

Floats32: TypeAlias = NDArray[np.float32]


class Passes(msgspec.Struct, frozen=True, kw_only=True):
    """A row a second, an entry a cell; NaN where the cell has no cover."""

    start_at_ns: int
    service_range_km: Floats
    propagation_ms: Floats
    """Round trip of light, terminal to satellite to gateway and back."""
    direction: Floats32
    """Unit vector from the cell to its satellite: east, north, up."""

    def row(self, at_ns: int) -> int:
        """Return the row of the second that holds this instant."""
        return (at_ns - self.start_at_ns) // NS_PER_S


def passes_of(plan: Plan, fleet: Fleet, length_ns: int) -> Passes:
    """Follow every satellite that serves through its slot.

    A terminal is looked at from the centre of its cell, as the plan does.
    """
    seconds = np.arange(length_ns // NS_PER_S, dtype=np.int64)
    cell = np.flatnonzero(plan.satellite_index != NONE)
    serving, place = np.unique(plan.satellite_index[cell], return_inverse=True)
    service_range_km = np.full((len(seconds), len(fleet.cells)), np.nan)
    propagation_ms = service_range_km.copy()
    direction = np.full((len(seconds), len(fleet.cells), 3), np.nan, dtype=np.float32)
    if len(cell):
        satellites = [fleet.carrying.satellites[index] for index in serving.tolist()]
        positions_km = propagate(satellites, plan.slot_start_at_ns + seconds * NS_PER_S).position_km[:, place]
        latitude_deg, longitude_deg = fleet.cells.latitude_deg[cell], fleet.cells.longitude_deg[cell]
        sight_km = positions_km - ecef_km(latitude_deg, longitude_deg)
        feeder_km = np.linalg.norm(positions_km - fleet.segment.gateways.position_km[plan.gateway_index[cell]], axis=-1)
        range_km = np.linalg.norm(sight_km, axis=-1)
        service_range_km[:, cell] = range_km
        propagation_ms[:, cell] = propagation_round_trip_ms(range_km, feeder_km)
        for axis, towards in enumerate(east_north_up(latitude_deg, longitude_deg)):
            direction[:, cell, axis] = np.sum(sight_km * towards, axis=-1) / range_km
    return Passes(
        start_at_ns=plan.slot_start_at_ns,
        service_range_km=service_range_km,
        propagation_ms=propagation_ms,
        direction=direction,
    )
