"""Where things stand and how they see each other: geodetic and Earth-fixed positions, look angles, cones."""

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EARTH_RADIUS_KM = 6378.137  # WGS 84, equatorial
EARTH_FLATTENING = 1.0 / 298.257223563  # WGS 84
EARTH_MU_KM3_PER_S2 = 398600.4418  # WGS 84
EARTH_ROTATION_RAD_PER_S = 7.2921158553e-5  # sidereal, Vallado 2013 p. 222
LIGHT_SPEED_KM_PER_S = 299_792.458

_ECCENTRICITY_SQUARED = EARTH_FLATTENING * (2.0 - EARTH_FLATTENING)


class LookAngles(msgspec.Struct, frozen=True, kw_only=True):
    """How an object stands in the sky of a site; azimuth is clockwise from true north in [0, 360)."""

    azimuth_deg: Floats
    elevation_deg: Floats
    range_km: Floats


def ecef_km(latitude_deg: Floats, longitude_deg: Floats, altitude_km: Floats | float = 0.0) -> Floats:
    """Place geodetic positions (WGS 84) in the Earth-fixed frame; the last axis is x, y, z."""
    latitude, longitude = np.radians(latitude_deg), np.radians(longitude_deg)
    normal_km = EARTH_RADIUS_KM / np.sqrt(1.0 - _ECCENTRICITY_SQUARED * np.sin(latitude) ** 2)
    ring_km = (normal_km + altitude_km) * np.cos(latitude)
    z_km = (normal_km * (1.0 - _ECCENTRICITY_SQUARED) + altitude_km) * np.sin(latitude)
    return np.stack([ring_km * np.cos(longitude), ring_km * np.sin(longitude), z_km], axis=-1)


def geodetic(position_km: Floats) -> tuple[Floats, Floats, Floats]:
    """Give latitude_deg, longitude_deg and altitude_km (WGS 84) of Earth-fixed positions.

    Bowring 1985 with one step: below a millimetre up to 1,000 km of altitude, the poles included.
    """
    x_km, y_km, z_km = position_km[..., 0], position_km[..., 1], position_km[..., 2]
    ring_km = np.hypot(x_km, y_km)
    polar_km = EARTH_RADIUS_KM * (1.0 - EARTH_FLATTENING)
    second_squared = _ECCENTRICITY_SQUARED / (1.0 - _ECCENTRICITY_SQUARED)
    radius_km = np.hypot(ring_km, z_km)
    parametric = np.arctan2(polar_km * z_km * (1.0 + second_squared * polar_km / radius_km), EARTH_RADIUS_KM * ring_km)
    latitude = np.arctan2(
        z_km + second_squared * polar_km * np.sin(parametric) ** 3,
        ring_km - _ECCENTRICITY_SQUARED * EARTH_RADIUS_KM * np.cos(parametric) ** 3,
    )
    sine = np.sin(latitude)
    altitude_km = (
        ring_km * np.cos(latitude) + z_km * sine - EARTH_RADIUS_KM * np.sqrt(1.0 - _ECCENTRICITY_SQUARED * sine**2)
    )
    return np.degrees(latitude), np.degrees(np.arctan2(y_km, x_km)), altitude_km


def east_north_up(latitude_deg: Floats, longitude_deg: Floats) -> tuple[Floats, Floats, Floats]:
    """Give the three unit vectors of each site's horizon in the Earth-fixed frame."""
    latitude, longitude = np.radians(latitude_deg), np.radians(longitude_deg)
    sin_lat, cos_lat, sin_lon, cos_lon = np.sin(latitude), np.cos(latitude), np.sin(longitude), np.cos(longitude)
    east = np.stack([-sin_lon, cos_lon, np.zeros_like(sin_lon)], axis=-1)
    north = np.stack([-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat], axis=-1)
    up = np.stack([cos_lat * cos_lon, cos_lat * sin_lon, sin_lat], axis=-1)
    return east, north, up


