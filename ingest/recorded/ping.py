"""Probe traces: `ping -D`, or unix_time<TAB>sequence<TAB>rtt_ms.

A reply is stamped when it arrives, so its probe was sent one RTT before. A probe without a reply has no send time of its own:
- in `ping -D` it is a hole in `icmp_seq`, and lies between its neighbours;
- in the tab-separated form (a synchronous pinger) its row is stamped after the timeout, and was sent at the time of the
  row before.
"""

import re
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ingest.contract.columns import MISSING
from ingest.contract.instants import NS_PER_MS, NS_PER_S
from ingest.recorded.malformed import BadLines, BadLineTally, Malformed
from ingest.recorded.text import to_text

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_HOW = "give the output of `ping -D` or lines of unix_time<TAB>sequence<TAB>rtt_ms (-1 = lost)"
# 2100-01-01: later "seconds" are milliseconds or nanoseconds.
_LATEST_S = 4_102_444_800
# A reply two hours late is no reply; also keeps a crafted number out of the arithmetic.
_LONGEST_MS = 7_200_000
# icmp_seq has 16 bits.
_SEQUENCE_PERIOD = 2**16
_LARGEST_SEQUENCE = 2**53
# A larger jump is ping started anew: a hole of 27 minutes at 10 Hz cannot be told from a wrap any more.
_FARTHEST_AHEAD_COUNT = 2**14
# Two weeks at 10 Hz. Numbers in a crafted file could claim any number of lost probes.
_PROBES_LIMIT_COUNT = 12_000_000
_STAMPED = re.compile(r"\[(?P<at>\d+\.\d+)\] .*?\bicmp_seq=(?P<sequence>\d{1,18})(?P<rest>.*)")
_ROUND_TRIP = re.compile(r"\btime[=<] ?(?P<ms>\d+(?:\.\d+)?) ?ms")
_SUMMARY = re.compile(r"(?P<sent>\d{1,18}) packets transmitted")
# What ping prints around its probes.
_CHATTER = re.compile(r"PING |--- |rtt |round-trip |\[\d+\.\d+\] PING |\^C$|\d+ packets transmitted|#")


@dataclass(frozen=True, slots=True, kw_only=True)
class PingTrace:
    """Probes in the order in which they were sent.

    Attributes:
        observed_at_ns: When each was sent.
        pop_ping_latency_ms: Its round trip; NaN where it was lost.
        sequence: Its number in the file; unwrapped, and going on over restarts of ping.
        bad_lines: What was left out.
    """

    observed_at_ns: Ints
    pop_ping_latency_ms: Floats
    sequence: Ints
    bad_lines: BadLines


@dataclass(frozen=True, slots=True, kw_only=True)
class PingSeconds:
    """The seconds in which a probe was sent; a second that is not here is unknown, not lost.

    Attributes:
        observed_at_ns: The second's start.
        pop_ping_latency_ms: Mean of the replies; NaN where there was none.
        pop_ping_drop_ratio: Share of its probes that were lost.
        probe_count: Probes sent.
    """

    observed_at_ns: Ints
    pop_ping_latency_ms: Floats
    pop_ping_drop_ratio: Floats
    probe_count: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class LostRuns:
    """Runs of successive lost probes.

    Attributes:
        start_at_ns: When the first lost probe was sent.
        end_at_ns: When the first answered one after them was sent; -1 where the trace ends before.
        lost_count: Probes lost.
    """

    start_at_ns: Ints
    end_at_ns: Ints
    lost_count: Ints


@dataclass(slots=True)
class _Run:
    """One invocation of ping, as its lines are read."""

    replies: dict[int, tuple[float, float]] = field(default_factory=dict)
    unanswered: dict[int, float] = field(default_factory=dict)
    last_sequence: int | None = None
    sent_count: int = 0

    def unwrap(self, sequence: int) -> int | None:
        """Return the number without the wrap at 16 bits; None where it is too far from the last to be of this run."""
        if self.last_sequence is None:
            return sequence
        half = _SEQUENCE_PERIOD // 2
        ahead = (sequence - self.last_sequence + half) % _SEQUENCE_PERIOD - half
        near = abs(ahead) <= _FARTHEST_AHEAD_COUNT and self.last_sequence + ahead >= 0
        return self.last_sequence + ahead if near else None


