"""Where satellites are at an instant: SGP4 to the Earth-fixed frame; Julian dates and element epochs stay in here."""

import csv
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray
from sgp4 import omm
from sgp4.api import WGS72, Satrec, SatrecArray

from simulators.geometry import EARTH_ROTATION_RAD_PER_S, Floats

Instants = NDArray[np.int64]

DAY_NS = 86_400_000_000_000
_UNIX_EPOCH_JD = 2_440_587.5  # 1970-01-01T00:00:00Z
_J2000_JD = 2_451_545.0
_SGP4_EPOCH_JD = 2_433_281.5  # 1949-12-31T00:00:00Z, sgp4init counts days from it

# SGP4's own constants (WGS 72), and no others, belong to its mean motion.
_WGS72_RADIUS_KM = 6378.135
_WGS72_MU_KM3_PER_S2 = 398_600.8

_NEARLY_CIRCULAR = 1e-7  # SGP4 refuses a perfect circle


class ElementSet(msgspec.Struct, frozen=True, kw_only=True):
    """One published element set, read and ready to propagate."""

    name: str
    satellite_id: str
    satrec: Satrec
    epoch_at_ns: int
    inclination_deg: float
    mean_altitude_km: float
    """Of the circle with the published mean motion; it tells on station from raising."""


class Motion(msgspec.Struct, frozen=True, kw_only=True):
    """Earth-fixed states: an axis of instants, an axis of satellites, then x, y, z."""

    position_km: Floats
    velocity_km_per_s: Floats
    valid: NDArray[np.bool_]
    """False where SGP4 gave up (decayed, or elements out of range); the state there is NaN."""


def mean_motion_rev_per_day(altitude_km: float) -> float:
    """Give Kepler's mean motion of a circular orbit."""
    orbit_km = _WGS72_RADIUS_KM + altitude_km
    return float(np.sqrt(_WGS72_MU_KM3_PER_S2 / orbit_km**3) * 86_400.0 / (2.0 * np.pi))


def circular_orbits(
    *,
    mean_motion_rev_per_day: float,
    inclination_deg: float,
    raan_deg: Floats,
    argument_of_latitude_deg: Floats,
    epoch_at_ns: int,
) -> list[Satrec]:
    """Make one satellite for each pair of node and argument, without drag."""
    day, fraction = _julian(np.array([epoch_at_ns], dtype=np.int64))
    epoch_days = float(day[0] - _SGP4_EPOCH_JD + fraction[0])
    motion_rad_per_min = mean_motion_rev_per_day * 2.0 * np.pi / 1440.0
    satellites = []
    for number, (node_deg, argument_deg) in enumerate(zip(raan_deg, argument_of_latitude_deg, strict=True)):
        satrec = Satrec()
        satrec.sgp4init(
            WGS72,
            "i",  # the improved mode
            number + 1,
            epoch_days,
            0.0,  # drag
            0.0,
            0.0,
            _NEARLY_CIRCULAR,
            0.0,  # argument of perigee
            np.radians(inclination_deg),
            np.radians(argument_deg),  # the mean anomaly, since perigee is at the node
            motion_rad_per_min,
            np.radians(node_deg),
        )
        satellites.append(satrec)
    return satellites


def read_element_sets(text: str) -> list[ElementSet]:
    """Read element sets in two or three lines each (TLE), or as a table (OMM in CSV).

    Raises:
        ValueError: The text is neither.
    """
    if "NORAD_CAT_ID" in text.partition("\n")[0]:
        return [_of_omm(row) for row in csv.DictReader(text.splitlines())]
    name, sets = "", []
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    for number, line in enumerate(lines):
        if line.startswith("1 ") and number + 1 < len(lines):
            sets.append(_of_lines(name, line, lines[number + 1]))
        elif not line.startswith("2 "):
            name = line.strip()
    if lines and not sets:
        raise ValueError("no element set in it: give TLE lines, or OMM as CSV with a header")
    return sets


