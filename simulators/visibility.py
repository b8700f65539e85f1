"""Which satellites stand above the mask of which sites, as a list of pairs."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from simulators.geometry import EARTH_RADIUS_KM, Floats, east_north_up, ecef_km, footprint_half_angle_deg

Indexes = NDArray[np.int32]

# Geodetic and geocentric vertical differ by at most 0.193 degrees, the site's radius by 21 km.
_CULL_MARGIN_DEG = 0.5
_SITES_AT_ONCE = 1024  # keeps the table of cosines in the cache's neighbourhood: 13 MB for the filed shells


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """Fixed sites, prepared for many looks at the sky."""

    position_km: Floats
    up: Floats

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
    return Ground(position_km=ecef_km(latitude_deg, longitude_deg), up=up)


def sightings(sites: Ground, satellites_km: Floats, mask_deg: float) -> Sightings:
    """Find every satellite at or above the mask of every site; a NaN position is never seen.

    A cheap test on the angle at the Earth's centre leaves about one pair in a hundred for the exact one.
    """
    near = _near_pairs(sites, satellites_km, mask_deg)
    site, satellite = near // len(satellites_km), near % len(satellites_km)
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


def _near_pairs(sites: Ground, satellites_km: Floats, mask_deg: float) -> NDArray[np.int64]:
    """Number the pairs (site * satellite count + satellite) that may be above the mask."""
    radius_km = np.linalg.norm(satellites_km, axis=1)
    if not np.isfinite(radius_km).any():
        return np.empty(0, np.int64)
    altitude_km = np.nanmax(radius_km) - EARTH_RADIUS_KM
    half_angle_deg = footprint_half_angle_deg(altitude_km, mask_deg) + _CULL_MARGIN_DEG
    least_cosine = np.float32(np.cos(np.radians(half_angle_deg)))
    towards_satellite = (satellites_km / radius_km[:, None]).astype(np.float32).T
    radius_of_site_km = np.linalg.norm(sites.position_km, axis=1, keepdims=True)
    towards_site = (sites.position_km / radius_of_site_km).astype(np.float32)
    near = [
        np.flatnonzero(towards_site[first : first + _SITES_AT_ONCE] @ towards_satellite >= least_cosine)
        + first * len(satellites_km)
        for first in range(0, len(sites), _SITES_AT_ONCE)
    ]
    return np.concatenate(near) if near else np.empty(0, np.int64)
