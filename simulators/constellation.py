"""The satellites of a run, layer by layer: filed shells, a preset part of them, a shell by notation, or element sets."""

from importlib import resources
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from sgp4.api import Satrec

from ingest.contract.vocabulary import SatelliteLifecycle
from simulators.lasers import NO_PEERS, grid_peers
from simulators.orbits import DAY_NS, ElementSet, circular_orbits, mean_motion_rev_per_day, read_element_sets
from simulators.shells import FILED_SHELLS, Shell, argument_of_latitude_deg, parse_shell, raan_deg
from simulators.visibility import Indexes

FULL, PHASE_1, PREVIEW = "full-3236", "phase1-578", "preview-153"
PRESETS = (FULL, PHASE_1, PREVIEW)

# SGP4's error grows by kilometres a day; beyond two weeks a published position is a guess.
ELEMENT_SET_LIFE_DAYS = 14
ON_STATION_ALTITUDE_KM = 630.0
ON_STATION_TOLERANCE_KM = 8.0  # the tolerance of the filing is about 9 km
# Below this the air brings a satellite down within days.
_DECAY_ALTITUDE_KM = 200.0

# 578 is half of K1's 34 x 34 (FCC 20-102 asks for service after as many): every second place of each plane, assumed.
_PHASE_1_STEP = 2
# Six launches to November 2025: KA-01, KA-02, KF-01, KF-02, KA-03, KF-03. They fill planes one after the other
# (assumed) and the last one is still on its way up.
LAUNCHED = (27, 27, 24, 24, 27, 24)
_RAISING_ALTITUDE_KM = 480.0  # within the published 389 to 620 km


class BadConstellation(ValueError):  # noqa: N818 - the error says what is bad, as in house style
    """A constellation that cannot be flown: what, and what could be."""


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """Satellites that are propagated together; a satellite's position in these arrays is its index in the layer."""

    satellite_ids: tuple[str, ...]
    shell_names: tuple[str, ...]
    plane: NDArray[np.int32]
    """Plane within the shell, -1 where not known."""
    place: NDArray[np.int32]
    """Place within the plane, -1 where not known."""
    lifecycle: NDArray[np.int8]
    """`SatelliteLifecycle` at the start of the run."""
    peers: Indexes
    """Satellites that the four lasers look at, in the order of `lasers.neighbours`; -1 for none."""
    satellites: tuple[Satrec, ...]
    refusal: str | None = None
    """Why satellites are missing from this layer, for the person who started the run."""

    @property
    def on_duty(self) -> NDArray[np.bool_]:
        """Which of them carry traffic at the start of the run."""
        return np.asarray(self.lifecycle == SatelliteLifecycle.OPERATIONAL)

    def __len__(self) -> int:
        return len(self.satellite_ids)


def carrying_layer(constellation: str, start_at_ns: int) -> Layer:
    """Place the satellites that carry traffic.

    Args:
        constellation: A preset's name, shells by notation joined with `+`, or the path of a file of element sets.
        start_at_ns: Epoch of what is filed; element sets must be near it.

    Raises:
        BadConstellation: It is none of these, or nothing of it flies at this instant.
    """
    if constellation in PRESETS:
        return _preset(constellation, start_at_ns)
    path = Path(constellation)
    if path.is_file():
        return _of_file(path, start_at_ns)
    try:
        parts = enumerate(constellation.split("+"), start=1)
        return filed_layer(start_at_ns, tuple(parse_shell(part, f"S{number}") for number, part in parts))
    except ValueError as error:
        raise BadConstellation(
            f"constellation {constellation!r} is no preset ({', '.join(PRESETS)}), no file, and as shells: {error}"
        ) from error


def filed_layer(epoch_at_ns: int, shells: tuple[Shell, ...] = FILED_SHELLS) -> Layer:
    """Place every satellite of these shells, with this instant as the epoch."""
    parts = [_shell_layer(shell, epoch_at_ns) for shell in shells]
    firsts = np.cumsum([0, *(len(part) for part in parts)])
    return Layer(
        satellite_ids=tuple(name for part in parts for name in part.satellite_ids),
        shell_names=tuple(name for part in parts for name in part.shell_names),
        plane=np.concatenate([part.plane for part in parts]),
        place=np.concatenate([part.place for part in parts]),
        lifecycle=np.concatenate([part.lifecycle for part in parts]),
        peers=np.concatenate([part.peers + np.int32(first) for part, first in zip(parts, firsts[:-1], strict=True)]),
        satellites=tuple(satrec for part in parts for satrec in part.satellites),
    )


def published_layer(start_at_ns: int) -> Layer:
    """Take the element sets shipped in the package that are still good at this instant."""
    text = resources.files("simulators").joinpath("data", "kuiper.tle").read_text(encoding="ascii")
    return layer_of_element_sets(read_element_sets(text), start_at_ns)


