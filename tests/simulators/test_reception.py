import numpy as np
import pytest

from ingest.contract.vocabulary import ServiceClass
from simulators.causes import IN_SERVICE, LINK, OBSTRUCTION, RAIN, TILT
from simulators.link import LEAST_SNR_DB
from simulators.run import Settings, new_sky
from tests.simulators.rooftop import SECOND_NS, START_NS, Rooftop

SLOT_S = 30


@pytest.mark.parametrize("tilt_deg", [5.0, 15.0, 30.0])
def test_a_face_tilted_by_t_loses_the_sky_below_35_plus_t_on_the_side_it_turned_from(tilt_deg):
    roof = Rooftop(1)
    roof.conditions.tilt_deg[:] = tilt_deg  # towards north
    elevation_deg = np.arange(35.5, 89.5, 1.0)
    behind = np.array([roof.look([180.0], [e])[0, 0] for e in elevation_deg])
    ahead = np.array([roof.look([0.0], [e])[0, 0] for e in elevation_deg])
    assert (behind == np.where(elevation_deg < 35.0 + tilt_deg, TILT, IN_SERVICE)).all()
    assert (ahead == IN_SERVICE).all()


def test_a_face_that_heels_with_its_ship_loses_the_sky_and_is_not_askew():
    roof = Rooftop(1)
    roof.attitude.sway(np.array([0]), east_deg=np.array([0.0]), north_deg=np.array([15.0]))

    assert roof.look([180.0], [40.0])[0, 0] == OBSTRUCTION
    assert roof.look([0.0], [40.0])[0, 0] == IN_SERVICE


def test_a_plant_has_a_clear_sky_and_many_others_have_not():
    sky = new_sky(Settings(terminals=3_000, minutes=1, scenario="quiet", plan_ahead_s=30))
    critical = sky.fleet.terminals.service == ServiceClass.CRITICAL_OT
    skyline = sky.dishes.reception.skyline

    assert critical.any()
    assert not skyline[critical].any()
    assert skyline[~critical].any()


def test_a_skyline_blocks_its_azimuths_at_every_pass_and_no_others():
    roof = Rooftop(1)
    roof.reception._skylines_deg[1] = np.where(np.arange(72) // 18 == 1, 60.0, 0.0)  # the east, up to 60 degrees
    roof.reception.skyline[:] = 1
    azimuth_deg = np.arange(1.0, 360.0, 7.0)
    for elevation_deg in (40.0, 59.0):
        found = np.array([roof.look([a], [elevation_deg])[0, 0] for a in azimuth_deg])
        assert (found == np.where((azimuth_deg >= 90.0) & (azimuth_deg < 180.0), OBSTRUCTION, IN_SERVICE)).all()
    assert roof.look([120.0], [61.0])[0, 0] == IN_SERVICE


def test_what_grows_in_the_way_blocks_its_sector_across_north():
    roof = Rooftop(1)
    roof.conditions.blocked_from_deg[:], roof.conditions.blocked_to_deg[:] = 350.0, 20.0
    roof.conditions.blocked_below_deg[:] = 50.0
    assert [roof.look([a], [45.0])[0, 0] for a in (349.0, 355.0, 10.0, 21.0)] == [0, OBSTRUCTION, OBSTRUCTION, 0]
    assert roof.look([0.0], [51.0])[0, 0] == IN_SERVICE
    assert roof.reception.obstruction_ratio()[0] > 0.01


def test_who_loses_sight_for_longer_than_it_has_patience_waits_for_the_next_slot():
    roof = Rooftop(300)
    roof.conditions.blocked_from_deg[:], roof.conditions.blocked_to_deg[:] = 0.0, 90.0
    roof.conditions.blocked_below_deg[:] = 90.0
    azimuth_deg = np.where(
        (np.arange(SLOT_S) >= 5) & (np.arange(SLOT_S) < 9), 45.0, 180.0
    )  # four seconds behind a tree
    causes = roof.look(azimuth_deg, np.full(SLOT_S, 60.0))
    assert (causes[5:9] == OBSTRUCTION).all()
    out_s = (causes == OBSTRUCTION).sum(axis=0)
    assert set(out_s) == {4, SLOT_S - 5}
    assert 0.4 < np.mean(out_s == 4) < 0.55
    assert (roof.reception.waiting == (out_s > 4)).all()
    after = roof.look(np.full(3, 180.0), np.full(3, 60.0), START_NS + SLOT_S * SECOND_NS)
    assert (after == IN_SERVICE).all()


def test_rain_takes_the_uplink_before_the_downlink_and_says_so():
    roof = Rooftop(1)
    found = []
    for rate_mmph in np.arange(0.0, 120.0, 2.0):
        roof.cells.rain_rate_mmph[:] = rate_mmph
        cause = roof.look([0.0], [45.0])[0, 0]
        found.append((cause, roof.reception.downlink_db[0], roof.reception.uplink_db[0]))
    cause, downlink_db, uplink_db = map(np.array, zip(*found, strict=True))
    first = int(np.argmax(cause == RAIN))
    assert cause[:first].max() == IN_SERVICE
    assert (cause[first:] == RAIN).all()
    assert downlink_db[first] > LEAST_SNR_DB > uplink_db[first]
    assert (np.diff(downlink_db) < 0).all()
    # Power control holds the uplink through a drizzle, not through a shower.
    assert uplink_db[0] == pytest.approx(uplink_db[1], abs=0.01)
    assert uplink_db[first] < uplink_db[0] - 5.0


def test_the_weather_and_a_fault_rain_together():
    roof = Rooftop(1)
    roof.cells.rain_rate_mmph[:], roof.cells.weather_mmph[:] = 10.0, 5.0
    roof.look([0.0], [45.0])
    together_db = roof.reception.downlink_db[0]
    roof.cells.rain_rate_mmph[:], roof.cells.weather_mmph[:] = 15.0, 0.0
    roof.look([0.0], [45.0])
    assert roof.reception.downlink_db[0] == together_db


def test_a_lost_link_comes_back_only_with_something_to_spare():
    roof = Rooftop(1)
    roof.look([0.0], [60.0])
    margin_db = float(roof.reception.uplink_db[0] - LEAST_SNR_DB)

    def cause(loss_db):
        roof.conditions.uplink_loss_db[:] = loss_db
        return roof.look([0.0], [60.0])[0, 0]

    assert cause(margin_db - 0.5) == IN_SERVICE
    assert cause(margin_db + 0.1) == LINK
    assert cause(margin_db - 0.5) == LINK
    assert cause(margin_db - 1.1) == IN_SERVICE


def test_snow_and_a_foreign_signal_weaken_what_is_heard_and_count_as_loss():
    roof = Rooftop(1)
    roof.look([0.0], [60.0])
    clear_db = roof.reception.downlink_db[0]
    roof.conditions.snow_loss_db[:], roof.cells.interference_db[:] = 2.0, 3.0
    roof.look([0.0], [60.0])
    assert clear_db - roof.reception.downlink_db[0] == pytest.approx(5.0, abs=1e-4)
    assert roof.reception.loss_db[0] == pytest.approx(5.0)
