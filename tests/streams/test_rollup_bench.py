"""The merge waits for the last shard, hears each partial once, and replaces a whole by its correction."""

import random

import numpy as np
import pytest

from ingest.contract.bus import Message
from ingest.contract.frame import decode, encode
from ingest.contract.instants import NS_PER_S
from ingest.contract.telemetry import TERMINAL
from streams.contract.rollups import ROLLUP, ROLLUP_LAYOUTS, RollupHeader
from streams.contract.topics import GATEWAY_ROLLUPS, PARTIALS, STREAMS_DEADLETTER
from streams.rollup_bench import RollupBench
from streams.rollup_lines import PART_ROWS, parted
from tests.make import START_NS
from tests.streams.partial_sums import add_up

MINUTE_NS = 60 * NS_PER_S
SHARDS = 3


def partial(shard, revision=1, *, minute=0, rows=((1, 0),), part=0, part_count=1, shard_count=SHARDS, **columns):
    """Return a partial as a message; `rows` are gateway and PoP, the same columns for each."""
    start_ns = START_NS + minute * MINUTE_NS
    header = RollupHeader(
        kind="rollup", version=1, window_start_ns=start_ns, window_end_ns=start_ns + MINUTE_NS, shard=shard,
        shard_count=shard_count, revision=revision, part=part, part_count=part_count,
    )  # fmt: skip
    made = {name: np.full(len(rows), value, ROLLUP.column(name).numpy_type) for name, value in columns.items()}
    for name, values in zip(("gateway_index", "pop_index"), zip(*rows, strict=True), strict=False):
        made[name] = np.array(values, np.int32)
    if rows:
        made |= {"window_start_ns": np.full(len(rows), start_ns), "model": np.ones(len(rows), np.int8)}
    return message(encode(header, ROLLUP, made if rows else {}))


def message(value):
    return Message(topic=PARTIALS.name, partition=0, offset=0, key=b"", value=value, timestamp_ms=0, headers=())


def said(bench, messages, *, at_s=0.0):
    """Hand partials over, then return what is said as frames."""
    refused = [record for each in messages for record in bench.handle(each)]
    assert not refused
    return whole(bench, at_s)


def whole(bench, at_s):
    records = bench.advance(round(at_s * NS_PER_S))
    assert all(record.topic == GATEWAY_ROLLUPS for record in records)
    return [decode(record.value, ROLLUP_LAYOUTS, RollupHeader) for record in records]


def test_a_window_waits_for_its_last_shard_even_if_that_has_nothing_to_say():
    bench = RollupBench()

    assert said(bench, [partial(0, samples_count=5), partial(2, samples_count=7)]) == []
    (frame,) = said(bench, [partial(1, rows=())])
    assert (frame.header.revision, frame.header.shard, frame.header.shard_count) == (1, -1, SHARDS)
    assert frame.columns["samples_count"].tolist() == [12]
    assert said(bench, []) == []


def test_groups_stay_apart_and_round_trips_keep_their_extremes():
    bench = RollupBench()
    one = [partial(shard, rows=((shard % 2, 0),), rtt_count=1, rtt_sum_ms=10.5, rtt_min_ms=10.0 - shard, rtt_max_ms=11.0 + shard)
           for shard in range(SHARDS)]  # fmt: skip

    (frame,) = said(bench, one)
    assert frame.columns["gateway_index"].tolist() == [0, 1]
    assert frame.columns["rtt_sum_ms"].tolist() == [21.0, 10.5]
    assert frame.columns["rtt_min_ms"].tolist() == [8.0, 9.0]
    assert frame.columns["rtt_max_ms"].tolist() == [13.0, 12.0]


def test_a_repeat_is_heard_once():
    bench = RollupBench()

    (frame,) = said(bench, [partial(shard, good_s=60.0) for shard in (0, 1, 0, 2, 1, 0)])
    assert frame.columns["good_s"].tolist() == [180.0]
    assert bench.counts["repeats"] == 3
    assert said(bench, [partial(1, good_s=60.0)], at_s=100.0) == []


def test_the_first_revision_holds_the_first_partials_alone_whatever_has_come_meanwhile():
    bench = RollupBench()
    early = [partial(0, good_s=60.0), partial(0, 2, good_s=-10.0, unknown_s=10.0)]

    assert said(bench, early) == []
    (first,) = said(bench, [partial(1, good_s=60.0), partial(2, good_s=60.0)])
    assert (first.header.revision, first.columns["good_s"].tolist()) == (1, [180.0])
    (second,) = whole(bench, 10.0)
    assert (second.header.revision, second.columns["good_s"].tolist()) == (2, [170.0])
    assert second.columns["unknown_s"].tolist() == [10.0]


def test_corrections_of_a_window_wait_ten_seconds_and_come_together():
    bench = RollupBench()
    said(bench, [partial(shard, bad_s=1.0) for shard in range(SHARDS)], at_s=0.0)

    assert said(bench, [partial(0, 2, bad_s=1.0)], at_s=9.9) == []
    (frame,) = said(bench, [partial(1, 2, bad_s=1.0)], at_s=10.0)
    assert (frame.header.revision, frame.columns["bad_s"].tolist()) == (3, [5.0])
    assert said(bench, [partial(0, 3, bad_s=1.0)], at_s=19.9) == []
    assert len(whole(bench, 20.0)) == 1


