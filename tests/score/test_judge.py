"""The judge over whole runs: a copy of the truth is perfect, and one thing broken turns one number red."""

import json
import random

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leowatch.score.__main__ import main
from leowatch.score.command import run as judge_to_files
from leowatch.score.files import BadFile, MissingFile
from leowatch.score.judge import demo_object, judge
from simulators.contract.faults import FaultKind
from tests.score.make_run import at, incident, label, page, say


def event_rows(board):
    tilt = [getattr(board.tilt, name) for name in ("tilt_warning", "tilt_critical", "tilt_restored")]
    return [board.outages.outage, board.outages.expected_gap, board.handovers.handover, *tilt]


def test_a_copy_of_the_truth_is_perfect_everywhere(run):
    board = judge(*run.write())

    found = demo_object(board)
    assert (found["injected"], found["detected"], found["missed"]) == (43, 43, 0)
    assert (found["false"], found["wrong_root"], board.faults.duplicates, board.faults.late) == (0, 0, 0, 0)
    for row in [*board.faults.per_kind.values(), *event_rows(board)]:
        assert row.recall.of_count > 0
        assert (row.recall.ratio, row.precision.ratio) == (1.0, 1.0)
    assert all(right.ratio == 1.0 for right in board.outages.cause_right.values())
    assert board.outages.expectedness_right.ratio == 1.0
    assert board.handovers.conformance_right["on_time"].ratio == 1.0
    assert (board.pages.paged.ratio, board.pages.in_time.ratio, board.pages.pages_per_fault) == (1.0, 1.0, 1.0)
    assert (board.pages.elsewhere, board.pages.wrong_team) == (0, 0)
    assert board.faults.per_kind["gateway_down"].blast_radius_error.p95 == 0


def test_time_to_detect_is_from_the_fault_to_the_incident(run):
    board = judge(*run.write())

    assert board.faults.per_kind["gateway_down"].time_to_detect_s.p50 == 6
    assert board.faults.per_kind["antenna_knocked_over"].time_to_detect_s.p95 == 12
    assert board.outages.outage.time_to_detect_s.p50 == 3
    assert board.pages.fault_to_page_s.p50 == 20


def test_permuted_truth_gives_chance_level(run):
    names = sorted({row["terminal_id"] for row in run.handovers})
    shuffled = random.Random(7).sample(names, len(names))
    run.permute(dict(zip(names, shuffled, strict=True)) | {"gw-0": "gw-1", "gw-1": "gw-2", "gw-2": "gw-0"})

    board = judge(*run.write())

    # Twenty of 120 terminals share a kind of fault, so luck alone finds a sixth; the satellites' names leave less.
    for row in board.faults.per_kind.values():
        assert row.recall.ratio <= 0.35
        assert row.precision.ratio <= 0.35
    assert board.outages.outage.recall.ratio < 0.5
    assert board.handovers.handover.recall.ratio < 0.05
    assert board.handovers.handover.precision.ratio < 0.05
    assert (board.pages.paged.ratio, board.pages.in_time.ratio) == (0, 0)


@pytest.mark.parametrize("cause", ["gateway_isolated", "tilt_critical", "outage_started"])
def test_incidents_of_a_detector_that_is_off_are_missed(run, cause):
    kind = {"gateway_isolated": "gateway_down", "tilt_critical": "antenna_knocked_over", "outage_started": "terminal_power_lost"}[cause]  # fmt: skip
    run.incidents = [x for x in run.incidents if x.cause != cause]

    board = judge(*run.write())

    assert board.faults.per_kind[kind].recall.ratio == 0
    assert board.faults.missed == board.faults.per_kind[kind].n
    assert all(row.recall.ratio == 1.0 for name, row in board.faults.per_kind.items() if name != kind)


def test_events_of_a_detector_that_is_off_are_missed(run):
    run.drop_events("handover", "outage_started", "outage_ended", "tilt_warning", "tilt_critical", "tilt_restored")

    rows = event_rows(judge(*run.write()))

    assert [row.recall.ratio for row in rows] == [0.0] * len(rows)
    assert [row.precision.ratio for row in rows] == [None] * len(rows)


