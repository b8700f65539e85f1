"""The plan of the network: for each slot and cell, the satellite, beam, frequency, gateway and PoP that serve it."""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.contract.vocabulary import PathKind
from simulators import backbone
from simulators.geometry import LIGHT_SPEED_KM_PER_S, Floats
from simulators.lasers import Hops, Ways, hops, hops_km, laser_links, laser_range_km, shortest_ways, working
from simulators.matching import NONE as NONE  # noqa: PLC0414 - a plan's word for nobody
from simulators.matching import matched
from simulators.network_conditions import LASERS_PER_SATELLITE, Bools, Shorts
from simulators.sites import Sites
from simulators.visibility import Ground, Indexes, Sightings, elevations_deg, ground, only, sightings

ANTENNA_COUNT = 8
"""Feeder antennas of a gateway, each for one satellite; assumed, a published photograph shows about as many."""

_KM_PER_MS = LIGHT_SPEED_KM_PER_S / 1e3

Ends = tuple[Floats, Floats]
"""Where satellites are when the slot starts and when it ends."""


class Slots(msgspec.Struct, frozen=True, kw_only=True):
    """The clock of reallocation: every boundary lies a whole number of lengths from the phase."""

    length_ns: int = 30_000_000_000
    phase_ns: int = 0
    """The boundary's offset from the Unix epoch."""

    def start_at_ns(self, at_ns: int) -> int:
        """Give the start of the slot that holds this instant."""
        return at_ns - (at_ns - self.phase_ns) % self.length_ns


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How the network assigns. Counts and rates are assumptions: the filing's Schedule S could not be read."""

    terminal_mask_deg: float = 35.0
    gateway_mask_deg: float = 15.0
    beam_count: int = 32
    """Beams of a satellite."""
    frequency_count: int = 4
    """Channels; a cell has at most one beam in each."""
    beam_capacity_bps: float = 2e9


class GroundSegment(msgspec.Struct, frozen=True, kw_only=True):
    """Gateways, and the network behind them."""

    gateways: Ground
    round_trip_ms: Floats
    """From each gateway to each PoP."""
    pop_of_gateway: Indexes
    """The nearest."""
    antenna_count: Shorts


class Resources(msgspec.Struct, frozen=True, kw_only=True):
    """What may be planned with.

    Attributes:
        satellite_serves: Satellites that carry traffic.
        laser_works: Their heads, in the order of `lasers.grid_peers`.
        antennas: Of each gateway; none where it cannot carry traffic.
        pop_live: PoPs that work.
        cell_lit: Cells that a beam may light: there are terminals, and policy allows it.
        demand_bps: What each cell is expected to want.
    """

    satellite_serves: Bools
    laser_works: Bools
    antennas: Shorts
    pop_live: Bools
    cell_lit: Bools
    demand_bps: Floats


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One slot's assignment, an entry a cell; NONE where there is no cover."""

    slot_start_at_ns: int
    satellite_index: Indexes
    beam_id: Indexes
    """The first of its beams."""
    frequency_id: Indexes
    beam_count: Indexes
    """How many beams light it, each in a channel of its own; 0 without cover."""
    gateway_index: Indexes
    pop_index: Indexes
    path_kind: NDArray[np.int8]
    landing_satellite: Indexes
    """The one that the gateway sees: the serving one, or the last of its lasers' way."""
    laser_count: NDArray[np.int8]
    """Lasers on the way to it."""
    laser_km: tuple[Floats, Floats]
    """Their length together when the slot starts and ends."""
    lasers: Hops
    """Each of them; `way` is the cell."""


class _Landings(msgspec.Struct, frozen=True, kw_only=True):
    """Where each satellite's traffic reaches the ground without lasers."""

    gateway: Indexes
    pop: Indexes
    cost_km: Floats
    """Feeder link and ground, as kilometres of light."""


def beam_of(first_beam: Indexes, number: Indexes, rules: Rules) -> Indexes:
    """Give a cell's further beams: spread evenly, so that those of neighbours do not follow each other."""
    step = rules.beam_count // rules.frequency_count
    return ((first_beam + number * step) % rules.beam_count).astype(np.int32)


def empty_plan(slot_start_at_ns: int, cell_count: int) -> Plan:
    """Return a plan that serves nobody."""
    none, zero = np.full(cell_count, NONE, dtype=np.int32), np.zeros(cell_count)
    return Plan(
        slot_start_at_ns=slot_start_at_ns,
        satellite_index=none,
        beam_id=none,
        frequency_id=none,
        beam_count=zero.astype(np.int32),
        gateway_index=none,
        pop_index=none,
        path_kind=np.full(cell_count, PathKind.NONE, dtype=np.int8),
        landing_satellite=none,
        laser_count=zero.astype(np.int8),
        laser_km=(zero, zero),
        lasers=Hops(way=none[:0], satellite=none[:0], towards=none[:0]),
    )


