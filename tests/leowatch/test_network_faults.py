"""Every trouble of the network, played alone through the whole road: said once, in time, an incident of its own audience."""

import msgspec
import pytest

from ingest.contract.packing import inventory_records
from leowatch.memory_bus import MemoryBus
from leowatch.road import Road
from simulators.contract.faults import FAULT_BY_KIND, FAULTS, FaultKind
from simulators.run import Settings, new_sky
from streams.contract.catalogue import CATALOGUE
from streams.contract.detail import decode_detail
from streams.contract.incidents import decode_incident
from streams.contract.topics import INCIDENTS, NETWORK_EVENTS
from streams.detectors import network

pytestmark = pytest.mark.slow

# A small network in which every part is used.
SETTINGS = Settings(
    terminals=40, gateways=20, shard_count=1, partition_count=1, constellation="phase1-578", published_layer=False,
    plan_ahead_s=120, edge_ratio=0,
)  # fmt: skip
START_S = 20
# Within this after its end the slowest to come back is back.
RETURN_S = 70


class Alone(msgspec.Struct, frozen=True):
    """A fault that is played alone.

    Attributes:
        event: The kind that tells of it.
        within_s: From the fault to the event, the detector's hold, the wait for order and the reports' cadence in it.
        length_s: How long it stands.
        audience: Of its incident; none where there is none.
        more: Lines of the scenario.
    """

    event: str
    within_s: float
    length_s: int = 40
    audience: str | None = None
    more: str = ""


_K = FaultKind
PLAYED = {
    _K.GATEWAY_DOWN: Alone("gateway_isolated", 8, audience="noc_page"),
    _K.FIBRES_CUT: Alone("gateway_isolated", 8, audience="noc_page"),
    _K.FIBRE_A_CUT: Alone("fibre_cut", 8, audience="ticket"),
    _K.GATEWAY_ANTENNA_FAILED: Alone("redundancy_lost", 8, audience="ticket"),
    _K.MACSEC_LOST: Alone("security_degraded", 3, audience="soc_page"),
    _K.POP_FAILED: Alone("pop_lost", 8, audience="noc_page"),
    _K.EGRESS_CONGESTED: Alone("egress_congested", 130, length_s=200, audience="ticket", more="magnitude = 0.08"),
    _K.ROUTE_ANOMALY: Alone("route_anomaly", 3, audience="soc_page"),
    _K.DDOS_MITIGATION: Alone("ddos_mitigation", 3),
    _K.ATTACHMENT_DOWN: Alone("private_attachment_down", 8, audience="ticket"),
    _K.ATTACHMENT_BGP_DOWN: Alone("private_attachment_down", 8, audience="ticket"),
    _K.SATELLITE_FAILED: Alone("satellite_failed", 13, audience="noc_page"),
    _K.SATELLITE_MANOEUVRE: Alone("satellite_manoeuvre", 13, audience="nobody"),
    _K.LASER_DOWN: Alone("isl_down", 23),
    _K.CONTROL_PLANE_FAILED: Alone("plan_overdue", 140, length_s=190, audience="noc_page"),
    _K.PLAN_DELAYED: Alone("plan_overdue", 140, length_s=190, audience="noc_page", more="magnitude = 130"),
    _K.CELL_OVERSUBSCRIBED: Alone("cell_oversubscribed", 150, length_s=180, audience="ticket", more="magnitude = 20"),
}  # fmt: skip
# Nothing, and what looks like trouble to nobody: a plan that comes late, and before the one that is out ends.
QUIET = {
    None: Alone("none", 0, length_s=60),
    _K.PLAN_LATE_SERVICE_GOOD: Alone("none", 0, length_s=150, more="magnitude = 90"),
}


def play(path, fault):
    """Return the network events with the second in which each was said, the incidents' revisions, and the fault."""
    alone = (PLAYED | QUIET)[fault]
    lines = f'[[fault]]\nkind = "{fault}"\nstart_s = {START_S}\nduration_s = {alone.length_s}\n{alone.more}\n'
    path.write_text('name = "alone"\n' + (lines if fault else ""))
    minutes = (START_S + alone.length_s + RETURN_S) / 60
    sky = new_sky(msgspec.structs.replace(SETTINGS, scenario=str(path), minutes=minutes))
    now_ns = [0]
    bus = MemoryBus(now_ns=lambda: now_ns[0])
    road = Road(bus, partition_count=1, now_ns=lambda: now_ns[0])
    found = bus.reader([NETWORK_EVENTS, INCIDENTS])
    bus.put(inventory_records(sky.inventory))
    events, incidents = [], []
    for second in sky:
        now_ns[0] = second.received_at_ns
        bus.put(second.records)
        road.turn()
        at_s = (second.received_at_ns - sky.settings.first_at_ns) / 1e9
        for message in found.drain():
            if message.topic == NETWORK_EVENTS.name:
                events.append((at_s, decode_detail(message.value)))
            else:
                incidents.append(decode_incident(message.value))
    return events, incidents, sky.faults