def test_a_second_incident_of_one_fault_is_a_duplicate_and_not_false(run):
    run.incidents.append(incident(900, "gateway", "gw-0", "gateway_isolated", 150))

    board = judge(*run.write())

    row = board.faults.per_kind["gateway_down"]
    assert (board.faults.duplicates, board.faults.false, row.detected) == (1, 0, 3)
    assert row.incidents_per_fault == pytest.approx(4 / 3, abs=1e-3)


def test_a_second_incident_after_recovery_is_a_duplicate_too(run):
    run.incidents.append(incident(900, "gateway", "gw-0", "gateway_isolated", 230))

    board = judge(*run.write())

    assert (board.faults.duplicates, board.faults.late, board.faults.per_kind["gateway_down"].detected) == (1, 0, 3)


def test_the_last_cause_counts_whatever_order_revisions_stand_in(run):
    run.incidents.append(incident(0, "gateway", "gw-0", "fibre_cut", 106, revision=3, changed_at=say(140)))
    run.incidents.append(incident(0, "gateway", "gw-0", "gateway_isolated", 106, revision=2, changed_at=say(130)))
    run.incidents.reverse()

    board = judge(*run.write())

    assert (board.faults.detected, board.faults.wrong_cause) == (42, 1)


def test_one_incident_answers_for_one_fault_only(run):
    run.labels.append(label(901, "gateway_down", "gw-0", 101, 220, []))

    board = judge(*run.write())

    assert (board.faults.injected, board.faults.detected, board.faults.missed) == (44, 43, 1)


def test_an_incident_on_a_terminal_of_a_broken_gateway_has_the_wrong_root(run):
    victim = run.labels[0].affected_terminal_ids[0]
    run.incidents.append(incident(900, "terminal", victim, "outage_started", 110, terminals=[victim]))

    board = judge(*run.write())

    assert (board.faults.wrong_root, board.faults.false) == (1, 0)
    assert board.faults.per_kind["terminal_power_lost"].wrong_root == 1
    assert board.faults.per_kind["terminal_power_lost"].precision.ratio == pytest.approx(20 / 21, abs=1e-6)


def test_an_incident_without_a_fault_is_false(run):
    run.incidents.append(incident(900, "gateway", "gw-9", "gateway_isolated", 110))

    board = judge(*run.write())

    assert demo_object(board)["false"] == 1
    assert board.faults.per_kind["gateway_down"].precision.ratio == 0.75


def test_an_incident_in_an_expected_gap_is_false_and_one_in_true_rain_is_not(run):
    run.add_outage("ut-119", 600, 660, "rain")
    run.incidents.append(incident(900, "terminal", "ut-100", "outage_started", 305, terminals=["ut-100"]))
    run.incidents.append(incident(901, "terminal", "ut-119", "outage_started", 605, terminals=["ut-119"]))

    board = judge(*run.write())

    assert (board.faults.false, board.faults.unlabelled) == (1, 1)


def test_an_area_that_truly_rained_out_is_no_false_incident(run):
    drowned = ["ut-117", "ut-118", "ut-119"]
    for terminal in drowned:
        run.add_outage(terminal, 600, 660, "rain")
    run.incidents.append(incident(900, "cell", "8", "regional_outage", 605, terminals=drowned))
    run.incidents.append(incident(901, "cell", "9", "regional_outage", 605, terminals=["ut-116", "ut-115", "ut-119"]))

    board = judge(*run.write())

    assert (board.faults.false, board.faults.unlabelled) == (1, 1)


def test_a_fault_found_only_after_its_recovery_is_missed_and_its_incident_is_late(run):
    run.incidents[0] = incident(0, "gateway", "gw-0", "gateway_isolated", 221)

    board = judge(*run.write())

    row = board.faults.per_kind["gateway_down"]
    assert (row.detected, row.missed, row.late, board.faults.false) == (2, 1, 1, 0)


