"""The judge imports no room, so here is where its own words are held against the rooms' contracts."""

import json
from importlib.resources import files

import numpy as np
import pytest

from ingest.contract.vocabulary import SubjectKind, TerminalState
from leowatch.score import claims, controls, tolerances
from leowatch.score.files import EVENT as READ
from leowatch.score.files import Label as ReadLabel
from leowatch.score.files import read_events, truth_schema
from simulators.contract.faults import FaultKind
from simulators.contract.truth import Label, NoServiceCause, file_schema
from streams.contract.catalogue import CATALOGUE, KIND_BY_NAME, code_of, json_schema
from streams.contract.detail import details
from streams.contract.events import EVENT, event_keys
from streams.contract.vocabulary import Audience, Conformance, HandoverClass, OutageCause
from tests.score.make_run import at


def test_the_schema_of_truth_is_fresh():
    written = json.loads(files("leowatch.score").joinpath("truth.schema.json").read_text())

    assert written == json.loads(json.dumps(file_schema()))
    assert truth_schema() == written


def test_labels_are_read_with_every_field_they_have():
    assert set(ReadLabel.__struct_fields__) == set(Label.__struct_fields__)


def test_every_fault_kind_has_a_row_and_every_cause_in_it_is_an_event_kind():
    assert set(tolerances.FAULT_CAUSES) == set(tolerances.FAULT_ROOTS) == set(FaultKind)
    assert set().union(*tolerances.FAULT_CAUSES.values()) <= set(KIND_BY_NAME)


def test_every_true_cause_of_an_outage_has_a_row_of_causes_that_events_can_say():
    assert set(tolerances.OUTAGE_CAUSES) == set(NoServiceCause)
    assert set().union(*tolerances.OUTAGE_CAUSES.values()) <= {cause.name.lower() for cause in OutageCause}


def test_whom_a_page_wakes_is_the_contracts_word():
    assert {audience.value: audience.team for audience in Audience if audience.pages} == tolerances.PAGED_TEAMS


def test_numbers_stand_for_the_same_words():
    assert [kind.name.lower() for kind in SubjectKind] == list(claims.SUBJECT_KINDS)
    assert [state.name.lower() for state in TerminalState][2:] == list(controls.STATE_CAUSES[2:])
    assert len(controls.STATE_CAUSES) == len(TerminalState)


def test_every_field_of_an_event_that_is_read_is_one_that_events_have():
    known = set().union(*(json_schema(entry)["properties"] for entry in CATALOGUE))

    assert set(READ.names) <= known


@pytest.fixture
def handover_file(tmp_path):
    columns = {column.name: column.nulls(2) for column in EVENT.columns if column.name != "event_key"}
    columns |= {
        "revision": np.array([1, 1], dtype="i2"),
        "event_code": np.array([code_of("handover"), code_of("outage_ended")], dtype="i2"),
        "subject_kind": np.array([SubjectKind.TERMINAL] * 2, dtype="i1"),
        "subject_index": np.array([3, 4], dtype="i4"),
        "started_at_ns": np.array([at(1.5), at(2)], dtype="i8"),
        "ended_at_ns": np.array([-1, at(9)], dtype="i8"),
        "handover_class": np.array([HandoverClass.BEAM | HandoverClass.GATEWAY, -1], dtype="i1"),
        "conformance": np.array([Conformance.LATE, -1], dtype="i1"),
        "observed_gap": np.array([1, -1], dtype="i1"),
        "gap_s": np.array([4.0, np.nan], dtype="f4"),
        "cause": np.array([-1, OutageCause.GATEWAY], dtype="i1"),
    }
    columns["event_key"] = event_keys(columns)
    path = tmp_path / "events.jsonl"
    path.write_text(
        "".join(json.dumps(d) + "\n" for d in details(columns, lambda kind, index: f"{kind.name.lower()}-{index}"))
    )
    return path


def test_events_are_read_as_the_workshop_writes_them(handover_file):
    found = read_events(handover_file)

    assert found["kind"].tolist() == ["handover", "outage_ended"]
    assert found["subject_id"].tolist() == ["terminal-3", "terminal-4"]
    assert found["started_at_ns"].tolist() == [at(1.5), at(2)]
    assert found["ended_at_ns"].tolist() == [-1, at(9)]
    assert found["conformance"].tolist() == ["late", ""]
    assert found["satellite_changed"].tolist() == [False, True]
    assert found["observed_gap"].tolist() == [True, False]
    assert found["cause"].tolist() == ["", "gateway"]
