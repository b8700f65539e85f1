"""What each fault does: which conditions it writes, how bad, over what course, and whose outages are its own."""

from collections.abc import Callable
from enum import Enum, auto

import msgspec

from ingest.contract.instants import NS_PER_S
from ingest.contract.vocabulary import Egress, EncryptionState, MitigationState, SatelliteLifecycle
from simulators.contract.faults import FaultKind
from simulators.contract.truth import NoServiceCause
from simulators.courses import Course


class Mix(Enum):
    """What becomes of a condition that a fault writes, and that others may write too."""

    SET = auto()
    """Its own value, reached by degrees; the last to come decides."""
    SWITCH = auto()
    """Its own value as soon as it stands at all."""
    ADD = auto()
    """Added to what is there."""
    COUNT = auto()
    """One more each time it begins; its end changes nothing."""
    KEEP = auto()
    """Its own value, which stays when it is over."""


class Dose(msgspec.Struct, frozen=True, kw_only=True):
    """How bad one fault is.

    Attributes:
        magnitude: In the unit of its kind.
        bearing_deg: A direction, where one is needed.
        started_at_ns: When it began.
        length_s: How long it stands.
    """

    magnitude: float
    bearing_deg: float
    started_at_ns: int
    length_s: float


Value = Callable[[Dose], float]


class Write(msgspec.Struct, frozen=True, kw_only=True):
    """One condition that a fault writes.

    Attributes:
        place: Which record of conditions: `terminals`, `gateways`, ...
        name: Which of its arrays.
        value: What is written at full strength.
        column: Which column, where the array has several; None writes all.
    """

    place: str
    name: str
    value: Value
    mix: Mix
    column: Callable[[Dose], int] | None = None


