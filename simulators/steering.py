"""How terminals follow their plan where they do not follow it to the letter, and what the door does to what it is told."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from simulators.terminal_conditions import Flags, Floats32


class SteeringConditions(msgspec.Struct, frozen=True, kw_only=True):
    """An entry a terminal.

    Attributes:
        switch_after_s: It takes a slot's assignment up so long after the slot's start; negative: before it.
        holds: It keeps the satellite it has, whatever the plan says.
        strays: It is served by another satellite than the plan's.
    """

    switch_after_s: Floats32
    holds: Flags
    strays: Flags


class DoorConditions(msgspec.Struct, kw_only=True):
    """The simulator's own door.

    Attributes:
        stopped: It writes nothing at all.
        duplicated_ratio: Share of terminals whose samples are told twice.
        late_ratio: Share of terminals whose samples come late ...
        late_s: ... by so much.
    """

    stopped: bool = False
    duplicated_ratio: float = 0.0
    late_ratio: float = 0.0
    late_s: float = 0.0


def as_planned(terminal_count: int) -> SteeringConditions:
    """Return terminals that follow their plan."""
    flags: NDArray[np.bool_] = np.zeros(terminal_count, dtype=np.bool_)
    return SteeringConditions(
        switch_after_s=np.zeros(terminal_count, dtype=np.float32), holds=flags.copy(), strays=flags
    )