def test_the_right_root_with_a_wrong_cause_does_not_count(run):
    run.incidents[0] = incident(0, "gateway", "gw-0", "fibre_cut", 106)

    board = judge(*run.write())

    assert (board.faults.wrong_cause, board.faults.missed, demo_object(board)["false"]) == (1, 1, 1)


def test_a_re_rooted_incident_counts_from_when_its_root_was_right(run):
    run.incidents[0] = incident(0, "terminal", "ut-040", "outage_started", 105)
    run.incidents.append(incident(0, "gateway", "gw-0", "gateway_isolated", 105, revision=2, changed_at=say(130)))

    board = judge(*run.write())

    assert board.faults.detected == 43
    assert board.faults.per_kind["gateway_down"].time_to_detect_s.p95 == pytest.approx(27.6)


@pytest.mark.parametrize("more", [{"decoy": True}, {"audience": "nobody"}])
def test_what_nobody_is_to_hear_of_may_be_told_rightly_and_is_never_counted(run, more):
    run.labels.append(label(900, "terminal_power_lost", "ut-990", 100, 200, ["ut-990"], **more))
    quiet = judge(*run.write())
    run.incidents.append(incident(900, "terminal", "ut-990", "outage_started", 110))
    told = judge(*run.write())

    for board in (quiet, told):
        assert (board.faults.injected, board.faults.missed, board.faults.false) == (43, 0, 0)
        assert board.faults.decoys == ("decoy" in more)
    assert set(told.faults.per_kind) == set(quiet.faults.per_kind)


def test_a_decoy_of_which_the_wrong_thing_is_told_or_somebody_is_woken_counts(run):
    run.labels.append(label(900, "terminal_power_lost", "ut-990", 100, 200, ["ut-990"], decoy=True))
    run.incidents.append(incident(900, "terminal", "ut-990", "tilt_critical", 110))
    run.pages.append(page("inc-900", 120, "ut-990", root_kind="terminal"))

    board = judge(*run.write())

    assert (board.faults.wrong_cause, board.pages.elsewhere) == (1, 1)


def test_a_fault_that_stands_at_the_end_of_the_run_can_still_be_found(run):
    run.labels.append(label(900, "gateway_down", "gw-7", 800, None, []))
    run.incidents.append(incident(900, "gateway", "gw-7", "gateway_isolated", 890))

    assert judge(*run.write()).faults.detected == 44


def test_a_fault_kind_that_the_judge_does_not_know_is_refused(run):
    run.labels[0] = msgspec.structs.replace(run.labels[0], kind="satellite_lost")

    with pytest.raises(BadFile, match="satellite_lost"):
        judge(*run.write())


def test_pages_are_counted_where_they_belong(run):
    run.pages.append(page("inc-0", 130, "gw-0"))  # a second page of one fault
    run.pages.append(page("inc-40", 210, "ut-020", root_kind="terminal"))  # a tenant's matter
    run.pages.append(page("inc-1", 330, "gw-1", team="soc"))
    run.pages.append(page("inc-unheard-of", 330, "gw-1"))

    board = judge(*run.write())

    assert board.pages.pages_per_fault == pytest.approx(4 / 3, abs=1e-3)
    assert (board.pages.elsewhere, board.pages.wrong_team) == (2, 1)


def test_a_page_after_recovery_is_no_page_and_a_slow_one_is_not_in_time(run):
    run.pages = [page("inc-0", 221, "gw-0"), page("inc-1", 361, "gw-1"), page("inc-2", 520, "gw-2")]

    board = judge(*run.write())

    assert board.pages.paged.right_count == 2
    assert board.pages.in_time.right_count == 1


