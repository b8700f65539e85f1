"""What the page shows at one instant, as records that the composing program fills."""

from enum import IntEnum
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.contract.incidents import Incident

Degrees = NDArray[np.floating[Any]]
Codes = NDArray[np.integer[Any]]


class TerminalState(IntEnum):
    """What we know of a terminal; only the first is good news."""

    SERVICE = 0
    EXPECTED_GAP = 1  # the plan promised no cover, or maintenance
    SUSPECTED = 2  # silent, and not yet an outage
    OUTAGE = 3
    TILTED = 4  # with or without service
    BLIND = 5  # we cannot know: the door or its producer is silent


class SatelliteRole(IntEnum):
    """What a satellite does for the network now."""

    IDLE = 0  # not in service: rising, moving, failed
    IN_SERVICE = 1
    SERVING = 2  # carries at least one terminal of ours


class SiteState(IntEnum):
    """How a gateway or a PoP is."""

    UP = 0
    DEGRADED = 1
    DOWN = 2
    BLIND = 3


class Satellites(msgspec.Struct, frozen=True, kw_only=True):
    """Sub-satellite points, one row a satellite; the order of rows stays between snapshots."""

    latitude_deg: Degrees
    longitude_deg: Degrees
    role: Codes  # SatelliteRole


class Terminals(msgspec.Struct, frozen=True, kw_only=True):
    """Terminals to draw, one row each; beyond some 20,000 give a sample that keeps every abnormal one."""

    ids: tuple[str, ...]
    latitude_deg: Degrees
    longitude_deg: Degrees
    state: Codes  # TerminalState


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway or a PoP."""

    id: str
    latitude_deg: float
    longitude_deg: float
    state: SiteState
    name: str = ""


class PageState(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the page shows, at one instant of the network's time.

    Attributes:
        at: The network's time, simulated or not (RFC 3339); while it stands still the page says that it is stale. Empty
            before anything is known.
        speed_ratio: Seconds of the network's time in a second of ours; 0 = as fast as possible; None = not known.
        label: What is played, for the headline: scenario and seed.
        counts: Terminals by state, of the whole network, also where `terminals` is a sample.
        incidents: Newest revisions, in any order; the page sorts them.
        samples_per_s: Taken in, in a second of ours; None = not known.
        watermark_age_s: The network's time less the oldest watermark of a shard; None before the first.
        finished: Nothing more will come, and that is no fault.
        notice: Why this may not be the whole truth, as a sentence for an operator; empty where it is.
        ready: Whether it may be taken for the present in spite of the notice.
    """

    at: str
    speed_ratio: float | None
    satellites: Satellites
    gateways: tuple[Site, ...]
    pops: tuple[Site, ...]
    terminals: Terminals
    counts: dict[TerminalState, int]
    incidents: tuple[Incident, ...]
    samples_per_s: float | None
    events_per_s: float
    watermark_age_s: float | None
    label: str = ""
    finished: bool = False
    notice: str = ""
    ready: bool = True


class PageSource(Protocol):
    """Where the page looks."""

    def snapshot(self) -> PageState | None:
        """Return the newest state, or None before the first.

        It is called from the server's thread twice a second and must return at once: keep a finished record and hand
        it out.
        """
        ...
