"""What was once on the wire is read for ever, with the same meaning."""

import enum
import json

import msgspec
import numpy as np
import pytest

import ingest.contract.vocabulary as ingest_words
import streams.contract.vocabulary as streams_words
from ingest.contract.frame import Frame, decode
from tests.ingest.contract.golden import FOLDER, columns, frames, header, records

LAYOUTS = {layout.kind: layout for layout in frames()}


@pytest.mark.parametrize("layout", frames(), ids=lambda layout: layout.kind)
def test_a_golden_frame_reads_as_it_was_written(layout):
    value = (FOLDER / f"{layout.kind}.v{layout.version}.arrow").read_bytes()

    frame = decode(value, LAYOUTS, type(header(layout)))

    assert isinstance(frame, Frame), frame
    assert frame.header == header(layout)
    wanted = columns(layout)
    assert set(frame.columns) == set(wanted)
    for name, values in wanted.items():
        assert frame.columns[name].dtype == values.dtype, name
        same = (
            frame.columns[name].tobytes() == values.tobytes()
            if values.dtype.kind == "V"
            else np.array_equal(frame.columns[name], values, equal_nan=values.dtype.kind == "f")
        )
        assert same, name


@pytest.mark.parametrize(("name", "record"), records(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_golden_record_reads_as_it_was_written(name, record):
    raw = (FOLDER / f"{name}.v1.json").read_bytes()

    assert msgspec.json.decode(raw, type=type(record)) == record


def test_no_number_on_the_wire_has_been_given_to_another_word():
    now = {
        f"{module.__name__}.{name}": {member.name: member.value for member in words}
        for module in (ingest_words, streams_words)
        for name, words in vars(module).items()
        if isinstance(words, enum.EnumType) and words.__module__ == module.__name__
    }
    path = FOLDER / "vocabulary.json"
    if not path.exists():
        path.write_text(json.dumps(now, indent=1) + "\n")
    for name, words in json.loads(path.read_text()).items():
        for word, number in words.items():
            assert now[name][word] == number, f"{name}.{word}"
