"""Faults against the event catalogue: what telemetry can cause has a fault that causes it."""

from pathlib import Path

from ingest.contract.vocabulary import SubjectKind
from simulators.contract.faults import FAULT_BY_KIND, FAULTS, FaultKind
from streams.contract.catalogue import KIND_BY_NAME

DECISION = Path(__file__).parents[2] / "docs/decisions/0011-which-events-have-a-fault.md"
LIFE_ITSELF = {"handover", "gateway_handover"}
ENDS = {"outage_ended": "outage_started", "tilt_restored": "tilt_critical", "gateway_restored": "gateway_isolated"}
NO_TELEMETRY = {"sink_delegation_revoked"}


def told():
    return {kind for entry in FAULTS for kind in entry.told_by}


def test_every_event_that_telemetry_can_cause_has_a_fault_that_causes_it():
    left_out = LIFE_ITSELF | set(ENDS) | NO_TELEMETRY
    assert told() | left_out == set(KIND_BY_NAME)
    assert not told() & left_out
    assert set(ENDS.values()) <= told()


def test_what_is_left_out_is_written_down():
    text = DECISION.read_text()
    silent = [entry.kind for entry in FAULTS if not entry.told_by]
    for name in (*LIFE_ITSELF, *ENDS, *NO_TELEMETRY, *silent):
        assert f"`{name}`" in text, name


def test_every_root_is_a_subject_of_the_contract_and_every_kind_has_one_row():
    assert {entry.root for entry in FAULTS} <= {kind.name.lower() for kind in SubjectKind}
    assert len(FAULTS) == len(FAULT_BY_KIND) == len(FaultKind)


def test_nobody_hears_of_a_decoy():
    assert {entry.audience for entry in FAULTS if entry.decoy} == {"nobody"}
