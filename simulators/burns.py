"""What a burn does to an orbit: low thrust along the track, seen from where the satellite would have been."""

import numpy as np

from simulators.geometry import EARTH_ROTATION_RAD_PER_S, Floats
from simulators.network_conditions import Bools, SatelliteConditions
from simulators.orbits import Instants, Motion
from simulators.visibility import Indexes

_KM_PER_M = 1e-3


def thrusting(satellites: SatelliteConditions, at_ns: int) -> Bools:
    """Tell whose thruster fires."""
    since_s = (at_ns - satellites.burn_from_ns) / 1e9
    return (since_s >= 0.0) & (since_s < satellites.burn_s)


def displaced(motion: Motion, at_ns: Instants, satellites: SatelliteConditions, index: Indexes) -> Motion:
    """Move satellites by what their burns have done to a circular orbit.

    A change of speed dv raises the orbit by 2 dv / n, so the satellite falls behind by 3 dv for every second (the
    secular terms of Hill's equations; Vallado 2013, section 6.8).

    Args:
        motion: Without burns.
        at_ns: Its instants.
        satellites: The burns.
        index: Which satellite each of the motion's is.
    """
    since_s = (at_ns[:, None] - satellites.burn_from_ns[index]) / 1e9
    burning = np.flatnonzero((since_s > 0.0).any(axis=0) & (satellites.delta_v_mps[index] != 0.0))
    if not len(burning):
        return motion
    burn_s = np.maximum(satellites.burn_s[index[burning]], 1e-3)
    since_s, delta_v_mps = since_s[:, burning], satellites.delta_v_mps[index[burning]]
    fired_s = np.clip(since_s, 0.0, burn_s)
    gained_mps = delta_v_mps * fired_s / burn_s
    gained_m = delta_v_mps * fired_s**2 / (2.0 * burn_s) + delta_v_mps * np.maximum(since_s - burn_s, 0.0)
    position_km, velocity_km_per_s = motion.position_km.copy(), motion.velocity_km_per_s.copy()
    position_km[:, burning], velocity_km_per_s[:, burning] = _turned(
        position_km[:, burning], velocity_km_per_s[:, burning], -3.0 * gained_m * _KM_PER_M, gained_mps * _KM_PER_M
    )
    return Motion(position_km=position_km, velocity_km_per_s=velocity_km_per_s, valid=motion.valid)


def _turned(
    position_km: Floats, velocity_km_per_s: Floats, along_km: Floats, gained_km_per_s: Floats
) -> tuple[Floats, Floats]:
    """Turn states about their orbits' normals by the way along the track, and raise them."""
    inertial = velocity_km_per_s.copy()
    inertial[..., 0] -= EARTH_ROTATION_RAD_PER_S * position_km[..., 1]
    inertial[..., 1] += EARTH_ROTATION_RAD_PER_S * position_km[..., 0]
    radius_km = np.linalg.norm(position_km, axis=-1, keepdims=True)
    normal = np.cross(position_km, inertial)
    momentum = np.linalg.norm(normal, axis=-1, keepdims=True)
    normal /= momentum
    raised = 1.0 + 2.0 * gained_km_per_s[..., None] * radius_km / momentum  # 2 dv / n, as a share of the radius
    angle = along_km[..., None] / radius_km
    cosine, sine = np.cos(angle), np.sin(angle)
    return (
        raised * (cosine * position_km + sine * np.cross(normal, position_km)),
        cosine * velocity_km_per_s + sine * np.cross(normal, velocity_km_per_s),
    )
