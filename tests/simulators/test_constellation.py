import numpy as np
import pytest

from simulators.constellation import ELEMENT_SET_LIFE_DAYS, filed_layer, published_layer
from simulators.orbits import DAY_NS, propagate

START_AT_NS = 1_759_449_600_000_000_000  # 2025-10-03T00:00:00Z


def test_every_filed_satellite_has_an_id_of_its_own():
    layer = filed_layer(START_AT_NS)
    assert len(layer) == len(set(layer.satellite_ids)) == 3236
    assert (layer.shell_names[1156], layer.plane[1156], layer.place[1156]) == ("K2", 0, 0)
    assert layer.satellite_ids[35] == "K1-01-01"


def test_the_filed_shells_take_the_start_as_their_epoch():
    a_year_on_ns = START_AT_NS + 365 * DAY_NS
    now = propagate(filed_layer(START_AT_NS).satellites[:50], np.array([START_AT_NS])).position_km
    later = propagate(filed_layer(a_year_on_ns).satellites[:50], np.array([a_year_on_ns])).position_km
    assert later[0, :, 2] == pytest.approx(now[0, :, 2], abs=1e-6)


def test_the_published_satellites_fly_on_the_day_they_were_published():
    layer = published_layer(START_AT_NS)
    assert len(layer) == 102
    assert layer.on_station.sum() == 38
    assert layer.refusal is None
    assert "63724" in layer.satellite_ids


@pytest.mark.parametrize("years", [-1, 1])
def test_published_elements_are_refused_far_from_their_epochs_and_the_layer_says_so(years):
    layer = published_layer(START_AT_NS + years * 365 * DAY_NS)
    assert len(layer) == 0
    assert "102 of 102" in layer.refusal


def test_each_element_set_ages_by_itself():
    layer = published_layer(START_AT_NS + (ELEMENT_SET_LIFE_DAYS - 1) * DAY_NS)
    assert 0 < len(layer) < 102
    assert f"{102 - len(layer)} of 102" in layer.refusal


def test_an_empty_layer_propagates_to_nothing():
    motion = propagate(published_layer(0).satellites, np.array([START_AT_NS]))
    assert motion.position_km.shape == (1, 0, 3)
