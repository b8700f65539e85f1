"""The satellites of a run, layer by layer: the filed shells, and the published element sets."""

from importlib import resources

import msgspec
import numpy as np
from numpy.typing import NDArray
from sgp4.api import Satrec

from simulators.orbits import DAY_NS, ElementSet, circular_orbits, mean_motion_rev_per_day, read_element_sets
from simulators.shells import FILED_SHELLS, Shell, argument_of_latitude_deg, raan_deg

# SGP4's error grows by kilometres a day; beyond two weeks a published position is a guess.
ELEMENT_SET_LIFE_DAYS = 14
ON_STATION_ALTITUDE_KM = 630.0
ON_STATION_TOLERANCE_KM = 8.0  # the tolerance of the filing is about 9 km


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """Satellites that are propagated together; a satellite's position in these arrays is its index in the layer."""

    satellite_ids: tuple[str, ...]
    shell_names: tuple[str, ...]
    plane: NDArray[np.int32]
    """Plane within the shell, -1 where not known."""
    place: NDArray[np.int32]
    """Place within the plane, -1 where not known."""
    on_station: NDArray[np.bool_]
    satellites: tuple[Satrec, ...]
    refusal: str | None = None
    """Why satellites are missing from this layer, for the person who started the run."""

    def __len__(self) -> int:
        return len(self.satellite_ids)


def filed_layer(epoch_at_ns: int, shells: tuple[Shell, ...] = FILED_SHELLS) -> Layer:
    """Place every filed satellite, with this instant as the epoch."""
    numbered = [(shell, plane, place) for shell in shells for plane, place in np.ndindex(_planes_by_places(shell))]
    return Layer(
        satellite_ids=tuple(f"{shell.name}-{plane:02d}-{place:02d}" for shell, plane, place in numbered),
        shell_names=tuple(shell.name for shell, _, _ in numbered),
        plane=np.array([plane for _, plane, _ in numbered], dtype=np.int32),
        place=np.array([place for _, _, place in numbered], dtype=np.int32),
        on_station=np.ones(len(numbered), dtype=np.bool_),
        satellites=tuple(satrec for shell in shells for satrec in _shell_orbits(shell, epoch_at_ns)),
    )


def published_layer(start_at_ns: int) -> Layer:
    """Take the element sets shipped in the package that are still good at this instant."""
    text = resources.files("simulators").joinpath("data", "kuiper.tle").read_text(encoding="ascii")
    return layer_of_element_sets(read_element_sets(text), start_at_ns)


def layer_of_element_sets(element_sets: list[ElementSet], start_at_ns: int) -> Layer:
    """Take the element sets whose epoch is near enough; the layer says how many were refused."""
    life_ns = ELEMENT_SET_LIFE_DAYS * DAY_NS
    kept = [one for one in element_sets if abs(start_at_ns - one.epoch_at_ns) <= life_ns]
    return Layer(
        satellite_ids=tuple(one.satellite_id for one in kept),
        shell_names=tuple("published" for _ in kept),
        plane=np.full(len(kept), -1, dtype=np.int32),
        place=np.full(len(kept), -1, dtype=np.int32),
        on_station=np.array([is_on_station(one) for one in kept], dtype=np.bool_),
        satellites=tuple(one.satrec for one in kept),
        refusal=_refusal(len(element_sets) - len(kept), len(element_sets)),
    )


def is_on_station(element_set: ElementSet) -> bool:
    """Tell a satellite on station from one that is still raising (or coming down)."""
    return abs(element_set.mean_altitude_km - ON_STATION_ALTITUDE_KM) < ON_STATION_TOLERANCE_KM


def _refusal(refused: int, total: int) -> str | None:
    if refused == 0:
        return None
    return f"{refused} of {total} published element sets are more than {ELEMENT_SET_LIFE_DAYS} days from the start"


def _planes_by_places(shell: Shell) -> tuple[int, int]:
    return shell.plane_count, shell.satellites_per_plane


def _shell_orbits(shell: Shell, epoch_at_ns: int) -> list[Satrec]:
    return circular_orbits(
        mean_motion_rev_per_day=mean_motion_rev_per_day(shell.altitude_km),
        inclination_deg=shell.inclination_deg,
        raan_deg=raan_deg(shell),
        argument_of_latitude_deg=argument_of_latitude_deg(shell),
        epoch_at_ns=epoch_at_ns,
    )