def test_pages_are_counted_by_kind_of_fault_too(run):
    run.labels.append(
        msgspec.structs.replace(run.labels[0], label_id="f900", kind=FaultKind.FIBRES_CUT, root_id="gw-9")
    )
    run.pages.append(page("inc-0", 130, "gw-0"))

    pages = judge(*run.write()).pages

    assert set(pages.per_kind) == {"gateway_down", "fibres_cut"}
    down, cut = pages.per_kind["gateway_down"], pages.per_kind["fibres_cut"]
    assert (down.due, down.paged.ratio, down.fault_to_page_s.p50) == (3, 1.0, 20)
    assert down.pages_per_fault == pytest.approx(4 / 3, abs=1e-3)
    assert (cut.due, cut.paged.ratio, cut.pages_per_fault) == (1, 0.0, None)
    assert (pages.due, pages.paged.right_count) == (4, 3)


def test_incidents_per_fault_are_counted_over_all_of_them(run):
    run.incidents.append(msgspec.structs.replace(run.incidents[0], incident_id="inc-twin"))

    assert judge(*run.write()).faults.incidents_per_fault == pytest.approx(44 / 43, abs=1e-4)


def test_an_outage_below_the_floor_need_not_be_found_and_may_be(run):
    run.add_outage("ut-119", 600, 601.5, "rain")
    run.add_outage("ut-118", 600, 601.5, "rain", found=False)

    row = judge(*run.write()).outages.outage

    assert (row.n, row.recall.ratio, row.precision.ratio) == (80, 1.0, 1.0)
    assert row.apart["shorter_than_floor"] == 1


def test_a_blink_before_a_long_outage_does_not_take_its_answer(run):
    run.add_outage("ut-119", 598, 598.3, "handover", found=False)
    run.add_outage("ut-119", 600, 660, "rain", found=False)
    run.say_outage("ut-119", 598, 660, "no_pings")

    row = judge(*run.write()).outages.outage

    assert (row.n, row.detected, row.false) == (81, 81, 0)


@pytest.mark.parametrize(("apart_s", "missed"), [(2.9, 0), (3.1, 1)])
def test_outages_that_samples_cannot_tell_apart_may_be_told_as_one(run, apart_s, missed):
    run.add_outage("ut-119", 600, 620, "rain", found=False)
    run.add_outage("ut-119", 620 + apart_s, 640, "rain", found=False)
    run.say_outage("ut-119", 600, 640, "no_pings")

    row = judge(*run.write()).outages.outage

    assert (row.n, row.missed, row.false) == (82, missed, 0)
    assert row.apart["told_with_another"] == 1 - missed


def test_an_outage_near_one_that_was_found_is_missed_all_the_same(run):
    run.add_outage("ut-119", 600, 620, "rain")
    run.add_outage("ut-119", 622.5, 640, "rain", found=False)

    assert judge(*run.write()).outages.outage.missed == 1


def inventory(run, cadence_s):
    file = run.folder / "inventory.jsonl"
    record = {"type": "terminal", "terminal_id": "ut-119", "terminal_index": 119, "cadence_s": cadence_s}
    file.write_text(json.dumps(record) + "\n")
    return file


@pytest.mark.parametrize(("cadence_s", "due"), [(1.0, 1), (29.0, 1), (60.0, 0)])
def test_a_terminal_may_miss_an_outage_that_is_shorter_than_its_cadence(run, cadence_s, due):
    run.add_outage("ut-119", 600, 630, "rain", found=False)

    row = judge(*run.write(), inventory_file=inventory(run, cadence_s)).outages.outage

    assert (row.n, row.missed) == (80 + due, due)


@pytest.mark.parametrize(("cadence_s", "late_s", "matched"), [(1.0, 4, 0), (5.0, 4, 1), (5.0, 6, 0), (5.0, -2, 0)])
def test_a_terminal_sees_a_handover_as_late_as_it_measures(run, cadence_s, late_s, matched):
    run.add_handover("ut-119", 500, "sat-3", "sat-4", found=False)
    run.say_handover("ut-119", 500 + late_s, "sat-3", "sat-4")

    row = judge(*run.write(), inventory_file=inventory(run, cadence_s)).handovers.handover

    assert (row.detected, row.false) == (360 + matched, 1 - matched)


