"""Truth's file schema describes what truth's own encoder writes."""

import json

from jsonschema import Draft202012Validator

from simulators.contract.truth import TABLES, encode_label, file_schema
from tests.ingest.contract.golden import records


def test_a_label_validates_against_the_schema_that_the_judge_reads():
    schema = file_schema()["labels.jsonl"]
    label = json.loads(encode_label(dict(records())["label"]))

    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(label)
    assert not Draft202012Validator(schema).is_valid({**label, "kind": "teapot"})


def test_every_table_has_a_terminal_and_an_instant_that_are_never_null():
    assert set(file_schema()) == {"labels.jsonl", "faults", *(f"{name}.parquet" for name in TABLES)}
    for name, table in TABLES.items():
        sure = {field.name for field in table if not field.nullable}
        assert "terminal_id" in sure, name
        assert any(field.endswith("at_ns") for field in sure), name