def read_ping(raw: bytes, name: str) -> PingTrace:
    """Read a probe trace in either form, gzipped or not.

    Raises:
        Malformed: No line of it is a probe.
    """
    lines = to_text(raw, name).splitlines()
    tally = BadLineTally(name)
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    tabular = not first.startswith(("[", "PING")) and len(first.split()) == 3
    at_ns, rtt_ms, sequence = _read_rows(lines, tally) if tabular else _read_ping_output(lines, tally)
    bad_lines = tally.settle(len(at_ns), _HOW)
    return PingTrace(observed_at_ns=at_ns, pop_ping_latency_ms=rtt_ms, sequence=sequence, bad_lines=bad_lines)


def per_second(trace: PingTrace) -> PingSeconds:
    """Gather a trace into the seconds in which its probes were sent."""
    second, place, count = np.unique(trace.observed_at_ns // NS_PER_S, return_inverse=True, return_counts=True)
    lost = np.isnan(trace.pop_ping_latency_ms)
    answered = np.bincount(place[~lost], minlength=len(second))
    total_ms = np.bincount(place, np.nan_to_num(trace.pop_ping_latency_ms), minlength=len(second))
    return PingSeconds(
        observed_at_ns=second * NS_PER_S,
        pop_ping_latency_ms=np.where(answered > 0, total_ms / np.maximum(answered, 1), np.nan),
        pop_ping_drop_ratio=1 - answered / count,
        probe_count=count.astype(np.int64),
    )


def lost_runs(trace: PingTrace, least_count: int = 2) -> LostRuns:
    """Return the runs of at least that many successive lost probes: one lost probe is no outage."""
    lost = np.isnan(trace.pop_ping_latency_ms)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], lost, [False])).astype(np.int8)))
    start, past = edges[::2], edges[1::2]
    long = past - start >= least_count
    start, past = start[long], past[long]
    after_ns = np.append(trace.observed_at_ns, MISSING)[past]
    return LostRuns(
        start_at_ns=trace.observed_at_ns[start], end_at_ns=after_ns, lost_count=(past - start).astype(np.int64)
    )


def _read_rows(lines: list[str], tally: BadLineTally) -> tuple[Ints, Floats, Ints]:
    stamp_s: list[float] = []
    rtt_ms: list[float] = []
    sequence: list[int] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        row = _row(line)
        if isinstance(row, str):
            tally.add(number, row)
            continue
        stamp_s.append(row[0])
        sequence.append(row[1])
        rtt_ms.append(row[2] if row[2] >= 0 else np.nan)
    return _sent_at_ns(np.array(stamp_s), np.array(rtt_ms)), np.array(rtt_ms), np.array(sequence, np.int64)


def _row(line: str) -> tuple[float, int, float] | str:
    try:
        stamp, number, round_trip = line.split()
        stamp_s, sequence, rtt_ms = float(stamp), int(number), float(round_trip)
    except ValueError:
        return f"{line[:60]!r} is not unix_time, sequence, rtt_ms"
    if not 0 <= stamp_s < _LATEST_S:
        return f"{stamp} is no Unix time in seconds"
    if rtt_ms > _LONGEST_MS or abs(sequence) > _LARGEST_SEQUENCE:
        return f"{line[:60]!r} has no possible round trip in ms or sequence"
    return stamp_s, sequence, rtt_ms


def _sent_at_ns(stamp_s: Floats, rtt_ms: Floats) -> Ints:
    stamp_ns = _to_ns(stamp_s)
    before_ns = np.minimum(np.concatenate((stamp_ns[:1], stamp_ns[:-1])), stamp_ns)
    return np.where(np.isnan(rtt_ms), before_ns, stamp_ns - np.rint(np.nan_to_num(rtt_ms) * NS_PER_MS).astype(np.int64))


def _to_ns(seconds: Floats) -> Ints:
    # Whole seconds apart from the rest: a float64 holds today's Unix time to 0.2 us only.
    whole = np.floor(seconds)
    return whole.astype(np.int64) * NS_PER_S + np.rint((seconds - whole) * NS_PER_S).astype(np.int64)


