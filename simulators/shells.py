"""The shells of the constellation as filed with the FCC, in Walker notation."""

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
        return f"D:{self.altitude_km:.0f}:{self.inclination_deg:.1f}:{pattern}"


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