def rows_of(plan: Plan, row: Indexes) -> Plan:
    """Return the plan of some of the cells, in the order asked for."""
    arrays = {
        name: values[row]
        for name in Plan.__struct_fields__
        for values in [getattr(plan, name)]
        if isinstance(values, np.ndarray)
    }
    place = np.full(len(plan.satellite_index), NONE, dtype=np.int32)
    place[row] = np.arange(len(row))
    taken = place[plan.lasers.way] != NONE
    way, satellite, towards = (
        values[taken] for values in (plan.lasers.way, plan.lasers.satellite, plan.lasers.towards)
    )
    start_km, end_km = plan.laser_km
    lasers = Hops(way=place[way], satellite=satellite, towards=towards)
    return Plan(slot_start_at_ns=plan.slot_start_at_ns, laser_km=(start_km[row], end_km[row]), lasers=lasers, **arrays)


def joined(plans: Sequence[Plan]) -> Plan:
    """Put the cells of some plans one after the other into one."""
    names = [name for name in Plan.__struct_fields__ if isinstance(getattr(plans[0], name), np.ndarray)]
    firsts = np.cumsum([0, *(len(plan.satellite_index) for plan in plans)])
    ways = [plan.lasers.way + np.int32(first) for plan, first in zip(plans, firsts.tolist(), strict=False)]
    starts_km, ends_km = zip(*(plan.laser_km for plan in plans), strict=True)
    return Plan(
        slot_start_at_ns=plans[0].slot_start_at_ns,
        laser_km=(np.concatenate(starts_km), np.concatenate(ends_km)),
        lasers=Hops(
            way=np.concatenate(ways),
            satellite=np.concatenate([plan.lasers.satellite for plan in plans]),
            towards=np.concatenate([plan.lasers.towards for plan in plans]),
        ),
        **{name: np.concatenate([getattr(plan, name) for plan in plans]) for name in names},
    )


def ground_segment(gateways: Sites, pops: Sites) -> GroundSegment:
    """Join each gateway to the nearest PoP."""
    round_trip_ms = backbone.round_trips_ms(gateways, pops)
    return GroundSegment(
        gateways=ground(gateways.latitude_deg, gateways.longitude_deg),
        round_trip_ms=round_trip_ms,
        pop_of_gateway=backbone.nearest_pops(round_trip_ms, np.ones(len(pops), dtype=np.bool_)),
        antenna_count=np.full(len(gateways), ANTENNA_COUNT, dtype=np.int16),
    )


def all_resources(segment: GroundSegment, satellite_serves: Bools, cell_count: int) -> Resources:
    """Return what a network without trouble plans with."""
    return Resources(
        satellite_serves=satellite_serves,
        laser_works=np.ones((len(satellite_serves), LASERS_PER_SATELLITE), dtype=np.bool_),
        antennas=segment.antenna_count,
        pop_live=np.ones(segment.round_trip_ms.shape[1], dtype=np.bool_),
        cell_lit=np.ones(cell_count, dtype=np.bool_),
        demand_bps=np.zeros(cell_count),
    )


def plan_slot(
    *,
    slot_start_at_ns: int,
    cells: Ground,
    frequency: Indexes,
    segment: GroundSegment,
    peers: Indexes,
    resources: Resources,
    ends_km: Ends,
    rules: Rules,
) -> Plan:
    """Serve each cell by the highest satellite with room over a gateway; by lasers, the shortest way, where there is none.

    Both ends of every radio link are above their masks at both ends of the slot, every laser clears the air. The plan
    is made for level terminals: it does not know how an antenna stands.

    Args:
        slot_start_at_ns: The slot.
        cells: Where.
        frequency: Each cell's first channel.
        segment: The ground.
        peers: Of every satellite's lasers.
        resources: What may be used.
        ends_km: Where satellites are when it starts and ends.
        rules: How.
    """
    seen = _held_sightings(cells, ends_km, rules.terminal_mask_deg)
    seen = only(seen, resources.satellite_serves[seen.satellite] & resources.cell_lit[seen.site])
    landings = _land(segment, resources, ends_km, rules.gateway_mask_deg, seen)
    ways = _ways(peers, resources, landings, ends_km)
    satellite, beams = _serve(seen, landings, ways, resources.demand_bps, rules)
    return _plan(slot_start_at_ns, satellite, beams, frequency, landings, ways, ends_km, rules)


def _held_sightings(sites: Ground, ends_km: Ends, mask_deg: float) -> Sightings:
    """Keep what is above the mask at both ends of the slot: between them a pass only rises and then sinks."""
    start_km, end_km = ends_km
    pairs = sightings(sites, start_km, mask_deg)
    return only(pairs, elevations_deg(sites, end_km, pairs.site, pairs.satellite) >= mask_deg)


