"""The plan of the network: for each slot and cell, the satellite, beam, frequency, gateway and PoP that serve it."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.contract.vocabulary import PathKind
from simulators.geometry import Floats, surface_distance_km
from simulators.sites import Sites
from simulators.visibility import Ground, Indexes, Sightings, elevations_deg, ground, only, sightings

NONE = -1
"""No satellite, gateway, ...: the cell has no cover in this slot."""


class Slots(msgspec.Struct, frozen=True, kw_only=True):
    """The clock of reallocation: every boundary lies a whole number of lengths from the phase."""

    length_ns: int = 30_000_000_000
    phase_ns: int = 0
    """The boundary's offset from the Unix epoch."""

    def start_at_ns(self, at_ns: int) -> int:
        """Give the start of the slot that holds this instant."""
        return at_ns - (at_ns - self.phase_ns) % self.length_ns


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How the network assigns. Beam and frequency counts are assumptions: the filing's Schedule S could not be read."""

    terminal_mask_deg: float = 35.0
    gateway_mask_deg: float = 15.0
    beam_count: int = 32
    frequency_count: int = 4


class GroundSegment(msgspec.Struct, frozen=True, kw_only=True):
    """Gateways and the PoP behind each."""

    gateways: Ground
    pop_of_gateway: Indexes


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One slot's assignment, an entry a cell; NONE where there is no cover."""

    slot_start_at_ns: int
    satellite_index: Indexes
    beam_id: Indexes
    frequency_id: Indexes
    gateway_index: Indexes
    pop_index: Indexes
    path_kind: NDArray[np.int8]


def ground_segment(gateways: Sites, pops: Sites) -> GroundSegment:
    """Join each gateway to the nearest PoP."""
    distance_km = surface_distance_km(
        gateways.latitude_deg[:, None], gateways.longitude_deg[:, None], pops.latitude_deg, pops.longitude_deg
    )
    return GroundSegment(
        gateways=ground(gateways.latitude_deg, gateways.longitude_deg),
        pop_of_gateway=distance_km.argmin(axis=1).astype(np.int32),
    )


def plan_slot(
    *,
    slot_start_at_ns: int,
    cells: Ground,
    segment: GroundSegment,
    gateway_live: NDArray[np.bool_],
    satellites_km_at_start: Floats,
    satellites_km_at_end: Floats,
    rules: Rules,
) -> Plan:
    """Serve each cell by the highest satellite that also sees a live gateway.

    Both must be above their masks at both ends of the slot. The plan is made for level terminals: it does not know
    how an antenna stands.
    """
    ends = (satellites_km_at_start, satellites_km_at_end)
    gateway_of_satellite = assign_gateways(segment.gateways, gateway_live, ends, rules.gateway_mask_deg)
    satellite = assign_satellites(cells, gateway_of_satellite != NONE, ends, rules.terminal_mask_deg)
    covered = satellite != NONE
    gateway = np.where(covered, gateway_of_satellite[satellite], NONE)
    # A beam is steered to its cell for good; cells of one number that share a satellite take turns.
    beam = np.where(covered, np.arange(len(cells)) % rules.beam_count, NONE)
    return Plan(
        slot_start_at_ns=slot_start_at_ns,
        satellite_index=satellite,
        beam_id=beam.astype(np.int32),
        frequency_id=np.where(covered, beam % rules.frequency_count, NONE).astype(np.int32),
        gateway_index=gateway.astype(np.int32),
        pop_index=np.where(covered, segment.pop_of_gateway[gateway], NONE).astype(np.int32),
        path_kind=np.where(covered, PathKind.BENT_PIPE, PathKind.NONE).astype(np.int8),
    )


def assign_satellites(
    cells: Ground, usable: NDArray[np.bool_], ends_km: tuple[Floats, Floats], mask_deg: float
) -> Indexes:
    """Give each cell the usable satellite that stands highest when the slot starts."""
    pairs = _held_sightings(cells, ends_km, mask_deg)
    pairs = only(pairs, usable[pairs.satellite])
    return _highest(pairs.site, pairs.satellite, pairs.elevation_deg, len(cells))


def assign_gateways(
    gateways: Ground, live: NDArray[np.bool_], ends_km: tuple[Floats, Floats], mask_deg: float
) -> Indexes:
    """Give each satellite the live gateway over which it stands highest when the slot starts."""
    pairs = _held_sightings(gateways, ends_km, mask_deg)
    pairs = only(pairs, live[pairs.site])
    return _highest(pairs.satellite, pairs.site, pairs.elevation_deg, len(ends_km[0]))


def _held_sightings(sites: Ground, ends_km: tuple[Floats, Floats], mask_deg: float) -> Sightings:
    """Keep what is above the mask at both ends of the slot: between them a pass only rises and then sinks."""
    start_km, end_km = ends_km
    pairs = sightings(sites, start_km, mask_deg)
    return only(pairs, elevations_deg(sites, end_km, pairs.site, pairs.satellite) >= mask_deg)


def _highest(owner: Indexes, candidate: Indexes, elevation_deg: Floats, owner_count: int) -> Indexes:
    """Pick for each owner the candidate of greatest elevation, the lowest index among equals."""
    order = np.lexsort((candidate, -elevation_deg, owner))
    owners, first = np.unique(owner[order], return_index=True)
    chosen = np.full(owner_count, NONE, dtype=np.int32)
    chosen[owners] = candidate[order[first]]
    return chosen
