import numpy as np
import pytest

from simulators.geometry import surface_distance_km
from simulators.tracks import Kind, Tracks, draw_tracks, where

SECOND_NS = 1_000_000_000
START_NS = 1_759_449_600 * SECOND_NS


def one(kind, leg, speed_mps):
    return Tracks(
        kind=np.array([kind], np.int8),
        from_latitude_deg=np.array([leg[0][0]]),
        from_longitude_deg=np.array([leg[0][1]]),
        to_latitude_deg=np.array([leg[1][0]]),
        to_longitude_deg=np.array([leg[1][1]]),
        speed_mps=np.array([speed_mps]),
        started_at_ns=np.array([START_NS]),
    )


def gone_km(tracks, seconds):
    now = where(tracks, START_NS + int(seconds * SECOND_NS))
    return float(
        surface_distance_km(tracks.from_latitude_deg, tracks.from_longitude_deg, now.latitude_deg, now.longitude_deg)[0]
    )


def test_a_flight_follows_the_great_circle_there_and_back():
    """New York to London bends north: half way it is at 52.2 N, not at the mean of 46 N."""
    flight = one(Kind.FLIGHT, ((40.64, -73.78), (51.47, -0.45)), 240.0)
    leg_km = float(surface_distance_km(*(np.array([x]) for x in (40.64, -73.78, 51.47, -0.45)))[0])
    leg_s = leg_km * 1e3 / 240.0
    middle = where(flight, START_NS + int(leg_s / 2 * SECOND_NS))
    assert middle.latitude_deg[0] == pytest.approx(52.2, abs=0.1)
    assert gone_km(flight, 600.0) == pytest.approx(144.0, rel=1e-6)
    assert gone_km(flight, leg_s + 1_000) == pytest.approx(leg_km, rel=1e-6)
    assert where(flight, START_NS + int((leg_s + 1_000) * SECOND_NS)).speed_mps[0] == 0.0  # at the gate
    assert gone_km(flight, leg_s + 3_000 + 600) == pytest.approx(leg_km - 144.0, rel=1e-6)
    assert gone_km(flight, 2 * leg_s + 6_000 + 100) == pytest.approx(24.0, rel=1e-3)


def test_a_truck_stops_now_and_then_and_a_hauler_goes_round_its_pit():
    truck = one(Kind.TRUCK, ((48.0, 11.0), (50.0, 12.0)), 20.0)
    assert gone_km(truck, 840.0) == pytest.approx(gone_km(truck, 925.0))
    assert where(truck, START_NS + 900 * SECOND_NS).speed_mps[0] == 0.0
    assert gone_km(truck, 940.0) == pytest.approx(17.0, rel=1e-3)
    hauler = one(Kind.HAULER, ((-22.82, 118.95), (-22.82, 118.95)), 10.0)
    away_km = [gone_km(hauler, second) for second in range(0, 3_000, 7)]
    assert np.allclose(away_km, 1.0, atol=1e-3)
    seen = {round(float(where(hauler, START_NS + s * SECOND_NS).latitude_deg[0]), 3) for s in range(0, 600, 5)}
    assert len(seen) > 10


def test_nobody_moves_faster_than_it_says_nor_jumps():
    kinds = np.repeat(np.array([0, 1, 2, 3], np.int8), 10)
    tracks = draw_tracks(
        kinds, np.array([48.1, 50.1, 40.7]), np.array([11.6, 8.7, -74.0]), START_NS, np.random.default_rng(1)
    )
    before = where(tracks, START_NS)
    for second in range(1, 4_000, 1):
        now = where(tracks, START_NS + second * SECOND_NS)
        step_m = 1e3 * surface_distance_km(
            before.latitude_deg, before.longitude_deg, now.latitude_deg, now.longitude_deg
        )
        assert (step_m <= tracks.speed_mps * 1.01 + 0.01).all()
        before = now
