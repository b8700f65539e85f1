"""However samples are cut into frames, shuffled within the wait, repeated or read again, the windows come to the same."""

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.contract.instants import NS_PER_S
from streams.shard import from_arrays, new_state, step, to_arrays
from tests.make import START_NS, knowledge, tick
from tests.streams.partial_sums import add_up
from tests.streams.test_shard_invariance import COUNT, KNOWN, SECONDS, frames, story

SEEDS = st.integers(0, 10_000)
QUICK = settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


def counted(seed):
    """Return a story whose terminals count bytes."""
    told = story(seed)
    for _, kind, row in told:
        if kind != "attach":
            number = row["sequence"] * 31 + row["terminal_index"] * 17 + row["boot_count"]
            row["downlink_bytes_total"] = row["sequence"] * 1_000 + number % 900
            row["uplink_bytes_total"] = row["sequence"] % 70 * 100 + number % 90
            row["pop_ping_latency_ms"] = 20.0 + number % 97
    return told


def partials(made, *, between=lambda state: state):
    """Return every partial of a run that ends when everything has been said."""
    known = knowledge(COUNT, **KNOWN)
    state, said = new_state(0, 1), []
    for each in [*made, *(tick(second) for second in range(SECONDS + 60, SECONDS + 130))]:
        state, findings = step(state, each, known)
        state = between(state)
        said += findings.partials
    return said


@given(SEEDS)
@QUICK
def test_cutting_and_repeating_changes_no_window(seed):
    told = counted(seed)
    whole = add_up(partials(frames(told, cut=0.0)))

    assert add_up(partials(frames(told, cut=1.0, repeat=0.3, chance=random.Random(2)))) == whole


@given(SEEDS)
@QUICK
def test_shuffling_within_the_wait_changes_no_window(seed):
    told = counted(seed)

    shuffled = frames(told, delay_s=1.9, cut=0.3, chance=random.Random(3))
    assert add_up(partials(shuffled)) == add_up(partials(frames(told, cut=0.0)))


@given(SEEDS)
@settings(QUICK, max_examples=1)
def test_a_shard_that_is_put_back_at_any_frame_says_the_same_frame_by_frame(seed):
    made = frames(counted(seed), cut=0.3)

    straight, put_back = partials(made), partials(made, between=lambda s: from_arrays(0, 1, to_arrays(s)))
    assert [header for header, _ in straight] == [header for header, _ in put_back]
    assert all(
        columns[name].tobytes() == again[name].tobytes()
        for (_, columns), (_, again) in zip(straight, put_back, strict=True)
        for name in columns
    )


@given(SEEDS)
@QUICK
def test_every_second_of_a_known_terminal_is_in_one_class(seed):
    told = counted(seed)
    first_ns = {}
    for _, kind, row in told:
        if kind == "live":
            first_ns.setdefault(row["terminal_index"], row["observed_at_ns"] - NS_PER_S)
    seconds = {}
    for (window_ns, *_), total in add_up(partials(frames(told))).items():
        classes = [total.get(name, 0) for name in ("good", "bad", "expected", "unknown")]
        assert min(classes) >= 0
        seconds[window_ns] = seconds.get(window_ns, 0) + sum(classes)

    minute_ns = 60 * NS_PER_S
    windows_ns = range(START_NS - minute_ns, START_NS + (SECONDS + 100) // 60 * minute_ns, minute_ns)
    due = {w: sum(max(0, w + minute_ns - max(w, at_ns)) for at_ns in first_ns.values()) for w in windows_ns}
    assert seconds == {window_ns: ns for window_ns, ns in due.items() if ns}
