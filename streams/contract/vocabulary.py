"""The closed lists of words that findings use; the numbers are on the wire and are never given to another word."""

from enum import IntEnum, IntFlag, StrEnum


class HandoverClass(IntFlag):
    """What changed; several can at once."""

    SATELLITE = 1
    BEAM = 2
    GATEWAY = 4
    POP = 8


class Conformance(IntEnum):
    """A handover held against the plan; null where there is no plan for it."""

    ON_TIME = 0
    EARLY = 1
    LATE = 2
    MISSED = 3
    UNPLANNED = 4


class OutageCause(IntEnum):
    """Why there is no service: what a terminal can know, and what only the network's side can add."""

    UNKNOWN = 0
    BOOTING = 1
    STOWED = 2
    THERMAL_SHUTDOWN = 3
    NO_SCHEDULE = 4
    NO_SATELLITES = 5
    OBSTRUCTED = 6
    NO_DOWNLINK = 7
    NO_PINGS = 8
    SLEEPING = 9
    SEARCHING = 10
    SILENT = 11  # detached at the gateway, and nothing heard since
    GATEWAY = 12
    POWER = 13
    TILT = 14
    COVERAGE_GAP = 15


class EventSource(IntEnum):
    """Whose finding it is."""

    LEOWATCH = 0
    TERMINAL = 1


class Severity(StrEnum):
    """How bad, at opening; an escalation is a second alert name and not a second severity."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Audience(StrEnum):
    """Who hears of it (design section 4)."""

    NOC_PAGE = "noc_page"
    SOC_PAGE = "soc_page"
    PIPELINE_PAGE = "pipeline_page"
    OT_PAGE = "ot_page"
    TICKET = "ticket"
    TENANT = "tenant"
    NOBODY = "nobody"

    @property
    def team(self) -> str:
        """The team label of an alert."""
        return {"noc_page": "noc", "soc_page": "soc", "pipeline_page": "pipeline", "ot_page": "ot"}.get(
            self, self.value
        )

    @property
    def pages(self) -> bool:
        """Whether it wakes somebody."""
        return self.value.endswith("_page")


class IncidentState(StrEnum):
    """An incident's life (ISA-18.2 words)."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SHELVED = "shelved"
    RESOLVED = "resolved"


class Remediation(StrEnum):
    """Who put it right; decided when it is resolved."""

    AUTO = "auto"
    MANUAL = "manual"
    NONE = "none"
