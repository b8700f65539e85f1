"""Handover: each rule by its name."""

from streams.contract.vocabulary import Conformance
from tests.make import START_NS, S, frame, knowledge, plan_frame, sample
from tests.streams.said import said

PLAN = {slot: {7: 1 + slot % 2} for slot in range(-1, 8)}


def handovers(serving, *, seconds=range(1, 65), plan=PLAN, **known):
    """Return the handovers of one terminal that is served by `serving(second)`."""
    frames = [frame([sample(s, **serving(s))], s) for s in seconds]
    events = said(frames, knowledge(1, plan=plan, **known))[0].values()
    return [event for event in events if event["event_code"] == 1]


def moved_at(*seconds):
    """Return who serves when the satellite changes between 1 and 2 at these seconds."""
    return lambda second: {"serving_satellite_index": 1 + sum(second >= s for s in seconds) % 2}


def test_a_change_of_satellite_at_the_planned_second_is_on_time():
    (event,) = handovers(moved_at(30), seconds=range(1, 60))

    assert (event["started_at_ns"] - START_NS) / S == 30
    assert (event["from_satellite_index"], event["to_satellite_index"]) == (1, 2)
    assert event["conformance"] == Conformance.ON_TIME
    assert event["observed_gap"] == 0


def test_a_change_seconds_before_or_after_the_plan_is_early_or_late():
    (early,) = handovers(moved_at(25), seconds=range(1, 60))
    (late,) = handovers(moved_at(35), seconds=range(1, 60))

    assert (early["conformance"], early["timing_error_s"]) == (Conformance.EARLY, -5.0)
    assert (late["conformance"], late["timing_error_s"]) == (Conformance.LATE, 5.0)


def slow(cadence_s, moved_s, **known):
    """Return the handovers of a terminal that measures so often, from the third second on."""
    seconds = range(3, 65, cadence_s)
    serving = moved_at(moved_s)
    return handovers(
        lambda s: {**serving(s), "sequence": seconds.index(s)}, seconds=seconds, terminals={0: {"cadence_s": float(cadence_s)}}, **known
    )  # fmt: skip


def test_a_terminal_that_measures_every_five_seconds_is_on_time_as_late_as_it_measures():
    (event,) = slow(5, 30)
    (late,) = slow(5, 34)

    assert ((event["started_at_ns"] - START_NS) / S, event["conformance"]) == (33, Conformance.ON_TIME)
    assert event["observed_gap"] == 0
    assert ((late["started_at_ns"] - START_NS) / S, late["conformance"]) == (38, Conformance.LATE)


def test_between_samples_further_apart_than_slots_nobody_knows_when_it_changed():
    (event,) = slow(40, 30)

    assert (event["observed_gap"], event["conformance"]) == (1, -1)


def test_a_change_to_a_satellite_that_nobody_planned_is_unplanned():
    found = handovers(lambda s: {"serving_satellite_index": 5 if s >= 10 else 1}, seconds=range(1, 20))

    assert [event["conformance"] for event in found] == [Conformance.UNPLANNED]


def test_a_change_without_a_plan_is_not_judged():
    (event,) = handovers(moved_at(30), plan={})

    assert event["conformance"] == -1


def test_a_planned_change_that_never_comes_is_missed():
    found = handovers(moved_at())

    assert [(e["conformance"], (e["started_at_ns"] - START_NS) / S) for e in found] == [(Conformance.MISSED, 30)]


def test_a_change_inside_a_gap_is_not_an_observed_handover():
    (event,) = handovers(moved_at(30), seconds=[s for s in range(1, 60) if s not in (29, 30)])

    assert event["observed_gap"] == 1
    assert event["gap_s"] == 2.0


def test_a_return_within_a_minute_is_a_ping_pong():
    found = handovers(moved_at(20, 26), seconds=range(1, 30))

    assert [(event["ping_pong"], event["short_stay"]) for event in found] == [(0, 0), (1, 1)]


