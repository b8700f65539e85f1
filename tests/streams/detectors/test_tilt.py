"""Tilt: each rule by its name."""

from ingest.contract.vocabulary import MobilityClass
from tests.make import frame, knowledge, sample, tick
from tests.streams.said import kinds

FALLEN, LEANING = 30.0, 72.0  # elevation of the face: 50 and 8 deg off its reference


def tilts(known, **by_field):
    """Return the tilt events of one terminal; each field is a function of the second."""
    frames = [frame([sample(s, **{name: value(s) for name, value in by_field.items()})], s) for s in range(1, 140)]
    return [event for event in kinds(frames, known) if event[0].startswith("tilt")]


def during(first, last, inside, outside):
    return lambda second: inside if first <= second < last else outside


def test_a_face_off_its_reference_for_thirty_seconds_warns():
    assert tilts(knowledge(1), boresight_elevation_deg=during(20, 200, LEANING, 80.0)) == [("tilt_warning", 20.0)]


def test_a_face_off_for_less_than_thirty_seconds_says_nothing():
    assert tilts(knowledge(1), boresight_elevation_deg=during(20, 49, LEANING, 80.0)) == []


def test_a_face_knocked_over_for_ten_seconds_is_critical():
    assert tilts(knowledge(1), boresight_elevation_deg=during(20, 31, FALLEN, 80.0)) == [
        ("tilt_critical", 20.0),
        ("tilt_restored", 20.0),
    ]


def test_a_leaning_face_that_loses_service_is_critical():
    found = tilts(
        knowledge(1),
        boresight_elevation_deg=during(20, 40, LEANING, 80.0),
        pop_ping_drop_ratio=during(25, 36, 0.6, 0.0),
    )

    assert found == [("tilt_critical", 20.0), ("tilt_restored", 20.0)]


def test_samples_of_an_uncertain_filter_do_not_count():
    found = tilts(
        knowledge(1),
        boresight_elevation_deg=during(20, 60, FALLEN, 80.0),
        attitude_uncertainty_deg=during(20, 60, 3.1, 0.5),
    )

    assert found == []


def test_a_filter_unsettled_for_five_seconds_after_a_minute_of_calm_is_disturbed():
    converged = during(100, 106, 0, 1)

    assert tilts(knowledge(1), attitude_converged=converged) == [("tilt_disturbed", 100.0), ("tilt_restored", 100.0)]


def test_a_filter_unsettled_before_it_was_calm_is_not_disturbed():
    assert tilts(knowledge(1), attitude_converged=during(40, 50, 0, 1)) == []


def test_a_moving_terminal_may_unsettle_its_filter():
    ship = knowledge(1, terminals={0: {"mobility": MobilityClass.MARITIME}})

    assert tilts(ship, attitude_converged=during(100, 110, 0, 1)) == []


def test_a_moving_terminal_is_judged_by_where_it_should_point():
    ship = knowledge(1, terminals={0: {"mobility": MobilityClass.MARITIME}})
    rolls = during(20, 120, FALLEN, 80.0)

    assert tilts(ship, boresight_elevation_deg=rolls, desired_boresight_elevation_deg=rolls) == []
    assert tilts(ship, boresight_elevation_deg=rolls)[0] == ("tilt_critical", 20.0)


def test_a_fixed_terminal_without_a_reference_is_not_judged():
    unaligned = knowledge(1, terminals={0: {"aligned_tilt_deg": None, "aligned_azimuth_deg": None}})

    assert tilts(unaligned, attitude_converged=during(100, 110, 0, 1)) == []


def test_a_terminal_that_stops_to_report_its_attitude_is_not_disturbed():
    assert tilts(knowledge(1), attitude_converged=during(100, 140, -1, 1)) == []


def test_a_face_last_seen_off_its_reference_that_falls_silent_is_disturbed():
    frames = [frame([sample(s, boresight_elevation_deg=LEANING if s >= 18 else 80.0)], s) for s in range(1, 21)]
    frames += [tick(s) for s in range(21, 40)]

    assert ("tilt_disturbed", 18.0) in kinds(frames, knowledge(1))
