"""What can be broken on purpose: each kind with its root, who is to hear of it and which events rightly tell of it."""

from enum import StrEnum

import msgspec


class FaultKind(StrEnum):
    """What can be broken, or only looks broken."""

    ANTENNA_KNOCKED_OVER = "antenna_knocked_over"
    ANTENNA_SAGGING = "antenna_sagging"
    SNOW_ON_ANTENNA = "snow_on_antenna"
    OBSTRUCTION_GROWING = "obstruction_growing"
    TERMINAL_POWER_LOST = "terminal_power_lost"
    TERMINAL_OVERHEATED = "terminal_overheated"
    WATER_IN_TERMINAL = "water_in_terminal"
    ETHERNET_SLOW = "ethernet_slow"
    CLOCK_SKEWED = "clock_skewed"
    TERMINAL_SILENT = "terminal_silent"
    PRIVATE_EGRESS_VIOLATED = "private_egress_violated"
    ENCRYPTION_LOST = "encryption_lost"
    ADDRESS_CHANGED = "address_changed"
    TERRESTRIAL_CUT = "terrestrial_cut"
    STANDBY_DEAD = "standby_dead"
    QUOTA_USED_UP = "quota_used_up"
    SATELLITE_FAILED = "satellite_failed"
    LASER_DOWN = "laser_down"
    SATELLITE_MANOEUVRE = "satellite_manoeuvre"
    GATEWAY_DOWN = "gateway_down"
    GATEWAY_ANTENNA_FAILED = "gateway_antenna_failed"
    GATEWAY_LOSSY = "gateway_lossy"
    GATEWAY_FLAPPING = "gateway_flapping"
    GATEWAY_FADING_ONE_WAY = "gateway_fading_one_way"
    FIBRE_A_CUT = "fibre_a_cut"
    FIBRES_CUT = "fibres_cut"
    GATEWAY_STORM = "gateway_storm"
    MACSEC_LOST = "macsec_lost"
    REGIONAL_STORM = "regional_storm"
    CELL_OVERSUBSCRIBED = "cell_oversubscribed"
    INTERFERENCE = "interference"
    POP_FAILED = "pop_failed"
    EGRESS_CONGESTED = "egress_congested"
    ROUTE_ANOMALY = "route_anomaly"
    DDOS_MITIGATION = "ddos_mitigation"
    ATTACHMENT_DOWN = "attachment_down"
    ATTACHMENT_BGP_DOWN = "attachment_bgp_down"
    CONTROL_PLANE_FAILED = "control_plane_failed"
    PLAN_DELAYED = "plan_delayed"
    SAMPLES_DUPLICATED = "samples_duplicated"
    BATCHES_LATE = "batches_late"
    DOOR_STOPPED = "door_stopped"
    HANDOVER_LATE = "handover_late"
    HANDOVER_EARLY = "handover_early"
    HANDOVER_MISSED = "handover_missed"
    HANDOVER_UNPLANNED = "handover_unplanned"
    HANDOVER_PING_PONG = "handover_ping_pong"
    SERVING_ID_STALE = "serving_id_stale"
    TERMINAL_ON_OLD_PLAN = "terminal_on_old_plan"
    FIRMWARE_REBOOT = "firmware_reboot"
    CUSTOMER_POWER_OFF = "customer_power_off"
    TERMINAL_STOWED = "terminal_stowed"
    TERMINAL_ASLEEP = "terminal_asleep"
    TERMINAL_UNDER_COVER = "terminal_under_cover"
    STADIUM_LOAD = "stadium_load"
    GNSS_JAMMED = "gnss_jammed"
    PLAN_LATE_SERVICE_GOOD = "plan_late_service_good"
    GATEWAY_MAINTENANCE = "gateway_maintenance"