def test_the_gap_of_a_slow_terminal_reaches_back_as_far_as_its_last_sample(run):
    run.add_handover("ut-119", 455, "sat-3", "sat-4", found=False)
    run.say_handover("ut-119", 500, "sat-3", "sat-5", observed_gap=True, gap_s=0.0)

    slow = judge(*run.write(), inventory_file=inventory(run, 60.0))

    assert (slow.handovers.handover.missed, slow.handovers.in_gap.detected) == (0, 1)
    assert judge(*run.write()).handovers.handover.missed == 1


def test_the_cause_of_a_merged_outage_is_that_of_its_first_part_that_shows(run):
    run.add_outage("ut-119", 300, 300.4, "handover", found=False)
    run.add_outage("ut-119", 300.4, 340, "rain", found=False)
    run.add_outage("ut-119", 340, 350, "power_lost", found=False)
    run.say_outage("ut-119", 300, 350, "no_pings")

    assert judge(*run.write()).outages.confusion["rain"] == {"no_pings": 1}


def test_the_cause_of_what_is_not_over_for_long_is_not_asked(run):
    for terminal, end_s in (("ut-119", 850), ("ut-118", 860), ("ut-117", 900)):
        run.add_outage(terminal, 800, end_s, "rain", found=False)
        run.say_outage(terminal, 800, end_s, "silent")

    assert judge(*run.write()).outages.confusion["rain"] == {"silent": 1}


def test_outages_a_second_apart_are_one(run):
    run.add_outage("ut-119", 600, 601.5, "rain", found=False)
    run.add_outage("ut-119", 602.5, 604, "rain", found=False)
    run.say_outage("ut-119", 600, 604, "no_pings")

    row = judge(*run.write()).outages.outage

    assert (row.n, row.detected, row.false) == (81, 81, 0)


def test_an_outage_inside_another_is_part_of_it(run):
    run.add_outage("ut-119", 600, 700, "rain")
    run.add_outage("ut-119", 610, 620, "link", found=False)
    run.add_outage("ut-119", 650, 660, "link", found=False)

    row = judge(*run.write()).outages.outage

    assert (row.n, row.detected, row.false) == (81, 81, 0)


def test_an_invented_outage_is_false_and_a_withdrawn_one_was_never_said(run):
    run.say_outage("ut-119", 600, 620, "silent")
    run.say_outage("ut-118", 600, 620, "silent")
    run.say("outage_withdrawn", "ut-118", 600, 640, ended_at=say(620))

    assert judge(*run.write()).outages.outage.false == 1


def test_a_terminals_own_opinion_is_not_our_finding(run):
    run.say("outage_started", "ut-119", 600, 603, cause="no_pings", source="terminal")

    assert judge(*run.write()).outages.outage.false == 0


@pytest.mark.parametrize("last", ["outage", "attitude"])
def test_an_outage_that_stands_lasts_as_long_as_the_run(run, last):
    run.outages.append(
        {"terminal_id": "ut-119", "started_at_ns": at(895), "ended_at_ns": None, "cause": "rain", "label_id": None}
    )
    if last == "outage":
        run.add_outage("ut-118", 890, 900, "rain", found=False)
    else:
        run.attitude.append(
            {"terminal_id": "ut-118", "at_ns": at(900), "tilt_angle_deg": 1.0, "boresight_azimuth_deg": 0.0}
        )

    assert judge(*run.write()).outages.outage.missed == (2 if last == "outage" else 1)


def test_the_last_revision_of_an_event_holds(run):
    run.say("outage_ended", "ut-020", 200, 300, revision=2, cause="unknown", ended_at=say(260))

    board = judge(*run.write())

    assert board.outages.confusion["power_lost"] == {"power": 19, "unknown": 1}
    assert board.outages.cause_right["power_lost"].ratio == 0.95