def propagate(satellites: Sequence[Satrec], at_ns: Instants) -> Motion:
    """Give every satellite's Earth-fixed state at every instant."""
    day, fraction = _julian(at_ns)
    error, position_km, velocity_km_per_s = SatrecArray(list(satellites)).sgp4(day, fraction)
    valid = (error == 0).T
    return _earth_fixed(position_km, velocity_km_per_s, valid, sidereal_rad(at_ns))


def sidereal_rad(at_ns: Instants) -> Floats:
    """Give Greenwich mean sidereal time (IAU 1982, the one TEME is defined by), taking UT1 as UTC.

    The two differ by less than 0.9 s, 0.1 s in 2025: at most 50 m on the ground.
    """
    day, fraction = _julian(at_ns)
    centuries = (day - _J2000_JD + fraction) / 36_525.0
    seconds = (
        67_310.54841 + (876_600.0 * 3600.0 + 8_640_184.812866) * centuries + 0.093104 * centuries**2
        - 6.2e-6 * centuries**3
    )  # fmt: skip
    angle: Floats = (seconds % 86_400.0) * (2.0 * np.pi / 86_400.0)
    return angle


def _earth_fixed(teme_km: Floats, teme_km_per_s: Floats, valid: NDArray[np.bool_], angle_rad: Floats) -> Motion:
    # sgp4 puts satellites first; we read by instant.
    position_km = _turned(teme_km.transpose(1, 0, 2), angle_rad)
    velocity_km_per_s = _turned(teme_km_per_s.transpose(1, 0, 2), angle_rad)
    velocity_km_per_s[..., 0] += EARTH_ROTATION_RAD_PER_S * position_km[..., 1]
    velocity_km_per_s[..., 1] -= EARTH_ROTATION_RAD_PER_S * position_km[..., 0]
    position_km[~valid] = np.nan
    velocity_km_per_s[~valid] = np.nan
    return Motion(position_km=position_km, velocity_km_per_s=velocity_km_per_s, valid=valid)


def _turned(vectors: Floats, angle_rad: Floats) -> Floats:
    cosine, sine = np.cos(angle_rad)[:, None], np.sin(angle_rad)[:, None]
    x, y = vectors[..., 0], vectors[..., 1]
    return np.stack([cosine * x + sine * y, cosine * y - sine * x, vectors[..., 2]], axis=-1)


def _julian(at_ns: Instants) -> tuple[Floats, Floats]:
    days, rest_ns = np.divmod(at_ns, DAY_NS)
    return days + _UNIX_EPOCH_JD, rest_ns / DAY_NS


def _circular_altitude_km(motion_rad_per_s: float) -> float:
    return float(np.cbrt(_WGS72_MU_KM3_PER_S2 / motion_rad_per_s**2) - _WGS72_RADIUS_KM)


def _of_lines(name: str, first: str, second: str) -> ElementSet:
    satrec = Satrec.twoline2rv(first, second, WGS72)
    return _element_set(name, str(satrec.satnum), satrec)


def _of_omm(row: dict[str, str]) -> ElementSet:
    satrec = Satrec()
    # SGP4 knows no catalogue number above 339999; the id is a string and needs none.
    omm.initialize(satrec, row | {"NORAD_CAT_ID": "0"})
    return _element_set(row["OBJECT_NAME"], row["NORAD_CAT_ID"], satrec)


def _element_set(name: str, satellite_id: str, satrec: Satrec) -> ElementSet:
    days_ns = round((satrec.jdsatepoch - _UNIX_EPOCH_JD) * DAY_NS)
    return ElementSet(
        name=name,
        satellite_id=satellite_id,
        satrec=satrec,
        epoch_at_ns=days_ns + round(satrec.jdsatepochF * DAY_NS),
        inclination_deg=float(np.degrees(satrec.inclo)),
        mean_altitude_km=_circular_altitude_km(satrec.no_kozai / 60.0),
    )