def test_a_stay_that_was_not_seen_to_begin_is_not_short():
    (event,) = handovers(moved_at(30), seconds=range(25, 40))

    assert event["short_stay"] == 0


def test_a_restart_on_the_same_satellite_is_no_handover():
    assert handovers(lambda s: {"boot_count": 1 + (s >= 20), "sequence": s - 20 * (s >= 20)}, plan={}) == []


def test_samples_that_name_no_satellite_keep_the_last_one():
    assert handovers(lambda s: {"serving_satellite_index": -1 if 10 <= s < 15 else 1}, plan={}) == []


def test_a_change_inside_a_gap_is_not_held_against_the_plan():
    seconds = [*range(1, 28), *range(36, 50)]

    (event,) = handovers(moved_at(30), seconds=seconds)

    assert (event["observed_gap"], event["conformance"]) == (1, -1)


def test_who_fell_silent_before_the_slot_was_over_has_missed_nothing():
    seconds = [*range(1, 40), *range(70, 75)]

    assert handovers(lambda _: {"serving_satellite_index": 1}, seconds=seconds) == []


# At second 42 a plan said at 40 replaces that of the slot from 30 to 60: cell 7 goes to 3 (and not to 2), cell 8 stays at 2.
REPLAN = {-1: {7: 1, 8: 1}, 0: {7: 1, 8: 1}, 1: {7: 2, 8: 2}, 2: {7: 3, 8: 2}, 3: {7: 3, 8: 2}}
REPLACED = plan_frame(1, {7: 3, 8: 2}, version=2, from_s=12, published_s=10)


def replanned(*stays, cell=7, last_s=100, version=2):
    """Return (conformance, second, timing error) of a terminal that goes to (second, satellite) by `stays`."""
    now = {s: [satellite for at_s, satellite in [(0, 1), *stays] if at_s <= s][-1] for s in range(1, last_s)}
    frames = [frame([sample(s, serving_satellite_index=now[s])], s, plan_version=version) for s in now]
    known = knowledge(1, plan=REPLAN, replans=[REPLACED], terminals={0: {"cell_id": cell}})
    rows = said(frames, known)[0].values()
    found = [row for row in rows if row["event_code"] == 1]
    return [(e["conformance"], (e["started_at_ns"] - START_NS) / S, e["timing_error_s"]) for e in found]


def test_a_handover_to_what_replaced_the_running_slots_plan_is_judged_from_there_on():
    ((word, at_s, error_s),) = replanned((42, 3))
    assert (word, at_s, error_s) == (Conformance.ON_TIME, 42, 0)
    assert replanned((47, 3)) == [(Conformance.LATE, 47, 5.0)]


def test_who_moves_to_what_has_been_said_and_does_not_hold_yet_is_early_and_before_it_was_said_unplanned():
    assert [word for word, *_ in replanned((40, 3))] == [Conformance.EARLY]
    assert [word for word, *_ in replanned((39, 3))] == [Conformance.UNPLANNED]


def test_who_never_follows_the_new_plan_has_missed_it_from_its_own_instant_and_not_the_old_one():
    (first, missed) = replanned((30, 2))

    assert first == (Conformance.ON_TIME, 30, 0)
    assert missed[:2] == (Conformance.MISSED, 42)


def test_who_moves_late_to_what_both_plans_ask_is_late_by_the_first_and_has_missed_it_from_the_first():
    assert replanned((47, 2), cell=8) == [(Conformance.LATE, 47, 17.0)]
    assert [(word, at_s) for word, at_s, _ in replanned(cell=8)] == [(Conformance.MISSED, 30)]


def test_who_goes_to_what_was_taken_back_is_unplanned():
    assert [word for word, *_ in replanned((44, 2))] == [Conformance.UNPLANNED]


def test_frames_that_do_not_know_of_the_new_plan_are_judged_by_the_old_one():
    assert [word for word, *_ in replanned((30, 2), last_s=60, version=1)] == [Conformance.ON_TIME]
