"""Which terminals do not stay where they were put: those on vehicles, and those that travel in a backpack."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.contract.instants import NS_PER_S
from ingest.contract.vocabulary import MobilityClass
from simulators.geometry import Floats
from simulators.scheduler import Slots
from simulators.tracks import Kind, Tracks, draw_tracks, where
from simulators.visibility import Indexes
from simulators.weather import moved

# Shares of all terminals (assumed).
_SHARES = {
    MobilityClass.NOMADIC: 0.05,
    MobilityClass.LAND: 0.015,
    MobilityClass.MARITIME: 0.008,
    MobilityClass.AVIATION: 0.007,
}
_KINDS = {
    MobilityClass.LAND: (Kind.TRUCK, Kind.HAULER),
    MobilityClass.MARITIME: (Kind.SHIP,),
    MobilityClass.AVIATION: (Kind.FLIGHT,),
}
# Terminals of a large fleet travel together, so that the plan follows hundreds of vehicles and not thousands.
_VEHICLES_AT_MOST, _TERMINALS_A_VEHICLE = 100, 5
# A backpack stays for hours, then comes up somewhere else.
_STAY_S = 10_800.0
_HOP_KM, _HOP_MPS = (3.0, 60.0), 14.0


class Hops(msgspec.Struct, frozen=True, kw_only=True):
    """Backpacks that come up elsewhere in this run, an entry each."""

    who: Indexes
    packed_at_ns: NDArray[np.int64]
    unpacked_at_ns: NDArray[np.int64]
    latitude_deg: Floats
    longitude_deg: Floats
    """Where it comes up."""


class Movers(msgspec.Struct, frozen=True, kw_only=True):
    """Terminals that the plan follows one by one, in rising order of index; vehicles first learn their cells here."""

    riders: Indexes
    """Terminals on vehicles."""
    vehicle: Indexes
    """Of each rider."""
    tracks: Tracks
    hops: Hops
    first_slot_at_ns: int
    slot_length_ns: int
    cell_of_vehicle: NDArray[np.int32]
    """A row a slot."""
    cell_of_hop: NDArray[np.int32]
    """Where each backpack comes up."""

    @property
    def who(self) -> Indexes:
        """Everyone whom the plan singles out."""
        return np.concatenate([self.riders, self.hops.who])

    def put(self, cell: Indexes, slot_start_at_ns: int) -> None:
        """Write into terminals' cells where the movers are in a slot."""
        row = (slot_start_at_ns - self.first_slot_at_ns) // self.slot_length_ns
        row = min(max(row, 0), len(self.cell_of_vehicle) - 1)
        cell[self.riders] = self.cell_of_vehicle[row, self.vehicle]
        there = slot_start_at_ns >= self.hops.packed_at_ns
        cell[self.hops.who[there]] = self.cell_of_hop[there]


def draw_mobility(count: int, rng: np.random.Generator) -> NDArray[np.int8]:
    """Say how each terminal may move."""
    shares = np.array(list(_SHARES.values()))
    chosen = np.searchsorted(np.cumsum(shares), rng.random(count), side="right")
    classes = np.array([*_SHARES, MobilityClass.FIXED], dtype=np.int8)
    return classes[chosen]


def draw_vehicles(
    mobility: NDArray[np.int8], latitude_deg: Floats, longitude_deg: Floats, at_ns: int, rng: np.random.Generator
) -> tuple[Indexes, Indexes, Tracks]:
    """Put every terminal that rides onto a vehicle; return who they are, on which one, and how those move."""
    riders = np.flatnonzero(np.isin(mobility, list(_KINDS))).astype(np.int32)
    vehicle, kinds = np.zeros(len(riders), dtype=np.int32), list[Kind]()
    for mobility_class, choices in _KINDS.items():
        mine = np.flatnonzero(mobility[riders] == mobility_class)
        wanted = min(-(-len(mine) // _TERMINALS_A_VEHICLE), _VEHICLES_AT_MOST)
        vehicle[mine] = len(kinds) + np.arange(len(mine)) % max(wanted, 1)
        kinds += [choices[n % len(choices)] for n in range(wanted)]
    tracks = draw_tracks(np.array(kinds, dtype=np.int8), latitude_deg, longitude_deg, at_ns, rng)
    return riders, vehicle, tracks


def draw_hops(
    nomads: Indexes, latitude_deg: Floats, longitude_deg: Floats, span_ns: tuple[int, int], rng: np.random.Generator
) -> Hops:
    """Choose which backpacks are packed within the run, and where they come up; the places are the nomads' own."""
    start_at_ns, end_at_ns = span_ns
    packed_at_ns = start_at_ns + (rng.exponential(_STAY_S, len(nomads)) * NS_PER_S).astype(np.int64)
    packed_at_ns -= packed_at_ns % NS_PER_S
    going = np.flatnonzero(packed_at_ns < end_at_ns)
    hop_km = rng.uniform(*_HOP_KM, len(going))
    there = moved(latitude_deg[going], longitude_deg[going], rng.uniform(0.0, 360.0, len(going)), hop_km)
    away_s = np.rint(hop_km * 1e3 / _HOP_MPS).astype(np.int64)
    return Hops(
        who=nomads[going],
        packed_at_ns=packed_at_ns[going],
        unpacked_at_ns=packed_at_ns[going] + away_s * NS_PER_S,
        latitude_deg=np.round(there[0], 4),
        longitude_deg=np.round(there[1], 4),
    )


def slot_places(tracks: Tracks, slots: Slots, first_at_ns: int, until_ns: int) -> tuple[Floats, Floats]:
    """Give where every vehicle is in the middle of every slot: a row a slot."""
    starts_ns = range(slots.start_at_ns(first_at_ns), until_ns + slots.length_ns, slots.length_ns)
    seen = [where(tracks, start_ns + slots.length_ns // 2) for start_ns in starts_ns]
    return np.array([one.latitude_deg for one in seen]), np.array([one.longitude_deg for one in seen])