def _land(segment: GroundSegment, resources: Resources, ends_km: Ends, mask_deg: float, seen: Sightings) -> _Landings:
    """Give satellites the highest gateway with an antenna left; those with most cells below them come first."""
    count = len(ends_km[0])
    pop = backbone.nearest_pops(segment.round_trip_ms, resources.pop_live)
    pairs = _held_sightings(segment.gateways, ends_km, mask_deg)
    pairs = only(pairs, resources.satellite_serves[pairs.satellite] & (pop[pairs.site] != NONE))
    gateway = matched(
        pairs.satellite,
        pairs.site,
        pairs.elevation_deg,
        room=resources.antennas.astype(np.int64),
        need=np.ones(count, dtype=np.int64),
        rank=np.bincount(seen.satellite, minlength=count).astype(np.float64),
    )
    landed = gateway != NONE
    feeder_km = np.linalg.norm(ends_km[0] - segment.gateways.position_km[gateway], axis=1)
    ground_ms = segment.round_trip_ms[gateway, pop[gateway]] / 2.0
    return _Landings(
        gateway=gateway,
        pop=np.where(landed, pop[gateway], NONE).astype(np.int32),
        cost_km=np.where(landed, feeder_km + ground_ms * _KM_PER_MS, np.inf),
    )


def _ways(peers: Indexes, resources: Resources, landings: _Landings, ends_km: Ends) -> Ways:
    """Find each satellite's way to the ground; who has an antenna below needs no laser."""
    links = laser_links(peers)
    alive = resources.laser_works & resources.satellite_serves[:, None]
    start_km, end_km = (laser_range_km(links, satellites_km) for satellites_km in ends_km)
    link_km = np.where(working(links, peers, alive) & np.isfinite(end_km), start_km, np.inf)
    landed = np.flatnonzero(landings.gateway != NONE).astype(np.int32)
    ways = shortest_ways(links, link_km, landed, landings.cost_km[landed], len(peers))
    towards = ways.towards.copy()
    towards[landed] = NONE
    return Ways(total_km=ways.total_km, towards=towards)


def _serve(
    seen: Sightings, landings: _Landings, ways: Ways, demand_bps: Floats, rules: Rules
) -> tuple[Indexes, Indexes]:
    """Choose each cell's satellite and number of beams.

    A cell that wants more than its satellites have left is content with one beam, and shares one at worst: capacity
    makes service slow and never takes it away.
    """
    seen = only(seen, np.isfinite(ways.total_km[seen.satellite]))
    # The highest of those that land here; else the one whose way over lasers is shortest.
    direct = landings.gateway[seen.satellite] != NONE
    liking = np.where(direct, seen.elevation_deg, -ways.total_km[seen.satellite])
    room = np.full(len(ways.total_km), rules.beam_count, dtype=np.int64)
    beams = np.clip(np.ceil(demand_bps / rules.beam_capacity_bps), 1, rules.frequency_count).astype(np.int32)
    satellite = np.full(len(demand_bps), NONE, dtype=np.int32)
    for need in (beams.astype(np.int64), np.ones_like(beams, dtype=np.int64), np.zeros_like(beams, dtype=np.int64)):
        rest = satellite[seen.site] == NONE
        found = matched(seen.site[rest], seen.satellite[rest], liking[rest], room=room, need=need, rank=demand_bps)
        new = found != NONE
        satellite = np.where(new, found, satellite)
        beams = np.where(new, np.maximum(need, 1), beams).astype(np.int32)
        room -= np.bincount(found[new], weights=need[new], minlength=len(room)).astype(np.int64)
    return satellite, np.where(satellite != NONE, beams, 0).astype(np.int32)


def _plan(
    slot_start_at_ns: int,
    satellite: Indexes,
    beams: Indexes,
    frequency: Indexes,
    landings: _Landings,
    ways: Ways,
    ends_km: Ends,
    rules: Rules,
) -> Plan:
    cell = np.flatnonzero(satellite != NONE).astype(np.int32)
    taken = hops(ways.towards, satellite[cell])
    landing = satellite.copy()
    landing[cell[taken.way]] = taken.towards  # rows are in the order of the way: the last one stands
    lasers = Hops(way=cell[taken.way], satellite=taken.satellite, towards=taken.towards)
    laser_count = np.bincount(lasers.way, minlength=len(satellite))
    start_km, end_km = (hops_km(lasers, len(satellite), satellites_km) for satellites_km in ends_km)
    covered = satellite != NONE
    number = np.arange(len(satellite))
    return Plan(
        slot_start_at_ns=slot_start_at_ns,
        satellite_index=satellite,
        # A beam is steered to its cell for good; cells of one number that share a satellite take turns.
        beam_id=np.where(covered, number % rules.beam_count, NONE).astype(np.int32),
        frequency_id=np.where(covered, frequency % rules.frequency_count, NONE).astype(np.int32),
        beam_count=beams,
        gateway_index=np.where(covered, landings.gateway[landing], NONE).astype(np.int32),
        pop_index=np.where(covered, landings.pop[landing], NONE).astype(np.int32),
        path_kind=np.select([~covered, laser_count > 0], [PathKind.NONE, PathKind.LASER], PathKind.BENT_PIPE).astype(
            np.int8
        ),
        landing_satellite=landing,
        laser_count=laser_count.astype(np.int8),
        laser_km=(start_km, end_km),
        lasers=lasers,
    )
