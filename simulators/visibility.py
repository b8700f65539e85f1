"""Which satellites stand above the mask of which sites, as a list of pairs."""

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from simulators.geometry import EARTH_RADIUS_KM, Floats, east_north_up, ecef_km, footprint_half_angle_deg

Indexes = NDArray[np.int32]

# Geodetic and geocentric vertical differ by at most 0.193 degrees, the site's radius by 21 km.
_CULL_MARGIN_DEG = 0.5


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """Fixed sites, prepared for many looks at the sky."""

    position_km: Floats
    up: Floats
    directions: cKDTree
    """The sites' unit vectors from the Earth's centre."""

    def __len__(self) -> int:
        return len(self.position_km)


class Sightings(msgspec.Struct, frozen=True, kw_only=True):
    """Pairs of a site and a satellite above its mask, in order of site, then satellite."""

    site: Indexes
    satellite: Indexes
    elevation_deg: Floats

    def __len__(self) -> int:
        return len(self.site)


def ground(latitude_deg: Floats, longitude_deg: Floats) -> Ground:
    """Prepare sites at sea level."""
    _, _, up = east_north_up(latitude_deg, longitude_deg)
    return ground_at(ecef_km(latitude_deg, longitude_deg), up)


def ground_at(position_km: Floats, up: Floats) -> Ground:
    """Prepare sites anywhere."""
    directions = cKDTree(position_km / np.linalg.norm(position_km, axis=1, keepdims=True))
    return Ground(position_km=position_km, up=up, directions=directions)


def sightings(sites: Ground, satellites_km: Floats, mask_deg: float) -> Sightings:
    """Find every satellite at or above the mask of every site; a NaN position is never seen.

    A cheap test on the angle at the Earth's centre leaves about one pair in two hundred for the exact one.
    """
    site, satellite = _near_pairs(sites, satellites_km, mask_deg)
    elevation_deg = elevations_deg(sites, satellites_km, site, satellite)
    seen = elevation_deg >= mask_deg
    return Sightings(
        site=site[seen].astype(np.int32),
        satellite=satellite[seen].astype(np.int32),
        elevation_deg=elevation_deg[seen],
    )


def only(pairs: Sightings, chosen: NDArray[np.bool_]) -> Sightings:
    """Keep the chosen pairs."""
    return Sightings(
        site=pairs.site[chosen], satellite=pairs.satellite[chosen], elevation_deg=pairs.elevation_deg[chosen]
    )


def elevations_deg(
    sites: Ground, satellites_km: Floats, site: NDArray[np.integer], satellite: NDArray[np.integer]
) -> Floats:
    """Give the elevation of one satellite over one site, pair by pair."""
    sight_km = satellites_km[satellite] - sites.position_km[site]
    height_km = np.einsum("ij,ij->i", sight_km, sites.up[site])
    range_km = np.sqrt(np.einsum("ij,ij->i", sight_km, sight_km))
    elevation_deg: Floats = np.degrees(np.arcsin(height_km / range_km))
    return elevation_deg


def _near_pairs(sites: Ground, satellites_km: Floats, mask_deg: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pair each site with the satellites that may be above its mask, in order of site, then satellite.

    A tree over directions from the Earth's centre: a table of all cosines costs twice as much at 20,000 sites, and
    ten times where BLAS fights others for the cores.
    """
    somewhere = np.flatnonzero(np.isfinite(satellites_km).all(axis=1))
    if not len(somewhere) or not len(sites):
        return np.empty(0, np.intp), np.empty(0, np.intp)
    radius_km = np.linalg.norm(satellites_km[somewhere], axis=1)
    half_angle_deg = footprint_half_angle_deg(radius_km.max() - EARTH_RADIUS_KM, mask_deg) + _CULL_MARGIN_DEG
    chord = 2.0 * np.sin(np.radians(half_angle_deg) / 2.0)
    sky = cKDTree(satellites_km[somewhere] / radius_km[:, None], balanced_tree=False, compact_nodes=False)
    near = sites.directions.sparse_distance_matrix(sky, chord, output_type="ndarray")
    number = np.sort(near["i"] * len(satellites_km) + somewhere[near["j"]])
    return number // len(satellites_km), number % len(satellites_km)
