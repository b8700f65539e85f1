"""Any delimited text, mapped to our fields."""

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.contract.instants import to_rfc3339
from ingest.contract.telemetry import TERMINAL
from ingest.contract.vocabulary import TerminalState
from ingest.recorded.delimited import read_delimited, to_observed_at_ns
from ingest.recorded.malformed import Malformed

FIELDS = {"time": "observed_at", "rtt": "pop_ping_latency_ms"}


def read(text, fields=FIELDS, name="trace.csv"):
    return read_delimited(text.encode(), name, fields)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_columns_are_found_by_their_titles_whatever_separates_them(delimiter):
    text = "rtt,unused,time\n40.5,x,1700000000.25\n41.5,y,1700000001.25\n".replace(",", delimiter)
    columns = read(text).columns
    assert columns["pop_ping_latency_ms"].tolist() == [40.5, 41.5]
    assert columns["observed_at_ns"].tolist() == [1_700_000_000_250_000_000, 1_700_000_001_250_000_000]
    assert set(columns) == {"observed_at_ns", "pop_ping_latency_ms"}


def test_columns_have_the_types_of_a_terminal_frame():
    fields = {"t": "observed_at", "s": "state", "d": "pop_ping_drop_ratio", "b": "downlink_bytes_total"}
    columns = read("t,s,d,b\n1700000000,connected,0.5,123456789012\n1700000001,7,,\n", fields).columns
    assert all(values.dtype == TERMINAL.column(name).numpy_type for name, values in columns.items())
    assert columns["state"].tolist() == [TerminalState.CONNECTED, TerminalState.OBSTRUCTED]
    assert columns["pop_ping_drop_ratio"] == pytest.approx([0.5, np.nan], nan_ok=True)
    assert columns["downlink_bytes_total"].tolist() == [123_456_789_012, -1]


def test_satellites_and_terminals_are_named_by_any_string_and_numbered_as_they_appear():
    fields = {"t": "observed_at", "sat": "serving_satellite", "who": "terminal_id"}
    samples = read('t,sat,who\n1,STARLINK-1007,a\n2,"44714, old",b\n3,STARLINK-1007,a\n4,,b\n', fields)
    assert samples.columns["serving_satellite_index"].tolist() == [0, 1, 0, -1]
    assert samples.satellites == ("STARLINK-1007", "44714, old")
    assert samples.columns["terminal_index"].tolist() == [0, 1, 0, 1]
    assert samples.terminals == ("a", "b")


def test_samples_come_in_the_order_of_time():
    columns = read("time,rtt\n3,30\n1,10\n2,20\n").columns
    assert columns["pop_ping_latency_ms"].tolist() == [10, 20, 30]


@pytest.mark.parametrize(
    ("text", "at_ns"),
    [
        ("1700000000", 1_700_000_000_000_000_000),
        ("1694478364.175354123", 1_694_478_364_175_354_123),
        ("1.7e9", 1_700_000_000_000_000_000),
        ("2023-11-14T22:13:20Z", 1_700_000_000_000_000_000),
        ("2023-11-14 22:13:20", 1_700_000_000_000_000_000),
        ("2023-11-14T23:13:20.5+01:00", 1_700_000_000_500_000_000),
    ],
)
def test_times_are_unix_seconds_or_iso_8601(text, at_ns):
    assert to_observed_at_ns(text) == at_ns


@given(st.integers(0, 4_102_444_799_999).map(lambda ms: ms * 1_000_000))
def test_a_time_reads_back_in_either_form(at_ns):
    assert to_observed_at_ns(to_rfc3339(at_ns)) == at_ns
    assert to_observed_at_ns(f"{at_ns // 10**9}.{at_ns % 10**9:09d}") == at_ns


@pytest.mark.parametrize(
    "text", ["1700000000123", "-5", "nan", "sNaN", "inf", "1e99", "yesterday", "", "0001-01-01", "12:30"]
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match=r"no Unix time|isoformat"):
        to_observed_at_ns(text)


def test_bad_lines_are_left_out_counted_and_shown():
    text = "time,rtt\n1700000000,40\nsoon,40\n1700000002\n1700000003,fast\n1700000004,-3\n1700000005,60001\n\n1700000006,\n"
    samples = read(text)
    assert samples.columns["pop_ping_latency_ms"] == pytest.approx([40, np.nan], nan_ok=True)
    assert samples.bad_lines.count == 5
    assert samples.bad_lines.examples == (
        "trace.csv:3: Invalid isoformat string: 'soon'",
        "trace.csv:4: 1 columns; 2 are needed",
        "trace.csv:5: pop_ping_latency_ms is 'fast', which is no number",
        "trace.csv:6: pop_ping_latency_ms is -3; it lies between 0 and 60000",
        "trace.csv:7: pop_ping_latency_ms is 60001; it lies between 0 and 60000",
    )


@pytest.mark.parametrize(
    ("text", "fields", "what"),
    [
        ("time,rtt\n1,2\n", {"time": "observed_at", "rt": "pop_ping_latency_ms"}, "trace.csv:1: no column is called rt; its columns are time, rtt"),
        ("time,rtt\n1,2\n", {"time": "observed_at", "rtt": "latency"}, "no field is called latency; use one of"),
        ("time,rtt\n1,2\n", {"rtt": "pop_ping_latency_ms"}, "no column for observed_at; map"),
        ("time,rtt\n1,2\n", {"time": "observed_at", "rtt": "observed_at_ns"}, "two columns for observed_at_ns; map"),
        ("time,rtt\n1,inf\n", FIELDS, "pop_ping_latency_ms is inf; it lies"),
        ("time,rtt\n1,-2\n", FIELDS, "nothing to read in it .2: pop_ping_latency_ms is -2"),
        ("time,rtt\n", FIELDS, "nothing to read in it .no lines"),
        ("\n", FIELDS, "the file is empty"),
        ("time,rtt\n1," + "2" * 200_000, FIELDS, "no delimited text"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_with_how_to_mend_it(text, fields, what):
    with pytest.raises(Malformed, match=what):
        read(text, fields)


def test_gzip_is_read():
    assert len(read_delimited(gzip.compress(b"time,rtt\n1,2\n"), "a.csv.gz", FIELDS).columns["observed_at_ns"]) == 1


@given(st.text(max_size=200))
def test_any_text_is_samples_or_malformed(text):
    fields = {"time": "observed_at", "state": "state", "alerts": "alerts", "temperature": "temperature_celsius"}
    try:
        samples = read("time,state,alerts,temperature\n" + text, fields)
    except Malformed:
        return
    assert len({len(values) for values in samples.columns.values()}) == 1
