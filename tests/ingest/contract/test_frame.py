"""The codec refuses with a reason, and nothing that comes over the wire makes it raise or hang."""

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.contract.columns import Layout
from ingest.contract.frame import FRAME_LIMIT_BYTES, Frame, Rejected, RejectReason, TelemetryHeader, decode, encode
from ingest.contract.plan import PLAN, PLAN_LAYOUTS, PlanHeader
from ingest.contract.telemetry import LAYOUTS, TERMINAL
from tests.ingest.contract.golden import columns, header
from tests.make import START_NS

HEADER = header(TERMINAL)
GOOD = encode(HEADER, TERMINAL, columns(TERMINAL))


def read(value, **options):
    return decode(value, LAYOUTS, TelemetryHeader, **options)


def reason(value, **options):
    refused = read(value, **options)
    assert isinstance(refused, Rejected), refused
    return refused.reason


def rebuilt(change):
    """Return the good frame with its table changed by a function of pyarrow."""
    with pa.ipc.open_stream(GOOD) as reader:
        table = reader.read_all()
        changed = change(table).replace_schema_metadata(reader.schema.metadata)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, changed.schema) as writer:
        writer.write_table(changed)
    return sink.getvalue().to_pybytes()


def test_a_frame_without_rows_is_a_tick():
    frame = read(encode(HEADER, TERMINAL, {}))

    assert isinstance(frame, Frame)
    assert frame.rows == 0
    assert frame.header == HEADER
    assert frame.column("snr_db").tolist() == []


def test_an_unknown_column_is_ignored():
    frame = read(rebuilt(lambda table: table.append_column("colour", pa.array([1, 2, 3]))))

    assert isinstance(frame, Frame)
    assert "colour" not in frame.columns


def test_a_missing_optional_column_reads_as_null():
    frame = read(rebuilt(lambda table: table.drop_columns(["snr_db", "gateway_index"])))

    assert isinstance(frame, Frame)
    assert np.isnan(frame.column("snr_db")).all()
    assert frame.column("gateway_index").tolist() == [-1, -1, -1]


def test_arrow_nulls_read_as_missing():
    index = TERMINAL.names().index("gateway_index")
    frame = read(rebuilt(lambda table: table.set_column(index, "gateway_index", pa.array([1, None, 3], pa.int32()))))

    assert isinstance(frame, Frame)
    assert frame.column("gateway_index").tolist() == [1, -1, 3]


def test_only_the_columns_asked_for_are_read():
    frame = read(GOOD, only=frozenset({"sequence", "snr_db"}))

    assert isinstance(frame, Frame)
    assert set(frame.columns) == {"sequence", "snr_db"}
    assert frame.columns["sequence"].tolist() == columns(TERMINAL)["sequence"].tolist()


def test_a_frame_of_which_no_column_is_asked_for_is_read_for_its_header():
    frame = read(GOOD, only=frozenset())

    assert isinstance(frame, Frame)
    assert (frame.rows, frame.columns) == (3, {})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", RejectReason.UNPARSEABLE),
        (b"hello", RejectReason.UNPARSEABLE),
        (b"\xff" * 64, RejectReason.UNPARSEABLE),
        (GOOD[:-40], RejectReason.TRUNCATED),
        (b"x" * (FRAME_LIMIT_BYTES + 1), RejectReason.TOO_LARGE),
        (rebuilt(lambda table: table.drop_columns(["sequence"])), RejectReason.MISSING_COLUMN),
        (rebuilt(lambda table: table.set_column(0, "terminal_index", pa.array(["a", "b", "c"]))), RejectReason.WRONG_TYPE),
        (rebuilt(lambda table: table.set_column(0, "terminal_index", pa.array([1, 2, 3], pa.int64()))), RejectReason.WRONG_TYPE),
    ],
    ids=["empty", "text", "noise", "truncated", "too large", "no sequence", "text for a number", "another width"],
)  # fmt: skip
def test_what_is_no_frame_is_refused_with_its_reason(value, expected):
    assert reason(value) is expected


def test_another_version_kind_or_shard_count_is_refused():
    later = Layout(kind="terminal", version=2, columns=TERMINAL.columns, description="")
    strange = TelemetryHeader(kind="teapot", version=1, received_at_ns=START_NS, producer_id="p", producer_sequence=1)
    next_version = TelemetryHeader(
        kind="terminal", version=2, received_at_ns=START_NS, producer_id="p", producer_sequence=1
    )

    assert reason(encode(next_version, later, columns(TERMINAL))) is RejectReason.SCHEMA_VERSION
    assert reason(encode(strange, TERMINAL, {})) is RejectReason.UNKNOWN_KIND
    assert reason(GOOD, shard_count=32) is RejectReason.SHARD_COUNT
    beyond = msgspec.structs.replace(HEADER, shard=16)
    assert reason(encode(beyond, TERMINAL, {}), shard_count=16) is RejectReason.WRONG_SHARD
    assert isinstance(read(GOOD, shard_count=16), Frame)


def test_two_record_batches_are_no_frame():
    with pa.ipc.open_stream(GOOD) as reader:
        batch = reader.read_next_batch()
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, reader.schema) as writer:
            writer.write_batch(batch)
            writer.write_batch(batch)

    assert reason(sink.getvalue().to_pybytes()) is RejectReason.UNPARSEABLE


def test_a_frame_cut_at_any_byte_is_refused_and_never_taken_for_a_tick():
    for length in range(len(GOOD)):
        assert isinstance(read(GOOD[:length]), Rejected), length


@pytest.mark.parametrize(
    "change",
    [{"received_at_ns": 2**63}, {"received_at_ns": -1}, {"shard": -1}, {"producer_sequence": -(2**70)}],
    ids=lambda change: next(iter(change)),
)
def test_a_header_with_a_number_that_no_column_could_hold_is_refused(change):
    assert reason(encode(msgspec.structs.replace(HEADER, **change), TERMINAL, {})) is RejectReason.UNPARSEABLE


@pytest.mark.parametrize(
    "name", ["plan_version", "slot_start_ns", "slot_end_ns", "valid_from_ns", "published_at_ns", "supersedes", "part"]
)
@pytest.mark.parametrize("number", [2**63, -1])
def test_a_plan_s_header_with_a_number_that_no_column_could_hold_is_refused(name, number):
    value = encode(msgspec.structs.replace(header(PLAN), **{name: number}), PLAN, {})

    assert decode(value, PLAN_LAYOUTS, PlanHeader).reason is RejectReason.UNPARSEABLE


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_noise_is_refused(noise):
    assert isinstance(read(noise), Rejected)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_a_flipped_byte_never_raises(place, flip):
    broken = bytearray(GOOD)
    broken[place] ^= flip

    assert isinstance(read(bytes(broken)), Frame | Rejected)


def test_a_writer_that_forgets_a_required_column_or_invents_one_is_stopped_at_once():
    lacking = {name: values for name, values in columns(TERMINAL).items() if name != "sequence"}

    with pytest.raises(KeyError, match="sequence"):
        encode(HEADER, TERMINAL, lacking)
    with pytest.raises(KeyError, match="colour"):
        encode(HEADER, TERMINAL, {**columns(TERMINAL), "colour": np.zeros(3)})
