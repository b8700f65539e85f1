"""Where faults meet conditions: each change is written over what is neutral, with every other fault that stands there."""

from typing import Any, Protocol, TypeAlias

import numpy as np

from simulators.effects import EFFECTS, Mix, Write
from simulators.faults import Change, Fault

_Spot: TypeAlias = tuple[str, str, int]
_Standing: TypeAlias = dict[tuple[int, int], tuple[Fault, Write, float]]


class Placed(Protocol):
    """Conditions by the kind of thing."""

    def place(self, name: str) -> object:
        """Return the record of one kind."""


class Board:
    """Writes faults into conditions; what two of them write is as both say, and neutral again once both are over."""

    def __init__(self, conditions: Placed) -> None:
        self._conditions = conditions
        self._neutral: dict[_Spot, Any] = {}
        self._standing: dict[_Spot, _Standing] = {}

    def apply(self, change: Change) -> None:
        """Let a fault begin, grow, fade or end."""
        for number, write in enumerate(EFFECTS[change.fault.kind].writes):
            for index in change.fault.reach[write.place].tolist():
                spot = write.place, write.name, index
                if write.mix in {Mix.COUNT, Mix.KEEP}:
                    if change.begins:
                        self._assign(spot, _mixed(self._read(spot), change.fault, write, 1.0))
                else:
                    self._stand(spot, number, write, change)

    def _stand(self, spot: _Spot, number: int, write: Write, change: Change) -> None:
        standing = self._standing.setdefault(spot, {})
        if not standing:
            self._neutral[spot] = self._read(spot)
        if change.level > 0.0:
            standing[change.fault.number, number] = change.fault, write, change.level
        else:
            standing.pop((change.fault.number, number), None)
        value = self._neutral[spot]
        for fault, standing_write, level in standing.values():
            value = _mixed(value, fault, standing_write, level)
        self._assign(spot, value)
        if not standing:
            del self._standing[spot], self._neutral[spot]

    def _read(self, spot: _Spot) -> Any:
        place, name, index = spot
        held = getattr(self._conditions.place(place), name)
        return np.copy(held[index]) if isinstance(held, np.ndarray) else held

    def _assign(self, spot: _Spot, value: Any) -> None:
        place, name, index = spot
        record = self._conditions.place(place)
        held = getattr(record, name)
        if isinstance(held, np.ndarray):
            held[index] = np.rint(value) if held.dtype.kind == "i" else value
        else:
            setattr(record, name, type(held)(value))


def _mixed(value: Any, fault: Fault, write: Write, level: float) -> Any:
    """Return what a value becomes by a write; where it has columns, by the one that the write names."""
    if write.column is not None:
        whole, column = np.copy(value), write.column(fault.dose)
        whole[column] = _one(whole[column], write, write.value(fault.dose), level)
        return whole
    return _one(value, write, write.value(fault.dose), level)


def _one(value: Any, write: Write, target: float, level: float) -> Any:
    match write.mix:
        case Mix.SET:
            return value + (target - value) * level
        case Mix.ADD | Mix.COUNT:
            return value + target * level
        case Mix.SWITCH | Mix.KEEP:
            return target
