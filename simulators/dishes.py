"""The terminals as bodies: their faces, links, ways, warmth and beginnings, followed together second by second."""

import numpy as np

from simulators.attitude import Attitude
from simulators.firmware import draw_versions
from simulators.fleet import Fleet
from simulators.health import Health
from simulators.installs import Installs, draw_installations
from simulators.mobility import Mobility
from simulators.network_conditions import NetworkConditions
from simulators.noise import Noise
from simulators.reception import Reception
from simulators.terminal_conditions import TerminalConditions
from simulators.underlay import Underlays


class Dishes:
    """All terminals of a run.

    Attributes:
        attitude: Where each face points.
        reception: What each can use of its satellite.
        mobility: Where it goes.
        health: How warm it is.
        installs: Whether it has been put up yet.
        underlays: What carries its site's traffic.
        noise: Of the instruments.
    """

    def __init__(
        self,
        fleet: Fleet,
        conditions: TerminalConditions,
        network: NetworkConditions,
        span_ns: tuple[int, int],
        rng: np.random.Generator,
    ) -> None:
        terminals, rngs = fleet.terminals, rng.spawn(9)
        conditions.firmware[:] = draw_versions(len(terminals), rngs[0])
        self.noise = Noise(len(terminals), rngs[1])
        self.attitude = Attitude(terminals, conditions, self.noise, rngs[2])
        self.reception = Reception(fleet, conditions, network.cells, self.attitude, rngs[3])
        self.mobility = Mobility(fleet, self.attitude, self.reception, conditions, rngs[4])
        self.health = Health(terminals, conditions, self.noise, rngs[5])
        self.installs = Installs(terminals, draw_installations(terminals, span_ns, rngs[6]), conditions, rngs[7])
        self.underlays = Underlays(terminals, conditions, rngs[8])

    def switch(self, at_ns: int) -> bool:
        """Do what owners do in this second; tell whether anybody's power was switched."""
        packed, begun = self.mobility.pack(at_ns), self.installs.go_on(at_ns)
        return packed or begun

    def look(self, at_ns: int) -> None:
        """Follow every face and its view of its satellite: due each second, and after a change within it."""
        self.attitude.turn_to(at_ns)
        self.mobility.turn_to(at_ns)
        self.reception.turn_to(at_ns)
