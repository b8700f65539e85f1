"""The closed lists of words that telemetry uses; the numbers are on the wire and are never given to another word."""

from enum import IntEnum, IntFlag


class TerminalState(IntEnum):
    """What a terminal can know about its own service (Starlink's enum, domain section 4a)."""

    UNKNOWN = 0
    CONNECTED = 1
    BOOTING = 2
    SEARCHING = 3
    STOWED = 4
    THERMAL_SHUTDOWN = 5
    NO_SATELLITES = 6
    OBSTRUCTED = 7
    NO_DOWNLINK = 8
    NO_PINGS = 9
    NO_SCHEDULE = 10
    SLEEPING = 11


# States in which no user traffic can flow, whatever the drop ratio of the last second says.
STATES_WITHOUT_TRAFFIC = frozenset(TerminalState) - {TerminalState.UNKNOWN, TerminalState.CONNECTED}


class TerminalModel(IntEnum):
    """Terminal hardware (domain section 1b)."""

    NANO = 0
    PRO = 1
    ULTRA = 2


class MobilityClass(IntEnum):
    """How a terminal may move; tilt is judged by it."""

    FIXED = 0
    NOMADIC = 1
    LAND = 2
    MARITIME = 3
    AVIATION = 4


class ServiceClass(IntEnum):
    """What was sold; `CRITICAL_OT` has the one-second outage threshold and a team of its own."""

    CONSUMER = 0
    BUSINESS = 1
    BACKHAUL = 2
    CRITICAL_OT = 3


class InstallState(IntEnum):
    """Commissioning; the reference attitude is the one at ALIGNED."""

    INSTALLING = 0
    ALIGNED = 1
    ACTIVE = 2


class DetachReason(IntEnum):
    """Why a gateway let a terminal go, by its own word."""

    KEEP_ALIVE_LOST = 0
    MOVED = 1
    GATEWAY_OUT_OF_SERVICE = 2


class PathKind(IntEnum):
    """How traffic reaches the ground."""

    NONE = 0
    BENT_PIPE = 1
    LASER = 2


class NetworkType(IntEnum):
    """Where the customer's traffic is meant to leave."""

    INTERNET = 0
    PRIVATE_AWS = 1
    PRIVATE_INTERCONNECT = 2


class Underlay(IntEnum):
    """The path that carries a site's traffic, and the state of the path that stands by."""

    LEO = 0
    TERRESTRIAL = 1


class StandbyState(IntEnum):
    """Health of the path that is not carrying traffic."""

    ABSENT = 0
    HEALTHY = 1
    UNHEALTHY = 2


class EncryptionState(IntEnum):
    """Envelope encryption or MACsec of a segment; anything but ENCRYPTED is a security event."""

    ENCRYPTED = 0
    REKEYING = 1
    NOT_ENCRYPTED = 2


class SatelliteLifecycle(IntEnum):
    """A satellite's stage (domain S02, S11, S19)."""

    LAUNCHED = 0
    RAISING = 1
    OPERATIONAL = 2
    MANOEUVRING = 3
    DEORBITING = 4
    DECAYED = 5
    FAILED = 6


class LaserDirection(IntEnum):
    """The four laser heads of a satellite (domain S12)."""

    FORE = 0
    AFT = 1
    PORT = 2
    STARBOARD = 3


class LaserState(IntEnum):
    """State of one laser link."""

    DOWN = 0
    ACQUIRING = 1
    UP = 2


class Egress(IntEnum):
    """Where traffic leaves a PoP."""

    INTERNET = 0
    AWS = 1
    PRIVATE_INTERCONNECT = 2


class AttachmentKind(IntEnum):
    """A private customer attachment at a PoP."""

    DIRECT_CONNECT = 0
    TRANSIT_GATEWAY = 1


class MitigationState(IntEnum):
    """DDoS scrubbing at a PoP."""

    IDLE = 0
    SCRUBBING = 1


class TerminalAlert(IntFlag):
    """Bits of a terminal's `alerts` (domain section 4a, in its order)."""

    MOTORS_STUCK = 1 << 0
    THERMAL_SHUTDOWN = 1 << 1
    THERMAL_THROTTLE = 1 << 2
    UNEXPECTED_LOCATION = 1 << 3
    MAST_NOT_NEAR_VERTICAL = 1 << 4
    SLOW_ETHERNET = 1 << 5
    ROAMING = 1 << 6
    INSTALL_PENDING = 1 << 7
    IS_HEATING = 1 << 8
    POWER_SUPPLY_THERMAL_THROTTLE = 1 << 9
    POWER_SAVE_IDLE = 1 << 10
    LOWER_SIGNAL_THAN_PREDICTED = 1 << 16
    OBSTRUCTION_MAP_RESET = 1 << 18
    WATER_DETECTED = 1 << 19


# There is one: its id as a subject of events, incidents and labels.
CONTROL_PLANE_ID = "control-plane"


class SubjectKind(IntEnum):
    """What an event, an incident or a label is about."""

    TERMINAL = 0
    SATELLITE = 1
    GATEWAY = 2
    POP = 3
    CELL = 4
    TENANT = 5
    CONTROL_PLANE = 6
    PIPELINE = 7
