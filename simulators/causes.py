"""Why a terminal has no service, as numbers: the codes of the latent truth."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from simulators.contract.truth import NoServiceCause

Codes: TypeAlias = NDArray[np.int8]

IN_SERVICE = 0
CAUSES: tuple[NoServiceCause | None, ...] = (None, *NoServiceCause)
"""By code."""


def code_of(cause: NoServiceCause) -> int:
    """Return the code of a cause."""
    return CAUSES.index(cause)


COVERAGE_GAP = code_of(NoServiceCause.COVERAGE_GAP)
GATEWAY_DOWN = code_of(NoServiceCause.GATEWAY_DOWN)
POWER_LOST = code_of(NoServiceCause.POWER_LOST)
BOOTING = code_of(NoServiceCause.BOOTING)
TILT = code_of(NoServiceCause.TILT)
HANDOVER = code_of(NoServiceCause.HANDOVER)
RAIN = code_of(NoServiceCause.RAIN)
LINK = code_of(NoServiceCause.LINK)
INSTALLING = code_of(NoServiceCause.INSTALLING)
OBSTRUCTION = code_of(NoServiceCause.OBSTRUCTION)
SATELLITE_DOWN = code_of(NoServiceCause.SATELLITE_DOWN)
POP_DOWN = code_of(NoServiceCause.POP_DOWN)
NO_PLAN = code_of(NoServiceCause.NO_PLAN)
STOWED = code_of(NoServiceCause.STOWED)
SLEEPING = code_of(NoServiceCause.SLEEPING)
THERMAL_SHUTDOWN = code_of(NoServiceCause.THERMAL_SHUTDOWN)