class FaultType(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a kind before it is played.

    Attributes:
        root: The kind of thing that breaks: a `SubjectKind` in small letters.
        audience: Who is to hear of it unless a scenario says otherwise, in the words of the design's table.
        told_by: Event kinds that rightly tell of it, as an incident's cause; none where telemetry cannot show it.
        decoy: Looks like trouble, and must not wake anybody.
        about: One sentence.
    """

    kind: FaultKind
    root: str
    audience: str
    told_by: tuple[str, ...]
    about: str
    decoy: bool = False


def _terminal(kind: FaultKind, audience: str, told_by: tuple[str, ...], about: str) -> FaultType:
    return FaultType(kind=kind, root="terminal", audience=audience, told_by=told_by, about=about)


def _of(root: str, kind: FaultKind, audience: str, told_by: tuple[str, ...], about: str) -> FaultType:
    return FaultType(kind=kind, root=root, audience=audience, told_by=told_by, about=about)


def _decoy(root: str, kind: FaultKind, told_by: tuple[str, ...], about: str) -> FaultType:
    return FaultType(kind=kind, root=root, audience="nobody", told_by=told_by, about=about, decoy=True)


_K = FaultKind
_OUTAGE = ("outage_suspected", "outage_started")
_DEVIATION = ("handover_deviation",)
_NO_TRAFFIC = ("gateway_isolated", "gateway_failover", "auto_remediation_succeeded", "auto_remediation_failed")

# An event that could tell of several kinds is taken to tell of the first.
FAULTS: tuple[FaultType, ...] = (
    _terminal(_K.TERMINAL_POWER_LOST, "tenant", _OUTAGE, "The site's power is gone."),
    _terminal(_K.ANTENNA_KNOCKED_OVER, "tenant", ("tilt_warning", "tilt_critical", "tilt_disturbed"), "Somebody has knocked the antenna over."),
    _terminal(_K.ANTENNA_SAGGING, "ticket", ("tilt_warning", "tilt_critical"), "The mount gives way, slowly."),
    _terminal(_K.SNOW_ON_ANTENNA, "tenant", ("signal_degraded", *_OUTAGE), "Wet snow lies on the face."),
    _terminal(_K.OBSTRUCTION_GROWING, "tenant", ("obstruction", *_OUTAGE), "A crane, a tree or a wall rises in one direction."),
    _terminal(_K.TERMINAL_OVERHEATED, "tenant", ("thermal_throttle", "thermal_shutdown", *_OUTAGE), "It slows down and then stops, because it is hot."),
    _terminal(_K.WATER_IN_TERMINAL, "tenant", ("signal_degraded",), "Water has come in and weakens both directions."),
    _terminal(_K.ETHERNET_SLOW, "tenant", ("ethernet_slow",), "A bad cable: the port negotiates 100 Mbit/s or 10."),
    _terminal(_K.CLOCK_SKEWED, "nobody", ("telemetry_gap",), "Its clock is wrong and drifts."),
    _terminal(_K.TERMINAL_SILENT, "nobody", ("outage_suspected", "outage_withdrawn", "telemetry_gap"), "It serves on, and its telemetry does not come out."),
    _terminal(_K.PRIVATE_EGRESS_VIOLATED, "soc_page", ("security_degraded",), "A private customer's traffic leaves to the Internet."),
    _terminal(_K.ENCRYPTION_LOST, "soc_page", ("security_degraded",), "The envelope from terminal to PoP is not intact."),
    _terminal(_K.ADDRESS_CHANGED, "tenant", ("pop_change",), "It gets another address lease."),
    _terminal(_K.TERRESTRIAL_CUT, "tenant", ("backup_path_activated",), "The path beside Leo is cut: Leo carries the site."),
    _terminal(_K.STANDBY_DEAD, "ticket", ("backup_path_unhealthy",), "Leo, standing by, is silently dead."),
    _terminal(_K.QUOTA_USED_UP, "tenant", ("usage_threshold",), "A customer uses many times the usual."),
    _of("satellite", _K.SATELLITE_FAILED, "noc_page", ("satellite_failed", "satellite_lifecycle", "regional_outage"), "A satellite's payload fails."),
    _of("satellite", _K.LASER_DOWN, "nobody", ("isl_down", "isl_rerouted"), "One of a satellite's lasers is lost."),
    _of("satellite", _K.SATELLITE_MANOEUVRE, "nobody", ("satellite_manoeuvre", "plan_superseded"), "It leaves its place to avoid debris."),
    _of("gateway", _K.GATEWAY_DOWN, "noc_page", _NO_TRAFFIC, "A gateway carries no traffic."),
    _of("gateway", _K.GATEWAY_ANTENNA_FAILED, "ticket", ("redundancy_lost",), "One of a gateway's antennas is out."),
    _of("gateway", _K.GATEWAY_LOSSY, "ticket", ("gateway_failover", "signal_degraded"), "A gateway loses a tenth to four tenths of what it carries."),
    _of("gateway", _K.GATEWAY_FLAPPING, "noc_page", _NO_TRAFFIC, "A gateway goes down and comes back every two minutes."),
    _of("gateway", _K.GATEWAY_FADING_ONE_WAY, "ticket", ("signal_degraded", "gateway_failover"), "A feeder amplifier weakens: one direction fades."),
    _of("gateway", _K.FIBRE_A_CUT, "ticket", ("fibre_cut", "redundancy_lost"), "A backhoe cuts one of a gateway's two fibres."),
    _of("gateway", _K.FIBRES_CUT, "noc_page", ("fibre_cut", *_NO_TRAFFIC), "Both fibres of a gateway are cut."),
    _of("gateway", _K.GATEWAY_STORM, "ticket", ("gateway_failover", "signal_degraded", *_NO_TRAFFIC), "A storm stands over a gateway."),
    _of("gateway", _K.MACSEC_LOST, "soc_page", ("security_degraded",), "A gateway's links are no longer encrypted."),
    _of("cell", _K.REGIONAL_STORM, "noc_page", ("regional_outage", "signal_degraded"), "A storm over a region fades terminals and gateways."),
    _of("cell", _K.CELL_OVERSUBSCRIBED, "ticket", ("cell_oversubscribed",), "A cell wants more than its beam carries."),
    _of("cell", _K.INTERFERENCE, "ticket", ("signal_degraded",), "A foreign signal on the cell's frequencies."),
    _of("pop", _K.POP_FAILED, "noc_page", ("pop_lost", "pop_change", "regional_outage", "redundancy_lost"), "Both halves of a PoP fail."),
    _of("pop", _K.EGRESS_CONGESTED, "ticket", ("egress_congested",), "The way out of a PoP loses and delays packets."),
    _of("pop", _K.ROUTE_ANOMALY, "soc_page", ("route_anomaly",), "Routes whose validation fails."),
    _of("pop", _K.DDOS_MITIGATION, "nobody", ("ddos_mitigation",), "A flood is scrubbed."),
    _of("pop", _K.ATTACHMENT_DOWN, "ticket", ("private_attachment_down",), "A private attachment carries nothing."),
    _of("pop", _K.ATTACHMENT_BGP_DOWN, "ticket", ("private_attachment_down",), "A private attachment's session is lost."),
    _of("control_plane", _K.CONTROL_PLANE_FAILED, "noc_page", ("plan_overdue", "regional_outage", "plan_superseded"), "No plan is published; service ends where the last one ends."),
    _of("control_plane", _K.PLAN_DELAYED, "noc_page", ("plan_overdue", "regional_outage", "handover_deviation"), "Plans come out after their slots began."),
    _of("pipeline", _K.SAMPLES_DUPLICATED, "nobody", (), "Samples are told twice."),
    _of("pipeline", _K.BATCHES_LATE, "nobody", (), "Some terminals' samples arrive up to half a minute late."),
    _of("pipeline", _K.DOOR_STOPPED, "pipeline_page", ("telemetry_gap",), "The door stops: the network is well, and we are blind."),
    _terminal(_K.HANDOVER_LATE, "nobody", _DEVIATION, "It follows its plan some seconds late."),
    _terminal(_K.HANDOVER_EARLY, "nobody", _DEVIATION, "It follows its plan some seconds early."),
    _terminal(_K.HANDOVER_MISSED, "nobody", _DEVIATION, "It stays with its satellite where the plan moves it."),
    _terminal(_K.HANDOVER_UNPLANNED, "nobody", _DEVIATION, "It goes to a satellite that the plan does not name."),
    _terminal(_K.HANDOVER_PING_PONG, "nobody", _DEVIATION, "It goes to and fro between two satellites."),
    _terminal(_K.SERVING_ID_STALE, "nobody", (), "It goes on naming the satellite that it had."),
    _terminal(_K.TERMINAL_ON_OLD_PLAN, "nobody", (*_DEVIATION, *_OUTAGE), "It follows a plan of some slots ago."),
    _decoy("terminal", _K.FIRMWARE_REBOOT, _OUTAGE, "A staged rollout of firmware reboots it."),
    _decoy("terminal", _K.CUSTOMER_POWER_OFF, _OUTAGE, "Its customer switches it off for the night."),
    _decoy("terminal", _K.TERMINAL_STOWED, _OUTAGE, "Its owner has put it away."),
    _decoy("terminal", _K.TERMINAL_ASLEEP, _OUTAGE, "It saves power by its own timetable."),
    _decoy("terminal", _K.TERMINAL_UNDER_COVER, (*_OUTAGE, "obstruction"), "A tunnel, a port's cranes, a hangar."),
    _decoy("cell", _K.STADIUM_LOAD, ("cell_oversubscribed",), "A stadium fills."),
    _decoy("cell", _K.GNSS_JAMMED, ("terminal_moved",), "Satellite navigation is jammed; service goes on."),
    _decoy("control_plane", _K.PLAN_LATE_SERVICE_GOOD, (), "Plans come out late, and yet before their slots."),
    _decoy("gateway", _K.GATEWAY_MAINTENANCE, _NO_TRAFFIC, "Work on a gateway that was announced."),
)  # fmt: skip

FAULT_BY_KIND: dict[FaultKind, FaultType] = {entry.kind: entry for entry in FAULTS}
