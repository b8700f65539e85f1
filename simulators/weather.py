"""Where it rains: cells of rain that are born, drift with the wind and die, over places on the ground."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.contract.instants import NS_PER_S
from simulators.geometry import EARTH_RADIUS_KM, Floats

# Rain falls in a few per cent of the time at mid latitudes, near the equator in twice as much (assumed).
_WET_RATIO = (0.03, 0.06)
# Exceeded in 0.01 % of a year: 26-28 mm/h in Seattle and Frankfurt, 78-100 in Miami, Lagos, Singapore (ITU-R P.837-7).
_STRONG_MMPH = (27.0, 90.0)
_TROPICS_DEG = (15.0, 35.0)  # all tropical below, all temperate above
# One system: a wide sheet of light rain with a few strong cores in it (assumed; cores after ITU-R P.1817's sizes).
_SHEET_KM, _SHEET_MMPH, _SHEET_LIFE_S = (25.0, 60.0), (1.0, 4.0), (3_600.0, 9_000.0)
_CORE_KM, _CORE_LIFE_S, _CORE_COUNT = (2.5, 7.0), (1_200.0, 2_700.0), 4
_DRIFT_MPS = (4.0, 16.0)
_MEAN_LIFE_S = 6_300.0
_PLACES_AT_MOST = 500
# Beyond so many radii a Gaussian is dry.
_REACH_RADII = 4.0
_LEAST_MMPH = 0.1


class RainCells(msgspec.Struct, frozen=True, kw_only=True):
    """Cells of rain, an entry each: round, strongest in the middle, growing and fading over their lives."""

    born_at_ns: Floats
    died_at_ns: Floats
    latitude_deg: Floats
    """Where it is half way through its life."""
    longitude_deg: Floats
    towards_deg: Floats
    speed_mps: Floats
    radius_km: Floats
    """Standard deviation of the rain rate across it."""
    peak_mmph: Floats

    def __len__(self) -> int:
        return len(self.born_at_ns)


class Weather:
    """The rain of a run."""

    def __init__(self, cells: RainCells) -> None:
        self._cells = cells

    def active(self, at_ns: int) -> RainCells:
        """Return the cells that live now, each where it is and as strong as it is."""
        cells = self._cells
        alive = np.flatnonzero((cells.born_at_ns <= at_ns) & (at_ns < cells.died_at_ns))
        living = _only(cells, alive)
        age_ratio = (at_ns - living.born_at_ns) / (living.died_at_ns - living.born_at_ns)
        middle_at_ns = (living.born_at_ns + living.died_at_ns) / 2.0
        moved_km = living.speed_mps * (at_ns - middle_at_ns) / NS_PER_S / 1e3
        latitude_deg, longitude_deg = moved(living.latitude_deg, living.longitude_deg, living.towards_deg, moved_km)
        return msgspec.structs.replace(
            living,
            latitude_deg=latitude_deg,
            longitude_deg=longitude_deg,
            peak_mmph=living.peak_mmph * np.sin(np.pi * age_ratio) ** 2,
        )

    def rate_mmph(self, place: Floats, at_ns: int) -> Floats:
        """Say how hard it rains at places, given as unit vectors from the Earth's centre."""
        now = self.active(at_ns)
        rate_mmph = np.zeros(len(place))
        if len(now):
            cosine = np.clip(place @ direction(now.latitude_deg, now.longitude_deg).T, -1.0, 1.0)
            site, cell = np.nonzero(cosine > np.cos(_REACH_RADII * now.radius_km / EARTH_RADIUS_KM))
            radii = EARTH_RADIUS_KM * np.arccos(cosine[site, cell]) / now.radius_km[cell]
            np.add.at(rate_mmph, site, now.peak_mmph[cell] * np.exp(-(radii**2) / 2.0))
        return np.where(rate_mmph < _LEAST_MMPH, 0.0, rate_mmph)


def direction(latitude_deg: Floats, longitude_deg: Floats) -> Floats:
    """Give unit vectors from the Earth's centre; for rain the Earth is a sphere."""
    latitude, longitude = np.radians(latitude_deg), np.radians(longitude_deg)
    ring = np.cos(latitude)
    return np.stack([ring * np.cos(longitude), ring * np.sin(longitude), np.sin(latitude)], axis=-1)


def moved(
    latitude_deg: Floats, longitude_deg: Floats, towards_deg: Floats, distance_km: Floats
) -> tuple[Floats, Floats]:
    """Follow a great circle from a place in a direction; a negative distance goes back."""
    latitude, bearing, angle = np.radians(latitude_deg), np.radians(towards_deg), distance_km / EARTH_RADIUS_KM
    sine = np.sin(latitude) * np.cos(angle) + np.cos(latitude) * np.sin(angle) * np.cos(bearing)
    east = np.arctan2(np.sin(bearing) * np.sin(angle) * np.cos(latitude), np.cos(angle) - np.sin(latitude) * sine)
    longitude: Floats = (longitude_deg + np.degrees(east) + 180.0) % 360.0 - 180.0
    return np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0))), longitude


