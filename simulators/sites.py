"""The places on the ground that are shipped with the simulator: cities, gateways, PoPs."""

import csv
from importlib import resources

import msgspec
import numpy as np
from numpy.typing import NDArray

from simulators.geometry import Floats


class Sites(msgspec.Struct, frozen=True, kw_only=True):
    """Places in a fixed order; a place's position in these arrays is its index."""

    names: tuple[str, ...]
    countries: tuple[str, ...]
    """ISO 3166-1 alpha-2."""
    latitude_deg: Floats
    longitude_deg: Floats
    operational: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.names)


def cities() -> Sites:
    """Read the cities that terminals stand in."""
    return _sites(_rows("cities.csv"))


def gateways() -> Sites:
    """Read the gateways, those still planned included."""
    return _sites([row for row in _rows("ground_sites.csv") if row["kind"] == "gateway"])


def pops() -> Sites:
    """Read the PoPs, those still planned included."""
    return _sites([row for row in _rows("ground_sites.csv") if row["kind"] == "pop"])


def only(sites: Sites, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Sites:
    """Keep the chosen places, given by mask or by index."""
    kept = np.arange(len(sites))[chosen]
    return Sites(
        names=tuple(sites.names[place] for place in kept),
        countries=tuple(sites.countries[place] for place in kept),
        latitude_deg=sites.latitude_deg[kept],
        longitude_deg=sites.longitude_deg[kept],
        operational=sites.operational[kept],
    )


def _rows(name: str) -> list[dict[str, str]]:
    text = resources.files("simulators").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _sites(rows: list[dict[str, str]]) -> Sites:
    return Sites(
        names=tuple(row["name"] for row in rows),
        countries=tuple(row["country"] for row in rows),
        latitude_deg=np.array([float(row["latitude_deg"]) for row in rows]),
        longitude_deg=np.array([float(row["longitude_deg"]) for row in rows]),
        operational=np.array([row.get("status", "operational") == "operational" for row in rows]),
    )
