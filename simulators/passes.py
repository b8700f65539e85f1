"""The geometry of one slot: how each cell's satellite stands over it and over its gateway, second by second."""

from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.contract.instants import NS_PER_S
from simulators.burns import displaced
from simulators.fleet import Fleet
from simulators.geometry import Floats, east_north_up, ecef_km
from simulators.link import propagation_round_trip_ms
from simulators.network_conditions import SatelliteConditions
from simulators.orbits import Instants, propagate
from simulators.scheduler import NONE, Plan

Floats32: TypeAlias = NDArray[np.float32]


class Passes(msgspec.Struct, frozen=True, kw_only=True):
    """A row a second, an entry a cell; NaN where the cell has no cover."""

    start_at_ns: int
    service_range_km: Floats
    propagation_ms: Floats
    """Round trip of light, terminal to satellite, over lasers if there are any, to gateway and back."""
    direction: Floats32
    """Unit vector from the cell to its satellite: east, north, up."""

    def row(self, at_ns: int) -> int:
        """Return the row of the second that holds this instant."""
        return (at_ns - self.start_at_ns) // NS_PER_S


def passes_of(plan: Plan, fleet: Fleet, length_ns: int, burns: SatelliteConditions | None = None) -> Passes:
    """Follow every satellite that serves, or lands what others carry, through its slot.

    A terminal is looked at from the centre of its cell, as the plan does. The lasers' way is measured at the slot's
    ends: between them its length is straight within 2 km.
    """
    seconds = np.arange(length_ns // NS_PER_S, dtype=np.int64)
    cell = np.flatnonzero(plan.satellite_index != NONE)
    service_range_km = np.full((len(seconds), len(fleet.cells)), np.nan)
    propagation_ms = service_range_km.copy()
    direction = np.full((len(seconds), len(fleet.cells), 3), np.nan, dtype=np.float32)
    if len(cell):
        serving_km, landing_km = _positions_km(plan, cell, fleet, plan.slot_start_at_ns + seconds * NS_PER_S, burns)
        latitude_deg, longitude_deg = fleet.cells.latitude_deg[cell], fleet.cells.longitude_deg[cell]
        sight_km = serving_km - ecef_km(latitude_deg, longitude_deg)
        gateway_km = fleet.segment.gateways.position_km[plan.gateway_index[cell]]
        range_km = np.linalg.norm(sight_km, axis=-1)
        service_range_km[:, cell] = range_km
        propagation_ms[:, cell] = propagation_round_trip_ms(
            range_km, np.linalg.norm(landing_km - gateway_km, axis=-1), _laser_km(plan, cell, len(seconds))
        )
        for axis, towards in enumerate(east_north_up(latitude_deg, longitude_deg)):
            direction[:, cell, axis] = np.sum(sight_km * towards, axis=-1) / range_km
    return Passes(
        start_at_ns=plan.slot_start_at_ns,
        service_range_km=service_range_km,
        propagation_ms=propagation_ms,
        direction=direction,
    )


def _positions_km(
    plan: Plan, cell: NDArray[np.intp], fleet: Fleet, at_ns: Instants, burns: SatelliteConditions | None
) -> tuple[Floats, Floats]:
    """Place each cell's serving and landing satellite at each instant; each satellite is propagated once."""
    pair = np.stack([plan.satellite_index[cell], plan.landing_satellite[cell]])
    used, place = np.unique(pair, return_inverse=True)
    motion = propagate([fleet.carrying.satellites[index] for index in used.tolist()], at_ns)
    if burns is not None:
        motion = displaced(motion, at_ns, burns, used)
    serving, landing = place.reshape(pair.shape)
    return motion.position_km[:, serving], motion.position_km[:, landing]


def _laser_km(plan: Plan, cell: NDArray[np.intp], second_count: int) -> Floats:
    start_km, end_km = plan.laser_km
    passed = np.arange(second_count)[:, None] / second_count
    between_km: Floats = start_km[cell] + (end_km - start_km)[cell] * passed
    return between_km
