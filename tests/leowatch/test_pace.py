"""How fast the log goes."""

import numpy as np
import pytest

from leowatch.pace import SPAN_MS, Pace
from streams.contract.events import EventHeader
from streams.contract.rollups import RollupHeader

WALL_MS = 1_790_000_000_000
S = 1_000_000_000


def tick(clock_s, shard=0):
    clock_ns = int(clock_s * S)
    return EventHeader(
        kind="event", version=1, shard=shard, shard_count=2, watermark_ns=clock_ns - 30 * S, clock_ns=clock_ns
    )


def window(minute, shard, revision=1):
    start_ns = minute * 60 * S
    return RollupHeader(
        kind="rollup", version=1, window_start_ns=start_ns, window_end_ns=start_ns + 60 * S, shard=shard, shard_count=2,
        revision=revision,
    )  # fmt: skip


def a_pace(*, speed, seconds=20, rows=3, clock_from_s=1_000.0):
    pace = Pace()
    for second in range(seconds + 1):
        pace.hear(WALL_MS + second * 1000, tick(clock_from_s + second * speed), rows)
    return pace, WALL_MS + seconds * 1000


@pytest.mark.parametrize("speed", [1, 20, 0.5])
def test_the_speed_is_the_networks_seconds_in_one_of_ours(speed):
    pace, now_ms = a_pace(speed=speed)
    assert pace.speed_ratio(now_ms) == speed


def test_a_log_that_stands_still_has_no_speed_and_no_rate():
    pace, now_ms = a_pace(speed=1)
    pace.window(window(1, 0), np.array([60]))
    pace.window(window(1, 1), np.array([60]))
    assert pace.samples_per_s(now_ms) == 2.0
    later_ms = now_ms + SPAN_MS
    assert (pace.speed_ratio(later_ms), pace.samples_per_s(later_ms), pace.events_per_s(later_ms)) == (None, None, 0)


def test_two_readings_of_one_moment_say_nothing_of_a_speed():
    pace, now_ms = a_pace(speed=1, seconds=1)
    assert pace.speed_ratio(now_ms) is None


def test_events_are_counted_by_our_second_over_the_last_half_minute():
    pace, now_ms = a_pace(speed=20, seconds=100, rows=7)
    assert pace.events_per_s(now_ms) == 7


def test_a_window_is_told_once_every_shard_has_told_its_part():
    pace, now_ms = a_pace(speed=10)
    pace.window(window(1, 0), np.array([100, 200]))
    assert pace.samples_per_s(now_ms) is None
    pace.window(window(1, 1), np.array([300]))
    pace.window(window(2, 0), np.array([9_000]))
    assert pace.samples_per_s(now_ms) == 10 * 600 / 60


def test_a_correction_adds_to_its_window():
    pace, now_ms = a_pace(speed=1)
    for header, count in ((window(1, 0), 60), (window(1, 1), 60), (window(1, 1, revision=2), 6)):
        pace.window(header, np.array([count]))
    assert pace.samples_per_s(now_ms) == 2.1


def test_the_past_that_is_read_afterwards_changes_no_rate():
    pace, now_ms = a_pace(speed=1)
    before = pace.events_per_s(now_ms), pace.speed_ratio(now_ms), pace.is_live
    pace.hear(WALL_MS - SPAN_MS, tick(10.0), 5_000)
    assert (pace.events_per_s(now_ms), pace.speed_ratio(now_ms), pace.is_live) == before


@pytest.mark.parametrize(("behind_s", "is_live"), [(2, True), (59, True), (61, False), (-3_600, False)])
def test_a_network_is_live_where_its_clocks_are_within_a_minute_of_ours(behind_s, is_live):
    pace, _ = a_pace(speed=1, clock_from_s=WALL_MS / 1000 - behind_s)
    assert pace.is_live is is_live
