"""What is true now, as a whole: faults write it, physics and service read it."""

import msgspec

from simulators.fleet import Fleet, attachment_pops
from simulators.network_conditions import NetworkConditions, neutral_network
from simulators.spacecraft import first_lifecycle
from simulators.steering import DoorConditions, SteeringConditions, as_planned
from simulators.terminal_conditions import TerminalConditions, untroubled


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """Terminals, the network, how the one follows the other, and the door."""

    terminals: TerminalConditions
    network: NetworkConditions
    steering: SteeringConditions
    door: DoorConditions

    def place(self, name: str) -> object:
        """Return the record of one kind of thing: `terminals`, `gateways`, `control`, ..."""
        record: object = getattr(self, name) if hasattr(self, name) else self.network.place(name)
        return record


def no_trouble(fleet: Fleet) -> Conditions:
    """Return the conditions of a day on which nothing is wrong."""
    return Conditions(
        terminals=untroubled(fleet.terminals),
        network=calm_network(fleet),
        steering=as_planned(len(fleet.terminals)),
        door=DoorConditions(),
    )


def calm_network(fleet: Fleet) -> NetworkConditions:
    """Return the conditions of a network of which nothing is broken."""
    return neutral_network(
        lifecycle=first_lifecycle(fleet),
        antenna_count=fleet.segment.antenna_count,
        pop_count=len(fleet.pops),
        attachment_count=len(attachment_pops(fleet)),
        cell_count=len(fleet.cells),
    )
