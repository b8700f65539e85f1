import numpy as np

from ingest.contract.vocabulary import TerminalAlert
from simulators.health import Health
from simulators.noise import Noise
from simulators.terminal_conditions import untroubled
from tests.simulators.rooftop import terminals


def body(count=3):
    conditions = untroubled(terminals(count))
    rngs = np.random.default_rng(1).spawn(2)
    return Health(terminals(count), conditions, Noise(count, rngs[0]), rngs[1]), conditions


def live(health, seconds):
    for _ in range(seconds):
        health.live_through_second(np.full(3, 0.2, np.float32))
    return health.measure(np.full(3, 0.2, np.float32), np.zeros(3, np.int32))


def test_heat_throttles_then_shuts_down_and_a_cool_board_starts_again():
    health, conditions = body()
    assert not live(health, 10)["alerts"].any()
    conditions.temperature_offset_celsius[1] = 70.0
    shut = []
    for _ in range(40):
        said = live(health, 30)
        shut.append(bool(health.too_hot[1]))
    assert shut.index(True) > 2
    assert all(shut[shut.index(True) :])
    assert said["alerts"].tolist() == [0, TerminalAlert.THERMAL_THROTTLE | TerminalAlert.THERMAL_SHUTDOWN, 0]
    assert said["power_w"][1] < 0.3 * said["power_w"][0]
    conditions.temperature_offset_celsius[1] = 0.0
    live(health, 30)
    assert health.too_hot[1]  # not before it is cool
    live(health, 300)
    assert not health.too_hot.any()


def test_each_trouble_of_the_body_sets_its_bit():
    health, conditions = body()
    conditions.water[0], conditions.ethernet_bps[1], conditions.snow_loss_db[2] = True, 100_000_000, 4.0
    said = live(health, 1)
    assert said["alerts"].tolist() == [
        TerminalAlert.WATER_DETECTED, TerminalAlert.SLOW_ETHERNET, TerminalAlert.IS_HEATING
    ]  # fmt: skip
    assert said["power_w"][2] > said["power_w"][1]
