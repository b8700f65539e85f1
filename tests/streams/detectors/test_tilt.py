"""Tilt: each rule by its name."""

from ingest.contract.vocabulary import MobilityClass
from streams.contract.catalogue import KIND_BY_CODE
from tests.make import START_NS, S, frame, knowledge, sample, tick
from tests.streams.said import kinds, said

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


def test_a_face_that_lies_on_is_not_warned_of_after_it_was_critical():
    assert tilts(knowledge(1), boresight_elevation_deg=during(20, 200, FALLEN, 80.0)) == [("tilt_critical", 20.0)]


def test_a_face_that_has_lain_through_a_silence_is_critical_and_not_warned_of_too():
    lies = [
        frame([sample(s, boresight_elevation_deg=80.0 if s < 20 else FALLEN)], s)
        for s in range(1, 70)
        if not 24 < s < 60
    ]
    frames = sorted([*lies, *map(tick, range(25, 60))], key=lambda f: f.header.received_at_ns)

    found = [event for event in kinds(frames, knowledge(1)) if event[0].startswith("tilt")]

    assert found == [("tilt_critical", 20.0), ("tilt_disturbed", 20.0)]


def test_a_leaning_face_that_falls_is_warned_of_first_and_then_critical():
    found = tilts(knowledge(1), boresight_elevation_deg=lambda s: 80.0 if s < 20 else LEANING if s < 60 else FALLEN)

    assert found == [("tilt_critical", 20.0), ("tilt_warning", 20.0)]


def restored_at(**by_field):
    """Return the second at which the face is said to have stood again."""
    frames = [frame([sample(s, **{name: value(s) for name, value in by_field.items()})], s) for s in range(1, 140)]
    events = said(frames, knowledge(1))[0].values()
    return [(e["ended_at_ns"] - START_NS) / S for e in events if KIND_BY_CODE[e["event_code"]].kind == "tilt_restored"]


def settling(reads_deg):
    """A face that lies from 20 to 60, when it is put up and its filter settles until 90; until then it reads this."""
    return {
        "boresight_elevation_deg": lambda s: 80.0 if s < 20 else FALLEN if s < 60 else reads_deg(s) if s < 90 else 80.0,
        "attitude_converged": during(60, 90, 0, 1),
        "attitude_uncertainty_deg": during(60, 90, 8.0, 0.5),
    }


def test_a_face_is_restored_when_it_was_put_up_and_not_when_its_filter_settled():
    assert restored_at(**settling(lambda s: 80.0 - 10.0 * (s % 3))) == [60.0]


def test_a_reading_beyond_its_own_doubt_says_that_the_face_still_lay():
    assert restored_at(**settling(lambda s: 58.0 if s < 75 else 60.0)) == [75.0]


def test_a_face_is_not_restored_before_its_filter_has_been_settled_for_ten_seconds():
    up = settling(lambda _: 80.0)

    assert restored_at(**up | {"boresight_elevation_deg": lambda s: 80.0 if s < 20 or s >= 60 else FALLEN}) == [60.0]
    assert restored_at(**up | {"attitude_converged": during(60, 130, 0, 1)}) == []


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
