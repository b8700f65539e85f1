"""The JSON form says everything in words, and nothing of what is missing."""

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from ingest.contract.vocabulary import SubjectKind
from streams.contract.catalogue import CATALOGUE, KIND_BY_CODE, code_of, json_schema
from streams.contract.detail import InventoryNames, details, unknown_codes
from streams.contract.events import EVENT, event_keys, pack_chain
from streams.contract.vocabulary import OutageCause
from tests.make import START_NS, inventory

NAMES = InventoryNames(inventory())


def rows(kind, count=1, **more):
    columns = {
        "revision": np.ones(count, np.int16),
        "event_code": np.full(count, code_of(kind) if isinstance(kind, str) else kind, np.int16),
        "subject_kind": np.full(count, KIND_BY_CODE[code_of(kind)].subject if isinstance(kind, str) else 0, np.int8),
        "subject_index": np.arange(count, dtype=np.int32),
        "started_at_ns": np.full(count, START_NS),
        **more,
    }
    return {"event_key": event_keys(columns), **columns}


def test_a_tick_has_no_details():
    assert list(details({}, NAMES)) == []


def test_indexes_become_ids_instants_rfc_3339_and_numbers_words_and_nulls_are_left_out():
    chain = pack_chain([OutageCause.POWER, OutageCause.BOOTING])
    columns = rows(
        "outage_ended", 2, ended_at_ns=np.array([START_NS + 1_500_000_000, -1]), cause=np.array([13, -1], np.int8),
        cause_chain=np.array([chain, -1]), expected=np.array([0, -1], np.int8), duration_s=np.array([1.5, np.nan], "f4"),
        from_satellite_index=np.array([3, -1], np.int32),
    )  # fmt: skip

    whole, bare = details(columns, NAMES)

    assert whole["subject_id"] == "t0"
    assert whole["started_at"] == "2025-10-03T00:00:00Z"
    assert whole["ended_at"] == "2025-10-03T00:00:01.5Z"
    assert (whole["cause"], whole["cause_chain"], whole["expected"]) == ("power", ["power", "booting"], False)
    assert whole["from_satellite_id"] == "s3"
    assert not {"ended_at", "cause", "cause_chain", "expected", "duration_s", "from_satellite_id"} & set(bare)


def test_a_number_that_json_cannot_say_is_left_out():
    columns = rows("outage_ended", 3, duration_s=np.array([np.inf, -np.inf, np.nan], "f4"))

    assert ["duration_s" in detail for detail in details(columns, NAMES)] == [False, False, False]


def test_an_unknown_kind_is_skipped_and_counted():
    columns = rows(999, 3)

    assert list(details(columns, NAMES)) == []
    assert unknown_codes(columns) == 3


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.kind)
def test_every_kind_with_every_field_it_may_carry_validates_against_its_schema(entry):
    more = {}
    for column in entry.columns():
        value = START_NS if column.name.endswith("_at_ns") else 1
        more[column.name] = np.array([value], column.numpy_type)

    (detail,) = details(rows(entry.kind, **more), NAMES)

    Draft202012Validator.check_schema(json_schema(entry))
    Draft202012Validator(json_schema(entry), format_checker=Draft202012Validator.FORMAT_CHECKER).validate(detail)
    assert len(detail) == 9 + len(entry.columns())


def test_codes_kinds_and_detail_types_are_each_given_once_and_fields_exist():
    for facts in ([e.code for e in CATALOGUE], [e.kind for e in CATALOGUE], [e.detail_type for e in CATALOGUE]):
        assert len(set(facts)) == len(facts)
    assert {name for entry in CATALOGUE for name in entry.fields} <= set(EVENT.names())


def test_a_cell_is_named_by_its_id_in_hexadecimal_and_what_is_not_known_by_its_index():
    assert NAMES(SubjectKind.CELL, 0x85283473FFFFFFF) == "85283473fffffff"
    assert NAMES(SubjectKind.TERMINAL, 9_999) == "#9999"
