"""The shells of the constellation as filed with the FCC, in Walker notation."""

import re

import msgspec
import numpy as np

from simulators.geometry import Floats


class Shell(msgspec.Struct, frozen=True, kw_only=True):
    """Circular orbits of one altitude and inclination, spread evenly."""

    name: str
    altitude_km: float
    inclination_deg: float
    plane_count: int
    satellites_per_plane: int
    phasing: int
    """Walker's F: how many 360/T steps a satellite leads its neighbour in the plane to the west."""

    @property
    def satellite_count(self) -> int:
        """Walker's T."""
        return self.plane_count * self.satellites_per_plane

    @property
    def walker(self) -> str:
        """Write the shell as Type:Altitude:Inclination:T/P/F (IETF draft-piraux-space-constellation-code)."""
        pattern = f"{self.satellite_count}/{self.plane_count}/{self.phasing}"
        return f"D:{self.altitude_km:g}:{self.inclination_deg:.1f}:{pattern}"


_WALKER = re.compile(
    r"(?:D:)?(?P<altitude>[\d.]+):(?P<inclination>[\d.]+):(?P<total>\d+)/(?P<planes>\d+)/(?P<phasing>\d+)"
)


class BadShell(ValueError):  # noqa: N818 - the error says what is bad, as in house style
    """A notation that is no shell: what, and how to write one."""


def parse_shell(notation: str, name: str) -> Shell:
    """Read a shell written as `D:altitude:inclination:T/P/F`, as in `D:630:51.9:1156/34/3`; `D:` may be left out.

    Raises:
        BadShell: It is not so written, or its satellites do not fill its planes.
    """
    found = _WALKER.fullmatch(notation.strip())
    if found is None:
        raise BadShell(f"shell {notation!r}: write it as D:630:51.9:1156/34/3, altitude km : inclination deg : T/P/F")
    total, planes = int(found["total"]), int(found["planes"])
    if planes == 0 or total == 0 or total % planes:
        raise BadShell(f"shell {notation!r}: {total} satellites do not fill {planes} planes evenly")
    return Shell(
        name=name,
        altitude_km=float(found["altitude"]),
        inclination_deg=float(found["inclination"]),
        plane_count=planes,
        satellites_per_plane=total // planes,
        phasing=int(found["phasing"]),
    )


# FCC SAT-LOA-20190704-00057, order FCC 20-102. Phasing from a public transcription of the filing's spreadsheet.
FILED_SHELLS = (
    Shell(name="K1", altitude_km=630, inclination_deg=51.9, plane_count=34, satellites_per_plane=34, phasing=3),
    Shell(name="K2", altitude_km=610, inclination_deg=42.0, plane_count=36, satellites_per_plane=36, phasing=3),
    Shell(name="K3", altitude_km=590, inclination_deg=33.0, plane_count=28, satellites_per_plane=28, phasing=1),
)


def raan_deg(shell: Shell) -> Floats:
    """Give the right ascension of each satellite's ascending node, plane by plane."""
    planes = np.arange(shell.plane_count) * (360.0 / shell.plane_count)
    return np.repeat(planes, shell.satellites_per_plane)


def argument_of_latitude_deg(shell: Shell) -> Floats:
    """Give how far each satellite is beyond its ascending node, plane by plane."""
    in_plane = np.arange(shell.satellites_per_plane) * (360.0 / shell.satellites_per_plane)
    lead = np.arange(shell.plane_count) * (360.0 * shell.phasing / shell.satellite_count)
    return ((lead[:, None] + in_plane[None, :]) % 360.0).ravel()