class Who(Enum):
    """Which terminals a fault may be aimed at."""

    FIXED = auto()
    ANY = auto()
    PRIVATE = auto()
    DUAL_PATH = auto()


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What a kind does.

    Attributes:
        writes: The conditions.
        magnitude: Least and most, where a scenario does not say.
        unit: Of the magnitude.
        course: Its shape, where a scenario does not say.
        takes: Causes of lost service that are its doing.
        who: Which terminals it may be aimed at.
        radius_km: How far around its cell it reaches, where a scenario does not say.
        marks: Those it touches count as affected though they keep service.
    """

    writes: tuple[Write, ...]
    magnitude: tuple[float, float] = (1.0, 1.0)
    unit: str = ""
    course: Course = Course()
    takes: tuple[NoServiceCause, ...] = ()
    who: Who = Who.FIXED
    radius_km: float = 0.0
    marks: bool = False


def _const(value: float) -> Value:
    return lambda _: value


def _magnitude(dose: Dose) -> float:
    return dose.magnitude


def _write(
    place: str, name: str, value: float | Value, mix: Mix, column: int | Callable[[Dose], int] | None = None
) -> Write:
    by_dose = (lambda _: column) if isinstance(column, int) else column
    return Write(place=place, name=name, value=value if callable(value) else _const(value), mix=mix, column=by_dose)


def _switch(place: str, name: str, value: float) -> Write:
    return _write(place, name, value, Mix.SWITCH)


def _add(place: str, name: str, value: float | Value = _magnitude) -> Write:
    return _write(place, name, value, Mix.ADD)


def _set(place: str, name: str, value: float | Value = _magnitude) -> Write:
    return _write(place, name, value, Mix.SET)


_K, _C = FaultKind, NoServiceCause
_FACE = (_set("terminals", "tilt_deg"), _write("terminals", "azimuth_deg", lambda d: d.bearing_deg, Mix.SWITCH))
_OFF = (_switch("terminals", "powered", False),)
_SITE_DOWN = (_switch("gateways", "up", False),)
_HALF_WIDTH_DEG = 40.0
_INTERNET = int(Egress.INTERNET)


def _side(sign: float) -> Value:
    return lambda dose: (dose.bearing_deg + sign * _HALF_WIDTH_DEG) % 360.0


EFFECTS: dict[FaultKind, Effect] = {
    _K.TERMINAL_POWER_LOST: Effect(writes=_OFF, takes=(_C.POWER_LOST, _C.BOOTING)),
    _K.ANTENNA_KNOCKED_OVER: Effect(writes=_FACE, magnitude=(35, 70), unit="deg", takes=(_C.TILT,), marks=True),
    _K.ANTENNA_SAGGING: Effect(
        writes=_FACE, magnitude=(12, 25), unit="deg", course=Course(onset_s=3_600), takes=(_C.TILT,), marks=True
    ),
    _K.SNOW_ON_ANTENNA: Effect(
        writes=(_add("terminals", "snow_loss_db"),), magnitude=(6, 16), unit="dB",
        course=Course(onset_s=900, recovery_s=300), takes=(_C.LINK,), marks=True,
    ),
    _K.OBSTRUCTION_GROWING: Effect(
        writes=(
            _write("terminals", "blocked_from_deg", _side(-1), Mix.SWITCH),
            _write("terminals", "blocked_to_deg", _side(+1), Mix.SWITCH),
            _set("terminals", "blocked_below_deg"),
        ),
        magnitude=(55, 80), unit="deg", course=Course(onset_s=600), takes=(_C.OBSTRUCTION,), marks=True,
    ),
    _K.TERMINAL_OVERHEATED: Effect(
        writes=(_add("terminals", "temperature_offset_celsius"),), magnitude=(50, 65), unit="celsius",
        course=Course(onset_s=300, recovery_s=180), takes=(_C.THERMAL_SHUTDOWN,), marks=True,
    ),
    _K.WATER_IN_TERMINAL: Effect(
        writes=(
            _switch("terminals", "water", True),
            _add("terminals", "downlink_loss_db"),
            _add("terminals", "uplink_loss_db"),
        ),
        magnitude=(3, 6), unit="dB", takes=(_C.LINK,), marks=True,
    ),
    _K.ETHERNET_SLOW: Effect(
        writes=(_set("terminals", "ethernet_bps"),), magnitude=(100e6, 100e6), unit="bit/s", marks=True
    ),
    _K.CLOCK_SKEWED: Effect(
        writes=(
            _set("terminals", "clock_offset_ns", lambda d: d.magnitude * NS_PER_S),
            _set("terminals", "clock_drift_ns_per_s", 20_000.0),
        ),
        magnitude=(-8, 3), unit="s", marks=True,
    ),
    _K.TERMINAL_SILENT: Effect(writes=(_switch("terminals", "told", False),), marks=True),
    _K.PRIVATE_EGRESS_VIOLATED: Effect(
        writes=(_switch("terminals", "private_egress", False),), who=Who.PRIVATE, marks=True
    ),
    _K.ENCRYPTION_LOST: Effect(writes=(_switch("terminals", "encrypted", False),), marks=True),
    _K.ADDRESS_CHANGED: Effect(writes=(_write("terminals", "address", 1, Mix.COUNT),), marks=True),
    _K.TERRESTRIAL_CUT: Effect(
        writes=(_switch("terminals", "terrestrial_up", False),), who=Who.DUAL_PATH, marks=True
    ),
    _K.STANDBY_DEAD: Effect(writes=(_switch("terminals", "standby_dead", True),), who=Who.DUAL_PATH, marks=True),
    _K.QUOTA_USED_UP: Effect(writes=(_set("terminals", "demand_factor"),), magnitude=(5, 12), unit="times", marks=True),
    _K.SATELLITE_FAILED: Effect(
        writes=(
            _switch("satellites", "carrying", False),
            _switch("satellites", "lifecycle", SatelliteLifecycle.FAILED),
        ),
        takes=(_C.SATELLITE_DOWN,),
    ),
    _K.LASER_DOWN: Effect(
        writes=(_write("satellites", "laser_works", False, Mix.SWITCH, lambda d: int(d.bearing_deg // 90)),)
    ),
    _K.SATELLITE_MANOEUVRE: Effect(
        writes=(
            _switch("satellites", "lifecycle", SatelliteLifecycle.MANOEUVRING),
            _write("satellites", "burn_from_ns", lambda d: d.started_at_ns, Mix.KEEP),
            _write("satellites", "burn_s", lambda d: d.length_s, Mix.KEEP),
            _write("satellites", "delta_v_mps", _magnitude, Mix.KEEP),
        ),
        magnitude=(0.2, 1.0), unit="m/s", takes=(_C.SATELLITE_DOWN,),
    ),
    _K.GATEWAY_DOWN: Effect(writes=_SITE_DOWN, takes=(_C.GATEWAY_DOWN,)),
    _K.GATEWAY_ANTENNA_FAILED: Effect(writes=(_add("gateways", "antennas_in_service", -1),), takes=(_C.GATEWAY_DOWN,)),
    _K.GATEWAY_LOSSY: Effect(writes=(_set("gateways", "loss_ratio"),), magnitude=(0.1, 0.4), unit="ratio", marks=True),
    _K.GATEWAY_FLAPPING: Effect(writes=_SITE_DOWN, course=Course(period_s=120), takes=(_C.GATEWAY_DOWN,)),
    _K.GATEWAY_FADING_ONE_WAY: Effect(
        writes=(_add("gateways", "uplink_fade_db"),), magnitude=(6, 12), unit="dB",
        course=Course(onset_s=120), takes=(_C.GATEWAY_DOWN, _C.LINK), marks=True,
    ),
    _K.FIBRE_A_CUT: Effect(writes=(_switch("gateways", "fibre_a_up", False),)),
    _K.FIBRES_CUT: Effect(
        writes=(_switch("gateways", "fibre_a_up", False), _switch("gateways", "fibre_b_up", False)),
        takes=(_C.GATEWAY_DOWN,),
    ),
    _K.GATEWAY_STORM: Effect(
        writes=(_add("gateways", "rain_rate_mmph"),), magnitude=(60, 110), unit="mm/h",
        course=Course(onset_s=180, recovery_s=180), takes=(_C.GATEWAY_DOWN, _C.RAIN), marks=True,
    ),
    _K.MACSEC_LOST: Effect(writes=(_switch("gateways", "macsec_state", EncryptionState.NOT_ENCRYPTED),)),
    _K.REGIONAL_STORM: Effect(
        writes=(_add("cells", "rain_rate_mmph"), _add("gateways", "rain_rate_mmph")), magnitude=(40, 90), unit="mm/h",
        course=Course(onset_s=300, recovery_s=300), takes=(_C.RAIN, _C.GATEWAY_DOWN), radius_km=150.0,
    ),
    _K.CELL_OVERSUBSCRIBED: Effect(
        writes=(_set("cells", "demand_factor"),), magnitude=(6, 10), unit="times", course=Course(onset_s=60), marks=True
    ),
    _K.INTERFERENCE: Effect(
        writes=(_add("cells", "interference_db"),), magnitude=(5, 10), unit="dB",
        takes=(_C.LINK,), radius_km=30.0, marks=True,
    ),
    _K.POP_FAILED: Effect(writes=(_switch("pops", "pair_in_service", 0),), takes=(_C.POP_DOWN,)),
    _K.EGRESS_CONGESTED: Effect(
        writes=(
            _write("pops", "egress_loss_ratio", _magnitude, Mix.SET, _INTERNET),
            _write("pops", "egress_extra_ms", lambda d: 800.0 * d.magnitude, Mix.SET, _INTERNET),
        ),
        magnitude=(0.03, 0.15), unit="ratio", course=Course(onset_s=120, recovery_s=120),
    ),
    _K.ROUTE_ANOMALY: Effect(
        writes=(_write("pops", "invalid_routes", _magnitude, Mix.SET, _INTERNET),), magnitude=(40, 400), unit="routes"
    ),
    _K.DDOS_MITIGATION: Effect(
        writes=(
            _switch("pops", "mitigation_state", MitigationState.SCRUBBING),
            _add("pops", "extra_traffic_bps"),
        ),
        magnitude=(60e9, 180e9), unit="bit/s",
    ),
    _K.ATTACHMENT_DOWN: Effect(
        writes=(_switch("attachments", "up", False), _switch("attachments", "bgp_up", False)),
    ),
    _K.ATTACHMENT_BGP_DOWN: Effect(writes=(_switch("attachments", "bgp_up", False),)),
    _K.CONTROL_PLANE_FAILED: Effect(writes=(_switch("control", "publishing", False),), takes=(_C.NO_PLAN,)),
    _K.PLAN_DELAYED: Effect(
        writes=(_write("control", "delay_s", _magnitude, Mix.SWITCH),),
        magnitude=(610, 620), unit="s", takes=(_C.NO_PLAN,),
    ),
    _K.SAMPLES_DUPLICATED: Effect(
        writes=(_set("door", "duplicated_ratio"),), magnitude=(0.05, 0.3), unit="ratio"
    ),
    _K.BATCHES_LATE: Effect(
        writes=(_set("door", "late_ratio", 0.2), _set("door", "late_s")), magnitude=(5, 25), unit="s"
    ),
    _K.DOOR_STOPPED: Effect(writes=(_switch("door", "stopped", True),)),
    _K.HANDOVER_LATE: Effect(writes=(_set("steering", "switch_after_s"),), magnitude=(2, 10), unit="s"),
    _K.HANDOVER_EARLY: Effect(
        writes=(_set("steering", "switch_after_s", lambda d: -d.magnitude),), magnitude=(2, 10), unit="s"
    ),
    _K.HANDOVER_MISSED: Effect(writes=(_switch("steering", "holds", True),), takes=(_C.LINK,)),
    _K.HANDOVER_UNPLANNED: Effect(writes=(_switch("steering", "strays", True),)),
    _K.HANDOVER_PING_PONG: Effect(writes=(_switch("steering", "strays", True),), course=Course(period_s=20)),
    _K.SERVING_ID_STALE: Effect(writes=(_switch("terminals", "serving_stale", True),)),
    _K.TERMINAL_ON_OLD_PLAN: Effect(
        writes=(_set("terminals", "plan_age_slots"),), magnitude=(1, 3), unit="slots", takes=(_C.LINK,), marks=True
    ),
    _K.FIRMWARE_REBOOT: Effect(
        writes=(_write("terminals", "boot_count", 1, Mix.COUNT), _write("terminals", "firmware", 1, Mix.KEEP)),
        takes=(_C.BOOTING,), who=Who.ANY,
    ),
    _K.CUSTOMER_POWER_OFF: Effect(writes=_OFF, takes=(_C.POWER_LOST, _C.BOOTING), who=Who.ANY),
    _K.TERMINAL_STOWED: Effect(writes=(_switch("terminals", "stowed", True),), takes=(_C.STOWED,), who=Who.ANY),
    _K.TERMINAL_ASLEEP: Effect(writes=(_switch("terminals", "asleep", True),), takes=(_C.SLEEPING,), who=Who.ANY),
    _K.TERMINAL_UNDER_COVER: Effect(
        writes=(
            _switch("terminals", "blocked_from_deg", 0.0),
            _switch("terminals", "blocked_to_deg", 360.0),
            _switch("terminals", "blocked_below_deg", 90.0),
        ),
        takes=(_C.OBSTRUCTION,), who=Who.ANY,
    ),
    _K.STADIUM_LOAD: Effect(
        writes=(_set("cells", "demand_factor"),), magnitude=(3, 5), unit="times",
        course=Course(onset_s=300, recovery_s=300), radius_km=10.0,
    ),
    _K.GNSS_JAMMED: Effect(writes=(_switch("terminals", "gnss_jammed", True),), radius_km=60.0),
    _K.PLAN_LATE_SERVICE_GOOD: Effect(
        writes=(_write("control", "delay_s", _magnitude, Mix.SWITCH),), magnitude=(120, 500), unit="s"
    ),
    _K.GATEWAY_MAINTENANCE: Effect(writes=_SITE_DOWN, takes=(_C.GATEWAY_DOWN,)),
}  # fmt: skip
