import pytest

from simulators.broadcast import play
from simulators.run import Settings, new_sky


class Bus:
    """Keeps what is flushed, and a clock that only sleeping moves."""

    def __init__(self, cost_s=0.0):
        self.waiting, self.safe, self.now_s, self.slept_s, self.cost_s = [], [], 100.0, [], cost_s

    def send(self, topic, *, key, value, partition=0, headers=()):
        self.waiting.append((topic.name, partition, value))

    def flush(self):
        self.safe += self.waiting
        self.waiting = []
        self.now_s += self.cost_s

    def monotonic_s(self):
        return self.now_s

    def sleep_s(self, seconds):
        self.slept_s.append(seconds)
        self.now_s += seconds


@pytest.fixture(scope="module")
def settings():
    return Settings(terminals=20, minutes=0.1, scenario="quiet", plan_ahead_s=30)


def played(settings, bus, speed_ratio):
    heard = []
    play(
        new_sky(settings),
        bus,
        speed_ratio=speed_ratio,
        monotonic_s=bus.monotonic_s,
        sleep_s=bus.sleep_s,
        heard=lambda second: heard.append((second, len(bus.waiting))),
    )
    return heard


def test_the_inventory_goes_first_and_every_second_is_safe_before_it_is_heard(settings):
    bus = Bus()
    heard = played(settings, bus, 0)
    assert bus.safe[0][0].startswith("inventory.")
    assert [waiting for _, waiting in heard] == [0] * 6
    said = [record.value for second, _ in heard for record in second.records]
    assert [value for *_, value in bus.safe[-len(said) :]] == said
    assert bus.slept_s == []


def test_speed_is_kept_and_a_slow_bus_is_waited_for(settings):
    bus = Bus()
    played(settings, bus, 2)
    assert bus.now_s == pytest.approx(103.0)
    slow = Bus(cost_s=1.0)
    played(settings, slow, 2)
    assert slow.slept_s == [0.0] * 6
