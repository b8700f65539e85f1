"""The cloud's own network on the ground: any gateway reaches any PoP, and traffic stays on it as long as it can.

Cold potato: traffic leaves at the PoP and not at the first exchange, so that all of the way is measured and ours.
"""

import numpy as np

from simulators.geometry import Floats, surface_distance_km
from simulators.matching import NONE
from simulators.network_conditions import Bools, Bytes, PopConditions
from simulators.sites import Sites
from simulators.visibility import Indexes

SPACE_BUDGET_MS = 10.0
"""Terminal to satellite to gateway and back (re:Invent 2025, ARC320)."""
GROUND_BUDGET_MS = 12.0
"""Gateway to the cloud's network and back at launch (re:Invent 2025, ARC320)."""

_FIBRE_KM_PER_MS = 200.0
# Fibre follows roads (1.2 to 2 is usual), and a site has its baseband and its first hops; both are chosen so that half of
# 214 gateways keep the ground budget.
_FIBRE_DETOUR = 1.4
_LANDING_MS = 3.0
_MEASURED_POPS = 4


def round_trips_ms(gateways: Sites, pops: Sites) -> Floats:
    """Give the time from each gateway to each PoP and back."""
    distance_km = surface_distance_km(
        gateways.latitude_deg[:, None], gateways.longitude_deg[:, None], pops.latitude_deg, pops.longitude_deg
    )
    round_trip_ms: Floats = _LANDING_MS + 2.0 * _FIBRE_DETOUR * distance_km / _FIBRE_KM_PER_MS
    return round_trip_ms


def nearest_pops(round_trip_ms: Floats, live: Bools) -> Indexes:
    """Name for each gateway the nearest PoP that works; NONE where none does."""
    if not live.any():
        return np.full(len(round_trip_ms), NONE, dtype=np.int32)
    return np.asarray(np.where(live, round_trip_ms, np.inf).argmin(axis=1), dtype=np.int32)


def measured_pairs(round_trip_ms: Floats) -> tuple[Indexes, Indexes]:
    """Name the pairs of gateway and PoP that gateways measure: to the PoPs that they would land at."""
    nearest = np.argsort(round_trip_ms, axis=1, kind="stable")[:, :_MEASURED_POPS]
    gateway = np.repeat(np.arange(len(round_trip_ms), dtype=np.int32), nearest.shape[1])
    return gateway, nearest.astype(np.int32).ravel()


def pops_work(pops: PopConditions) -> Bools:
    """Tell which PoPs carry traffic: half of a pair is enough."""
    pair: Bytes = pops.pair_in_service
    return np.asarray(pair > 0)