def test_an_expected_gap_called_an_outage_is_seen(run):
    run.events = [{**x, "expected": False} if x.get("cause") == "coverage_gap" else x for x in run.events]

    board = judge(*run.write())

    assert board.outages.expectedness_right.right_count == 80
    assert board.outages.expectedness_right.of_count == 100


@pytest.mark.parametrize(("off_s", "matched"), [(1.4, 1), (1.6, 0)])
def test_a_handover_is_matched_within_a_second_and_a_half(run, off_s, matched):
    run.add_handover("ut-000", 500, "sat-3", "sat-4", found=False)
    run.say_handover("ut-000", 500 + off_s, "sat-3", "sat-4")

    row = judge(*run.write()).handovers.handover

    assert (row.detected, row.missed, row.false) == (360 + matched, 1 - matched, 1 - matched)


def test_a_handover_to_another_satellite_is_both_missed_and_false(run):
    run.add_handover("ut-000", 500, "sat-3", "sat-4", found=False)
    run.say_handover("ut-000", 500, "sat-3", "sat-5")

    row = judge(*run.write()).handovers.handover

    assert (row.missed, row.false) == (1, 1)


def test_a_handover_said_twice_is_right_once(run):
    run.say_handover("ut-000", 10.5, "sat-0", "sat-1")

    row = judge(*run.write()).handovers.handover

    assert (row.detected, row.false) == (360, 1)


def test_what_the_plan_missed_and_what_changes_no_satellite_is_no_handover(run):
    run.say_handover("ut-000", 600, "sat-3", "sat-4", conformance="missed")
    run.say(
        "handover", "ut-000", 610, 611, from_satellite_id="sat-3", to_satellite_id="sat-3", handover_class=["gateway"]
    )

    row = judge(*run.write()).handovers.handover

    assert (row.false, row.apart) == (0, {"without_a_new_satellite": 1})


def test_handovers_inside_a_gap_are_counted_apart(run):
    run.add_handover("ut-040", 150, "sat-3", "sat-4", found=False)  # gateway 0 is down from 100 to 220
    run.add_handover("ut-000", 495, "sat-3", "sat-4", found=False)  # only telemetry was away
    run.say_handover("ut-000", 500, "sat-3", "sat-4", observed_gap=True, gap_s=9.0)

    board = judge(*run.write())

    assert (board.handovers.handover.n, board.handovers.handover.recall.ratio) == (360, 1.0)
    assert (board.handovers.in_gap.n, board.handovers.in_gap.detected, board.handovers.in_gap.false) == (2, 1, 0)


def test_a_handover_seen_in_spite_of_an_outage_is_plainly_right(run):
    run.add_handover("ut-040", 150, "sat-3", "sat-4")

    board = judge(*run.write())

    assert (board.handovers.handover.n, board.handovers.handover.detected, board.handovers.in_gap.n) == (361, 361, 0)


def test_the_blink_of_a_handover_excuses_nobody_who_missed_it(run):
    run.add_outage("ut-000", 499.9, 500.2, "handover", found=False)
    run.add_handover("ut-000", 500, "sat-3", "sat-4", found=False)

    board = judge(*run.write())

    assert (board.handovers.handover.missed, board.handovers.in_gap.n) == (1, 0)


def test_a_handover_into_service_is_one_inside_a_gap(run):
    run.add_handover("ut-000", 500, None, "sat-4", found=False)

    assert judge(*run.write()).handovers.in_gap.missed == 1


def test_conformance_is_held_against_the_true_one(run):
    run.add_handover("ut-000", 500, "sat-3", "sat-4", "late", found=False)
    run.say_handover("ut-000", 500, "sat-3", "sat-4", "unplanned")

    board = judge(*run.write())

    assert board.handovers.conformance["late"] == {"unplanned": 1}
    assert board.handovers.conformance_right["late"].ratio == 0


def test_a_tilt_event_on_a_level_antenna_is_false(run):
    run.say("tilt_critical", "ut-119", 400, 412)
    run.say("tilt_disturbed", "ut-118", 400, 412)
    run.say("tilt_disturbed", "ut-000", 205, 212)

    tilt = judge(*run.write()).tilt

    assert (tilt.tilt_critical.false, tilt.tilt_critical.recall.ratio) == (1, 1.0)
    assert tilt.tilt_disturbed.precision.ratio == 0.5


