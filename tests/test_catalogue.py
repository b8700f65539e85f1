"""The catalogue holds every detail-type of domain section 1g, every first kind of issue 3, and topics are named alike."""

import re
from pathlib import Path

import pytest

from exporters.contract.topics import EXPORTERS_TOPICS
from ingest.contract.telemetry import LAYOUTS
from ingest.contract.topics import DAY_S, INGEST_TOPICS, TOPIC_OF_KIND, Spread, shard_from_key, shard_key
from streams.contract.catalogue import CATALOGUE, KIND_BY_NAME, code_of
from streams.contract.topics import STREAMS_TOPICS
from streams.contract.vocabulary import Audience

TOPICS = (*INGEST_TOPICS, *STREAMS_TOPICS, *EXPORTERS_TOPICS)

# Domain section 1g, in its words.
OF_THE_DOMAIN = [
    "TerminalHandover",
    "TerminalHandoverDeviation",
    "GatewayHandover",
    "PopChange",
    "TerminalOutageStarted",
    "TerminalOutageEnded",
    "RegionalOutageDetected",
    "AntennaTiltChanged",
    "AntennaKnockedOver",
    "AntennaTiltRestored",
    "ObstructionDetected",
    "SignalDegraded",
    "TerminalMoved",
    "ThermalThrottle",
    "ThermalShutdown",
    "UsageThresholdExceeded",
    "GatewayFailover",
    "GatewayIsolated",
    "FibreCut",
    "RedundancyLost",
    "IslDown",
    "IslRerouted",
    "SatelliteManoeuvre",
    "SatelliteLifecycleChanged",
    "TopologyPlanSuperseded",
    "CellOversubscribed",
    "BackupPathActivated",
    "BackupPathUnhealthy",
    "PrivateAttachmentDown",
    "SecurityDegraded",
    "RouteAnomaly",
    "DdosMitigation",
    "SinkDelegationRevoked",
    "TelemetryGap",
    "AutoRemediationSucceeded",
    "AutoRemediationFailed",
]

# Issue 3 section A: the kinds that are built first.
FIRST_KINDS = [
    "handover",
    "outage_suspected",
    "outage_started",
    "outage_ended",
    "outage_withdrawn",
    "tilt_warning",
    "tilt_critical",
    "tilt_disturbed",
    "tilt_restored",
    "gateway_isolated",
    "gateway_restored",
]

# Design section 3: the days that a topic's records are kept; None where compaction alone decides.
KEPT_DAYS = {
    "telemetry.terminal.v1": 1, "telemetry.satellite.v1": 1, "telemetry.gateway.v1": 1, "telemetry.pop.v1": 1,
    "plan.contact.v1": 3, "events.terminal.v1": 7, "events.network.v1": 7, "incidents.v1": 30,
    "incidents.children.v1": 30, "partials.v1": 1, "rollups.gateway.v1": 7, "snapshots.v1": None, "control.v1": None,
    "deadletter.ingest.v1": 14, "deadletter.streams.v1": 14, "deadletter.exporters.v1": 14,
    "inventory.terminal.v1": None, "inventory.satellite.v1": None, "inventory.gateway.v1": None,
    "inventory.pop.v1": None, "inventory.tenant.v1": None,
}  # fmt: skip


def test_every_detail_type_of_the_domain_has_a_kind():
    assert set(OF_THE_DOMAIN) <= {entry.detail_type for entry in CATALOGUE}


def test_every_first_kind_is_there():
    assert set(FIRST_KINDS) <= set(KIND_BY_NAME)


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.kind)
def test_a_kind_is_snake_case_its_detail_type_camel_case_and_its_description_a_sentence(entry):
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", entry.kind)
    assert re.fullmatch(r"([A-Z][a-z]+)+", entry.detail_type)
    assert entry.description.endswith(".")
    assert len(set(entry.fields)) == len(entry.fields)


def test_nothing_that_is_about_one_terminal_pages_the_noc():
    """One terminal down, tilted or over quota is its tenant's business (design section 4)."""
    paged = {
        entry.kind
        for entry in CATALOGUE
        if entry.subject.name == "TERMINAL" and entry.audience is Audience.NOC_PAGE
    }  # fmt: skip

    assert paged == set()


def test_a_kind_that_the_catalogue_has_not_is_an_error_of_the_writer():
    with pytest.raises(KeyError):
        code_of("teapot")


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_topic_is_named_what_thing_version_and_kept_as_the_design_says(topic):
    assert re.fullmatch(r"[a-z]+(\.[a-z]+)?\.v[1-9]\d*", topic.name)
    days = KEPT_DAYS[topic.name]
    assert topic.retention_s == (None if days is None else days * DAY_S)
    policy = {"delete"} if not topic.compacted else {"compact"} | ({"delete"} if days else set())
    assert set(topic.config()["cleanup.policy"].split(",")) == policy
    assert ("retention.ms" in topic.config()) == (days is not None)


def test_no_topic_is_declared_twice_and_every_frame_of_telemetry_has_one():
    assert len({topic.name for topic in TOPICS}) == len(TOPICS)
    assert set(TOPIC_OF_KIND) == set(LAYOUTS)


def test_what_is_keyed_by_shard_is_spread_by_shard_in_four_bytes_big_endian():
    assert {t.name for t in TOPICS if t.spread is Spread.SHARD} == {t.name for t in TOPICS if t.key.startswith("shard")}
    assert shard_key(258) == b"\x00\x00\x01\x02"
    assert shard_from_key(shard_key(65_535)) == 65_535


def test_every_test_that_the_page_on_contracts_names_is_there():
    root = Path(__file__).parents[1]
    named = set(re.findall(r"`(test_\w+)`", (root / "docs/contracts.md").read_text()))
    written = {
        name
        for path in (root / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }

    assert len(named) > 10
    assert named - written == set()
