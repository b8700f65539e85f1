import numpy as np

from ingest.contract.vocabulary import SatelliteLifecycle
from simulators.network_conditions import fibre_up, neutral_network, operational

LIFECYCLE = np.array([SatelliteLifecycle.OPERATIONAL, SatelliteLifecycle.RAISING], dtype=np.int8)


def calm():
    return neutral_network(
        lifecycle=LIFECYCLE, antenna_count=np.array([8, 4], np.int16), pop_count=2, attachment_count=3, cell_count=4
    )


def test_only_operational_satellites_whose_payload_works_carry_traffic():
    satellites = calm().satellites
    assert operational(satellites).tolist() == [True, False]
    satellites.carrying[0] = False
    assert operational(satellites).tolist() == [False, False]


def test_one_fibre_of_two_is_enough():
    gateways = calm().gateways
    gateways.fibre_a_up[:] = False
    gateways.fibre_b_up[1] = False
    assert fibre_up(gateways).tolist() == [True, False]


def test_what_one_run_breaks_no_other_run_sees():
    calm().satellites.lifecycle[0] = SatelliteLifecycle.FAILED
    assert operational(calm().satellites)[0]