def look_angles(latitude_deg: Floats, longitude_deg: Floats, object_km: Floats) -> LookAngles:
    """Look from each site at its own object: shapes broadcast, `object_km` has x, y, z last."""
    sight_km = object_km - ecef_km(latitude_deg, longitude_deg)
    east, north, up = (np.sum(sight_km * axis, axis=-1) for axis in east_north_up(latitude_deg, longitude_deg))
    return LookAngles(
        azimuth_deg=np.degrees(np.arctan2(east, north)) % 360.0,
        elevation_deg=np.degrees(np.arctan2(up, np.hypot(east, north))),
        range_km=np.sqrt(east**2 + north**2 + up**2),
    )


def look_angles_of_all(latitude_deg: Floats, longitude_deg: Floats, objects_km: Floats) -> LookAngles:
    """Look from every site at every object: the arrays have a row for a site and a column for an object."""
    return look_angles(latitude_deg[:, None], longitude_deg[:, None], objects_km[None, :, :])


def off_boresight_deg(
    azimuth_deg: Floats, elevation_deg: Floats, boresight_azimuth_deg: Floats, boresight_elevation_deg: Floats
) -> Floats:
    """Measure the angle between where a satellite is and where the antenna's face points."""
    towards = _direction(azimuth_deg, elevation_deg)
    boresight = _direction(boresight_azimuth_deg, boresight_elevation_deg)
    # arctan2 of sine and cosine: arccos alone loses the small angles.
    sine = np.linalg.norm(np.cross(towards, boresight), axis=-1)
    cosine: Floats = np.sum(towards * boresight, axis=-1)
    angle_deg: Floats = np.degrees(np.arctan2(sine, cosine))
    return angle_deg


def slant_range_km(altitude_km: Floats | float, elevation_deg: Floats | float) -> Floats:
    """Give the range of a satellite at this elevation over a spherical Earth."""
    elevation = np.radians(elevation_deg)
    orbit_km = EARTH_RADIUS_KM + np.asarray(altitude_km, dtype=np.float64)
    return np.sqrt(orbit_km**2 - (EARTH_RADIUS_KM * np.cos(elevation)) ** 2) - EARTH_RADIUS_KM * np.sin(elevation)


def nadir_half_angle_deg(altitude_km: Floats | float, elevation_deg: Floats | float) -> Floats:
    """Give the angle at the satellite between straight down and a site that sees it at this elevation."""
    sine = EARTH_RADIUS_KM * np.cos(np.radians(elevation_deg)) / (EARTH_RADIUS_KM + np.asarray(altitude_km))
    return np.degrees(np.arcsin(sine))


def footprint_half_angle_deg(altitude_km: Floats | float, elevation_deg: Floats | float) -> Floats:
    """Give the angle at the Earth's centre between a satellite and the edge of its footprint."""
    return 90.0 - np.asarray(elevation_deg) - nadir_half_angle_deg(altitude_km, elevation_deg)


def surface_distance_km(
    latitude_deg: Floats, longitude_deg: Floats, other_latitude_deg: Floats, other_longitude_deg: Floats
) -> Floats:
    """Give the great-circle distance between places on a spherical Earth (haversine)."""
    latitude, other_latitude = np.radians(latitude_deg), np.radians(other_latitude_deg)
    half_longitude = np.radians(other_longitude_deg - longitude_deg) / 2.0
    haversine = (
        np.sin((other_latitude - latitude) / 2.0) ** 2
        + np.cos(latitude) * np.cos(other_latitude) * np.sin(half_longitude) ** 2
    )
    distance_km: Floats = 2.0 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(haversine))
    return distance_km


def _direction(azimuth_deg: Floats, elevation_deg: Floats) -> Floats:
    azimuth, elevation = np.radians(azimuth_deg), np.radians(elevation_deg)
    ring = np.cos(elevation)
    return np.stack(np.broadcast_arrays(ring * np.sin(azimuth), ring * np.cos(azimuth), np.sin(elevation)), axis=-1)