def everyday_rain(
    latitude_deg: Floats, longitude_deg: Floats, start_at_ns: int, end_at_ns: int, rng: np.random.Generator
) -> RainCells:
    """Draw the rain of an ordinary day around these places, so many systems as the climate of each makes."""
    chosen = rng.permutation(len(latitude_deg))[:_PLACES_AT_MOST]
    latitude_deg, longitude_deg = latitude_deg[chosen], longitude_deg[chosen]
    wet_ratio = _by_climate(_WET_RATIO, latitude_deg)
    span_s = (end_at_ns - start_at_ns) / NS_PER_S + _MEAN_LIFE_S
    place = np.repeat(np.arange(len(chosen)), rng.poisson(wet_ratio * span_s / _MEAN_LIFE_S))
    begins_ns = start_at_ns + rng.uniform(-_MEAN_LIFE_S, span_s - _MEAN_LIFE_S, len(place)) * NS_PER_S
    wind = rng.uniform(0.0, 360.0, len(place)), rng.uniform(*_DRIFT_MPS, len(place))
    at = latitude_deg[place], longitude_deg[place]
    sheets = _sheets(*at, begins_ns, *wind, rng)
    return _joined([sheets, *(_cores(sheets, rng) for _ in range(_CORE_COUNT))])


def _sheets(
    latitude_deg: Floats,
    longitude_deg: Floats,
    begins_ns: Floats,
    towards_deg: Floats,
    speed_mps: Floats,
    rng: np.random.Generator,
) -> RainCells:
    count = len(begins_ns)
    radius_km = rng.uniform(*_SHEET_KM, count)
    latitude_deg, longitude_deg = moved(
        latitude_deg, longitude_deg, rng.uniform(0.0, 360.0, count), radius_km * rng.random(count)
    )
    return RainCells(
        born_at_ns=begins_ns,
        died_at_ns=begins_ns + rng.uniform(*_SHEET_LIFE_S, count) * NS_PER_S,
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        towards_deg=towards_deg,
        speed_mps=speed_mps,
        radius_km=radius_km,
        peak_mmph=rng.uniform(*_SHEET_MMPH, count),
    )


def _cores(sheets: RainCells, rng: np.random.Generator) -> RainCells:
    """Put one strong core into each sheet, at a place and a time of its life."""
    count = len(sheets)
    life_ns = rng.uniform(*_CORE_LIFE_S, count) * NS_PER_S
    born_at_ns = sheets.born_at_ns + rng.random(count) * (sheets.died_at_ns - sheets.born_at_ns - life_ns)
    sheet_middle_ns = (sheets.born_at_ns + sheets.died_at_ns) / 2.0
    drifted_km = sheets.speed_mps * (born_at_ns + life_ns / 2.0 - sheet_middle_ns) / NS_PER_S / 1e3
    at = moved(sheets.latitude_deg, sheets.longitude_deg, sheets.towards_deg, drifted_km)
    aside = rng.uniform(0.0, 360.0, count), sheets.radius_km * np.sqrt(rng.random(count))
    latitude_deg, longitude_deg = moved(*at, *aside)
    strong_mmph = _by_climate(_STRONG_MMPH, latitude_deg)
    return RainCells(
        born_at_ns=born_at_ns,
        died_at_ns=born_at_ns + life_ns,
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        towards_deg=sheets.towards_deg,
        speed_mps=sheets.speed_mps,
        radius_km=rng.uniform(*_CORE_KM, count),
        peak_mmph=np.minimum(strong_mmph * rng.lognormal(-1.2, 0.7, count), 2.0 * strong_mmph),
    )


def _by_climate(temperate_and_tropical: tuple[float, float], latitude_deg: Floats) -> Floats:
    temperate, tropical = temperate_and_tropical
    inner, outer = _TROPICS_DEG
    share = np.clip((outer - np.abs(latitude_deg)) / (outer - inner), 0.0, 1.0)
    return np.asarray(temperate + (tropical - temperate) * share)


def _only(cells: RainCells, chosen: NDArray[np.intp]) -> RainCells:
    return RainCells(**{name: getattr(cells, name)[chosen] for name in RainCells.__struct_fields__})


def _joined(parts: list[RainCells]) -> RainCells:
    return RainCells(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in RainCells.__struct_fields__}
    )
