"""Probe traces in both forms."""

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.recorded.malformed import BadLines, Malformed
from ingest.recorded.ping import PingTrace, lost_runs, per_second, read_ping

NS_PER_S = 1_000_000_000
HEADER = "PING 192.0.2.1 (192.0.2.1) 56(84) bytes of data.\n"
SUMMARY = """
--- 192.0.2.1 ping statistics ---
{sent} packets transmitted, 5 received, 37.5% packet loss, time 7010ms
rtt min/avg/max/mdev = 30.1/40.2/50.3/7.0 ms
"""


def reply(sequence, sent_s, rtt_ms=40.0, mark=""):
    stamp_s = sent_s + rtt_ms / 1000
    return f"[{stamp_s:.6f}] 64 bytes from 192.0.2.1: icmp_seq={sequence} ttl=57 time={rtt_ms} ms{mark}\n"


def read(text, name="ping.txt"):
    return read_ping(text.encode(), name)


def trace_of(sent_s, rtt_ms):
    sent_at_ns = np.array([round(s * NS_PER_S) for s in sent_s], np.int64)
    return PingTrace(
        observed_at_ns=sent_at_ns,
        pop_ping_latency_ms=np.array(rtt_ms, float),
        sequence=np.arange(len(sent_s)),
        bad_lines=BadLines(),
    )


def test_a_probe_was_sent_one_round_trip_before_its_reply():
    trace = read(HEADER + reply(1, 100.25) + reply(2, 101.25, 80.5))
    assert trace.observed_at_ns.tolist() == [100_250_000_000, 101_250_000_000]
    assert trace.pop_ping_latency_ms.tolist() == [40.0, 80.5]
    assert trace.sequence.tolist() == [1, 2]
    assert trace.bad_lines.count == 0


def test_a_hole_in_the_sequence_is_lost_probes_between_their_neighbours():
    trace = read(reply(1, 100) + reply(4, 103, 500) + reply(5, 104))
    assert trace.sequence.tolist() == [1, 2, 3, 4, 5]
    assert np.isnan(trace.pop_ping_latency_ms).tolist() == [False, True, True, False, False]
    assert (trace.observed_at_ns / NS_PER_S).tolist() == pytest.approx([100, 101, 102, 103, 104])


def test_no_answer_yet_and_unreachable_are_lost_unless_the_answer_comes_late():
    text = (
        reply(1, 100)
        + "[102.000100] no answer yet for icmp_seq=2\n"
        + "[103.000100] no answer yet for icmp_seq=3\n"
        + reply(3, 102, 1200)
        + "[104.000000] From 192.0.2.9 icmp_seq=4 Destination Host Unreachable\n"
        + reply(5, 104)
        + "[106.000100] no answer yet for icmp_seq=6\n"
    )
    trace = read(text)
    assert trace.pop_ping_latency_ms == pytest.approx([40, np.nan, 1200, np.nan, 40, np.nan], nan_ok=True)
    assert (trace.observed_at_ns / NS_PER_S).tolist() == pytest.approx([100, 101, 102, 103, 104, 105], abs=1e-6)


def test_a_probe_lost_before_the_first_answer_was_sent_an_interval_before():
    trace = read("[100.500000] no answer yet for icmp_seq=1\n" + reply(2, 100.5) + reply(3, 101))
    assert (trace.observed_at_ns / NS_PER_S).tolist() == pytest.approx([100, 100.5, 101])


def test_the_summary_tells_of_probes_lost_at_the_end_but_the_last_was_under_way():
    trace = read(HEADER + reply(1, 100) + reply(2, 101) + SUMMARY.format(sent=5))
    assert trace.sequence.tolist() == [1, 2, 3, 4]
    assert np.isnan(trace.pop_ping_latency_ms[2:]).all()
    assert trace.bad_lines.count == 0


def test_a_repeated_reply_counts_once():
    trace = read(reply(1, 100) + reply(1, 100, 55.0, " (DUP!)") + reply(2, 101))
    assert trace.pop_ping_latency_ms.tolist() == [40, 40]


def test_the_sequence_goes_on_where_its_16_bits_wrap():
    trace = read(reply(65_534, 100) + reply(65_535, 101) + reply(1, 103) + reply(2, 104))
    assert (np.diff(trace.sequence) == 1).all()
    assert np.isnan(trace.pop_ping_latency_ms).tolist() == [False, False, True, False, False]


