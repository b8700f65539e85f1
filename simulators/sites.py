"""The places on the ground that are shipped with the simulator: cities, gateways, PoPs."""

import csv
from importlib import resources

import msgspec
import numpy as np
from numpy.typing import NDArray

from simulators.geometry import Floats, surface_distance_km

# A footprint at 35 degrees is 757 km wide, one at a gateway's 15 degrees 1,500 km: so near, most satellites over a city
# are also over the gateway.
_REACH_KM = 1_200.0
_PLANNED_LAST = 1e6


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


def built_gateways(count: int) -> Sites:
    """Choose the gateways that an operator with so many would have, in the order of the file.

    One after the other is built where it brings most cities into reach; a city that is reached by others already
    counts a fifth for each of them. Sites that are only planned come last.
    """
    every, homes = gateways(), cities()
    apart_km = surface_distance_km(
        every.latitude_deg[:, None], every.longitude_deg[:, None], homes.latitude_deg, homes.longitude_deg
    )
    near = apart_km <= _REACH_KM
    weight = np.ones(len(homes))
    free = np.ones(len(every), dtype=np.bool_)
    for _ in range(min(count, len(every))):
        gain = near @ weight + _PLANNED_LAST * every.operational
        chosen = int(np.where(free, gain, -1.0).argmax())
        free[chosen] = False
        weight[near[chosen]] *= 0.2
    return only(every, ~free)


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
