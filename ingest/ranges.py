"""Range, choice and clock checks on columns: the same for a caller's JSON and for a file of frames."""

from collections.abc import Callable
from enum import IntFlag
from typing import TypeAlias

import numpy as np

from ingest.contract.columns import MISSING, Array, Column
from ingest.contract.frame import RejectReason
from ingest.contract.instants import NS_PER_S
from ingest.contract.telemetry import TERMINAL

# A sample further ahead of the door's clock has a clock that cannot be trusted (design section 3).
CLOCK_AHEAD_NS = 5 * NS_PER_S

# Told which rows are bad, why, in which field, and how to mend it.
Refuse: TypeAlias = Callable[[Array, RejectReason, str, str], None]


def check_clock(observed_at_ns: Array, received_at_ns: int | Array, refuse: Refuse) -> None:
    """Refuse instants that cannot be read, and clocks that run ahead of the door's."""
    column = TERMINAL.column("observed_at_ns")
    unreadable = (observed_at_ns < (column.minimum or 0)) | (observed_at_ns > (column.maximum or 0))
    says = "an RFC 3339 instant with an offset, or nanoseconds since 1970 in observed_at_ns"
    refuse(unreadable, RejectReason.OUT_OF_RANGE, "observed_at", says)
    ahead = observed_at_ns > received_at_ns + CLOCK_AHEAD_NS
    refuse(ahead, RejectReason.CLOCK_AHEAD, "observed_at", "over 5 s ahead of the door's clock: set the source's clock")


def check_range(column: Column, values: Array, refuse: Refuse) -> None:
    """Refuse what is not finite, outside the column's range, or missing though required."""
    low, high = column.minimum, column.maximum
    if values.dtype.kind == "f":
        given = ~np.isnan(values)
        refuse(given & ~np.isfinite(values), RejectReason.NOT_A_NUMBER, column.name, "a finite number")
    else:
        given = values != MISSING
    outside = given & (
        (values < (low if low is not None else values)) | (values > (high if high is not None else values))
    )
    refuse(
        outside,
        RejectReason.OUT_OF_RANGE,
        column.name,
        f"from {low:g} to {high:g}" if low is not None and high is not None else "out of range",
    )
    if column.required:
        refuse(~given, RejectReason.MISSING_COLUMN, column.name, "is required")


def check_choice(column: Column, values: Array, refuse: Refuse) -> None:
    """Refuse a number that stands for no word of the column's closed list; bit sets are judged by their range."""
    if column.choices is None or issubclass(column.choices, IntFlag):
        return
    numbers = [int(choice) for choice in column.choices]
    known = np.isin(values, numbers if column.required else [*numbers, MISSING])
    refuse(~known, RejectReason.UNKNOWN_CHOICE, column.name, f"one of {numbers}")
