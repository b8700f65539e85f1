"""What was once on the wire is read for ever, with the same meaning."""

import json

import msgspec
import pytest

from ingest.contract.columns import Column, Layout
from ingest.contract.frame import Frame, decode, encode
from tests.ingest.contract.golden import FOLDER, frames, header, records, said, words

LAYOUTS = {layout.kind: layout for layout in frames()}


def read(layout):
    frame = decode((FOLDER / f"{layout.kind}.v{layout.version}.arrow").read_bytes(), LAYOUTS, type(header(layout)))
    assert isinstance(frame, Frame), frame
    return frame


def expected(layout):
    return json.loads((FOLDER / f"{layout.kind}.v{layout.version}.frame.json").read_text())


@pytest.mark.parametrize("layout", frames(), ids=lambda layout: layout.kind)
def test_a_golden_frame_says_what_it_said(layout):
    frame = read(layout)
    found, once = said(frame.header, frame.columns), expected(layout)

    assert found["columns"] == once["columns"]
    assert found["header"] == once["header"]
    for name, values in frame.columns.items():
        assert values.dtype == layout.column(name).numpy_type, name


@pytest.mark.parametrize("layout", frames(), ids=lambda layout: layout.kind)
def test_a_golden_frame_that_is_written_again_says_the_same(layout):
    frame = read(layout)
    again = decode(encode(frame.header, layout, frame.columns), LAYOUTS, type(frame.header))

    assert isinstance(again, Frame)
    assert said(again.header, again.columns) == expected(layout)


def test_a_column_that_is_added_later_reads_as_null_in_a_golden_frame():
    layout = LAYOUTS["terminal"]
    later = Layout(
        kind=layout.kind, version=layout.version, description="",
        columns=(*layout.columns, Column(name="colour", dtype="i1", description="")),
    )  # fmt: skip

    frame = decode((FOLDER / "terminal.v1.arrow").read_bytes(), {"terminal": later}, type(header(layout)))

    assert isinstance(frame, Frame), frame
    assert frame.column("colour").tolist() == [-1, -1, -1]


@pytest.mark.parametrize(("name", "record"), records(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_golden_record_reads_as_it_was_written(name, record):
    raw = (FOLDER / f"{name}.v1.json").read_bytes()

    assert msgspec.json.decode(raw, type=type(record)) == record


@pytest.mark.parametrize(("name", "record"), records(), ids=lambda value: value if isinstance(value, str) else "")
def test_an_unknown_field_of_a_record_is_ignored(name, record):
    richer = {**json.loads((FOLDER / f"{name}.v1.json").read_bytes()), "colour": "red"}

    assert msgspec.json.decode(json.dumps(richer), type=type(record)) == record


def test_no_number_on_the_wire_has_been_given_to_another_word_and_every_word_is_pinned():
    """A new word is pinned by `python -m tests.ingest.contract.golden`."""
    assert words() == json.loads((FOLDER / "vocabulary.json").read_text())
