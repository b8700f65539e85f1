"""Several runs judged as one: counts are pooled, and nothing of one run answers for another."""

import msgspec
import pytest

from leowatch.score.judge import judge, judge_together
from leowatch.score.runs import RunFiles
from tests.score.make_run import at, perfect_run
from tests.score.test_controls import sample, write


@pytest.fixture
def two_runs(tmp_path):
    """A run that found everything, and one of the same terminals that found nothing."""
    whole, deaf = perfect_run(tmp_path / "a"), perfect_run(tmp_path / "b")
    deaf.events, deaf.incidents, deaf.pages = [], [], []
    return {name: RunFiles(*run.write()) for name, run in (("a", whole), ("b", deaf))}


def counts(board):
    outage, handover = board.outages.outage, board.handovers.handover
    return {
        "faults": (board.faults.injected, board.faults.detected, board.faults.missed, board.faults.duplicates),
        "outages": (outage.n, outage.detected, outage.missed, outage.false),
        "handovers": (handover.n, handover.detected, handover.missed, handover.false),
        "tilt": (board.tilt.tilt_critical.n, board.tilt.tilt_critical.detected),
        "pages": (board.pages.due, board.pages.paged.right_count, board.pages.elsewhere),
    }


def test_the_counts_of_runs_are_their_sum_though_they_name_the_same_terminals(two_runs):
    together = counts(judge_together(two_runs))
    apart = [counts(judge(*files[:4])) for files in two_runs.values()]

    assert together == {name: tuple(map(sum, zip(*(each[name] for each in apart), strict=True))) for name in together}
    assert together["faults"] == (86, 43, 43, 0)


def test_bounds_are_of_the_pooled_counts_and_so_narrower(two_runs):
    one = judge(*two_runs["a"][:4]).faults.per_kind["gateway_down"].recall
    twice = judge_together({"a": two_runs["a"], "again": two_runs["a"]}).faults.per_kind["gateway_down"].recall

    assert (one.of_count, twice.of_count) == (3, 6)
    assert one.low_ratio < twice.low_ratio < 1.0


def test_the_pooled_median_is_over_all_seconds_and_not_over_medians(tmp_path, two_runs):
    slow = perfect_run(tmp_path / "slow")
    slow.incidents = [
        msgspec.structs.replace(x, opened_at=x.started_at) if x.cause == "gateway_isolated" else x for x in slow.incidents
    ]  # fmt: skip
    slow.labels = [label for label in slow.labels if label.label_id not in {"f1", "f2"}]
    runs = {"a": two_runs["a"], "slow": RunFiles(*slow.write())}

    assert judge_together(runs).faults.per_kind["gateway_down"].time_to_detect_s.p50 == 6


def test_controls_are_pooled_too_and_left_out_where_one_run_has_no_telemetry(tmp_path):
    run = perfect_run(tmp_path)
    rows = [sample(20, second, pop_ping_drop_ratio=float(200 <= second < 260)) for second in range(300)]
    files = RunFiles(*run.write(), telemetry_dir=write(run, rows))

    board = judge_together({"a": files, "b": files})

    assert board.controls["naive"].outages.outage.detected == 2
    assert board.controls["naive"].faults.injected == 86
    bare = files._replace(telemetry_dir=None)
    assert judge_together({"a": files, "b": bare}).controls == {"naive": None, "echo": None}


def test_what_stands_at_the_end_of_pooled_runs_is_found_in_its_own(tmp_path):
    runs = {}
    for name in ("a", "b"):
        run = perfect_run(tmp_path / name)
        run.outages.append({"terminal_id": "ut-119", "started_at_ns": at(800), "ended_at_ns": None, "cause": "rain", "label_id": None})  # fmt: skip
        if name == "a":
            run.say("outage_started", "ut-119", 800, 803, cause="no_pings")
        runs[name] = RunFiles(*run.write())

    assert judge_together(runs).outages.outage.missed == 1
