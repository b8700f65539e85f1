"""When a run that is played live begins."""

import pytest

from ingest.contract.instants import NS_PER_S
from leowatch.simulate import live_start_ns

NOW_NS = 1_700_000_000 * NS_PER_S
# What a second's records say of the door: its end and the way there.
TO_THE_DOOR_NS = round(1.05 * NS_PER_S)


@pytest.mark.parametrize("speed", [0.0, 0.5, 1.0, 20.0, 600.0])
def test_no_second_is_written_before_it_can_have_come_to_the_door(speed):
    start_ns = live_start_ns(NOW_NS, minutes=10, speed=speed)
    for second in range(600):
        written_ns = NOW_NS + (round(second * NS_PER_S / speed) if speed else 0)
        assert start_ns + second * NS_PER_S + TO_THE_DOOR_NS <= written_ns


def test_at_speed_1_the_run_keeps_to_the_clock_on_the_wall():
    assert NOW_NS - live_start_ns(NOW_NS, minutes=60, speed=1.0) < 5 * NS_PER_S


def test_a_faster_run_begins_so_much_earlier_that_it_ends_now():
    start_ns = live_start_ns(NOW_NS, minutes=10, speed=20.0)
    assert start_ns + 600 * NS_PER_S == pytest.approx(NOW_NS + 30 * NS_PER_S, abs=5 * NS_PER_S)