def _read_ping_output(lines: list[str], tally: BadLineTally) -> tuple[Ints, Floats, Ints]:
    runs = [_Run()]
    for number, line in enumerate(lines, start=1):
        what = _take_line(line.strip(), runs)
        if what:
            tally.add(number, what)
    if sum((run.last_sequence or 0) + len(run.replies) for run in runs) > _PROBES_LIMIT_COUNT:
        raise Malformed(tally.name, f"it claims more than {_PROBES_LIMIT_COUNT} probes", "split it and give the parts")
    at_ns, rtt_ms, sequence, past = [np.empty(0, np.int64)], [np.empty(0)], [np.empty(0, np.int64)], 0
    for run in runs:
        numbers, sent_s, round_trip_ms = _probes(run)
        at_ns.append(_to_ns(sent_s))
        rtt_ms.append(round_trip_ms)
        sequence.append(numbers + past)
        past += int(numbers.max(initial=-1)) + 1
    return np.concatenate(at_ns), np.concatenate(rtt_ms), np.concatenate(sequence)


def _take_line(line: str, runs: list[_Run]) -> str | None:
    """Put one line of ping into its run; return what is wrong with it, if anything."""
    stamped = _STAMPED.match(line)
    if stamped is None:
        return _take_chatter(line, runs)
    stamp_s, number = float(stamped["at"]), int(stamped["sequence"])
    if stamp_s >= _LATEST_S:
        return f"{stamped['at']} is no Unix time in seconds"
    if number >= _SEQUENCE_PERIOD:
        return f"icmp_seq={number} has more than 16 bits"
    if "DUP!" in line:
        return None
    reply = _ROUND_TRIP.search(stamped["rest"])
    if reply and float(reply["ms"]) > _LONGEST_MS:
        return f"{reply['ms']} is no round trip in ms"
    sequence = runs[-1].unwrap(number)
    if sequence is None or (reply and sequence in runs[-1].replies):  # ping was started anew without its first line
        runs.append(_Run())
        sequence = number
    run = runs[-1]
    run.last_sequence = max(run.last_sequence or 0, sequence)
    if reply is None:
        run.unanswered.setdefault(sequence, stamp_s)
    else:
        rtt_ms = float(reply["ms"])
        run.replies[sequence] = (stamp_s - rtt_ms / 1000, rtt_ms)
    return None


def _take_chatter(line: str, runs: list[_Run]) -> str | None:
    summary = _SUMMARY.match(line)
    if summary:
        runs[-1].sent_count = int(summary["sent"])
    elif line.startswith("PING "):
        runs.append(_Run())
    elif line and not _CHATTER.match(line):
        unstamped = "icmp_seq=" in line or "bytes from" in line
        return "no time before the reply: run ping with -D" if unstamped else f"{line[:60]!r} is no line of ping -D"
    return None


def _probes(run: _Run) -> tuple[Ints, Floats, Floats]:
    """Return number, send time in s and round trip in ms of every probe of a run."""
    answered = np.array(sorted(run.replies), np.int64)
    if not len(answered):
        numbers = np.array(sorted(run.unanswered), np.int64)
        stamps = np.array([run.unanswered[n] for n in numbers.tolist()], np.float64)
        return numbers, stamps, np.full(len(numbers), np.nan)
    sent_s, rtt_ms = np.array([run.replies[n] for n in answered.tolist()], np.float64).T
    spoken_of = [*run.unanswered, int(answered[0]), int(answered[-1])]
    # The last probe may have been under way when ping was stopped: it is unknown unless ping said something of it.
    unspoken = run.sent_count - 1 if run.sent_count - answered[-1] <= _FARTHEST_AHEAD_COUNT else 0
    numbers = np.arange(min(spoken_of), max(*spoken_of, unspoken) + 1)
    interval_s = float(np.median(np.diff(sent_s) / np.diff(answered))) if len(answered) > 1 else 1.0
    times_s = np.interp(numbers, answered, sent_s)
    times_s += interval_s * (np.minimum(numbers - answered[0], 0) + np.maximum(numbers - answered[-1], 0))
    round_trip_ms = np.full(len(numbers), np.nan)
    round_trip_ms[answered - numbers[0]] = rtt_ms
    return numbers, times_s, round_trip_ms
