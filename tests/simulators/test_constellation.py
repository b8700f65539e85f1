from importlib import resources

import numpy as np
import pytest

from ingest.contract.vocabulary import SatelliteLifecycle
from simulators.constellation import (
    ELEMENT_SET_LIFE_DAYS,
    FULL,
    LAUNCHED,
    PHASE_1,
    PREVIEW,
    BadConstellation,
    carrying_layer,
    filed_layer,
    published_layer,
)
from simulators.lasers import laser_links, laser_range_km
from simulators.orbits import DAY_NS, propagate

START_AT_NS = 1_759_449_600_000_000_000  # 2025-10-03T00:00:00Z


def test_every_filed_satellite_has_an_id_of_its_own():
    layer = filed_layer(START_AT_NS)
    assert len(layer) == len(set(layer.satellite_ids)) == 3236
    assert (layer.shell_names[1156], layer.plane[1156], layer.place[1156]) == ("K2", 0, 0)
    assert (layer.satellite_ids[0], layer.satellite_ids[1156]) == ("leo-k1-0001", "leo-k2-0001")


def test_the_filed_shells_take_the_start_as_their_epoch():
    a_year_on_ns = START_AT_NS + 365 * DAY_NS
    now = propagate(filed_layer(START_AT_NS).satellites[:50], np.array([START_AT_NS])).position_km
    later = propagate(filed_layer(a_year_on_ns).satellites[:50], np.array([a_year_on_ns])).position_km
    assert later[0, :, 2] == pytest.approx(now[0, :, 2], abs=1e-6)


def test_the_published_satellites_fly_on_the_day_they_were_published():
    layer = published_layer(START_AT_NS)
    assert len(layer) == 102
    assert (layer.lifecycle == SatelliteLifecycle.OPERATIONAL).sum() == 38
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


@pytest.mark.parametrize(("name", "count", "working"), [(FULL, 3236, 3236), (PHASE_1, 578, 578), (PREVIEW, 153, 129)])
def test_a_preset_flies_as_many_as_its_name_says(name, count, working):
    layer = carrying_layer(name, START_AT_NS)
    assert len(layer) == len(set(layer.satellite_ids)) == len(layer.peers) == count
    assert (layer.lifecycle == SatelliteLifecycle.OPERATIONAL).sum() == working


def test_the_first_phase_takes_every_second_place_of_every_plane_of_the_first_shell():
    every, first = filed_layer(START_AT_NS), carrying_layer(PHASE_1, START_AT_NS)
    chosen = (every.plane[:1156], every.place[:1156] % 2 == 0)
    assert first.plane.tolist() == chosen[0][chosen[1]].tolist()
    there_km = propagate([every.satellites[2]], np.array([START_AT_NS])).position_km
    assert propagate([first.satellites[1]], np.array([START_AT_NS])).position_km == pytest.approx(there_km)


def test_the_last_launch_of_the_preview_is_still_below_its_places():
    layer = carrying_layer(PREVIEW, START_AT_NS)
    radius_km = np.linalg.norm(propagate(layer.satellites, np.array([START_AT_NS])).position_km[0], axis=1)
    raising = layer.lifecycle == SatelliteLifecycle.RAISING
    assert raising.sum() == LAUNCHED[-1]
    assert radius_km[raising].max() < radius_km[~raising].min() - 100


@pytest.mark.parametrize("name", [FULL, PHASE_1])
def test_every_laser_of_a_whole_shell_reaches_its_peer(name):
    layer = carrying_layer(name, START_AT_NS)
    position_km = propagate(layer.satellites, np.array([START_AT_NS])).position_km[0]
    links = laser_links(layer.peers)
    assert len(links) == 2 * len(layer)
    assert np.isfinite(laser_range_km(links, position_km)).all()


def test_shells_by_notation_are_joined_with_a_plus():
    layer = carrying_layer("D:630:51.9:1156/34/3+590:33.0:784/28/1", START_AT_NS)
    filed = filed_layer(START_AT_NS)
    assert (len(layer), layer.satellite_ids[-1]) == (1156 + 784, "leo-s2-0784")
    ours_km, theirs_km = (
        propagate([one.satellites[-1]], np.array([START_AT_NS])).position_km for one in (layer, filed)
    )
    assert ours_km == pytest.approx(theirs_km)


@pytest.mark.parametrize("suffix", ["tle", "csv"])
def test_a_file_of_element_sets_is_a_constellation_in_either_form(tmp_path, suffix):
    path = tmp_path / f"mine.{suffix}"
    published = published_layer(START_AT_NS)
    text = resources.files("simulators").joinpath("data", "kuiper.tle").read_text()
    path.write_text("\n".join(text.splitlines()[:6]) if suffix == "tle" else OMM)
    layer = carrying_layer(str(path), START_AT_NS)
    assert layer.satellite_ids == (published.satellite_ids[:2] if suffix == "tle" else ("123456789",))
    assert (layer.peers == -1).all()
    assert np.isfinite(propagate(layer.satellites, np.array([START_AT_NS])).position_km).all()


# What a catalogue gives of 63724 (2026-07-01), with another number and epoch.
OMM = """\
OBJECT_ID,OBJECT_NAME,EPOCH,MEAN_MOTION,ECCENTRICITY,INCLINATION,RA_OF_ASC_NODE,ARG_OF_PERICENTER,MEAN_ANOMALY,\
EPHEMERIS_TYPE,CLASSIFICATION_TYPE,NORAD_CAT_ID,ELEMENT_SET_NO,REV_AT_EPOCH,BSTAR,MEAN_MOTION_DOT,MEAN_MOTION_DDOT
2025-088A,KUIPER-00008,2025-10-01T01:13:34.200192,14.79922108,7.625e-5,51.9018,306.7242,105.1798,254.9249,\
0,U,123456789,999,6483,-0.00011397759,-1.09e-5,0
"""


@pytest.mark.parametrize("text", ["", "nothing of the kind", OMM.replace("2025-10-01", "2024-10-01")])
def test_a_file_of_which_nothing_can_fly_is_refused_by_its_name(tmp_path, text):
    path = tmp_path / "bad.txt"
    path.write_text(text)
    with pytest.raises(BadConstellation, match=r"bad\.txt"):
        carrying_layer(str(path), START_AT_NS)


@pytest.mark.parametrize("notation", ["full", "D:630:51.9:1156/33/3", "D:630:51.9", "D:630:51.9:0/0/0"])
def test_a_constellation_that_is_nothing_is_refused_with_what_it_could_be(notation):
    with pytest.raises(BadConstellation, match="full-3236"):
        carrying_layer(notation, START_AT_NS)
