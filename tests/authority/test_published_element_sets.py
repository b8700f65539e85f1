"""The 102 published Kuiper satellites, as their catalogue shows them (domain 3a)."""

from collections import Counter

import numpy as np
import pytest

from ingest.contract.vocabulary import SatelliteLifecycle
from simulators.constellation import lifecycle_of
from tests.authority.published import published_element_sets


def test_thirty_eight_are_on_station_and_sixty_four_are_raising():
    verdicts = Counter(lifecycle_of(element_set) for element_set in published_element_sets())
    assert verdicts == {SatelliteLifecycle.OPERATIONAL: 38, SatelliteLifecycle.RAISING: 64}


def test_those_on_station_fly_where_the_filing_says():
    altitudes_km = np.array(
        [
            one.mean_altitude_km
            for one in published_element_sets()
            if lifecycle_of(one) is SatelliteLifecycle.OPERATIONAL
        ]
    )
    assert altitudes_km.mean() == pytest.approx(630.3, abs=0.1)
    assert altitudes_km.std() == pytest.approx(2.0, abs=0.1)


def test_those_raising_are_between_389_and_620_km():
    altitudes_km = [
        one.mean_altitude_km for one in published_element_sets() if lifecycle_of(one) is SatelliteLifecycle.RAISING
    ]
    assert min(altitudes_km) == pytest.approx(389, abs=1)
    assert max(altitudes_km) == pytest.approx(620, abs=1)


def test_every_inclination_is_that_of_the_first_shell():
    inclinations_deg = np.array([one.inclination_deg for one in published_element_sets()])
    assert inclinations_deg == pytest.approx(51.9, abs=0.04)