def layer_of_element_sets(element_sets: list[ElementSet], start_at_ns: int) -> Layer:
    """Take the element sets whose epoch is near enough; the layer says how many were refused."""
    life_ns = ELEMENT_SET_LIFE_DAYS * DAY_NS
    kept = [one for one in element_sets if abs(start_at_ns - one.epoch_at_ns) <= life_ns]
    unknown = np.full(len(kept), -1, dtype=np.int32)
    return Layer(
        satellite_ids=tuple(one.satellite_id for one in kept),
        shell_names=tuple("published" for _ in kept),
        plane=unknown,
        place=unknown,
        lifecycle=np.array([lifecycle_of(one) for one in kept], dtype=np.int8),
        peers=np.tile(NO_PEERS, (len(kept), 1)),
        satellites=tuple(one.satrec for one in kept),
        refusal=_refusal(len(element_sets) - len(kept), len(element_sets)),
    )


def lifecycle_of(element_set: ElementSet) -> SatelliteLifecycle:
    """Tell a satellite on station from one that is raising or gone, by its semi-major axis alone.

    What is coming down looks like what is going up until it is low.
    """
    altitude_km = element_set.mean_altitude_km
    if altitude_km < _DECAY_ALTITUDE_KM:
        return SatelliteLifecycle.DECAYED
    on_station = abs(altitude_km - ON_STATION_ALTITUDE_KM) < ON_STATION_TOLERANCE_KM
    return SatelliteLifecycle.OPERATIONAL if on_station else SatelliteLifecycle.RAISING


def _preset(name: str, epoch_at_ns: int) -> Layer:
    if name == FULL:
        return filed_layer(epoch_at_ns)
    first = FILED_SHELLS[0]
    every = _shell_layer(first, epoch_at_ns)
    flown = np.flatnonzero(every.place % _PHASE_1_STEP == 0)
    if name == PREVIEW:
        return _raise_last(_part(every, flown[: sum(LAUNCHED)], first), epoch_at_ns)
    return _part(every, flown, first)


def _part(layer: Layer, kept: NDArray[np.intp], shell: Shell) -> Layer:
    """Keep some satellites of a shell; lasers look at the next ones that fly."""
    in_a_plane = shell.satellites_per_plane // _PHASE_1_STEP
    return Layer(
        satellite_ids=_ids(shell.name, len(kept)),
        shell_names=tuple(layer.shell_names[n] for n in kept),
        plane=layer.plane[kept],
        place=layer.place[kept],
        lifecycle=layer.lifecycle[kept],
        peers=grid_peers(len(kept) // in_a_plane, in_a_plane, round(shell.phasing / _PHASE_1_STEP)),
        satellites=tuple(layer.satellites[n] for n in kept),
    )


def _raise_last(layer: Layer, epoch_at_ns: int) -> Layer:
    """Leave the last launch on its way up, below its places and at work for nobody."""
    shell, raising = FILED_SHELLS[0], len(layer) - LAUNCHED[-1]
    number = layer.plane[raising:] * shell.satellites_per_plane + layer.place[raising:]
    below = circular_orbits(
        mean_motion_rev_per_day=mean_motion_rev_per_day(_RAISING_ALTITUDE_KM),
        inclination_deg=shell.inclination_deg,
        raan_deg=raan_deg(shell)[number],
        argument_of_latitude_deg=argument_of_latitude_deg(shell)[number],
        epoch_at_ns=epoch_at_ns,
    )
    lifecycle = layer.lifecycle.copy()
    lifecycle[raising:] = SatelliteLifecycle.RAISING
    return msgspec.structs.replace(layer, lifecycle=lifecycle, satellites=(*layer.satellites[:raising], *below))


def _of_file(path: Path, start_at_ns: int) -> Layer:
    try:
        layer = layer_of_element_sets(read_element_sets(path.read_text(encoding="utf-8")), start_at_ns)
    except (ValueError, KeyError) as error:
        raise BadConstellation(f"constellation {path}: {error}") from error
    if not len(layer):
        raise BadConstellation(f"constellation {path}: {layer.refusal or 'it holds no element set'}")
    return layer


def _refusal(refused: int, total: int) -> str | None:
    if refused == 0:
        return None
    return f"{refused} of {total} published element sets are more than {ELEMENT_SET_LIFE_DAYS} days from the start"


def _ids(shell_name: str, count: int) -> tuple[str, ...]:
    return tuple(f"leo-{shell_name.lower()}-{number:04d}" for number in range(1, count + 1))


def _shell_layer(shell: Shell, epoch_at_ns: int) -> Layer:
    plane, place = np.divmod(np.arange(shell.satellite_count, dtype=np.int32), shell.satellites_per_plane)
    return Layer(
        satellite_ids=_ids(shell.name, shell.satellite_count),
        shell_names=(shell.name,) * shell.satellite_count,
        plane=plane.astype(np.int32),
        place=place.astype(np.int32),
        lifecycle=np.full(shell.satellite_count, SatelliteLifecycle.OPERATIONAL, dtype=np.int8),
        peers=grid_peers(shell.plane_count, shell.satellites_per_plane, shell.phasing),
        satellites=tuple(_shell_orbits(shell, epoch_at_ns)),
    )


def _shell_orbits(shell: Shell, epoch_at_ns: int) -> list[Satrec]:
    return circular_orbits(
        mean_motion_rev_per_day=mean_motion_rev_per_day(shell.altitude_km),
        inclination_deg=shell.inclination_deg,
        raan_deg=raan_deg(shell),
        argument_of_latitude_deg=argument_of_latitude_deg(shell),
        epoch_at_ns=epoch_at_ns,
    )
