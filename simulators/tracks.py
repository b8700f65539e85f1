"""How vehicles move: ships and flights along great circles, trucks between cities, haulers round a mine."""

from enum import IntEnum
from functools import cached_property

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.contract.instants import NS_PER_S
from simulators.geometry import EARTH_RADIUS_KM, Floats, surface_distance_km
from simulators.weather import direction, moved


class Kind(IntEnum):
    """What kind of vehicle it is."""

    SHIP = 0
    FLIGHT = 1
    TRUCK = 2
    HAULER = 3


# (from, to) as latitude and longitude. Legs over open sea, so that no great circle crosses land.
_SEA_LEGS = (
    ((40.4, -73.4), (49.2, -6.2)),  # New York, the Channel
    ((33.6, -118.6), (21.2, -157.7)),  # Los Angeles, Honolulu
    ((21.4, -158.3), (34.6, 140.3)),  # Honolulu, Tokyo
    ((-34.0, 151.6), (-34.2, 172.3)),  # Sydney, North Cape
    ((25.7, -79.7), (18.7, -66.2)),  # Miami, San Juan
    ((-34.0, 18.0), (-23.2, -42.6)),  # Cape Town, Rio de Janeiro
    ((5.7, 80.1), (-31.9, 115.3)),  # Colombo, Fremantle
)
_AIR_LEGS = (
    ((40.64, -73.78), (51.47, -0.45)),  # New York, London
    ((33.94, -118.41), (21.32, -157.92)),  # Los Angeles, Honolulu
    ((25.79, -80.29), (40.47, -3.56)),  # Miami, Madrid
    ((-33.95, 151.18), (-37.01, 174.79)),  # Sydney, Auckland
    ((39.86, -104.67), (41.97, -87.91)),  # Denver, Chicago
    ((47.45, -122.31), (33.64, -84.43)),  # Seattle, Atlanta
    ((50.03, 8.56), (40.47, -3.56)),  # Frankfurt, Madrid
    ((35.77, 140.39), (1.36, 103.99)),  # Tokyo, Singapore
    ((-23.43, -46.47), (-33.39, -70.79)),  # Sao Paulo, Santiago
)
_MINES = ((-22.82, 118.95), (-24.27, -69.07), (40.98, -116.40), (-20.73, 139.48))  # open pits
_ROAD_KM = (50.0, 400.0)
_PIT_RADIUS_KM = 1.0
_SPEED_MPS = {Kind.SHIP: (7.0, 11.0), Kind.FLIGHT: (225.0, 250.0), Kind.TRUCK: (18.0, 26.0), Kind.HAULER: (8.0, 13.0)}
# (moves for, halts for), round and round: a truck at lights and rests, a hauler at shovel and crusher.
_CYCLE_S = {Kind.SHIP: (1e9, 0.0), Kind.FLIGHT: (1e9, 0.0), Kind.TRUCK: (840.0, 90.0), Kind.HAULER: (240.0, 75.0)}
_TURNAROUND_S = {Kind.SHIP: 36_000.0, Kind.FLIGHT: 3_000.0, Kind.TRUCK: 1_800.0, Kind.HAULER: 0.0}


class _Legs(msgspec.Struct, frozen=True, kw_only=True):
    """What of a vehicle's way does not change, an entry each."""

    runs_s: Floats
    halts_s: Floats
    turns_s: Floats
    leg_km: Floats
    start: Floats
    """Unit vectors to where it comes from ..."""
    across: Floats
    """... and from there along the great circle, a quarter of the Earth further."""


