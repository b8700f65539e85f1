"""How hard it rains over every cell and gateway, read from the weather every few seconds."""

import numpy as np

from ingest.contract.instants import NS_PER_S
from simulators.fleet import Fleet
from simulators.network_conditions import NetworkConditions
from simulators.weather import Weather, direction, everyday_rain

EVERY_NS = 10 * NS_PER_S
# A gateway's sites lie apart, and in heavy rain the drier one works (assumed): the day's weather weakens a gateway and
# takes none away. What a fault rains falls on all of it.
_GATEWAY_LIMIT_MMPH = 12.0


class RainGauges:
    """Writes the weather into the conditions of cells and gateways; the rain of a fault comes on top."""

    def __init__(
        self, fleet: Fleet, start_at_ns: int, end_at_ns: int, network: NetworkConditions, rng: np.random.Generator
    ) -> None:
        cells, gateways = fleet.cells, fleet.gateways
        latitude_deg = np.concatenate([cells.latitude_deg, gateways.latitude_deg])
        longitude_deg = np.concatenate([cells.longitude_deg, gateways.longitude_deg])
        self._weather = Weather(everyday_rain(latitude_deg, longitude_deg, start_at_ns, end_at_ns, rng))
        self._network = network
        self._places = direction(latitude_deg, longitude_deg)
        self._next_at_ns = start_at_ns

    def read(self, at_ns: int) -> bool:
        """Read all gauges, where they are due; tell whether they were."""
        if at_ns < self._next_at_ns:
            return False
        self._next_at_ns = at_ns + EVERY_NS
        rate_mmph = self._weather.rate_mmph(self._places, at_ns)
        cells, gateways = self._network.cells, self._network.gateways
        cells.weather_mmph[:] = rate_mmph[: len(cells.weather_mmph)]
        gateways.weather_mmph[:] = np.minimum(rate_mmph[len(cells.weather_mmph) :], _GATEWAY_LIMIT_MMPH)
        return True
