"""What people say to the pipeline has a key of its own, and a window ends after it starts."""

import json

import msgspec
import pytest

from ingest.contract.control import (
    Acknowledgement,
    Judgement,
    MaintenanceWindow,
    ThresholdChange,
    Verdict,
    control_key,
    decode_control,
    encode_control,
)
from ingest.contract.vocabulary import SubjectKind

WINDOW = MaintenanceWindow(
    window_id="w1", subject_kind=SubjectKind.GATEWAY, subject_id="g", start_at_ns=1, end_at_ns=2, version=1, by="noc"
)
RECORDS = [
    (WINDOW, "maintenance:w1:1"),
    (Acknowledgement(incident_id="i", by="noc", at_ns=1), "acknowledgement:i"),
    (ThresholdChange(name="tilt", value=4.0, version=3, effective_at_ns=1, by="noc"), "threshold:tilt:3"),
    (Verdict(incident_id="i", judgement=Judgement.FALSE, by="ann", at_ns=1), "verdict:i:ann"),
]


@pytest.mark.parametrize(("record", "key"), RECORDS, ids=[key for _, key in RECORDS])
def test_a_record_survives_the_wire_as_its_own_type_and_has_its_key(record, key):
    assert decode_control(encode_control(record)) == record
    assert control_key(record) == key


def test_a_window_that_ends_before_it_starts_is_refused():
    backwards = {**json.loads(encode_control(WINDOW)), "end_at_ns": 1}

    with pytest.raises(msgspec.ValidationError, match="swap start and end"):
        decode_control(json.dumps(backwards).encode())


@pytest.mark.parametrize(
    ("kind", "subject_id", "sentence"),
    [
        (SubjectKind.PIPELINE, "door-1", "is on pipeline: name the terminals, satellites"),
        (SubjectKind.CONTROL_PLANE, "scheduler", "is on control_plane: name the terminals, satellites"),
        (SubjectKind.CELL, "kansas", "write its h3 number in hexadecimal"),
    ],
)
def test_a_window_on_what_covers_no_terminal_is_refused_with_what_to_do(kind, subject_id, sentence):
    wrong = {**json.loads(encode_control(WINDOW)), "subject_kind": kind, "subject_id": subject_id}

    with pytest.raises(msgspec.ValidationError, match=sentence):
        decode_control(json.dumps(wrong).encode())