@pytest.mark.parametrize("fault", PLAYED, ids=str)
def test_a_fault_alone_is_told_once_in_time_with_its_end_and_is_one_incident_of_its_audience(tmp_path, fault):
    expected = PLAYED[fault]
    events, incidents, (played,) = play(tmp_path / "alone.toml", fault)

    mine = [(at_s, event) for at_s, event in events if event["kind"] == expected.event]
    assert len({event["event_key"] for _, event in mine}) == 1
    assert mine[0][0] - START_S <= expected.within_s
    assert mine[0][1]["revision"] == 1
    ended = [
        event for _, event in events if "ended_at" in event and event["kind"] in {expected.event, "gateway_restored"}
    ]
    assert len(ended) == 1

    root = played.spec.type.root, played.root_id
    roots = {i.incident_id: i for i in incidents if (i.root_kind.name.lower(), i.root_id) == root}
    assert {incident.audience.value for incident in roots.values()} == ({expected.audience} - {None})
    assert {incident.cause for incident in roots.values()} <= set(FAULT_BY_KIND[fault].told_by)
    assert len(roots) == (expected.audience is not None)
    assert bool(expected.audience and expected.audience.endswith("_page")) == any(i.page_at for i in incidents)
    assert {i.incident_id for i in incidents if i.page_at} <= set(roots)


@pytest.mark.parametrize("fault", QUIET, ids=str)
def test_a_quiet_sky_has_no_trouble_of_the_network(tmp_path, fault):
    events, incidents, _ = play(tmp_path / "quiet.toml", fault)

    assert events == []
    assert not [i for i in incidents if i.audience.pages]


# What no frame of the network shows, and whose detector is still to come: this list may only shrink.
NOT_YET = {
    # felt by terminals
    "obstruction", "signal_degraded", "terminal_moved", "thermal_throttle", "thermal_shutdown", "usage_threshold",
    "ethernet_slow", "backup_path_activated", "backup_path_unhealthy", "pop_change", "gateway_handover",
    "handover_deviation", "telemetry_gap",
    # made of other events
    "regional_outage", "auto_remediation_succeeded", "auto_remediation_failed",
    # a plan says by how many lasers a path goes, and not by which
    "isl_rerouted",
    # said by a customer's account and not by telemetry
    "sink_delegation_revoked",
}  # fmt: skip
OF_TERMINALS = {
    "handover", "outage_suspected", "outage_started", "outage_ended", "outage_withdrawn", "tilt_warning",
    "tilt_critical", "tilt_disturbed", "tilt_restored",
}  # fmt: skip
OF_PLANS = {"plan_superseded", "plan_overdue", "gateway_failover"}


def test_every_kind_of_the_catalogue_has_a_detector_or_stands_in_the_list_of_those_to_come():
    of_frames = {c.kind for c in network.CONDITIONS} | {c.ended_by for c in network.CONDITIONS if c.ended_by}

    assert of_frames | OF_PLANS | OF_TERMINALS | NOT_YET == {entry.kind for entry in CATALOGUE}
    assert not NOT_YET & (of_frames | OF_PLANS | OF_TERMINALS)


def test_every_fault_that_the_network_s_frames_show_is_played():
    told = {c.kind for c in network.CONDITIONS} | OF_PLANS
    shown = {entry.kind for entry in FAULTS if told & set(entry.told_by)}

    # Terminals show these too, the first alone: what a customer's own segment does no gateway says.
    elsewhere = {_K.ENCRYPTION_LOST, _K.PRIVATE_EGRESS_VIOLATED}
    # The same as one that is played, or twice of it, or a weather that ends in it.
    alike = {_K.GATEWAY_FLAPPING, _K.GATEWAY_STORM, _K.GATEWAY_MAINTENANCE, _K.STADIUM_LOAD}
    # Packets are lost and no row says so: of these a plan tells once the planner knows.
    grey = {_K.GATEWAY_LOSSY, _K.GATEWAY_FADING_ONE_WAY}
    assert shown - elsewhere - alike - grey == set(PLAYED)