def test_a_face_restored_long_before_it_was_is_false(run):
    run.drop_events("tilt_restored")
    run.say("tilt_restored", "ut-000", 200, 260, ended_at=say(255))

    row = judge(*run.write()).tilt.tilt_restored

    assert (row.detected, row.false) == (0, 1)


def test_a_face_that_turns_without_tilting_is_off_its_reference(run):
    run.attitude += [
        {"terminal_id": "ut-119", "at_ns": at(second), "tilt_angle_deg": 40.0, "boresight_azimuth_deg": azimuth}
        for second, azimuth in ((0, 0.0), (400, 90.0))
    ]

    assert judge(*run.write()).tilt.tilt_critical.missed == 1


def test_a_wobble_shorter_than_the_hold_is_no_episode(run):
    run.add_tilt("ut-119", 400, 420, 10.0, "never_said")
    run.drop_events("never_said")

    board = judge(*run.write())

    assert board.tilt.tilt_warning.missed == 0
    assert board.tilt.tilt_restored.false == 1


@pytest.mark.parametrize("name", ["truth/labels.jsonl", "truth/handovers.parquet", "events.jsonl", "incidents.jsonl", "pages.jsonl"])  # fmt: skip
def test_a_missing_file_is_named(run, name):
    files = run.write()
    (run.folder / name).unlink()

    with pytest.raises(MissingFile, match=name.rsplit("/", maxsplit=1)[-1]):
        judge(*files)


def test_a_broken_line_is_named_with_its_number(run):
    files = run.write()
    with (run.folder / "incidents.jsonl").open("a") as stream:
        stream.write('{"incident_id": 7}\n')

    with pytest.raises(BadFile, match=r"incidents\.jsonl, line 44"):
        judge(*files)


def test_truth_with_another_type_is_refused(run):
    files = run.write()
    table = pq.read_table(files[0] / "outages.parquet")
    pq.write_table(table.set_column(1, "started_at_ns", table["started_at_ns"].cast(pa.float64(), safe=False)), files[0] / "outages.parquet")  # fmt: skip

    with pytest.raises(BadFile, match="started_at_ns is double, not int64"):
        judge(*files)


def test_a_run_in_which_nothing_happened_has_nothing_to_judge(tmp_path, run):
    empty = type(run)(tmp_path / "empty")

    board = judge(*empty.write())

    assert (board.faults.injected, board.faults.time_to_detect_s.p50, board.outages.outage.recall.ratio) == (
        0,
        None,
        None,
    )


def test_the_command_writes_json_and_a_page_that_needs_nothing_else(run):
    truth, events, incidents, pages = run.write()
    json_file, html_file = run.folder / "score.json", run.folder / "score.html"

    found = judge_to_files(truth=truth, events=events, incidents=incidents, pages=pages, json_file=json_file, html_file=html_file)  # fmt: skip

    whole = msgspec.json.decode(json_file.read_bytes())
    assert whole["scoreboard"] == found
    assert whole["controls"] == {"naive": None, "echo": None}
    html = html_file.read_text()
    assert html.count('<rect class="faults"') == 43
    assert html.count('<rect class="incidents"') == 43
    assert html.count('<rect class="pages"') == 3
    assert "http" not in html
    assert "<script" not in html


def test_the_program_prints_one_object_and_says_what_is_missing(run, capsys):
    truth, events, incidents, pages = run.write()
    arguments = ["--truth", str(truth), "--events", str(events), "--incidents", str(incidents), "--pages", str(pages)]

    assert main(arguments) == 0
    assert msgspec.json.decode(capsys.readouterr().out)["injected"] == 43
    pages.unlink()
    assert main(arguments) == 2
    assert "pages.jsonl is not there" in capsys.readouterr().err
