import numpy as np

from ingest.contract.vocabulary import StandbyState, Underlay
from simulators.terminal_conditions import untroubled
from simulators.underlay import STANDBY_LOAD, Underlays
from tests.simulators.rooftop import terminals

MANY = 40
LEO, TERRESTRIAL = Underlay.LEO, Underlay.TERRESTRIAL


def sites(seed=1):
    dual = np.arange(MANY) >= 10
    everyone = terminals(MANY, dual_path=dual)
    conditions = untroubled(everyone)
    return Underlays(everyone, conditions, np.random.default_rng(seed)), conditions


def probed(underlays, live, seconds):
    for _ in range(seconds):
        underlays.probe(live)
    said = underlays.columns()
    return said["active_underlay"], said["standby_underlay_state"]


def test_a_site_with_one_path_has_no_standby_and_one_with_two_carries_little_on_it():
    underlays, _ = sites()
    active, standby = probed(underlays, np.ones(MANY, bool), 5)
    assert (active[:10] == LEO).all()
    assert (standby[:10] == StandbyState.ABSENT).all()
    assert (standby[10:] == StandbyState.HEALTHY).all()
    assert 5 < (active == TERRESTRIAL).sum() < 25
    assert (underlays.load_factor() == np.where(active == TERRESTRIAL, np.float32(STANDBY_LOAD), 1.0)).all()


def test_a_cut_terrestrial_path_hands_over_to_leo_after_three_probes_and_back_after_thirty():
    underlays, conditions = sites()
    live = np.ones(MANY, bool)
    own, _ = probed(underlays, live, 5)
    conditions.terrestrial_up[:] = False
    active, _ = probed(underlays, live, 2)
    assert (active == own).all()
    active, standby = probed(underlays, live, 1)
    assert (active == LEO).all()
    assert (standby[10:] == StandbyState.UNHEALTHY).all()
    conditions.terrestrial_up[:] = True
    active, standby = probed(underlays, live, 29)
    assert (active == LEO).all()
    assert (standby[10:] == StandbyState.HEALTHY).all()
    assert (probed(underlays, live, 1)[0] == own).all()


def test_leo_without_service_hands_over_and_a_dead_standby_is_told():
    underlays, conditions = sites()
    live = np.ones(MANY, bool)
    own, _ = probed(underlays, live, 5)
    active, _ = probed(underlays, np.zeros(MANY, bool), 3)
    assert (active[10:] == TERRESTRIAL).all()
    probed(underlays, live, 40)
    conditions.standby_dead[:] = True
    active, standby = probed(underlays, live, 3)
    backed = own == TERRESTRIAL
    assert (active[backed] == TERRESTRIAL).all()
    assert (standby[backed] == StandbyState.UNHEALTHY).all()
    conditions.terrestrial_up[:] = False
    assert (probed(underlays, live, 10)[0][backed] == TERRESTRIAL).all()  # nowhere to go
