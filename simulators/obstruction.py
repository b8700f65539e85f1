"""What stands around an antenna: skylines fixed in azimuth, up to which the sky is blocked."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.geometry import Floats

Skylines = NDArray[np.float32]
AnyFloats = NDArray[np.floating[Any]]

STEP_DEG = 5.0
STEPS = round(360.0 / STEP_DEG)
_LEVEL_MASK_DEG = 35.0
# Shares of fixed sites (assumed): most installers find a clear sky; a few live with a tree, a wall or a street.
_SITE_SHARES = (0.86, 0.08, 0.04, 0.02)
# Of the three kinds that are not clear: how many things stand there, how wide and up to what elevation.
_THINGS = ((1, 2), (1, 3), (3, 6))
_WIDTH_DEG = ((10.0, 30.0), (20.0, 70.0), (30.0, 90.0))
_HEIGHT_DEG = ((36.0, 50.0), (40.0, 62.0), (42.0, 75.0))
_SKYLINES_A_KIND = 40
MOST_IN_THE_WAY = 1 + 2 * _SKYLINES_A_KIND + np.arange(_SKYLINES_A_KIND)
"""Rows of `skylines` with much in the way."""
# Beside a road: what is passed every so many metres, and how much of it.
_ROAD_SHARES = (0.55, 0.2, 0.15, 0.1)


def skylines(rng: np.random.Generator) -> Skylines:
    """Draw the skylines of a run: a row each, the elevation up to which each step of azimuth is blocked.

    Row 0 is the clear sky; then equally many with little, with some and with much in the way.
    """
    rows = [np.zeros(STEPS)]
    for things, width_deg, height_deg in zip(_THINGS, _WIDTH_DEG, _HEIGHT_DEG, strict=True):
        rows += [_skyline(things, width_deg, height_deg, rng) for _ in range(_SKYLINES_A_KIND)]
    return np.array(rows, dtype=np.float32)


def skylines_of_sites(count: int, rng: np.random.Generator) -> NDArray[np.int16]:
    """Choose a skyline for each of so many fixed sites."""
    return _choose(rng.random((2, count)), _SITE_SHARES)


def skylines_of_road(place: NDArray[np.int64], vehicle: NDArray[np.int64]) -> NDArray[np.int16]:
    """Choose what stands beside each vehicle, by the number of the stretch of road that it passes.

    Equal places have equal skylines, so that a road driven twice is the same road.
    """
    mixed = (place * 2_654_435_761 + vehicle * 40_503 + 12_345) % 4_294_967_296
    again = (mixed * 1_664_525 + 1_013_904_223) % 4_294_967_296
    return _choose(np.stack([again, mixed]) / 4_294_967_296.0, _ROAD_SHARES)


def blocked_ratio(skyline: Skylines) -> Floats:
    """Give the share of a level face's cone that each skyline blocks, by solid angle."""
    low = np.sin(np.radians(_LEVEL_MASK_DEG))
    covered = np.clip(np.sin(np.radians(skyline)) - low, 0.0, None)
    ratio: Floats = covered.mean(axis=1) / (1.0 - low)
    return ratio


def azimuth_step(azimuth_deg: Floats) -> NDArray[np.int64]:
    """Give the column of a skyline that holds an azimuth."""
    return (np.asarray(azimuth_deg) // STEP_DEG).astype(np.int64) % STEPS


def within(azimuth_deg: AnyFloats, from_deg: AnyFloats, to_deg: AnyFloats) -> NDArray[np.bool_]:
    """Tell whether an azimuth lies clockwise between two others."""
    return np.asarray((azimuth_deg - from_deg) % 360.0 <= (to_deg - from_deg) % 360.0)


def _skyline(
    things: tuple[int, int], width_deg: tuple[float, float], height_deg: tuple[float, float], rng: np.random.Generator
) -> Floats:
    middles_deg = (np.arange(STEPS) + 0.5) * STEP_DEG
    skyline_deg = np.zeros(STEPS)
    for _ in range(rng.integers(*things, endpoint=True)):
        from_deg, width, height = rng.uniform(0.0, 360.0), rng.uniform(*width_deg), rng.uniform(*height_deg)
        # Trees and roofs are not walls: their edge is ragged.
        ragged = height - rng.exponential(3.0, STEPS)
        here = within(middles_deg, np.asarray(from_deg), np.asarray(from_deg + width))
        skyline_deg = np.where(here, np.maximum(skyline_deg, ragged), skyline_deg)
    return skyline_deg


def _choose(random: Floats, shares: tuple[float, ...]) -> NDArray[np.int16]:
    kind = np.searchsorted(np.cumsum(shares[:-1]), random[0], side="right")
    within_kind = (random[1] * _SKYLINES_A_KIND).astype(np.int64)
    return np.where(kind == 0, 0, 1 + (kind - 1) * _SKYLINES_A_KIND + within_kind).astype(np.int16)
