import numpy as np
import pytest

from ingest.contract.vocabulary import ServiceClass
from simulators.noise import Noise
from simulators.terminal_conditions import untroubled
from simulators.traffic import DEMAND_BY_HOUR, Traffic, demand_at, solar_hour
from tests.simulators.rooftop import SECOND_NS, START_NS, cells, terminals

MANY = 4_000
BEST_STEP = np.full(MANY, 14, np.int8)


class Site:
    def __init__(self, **fields):
        self.terminals = terminals(MANY, **fields)
        self.conditions, self.cells = untroubled(self.terminals), cells()
        rngs = np.random.default_rng(1).spawn(2)
        self.traffic = Traffic(self.terminals, np.zeros(1), self.conditions, self.cells, Noise(MANY, rngs[0]), rngs[1])

    def flow(self, at_ns=START_NS, modcod=BEST_STEP, share=1.0):
        self.traffic.begin(at_ns)
        return self.traffic.flow(self.terminals.cell, modcod, np.full(MANY, share, np.float32), np.float32(1.0))


def test_demand_follows_the_sun_and_the_customer():
    assert solar_hour(START_NS, np.array([0.0, 90.0, -90.0])).tolist() == [0.0, 6.0, 18.0]
    at_21, at_3 = (demand_at(np.array([hour]), np.array([ServiceClass.CONSUMER]))[0] for hour in (21.0, 3.0))
    assert at_21 == 1.0
    assert at_3 == 0.25
    assert demand_at(np.array([10.5]), np.array([ServiceClass.BUSINESS]))[0] == pytest.approx(0.975)
    assert demand_at(np.array([23.0]), np.array([ServiceClass.CONSUMER]))[0] == pytest.approx(0.70)
    assert len(DEMAND_BY_HOUR) == len(ServiceClass)


def test_an_evening_moves_three_to_four_times_what_the_night_does():
    site = Site()
    evening = site.flow(START_NS + 21 * 3_600 * SECOND_NS)["downlink_throughput_bps"].sum()
    night = site.flow(START_NS + 27 * 3_600 * SECOND_NS)["downlink_throughput_bps"].sum()
    assert 3.0 < evening / night < 4.5


def test_counters_count_what_flows():
    site = Site()
    first = site.flow()
    second = site.flow()
    counted = second["downlink_bytes_total"] - first["downlink_bytes_total"]
    assert np.abs(counted - second["downlink_throughput_bps"] / 8)[counted >= 0].max() <= 16
    assert (counted < 0).sum() <= 2


def test_a_weak_link_carries_less_than_is_asked_for_and_no_step_nothing():
    site = Site()
    site.conditions.demand_factor[:] = 1_000.0
    capacity_bps = 400e6
    assert site.flow()["downlink_throughput_bps"].max() == capacity_bps
    weak = site.flow(modcod=np.full(MANY, 3, np.int8))["downlink_throughput_bps"]
    assert weak.max() == pytest.approx(capacity_bps * 1.322 / 1.981, rel=1e-4)
    assert site.flow(modcod=np.full(MANY, -1, np.int8))["downlink_throughput_bps"].max() == 0.0


def test_a_crowd_in_the_cell_leaves_each_less_and_makes_all_wait():
    site = Site()
    evening_ns = START_NS + 21 * 3_600 * SECOND_NS
    alone = site.flow(evening_ns)["downlink_throughput_bps"].sum()
    assert site.traffic.queue_ms()[0] < 2.0
    site.cells.demand_factor[:] = 2.1
    site.traffic.begin(evening_ns)
    assert 10.0 < site.traffic.queue_ms()[0] < 60.0
    site.cells.demand_factor[:] = 8.0
    crowded = site.flow(evening_ns)["downlink_throughput_bps"].sum()
    assert crowded / alone == pytest.approx(1 / (8.0 * 0.45), rel=0.02)
    assert site.traffic.queue_ms()[0] == 120.0