def test_a_group_that_is_taken_back_is_said_as_nothing_since_sinks_hold_its_row():
    bench = RollupBench()
    said(bench, [partial(0, bad_s=4.0), partial(1, rows=()), partial(2, rows=())])

    (frame,) = said(bench, [partial(0, 2, bad_s=-4.0)], at_s=10.0)
    assert frame.columns["bad_s"].tolist() == [0.0]


def test_a_partial_in_parts_counts_when_its_last_part_is_here():
    bench = RollupBench()
    halves = [partial(0, part=part, part_count=2, samples_count=1, rows=((part, 0),)) for part in (0, 1)]

    assert said(bench, [halves[0], halves[0], partial(1, rows=()), partial(2, rows=())]) == []
    (frame,) = said(bench, [halves[1]])
    assert frame.columns["gateway_index"].tolist() == [0, 1]


def test_a_window_of_many_groups_goes_out_in_frames_that_fit():
    rows = tuple((gateway, pop) for gateway in range(70) for pop in range(60))
    noise = {column.name: np.random.default_rng(1).random(len(rows)) * 1e9 for column in ROLLUP.columns}
    columns = {column.name: noise[column.name].astype(column.numpy_type) for column in ROLLUP.columns}
    header = RollupHeader(kind="rollup", version=1, window_start_ns=START_NS, window_end_ns=START_NS + MINUTE_NS)

    parts = list(parted(header, columns))
    assert [(part.part, part.part_count, len(found["model"])) for part, found in parts] == [
        (0, 2, PART_ROWS), (1, 2, len(rows) - PART_ROWS)
    ]  # fmt: skip
    assert all(len(encode(part, ROLLUP, found)) <= 900_000 for part, found in parts)


def test_a_bench_that_begins_anew_says_only_what_is_new():
    log = [partial(shard, good_s=60.0, minute=minute) for minute in (0, 1) for shard in range(SHARDS)]
    correction = partial(0, 2, good_s=-1.0, bad_s=1.0)
    first = RollupBench()
    before = {(f.header.window_start_ns, f.header.revision) for f in said(first, log)}

    again = RollupBench(dict(before))
    assert said(again, log) == []
    (frame,) = said(again, [correction], at_s=10.0)
    assert (frame.header.revision, frame.columns["good_s"].tolist()) == (2, [179.0])


def test_the_order_of_shards_and_where_a_restart_falls_do_not_show_in_the_end():
    chance = random.Random(1)
    logs = [
        [partial(shard, revision, minute=minute, good_s=0.1 * shard, unknown_s=0.3, rtt_sum_ms=0.7 * revision, rtt_count=1)
         for minute in (0, 1) for revision in (1, 2, 3)]
        for shard in range(SHARDS)
    ]  # fmt: skip
    finals = set()
    for _ in range(5):
        queues = [list(log) for log in logs]
        mixed = []
        while any(queues):
            mixed.append(chance.choice([queue for queue in queues if queue]).pop(0))
        cut = chance.randrange(len(mixed))
        frames = said(RollupBench(), mixed[:cut])
        told = {}
        for frame in frames:
            told[frame.header.window_start_ns] = max(frame.header.revision, told.get(frame.header.window_start_ns, 0))
        bench = RollupBench(told)
        frames += said(bench, mixed) + whole(bench, 10.0)
        last = {f.header.window_start_ns: f for f in sorted(frames, key=lambda f: f.header.revision)}
        finals.add(str(sorted(add_up((f.header, f.columns) for f in last.values()).items())))
        assert len({(f.header.window_start_ns, f.header.revision) for f in frames}) == len(frames)
    assert len(finals) == 1


def test_a_window_of_which_a_shard_was_never_heard_is_given_up_in_the_end():
    bench = RollupBench()
    said(bench, [partial(0, samples_count=1)])

    assert said(bench, [partial(shard, minute=136) for shard in range(SHARDS)]) != []
    assert bench.counts["windows_never_whole"] == 1
    assert said(bench, [partial(1, samples_count=1)]) == []
    assert bench.counts["partials_too_old"] == 1


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (message(b"noise"), "unparseable"),
        (message(encode(RollupHeader(kind="terminal", version=1, window_start_ns=0, window_end_ns=1), TERMINAL, {})), "unknown_kind"),
        (partial(3), "wrong_shard"),
        (partial(-1), "wrong_shard"),
        (partial(0, part=1), "wrong_shard"),
        (partial(0, shard_count=4), "shard_count"),
    ],
)  # fmt: skip
def test_what_is_no_partial_goes_to_the_dead_letters(wrong, reason):
    bench = RollupBench()
    bench.handle(partial(0))

    (record,) = bench.handle(wrong)
    assert record.topic == STREAMS_DEADLETTER
    assert dict(record.headers)["reason"] == reason.encode()
    assert bench.counts[f"rejected_{reason}"] == 1