@pytest.mark.parametrize("header", [HEADER, ""])
def test_what_lies_between_two_runs_of_ping_is_unknown_and_not_lost(header):
    trace = read(reply(1, 100) + reply(2, 101) + header + reply(1, 500) + reply(2, 501))
    assert not np.isnan(trace.pop_ping_latency_ms).any()
    assert (trace.observed_at_ns // NS_PER_S).tolist() == [100, 101, 500, 501]
    assert (np.diff(trace.sequence) > 0).all()


def test_a_run_without_any_answer_is_all_lost():
    trace = read(HEADER + "[101.000000] no answer yet for icmp_seq=1\n[102.000000] no answer yet for icmp_seq=2\n")
    assert np.isnan(trace.pop_ping_latency_ms).tolist() == [True, True]


def test_a_lost_row_of_a_synchronous_pinger_was_sent_at_the_time_of_the_row_before():
    trace = read("100.0\t1\t100\n100.3\t2\t100\n105.4\t3\t-1\n110.5\t4\t-1\n110.8\t5\t100\n")
    assert (trace.observed_at_ns / NS_PER_S).tolist() == pytest.approx([99.9, 100.2, 100.3, 105.4, 110.7])
    assert np.isnan(trace.pop_ping_latency_ms).tolist() == [False, False, True, True, False]


def test_bad_lines_are_left_out_counted_and_shown():
    trace = read("time\tsequence\trtt\n100.0\t1\t40\n\nhello\n1694478364175\t2\t40\n102.0\t3\tinf\n103.0\t4\t40\n")
    assert trace.sequence.tolist() == [1, 4]
    assert trace.bad_lines.count == 4
    assert trace.bad_lines.examples[1] == "ping.txt:4: 'hello' is not unix_time, sequence, rtt_ms"
    assert "no Unix time in seconds" in trace.bad_lines.examples[2]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("64 bytes from 192.0.2.1: icmp_seq=1 ttl=57 time=40 ms\n", "run ping with -D"),
        ("time\tsequence\trtt\n", "is not unix_time, sequence, rtt_ms"),
        ("hello\n", "is no line of ping -D"),
        (HEADER, "no lines"),
        ("# only a comment\n", "no lines"),
        ("", "empty"),
        ("[100.5] 64 bytes from x: icmp_seq=99999999999 ttl=57 time=40 ms\n", "more than 16 bits"),
        (f"[100.5] 64 bytes from x: icmp_seq=1 ttl=57 time={'9' * 400} ms\n", "no round trip in ms"),
        (f"100.0\t{'9' * 30}\t40\n", "has no possible round trip in ms or sequence"),
    ],
)
def test_what_is_no_trace_is_said_with_how_to_mend_it(text, what):
    with pytest.raises(Malformed, match=rf"^ping.txt: .*{what}.*; give"):
        read(text)


def test_a_crafted_sequence_claims_no_memory():
    lines = [reply(number % 65_536, 100 + number) for number in range(0, 900 * 16_384, 16_384)]
    with pytest.raises(Malformed, match="claims more than"):
        read("".join(lines))
    assert len(read(reply(1, 100) + SUMMARY.format(sent=10**12)).sequence) == 1


def test_gzip_is_read():
    assert read_ping(gzip.compress(b"100.0\t1\t40\n"), "a.gz").sequence.tolist() == [1]


def test_a_second_in_which_no_probe_was_sent_is_unknown_and_not_lost():
    seconds = per_second(trace_of([10.1, 10.5, 10.9, 15.2, 16.0], [40, np.nan, 60, np.nan, 50]))
    assert (seconds.observed_at_ns // NS_PER_S).tolist() == [10, 15, 16]
    assert seconds.pop_ping_drop_ratio == pytest.approx([1 / 3, 1, 0])
    assert seconds.pop_ping_latency_ms == pytest.approx([50, np.nan, 50], nan_ok=True)
    assert seconds.probe_count.tolist() == [3, 1, 1]


def test_one_lost_probe_is_no_run_and_two_in_a_row_are():
    runs = lost_runs(trace_of([1, 2, 3, 4, 5, 6, 7, 8], [40, np.nan, 40, np.nan, np.nan, 40, np.nan, np.nan]))
    assert (runs.start_at_ns // NS_PER_S).tolist() == [4, 7]
    assert runs.end_at_ns.tolist() == [6 * NS_PER_S, -1]
    assert runs.lost_count.tolist() == [2, 2]


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 4))
def test_runs_hold_exactly_the_lost_probes_that_are_not_alone(lost, least_count):
    runs = lost_runs(trace_of(range(len(lost)), [np.nan if gone else 40 for gone in lost]), least_count)
    text = "".join("x" if gone else "." for gone in lost)
    assert runs.lost_count.tolist() == [len(run) for run in text.split(".") if len(run) >= least_count]


@given(st.data())
def test_what_ping_would_print_reads_back_as_what_was_sent(data):
    rtt_ms = data.draw(
        st.lists(st.one_of(st.just(None), st.floats(1, 900).map(lambda x: round(x, 1))), min_size=1, max_size=30)
    )
    first, last = rtt_ms[0] or 40.0, rtt_ms[-1] or 40.0
    rtt_ms = [first, *rtt_ms, last]
    lines = [reply(n + 1, 1000 + n, rtt) for n, rtt in enumerate(rtt_ms) if rtt is not None]
    trace = read(HEADER + "".join(sorted(lines)))  # by the stamp: late replies come out of order
    expected = np.array([np.nan if rtt is None else rtt for rtt in rtt_ms])
    assert trace.pop_ping_latency_ms == pytest.approx(expected, nan_ok=True)
    assert trace.observed_at_ns / NS_PER_S == pytest.approx(1000 + np.arange(len(rtt_ms)), abs=1e-3)


PIECES = [
    "[100.5] ", "[9e9] ", "64 bytes: icmp_seq=", "7 ", "65535 ", "9" * 30, " time=", "40 ms", "1e400", "-1", "nan", "\t", "\n",
    "3\t4\t5\n", "PING x\n", "8 packets transmitted\n", "no answer yet for icmp_seq=2\n",
]  # fmt: skip


@given(st.one_of(st.binary(max_size=300), st.lists(st.sampled_from(PIECES)).map(lambda parts: "".join(parts).encode())))
def test_any_bytes_are_a_trace_or_malformed(raw):
    try:
        trace = read_ping(raw, "x")
    except Malformed:
        return
    assert len(trace.observed_at_ns) == len(trace.pop_ping_latency_ms) == len(trace.sequence) > 0