class Tracks(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Vehicles, an entry each; each goes there and back for ever."""

    kind: NDArray[np.int8]
    from_latitude_deg: Floats
    from_longitude_deg: Floats
    to_latitude_deg: Floats
    to_longitude_deg: Floats
    speed_mps: Floats
    started_at_ns: NDArray[np.int64]
    """When it last set out from where it comes from."""

    def __len__(self) -> int:
        return len(self.kind)

    @cached_property
    def legs(self) -> _Legs:
        """Their legs."""
        start = direction(self.from_latitude_deg, self.from_longitude_deg)
        end = direction(self.to_latitude_deg, self.to_longitude_deg)
        across = end - np.sum(start * end, axis=-1, keepdims=True) * start
        return _Legs(
            runs_s=np.array([_CYCLE_S[kind][0] for kind in Kind])[self.kind],
            halts_s=np.array([_CYCLE_S[kind][1] for kind in Kind])[self.kind],
            turns_s=np.array([_TURNAROUND_S[kind] for kind in Kind])[self.kind],
            leg_km=_leg_km(self),
            start=start,
            across=across / np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-12),
        )


class Whereabouts(msgspec.Struct, frozen=True, kw_only=True):
    """Where every vehicle is at an instant."""

    latitude_deg: Floats
    longitude_deg: Floats
    speed_mps: Floats
    passed_km: Floats
    """Along its leg, from where it set out first."""


def draw_tracks(
    kinds: NDArray[np.int8], latitude_deg: Floats, longitude_deg: Floats, at_ns: int, rng: np.random.Generator
) -> Tracks:
    """Give each vehicle its leg and set it somewhere on it; trucks drive between the cities given."""
    legs = np.array([_leg(kind, latitude_deg, longitude_deg, rng) for kind in kinds.tolist()]).reshape(-1, 4)
    speed_mps = np.array([rng.uniform(*_SPEED_MPS[Kind(kind)]) for kind in kinds.tolist()])
    ago_s = rng.uniform(0.0, 86_400.0, len(kinds))
    # An aircraft in the air shows more than one at its gate.
    flying = kinds == Kind.FLIGHT
    leg_s = surface_distance_km(*legs.T) * 1e3 / speed_mps
    ago_s = np.where(flying, rng.uniform(0.0, 0.9, len(kinds)) * leg_s, ago_s)
    return Tracks(
        kind=kinds,
        from_latitude_deg=legs[:, 0],
        from_longitude_deg=legs[:, 1],
        to_latitude_deg=legs[:, 2],
        to_longitude_deg=legs[:, 3],
        speed_mps=speed_mps,
        started_at_ns=at_ns - (ago_s * NS_PER_S).astype(np.int64),
    )


def where(tracks: Tracks, at_ns: int) -> Whereabouts:
    """Say where every vehicle is; the road from here to there is a great circle."""
    legs = tracks.legs
    runs_s, turns_s = legs.runs_s, legs.turns_s
    since_s = (at_ns - tracks.started_at_ns) / NS_PER_S
    cycles, within_s = np.divmod(since_s, runs_s + legs.halts_s)
    driven_s = cycles * runs_s + np.minimum(within_s, runs_s)
    leg_s = legs.leg_km * 1e3 / tracks.speed_mps
    in_leg_s = driven_s % (2.0 * (leg_s + turns_s))
    outbound = in_leg_s < leg_s + turns_s
    run_s = np.minimum(np.where(outbound, in_leg_s, in_leg_s - leg_s - turns_s), leg_s)
    passed_km = np.where(outbound, run_s, leg_s - run_s) * tracks.speed_mps / 1e3
    latitude_deg, longitude_deg = _place(tracks, passed_km)
    halted = (within_s >= runs_s) | (run_s >= leg_s)
    return Whereabouts(
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        speed_mps=np.where(halted, 0.0, tracks.speed_mps),
        passed_km=passed_km,
    )


def _leg_km(tracks: Tracks) -> Floats:
    """Give the length of each leg; a hauler's is its way round the pit."""
    straight_km = surface_distance_km(
        tracks.from_latitude_deg, tracks.from_longitude_deg, tracks.to_latitude_deg, tracks.to_longitude_deg
    )
    return np.where(tracks.kind == Kind.HAULER, 2.0 * np.pi * _PIT_RADIUS_KM, straight_km)


def _place(tracks: Tracks, passed_km: Floats) -> tuple[Floats, Floats]:
    """Follow the great circle, or the rim of the pit."""
    angle = passed_km / EARTH_RADIUS_KM
    place = tracks.legs.start * np.cos(angle)[:, None] + tracks.legs.across * np.sin(angle)[:, None]
    latitude_deg = np.degrees(np.arcsin(np.clip(place[:, 2], -1.0, 1.0)))
    longitude_deg = np.degrees(np.arctan2(place[:, 1], place[:, 0]))
    bearing_deg = np.degrees(passed_km / _PIT_RADIUS_KM)
    radius_km = np.full(len(passed_km), _PIT_RADIUS_KM)
    rim = moved(tracks.from_latitude_deg, tracks.from_longitude_deg, bearing_deg, radius_km)
    hauls = tracks.kind == Kind.HAULER
    return np.where(hauls, rim[0], latitude_deg), np.where(hauls, rim[1], longitude_deg)


def _leg(kind: int, latitude_deg: Floats, longitude_deg: Floats, rng: np.random.Generator) -> tuple[float, ...]:
    match Kind(kind):
        case Kind.SHIP:
            (here, there) = _SEA_LEGS[rng.integers(len(_SEA_LEGS))]
        case Kind.FLIGHT:
            (here, there) = _AIR_LEGS[rng.integers(len(_AIR_LEGS))]
        case Kind.HAULER:
            here = there = _MINES[rng.integers(len(_MINES))]
        case Kind.TRUCK:
            return _road(latitude_deg, longitude_deg, rng)
    return (*here, *there) if rng.random() < 0.5 else (*there, *here)


def _road(latitude_deg: Floats, longitude_deg: Floats, rng: np.random.Generator) -> tuple[float, ...]:
    """Lead from a city to the nearest other one that is worth a drive, or else to a place an hour away."""
    city = int(rng.integers(len(latitude_deg)))
    here = latitude_deg[city], longitude_deg[city]
    away_km = surface_distance_km(*here, latitude_deg, longitude_deg)
    near, far = _ROAD_KM
    worth = np.where((away_km >= near) & (away_km <= far), away_km, np.inf)
    other = int(worth.argmin())
    if np.isfinite(worth[other]):
        return (*map(float, here), float(latitude_deg[other]), float(longitude_deg[other]))
    there = moved(np.asarray(here[0]), np.asarray(here[1]), np.asarray(rng.uniform(0.0, 360.0)), np.asarray(80.0))
    return (*map(float, here), *map(float, there))
