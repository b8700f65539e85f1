"""A frame's file form loses nothing and says null where a value is missing."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from ingest.contract.columns import concatenate
from ingest.contract.files import FrameFile, read_frames
from ingest.contract.telemetry import TERMINAL
from streams.contract.events import EVENT


def columns(first, count):
    return {
        "terminal_index": np.arange(first, first + count, dtype=np.int32),
        "boot_count": np.ones(count, np.int32),
        "sequence": np.arange(count, dtype=np.int32),
        "observed_at_ns": np.full(count, 1_759_449_600_000_000_000),
        "state": np.ones(count, np.int8),
        "snr_db": np.where(np.arange(count) % 2, np.nan, 11.5).astype(np.float32),
        "gateway_index": np.where(np.arange(count) % 3, 7, -1).astype(np.int32),
    }


def test_what_is_written_is_read_back_column_by_column(tmp_path):
    with FrameFile(tmp_path / "t.parquet", TERMINAL) as file:
        file.write(columns(0, 5))
        file.write({})
        file.write({name: values for name, values in columns(5, 4).items() if name != "snr_db"})

    whole = concatenate(list(read_frames(tmp_path / "t.parquet", TERMINAL)), TERMINAL)

    assert whole["terminal_index"].tolist() == list(range(9))
    assert np.array_equal(whole["snr_db"][:5], columns(0, 5)["snr_db"], equal_nan=True)
    assert np.isnan(whole["snr_db"][5:]).all()
    assert whole["gateway_index"].tolist()[:4] == [-1, 7, 7, -1]
    assert all(values.dtype == TERMINAL.column(name).numpy_type for name, values in whole.items())


def test_a_missing_value_is_null_for_those_who_read_the_file_with_other_tools(tmp_path):
    with FrameFile(tmp_path / "t.parquet", TERMINAL) as file:
        file.write(columns(0, 6))

    table = pq.read_table(tmp_path / "t.parquet")

    assert table.column("snr_db").to_pylist() == [11.5, None] * 3
    assert table.column("gateway_index").null_count == 2
    assert table.column("power_w").null_count == 6
    assert table.schema.metadata[b"leowatch.kind"] == b"terminal"


def test_event_keys_go_through_a_file(tmp_path):
    keys = np.frombuffer(bytes(range(32)), dtype="V16")
    rows = {
        "event_key": keys, "revision": np.ones(2, np.int16), "event_code": np.ones(2, np.int16),
        "subject_kind": np.zeros(2, np.int8), "subject_index": np.arange(2, dtype=np.int32),
        "started_at_ns": np.full(2, 1_759_449_600_000_000_000),
    }  # fmt: skip
    with FrameFile(tmp_path / "e.parquet", EVENT) as file:
        file.write(rows)

    (back,) = read_frames(tmp_path / "e.parquet", EVENT)

    assert back["event_key"].tobytes() == keys.tobytes()


def test_a_file_that_is_no_parquet_or_lacks_a_required_column_says_which(tmp_path):
    (tmp_path / "text.parquet").write_bytes(b"not parquet at all")
    with FrameFile(tmp_path / "e.parquet", EVENT) as file:
        file.write({})

    with pytest.raises(ValueError, match=r"text\.parquet: not a Parquet file"):
        list(read_frames(tmp_path / "text.parquet", TERMINAL))
    with pytest.raises(ValueError, match="needs terminal_index, boot_count"):
        list(read_frames(tmp_path / "e.parquet", TERMINAL))
