"""The judge: files of truth and of findings in, one scoreboard out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from leowatch.score.claims import claims
from leowatch.score.controls import CONTROLS, control, read_telemetry
from leowatch.score.faults import FaultScore, faults, match_faults, score_faults
from leowatch.score.handovers import HandoverScore, score_handovers
from leowatch.score.outages import FoundOutages, OutageScore, score_outages, true_outages
from leowatch.score.pages import PageScore, score_pages
from leowatch.score.remediation import RemediationScore, score_remediation
from leowatch.score.runs import Findings, RunFiles, Truth, findings_as_one, read_findings, read_truth, truths_as_one
from leowatch.score.tilt import TiltScore, episodes, score_tilt
from leowatch.score.timeline import Timeline, timeline
from leowatch.score.tolerances import Tolerances


class Scoreboard(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one run.

    Attributes:
        controls: The same judge on what a naive detector and an echo of `state` would have said; null without telemetry.
    """

    faults: FaultScore
    pages: PageScore
    remediation: RemediationScore
    outages: OutageScore
    handovers: HandoverScore
    tilt: TiltScore
    timeline: Timeline
    tolerances: Tolerances
    controls: "dict[str, Scoreboard | None]"


def judge(
    truth_dir: Path,
    events_file: Path,
    incidents_file: Path,
    pages_file: Path,
    *,
    telemetry_dir: Path | None = None,
    inventory_file: Path | None = None,
    tolerances: Tolerances | None = None,
) -> Scoreboard:
    """Judge the files of a run, and with telemetry the two controls beside it.

    Raises:
        MissingFile: A file is not there.
        BadFile: A file is not what its schema says, or a fault is of a kind that the judge does not know.
    """
    files = RunFiles(truth_dir, events_file, incidents_file, pages_file, telemetry_dir, inventory_file)
    return judge_together({"": files}, tolerances)


def judge_together(runs: Mapping[str, RunFiles], tolerances: Tolerances | None = None) -> Scoreboard:
    """Judge runs of one length as if they were one: counts and seconds are pooled, and with them the bounds.

    Raises:
        MissingFile, BadFile: As `judge`.
    """
    forgiven = tolerances or Tolerances()
    truth = truths_as_one({name: read_truth(files) for name, files in runs.items()})
    ours = weigh(truth, findings_as_one({name: read_findings(files) for name, files in runs.items()}), forgiven)
    return msgspec.structs.replace(ours, controls=_controls(runs, truth, forgiven))


def _controls(runs: Mapping[str, RunFiles], truth: Truth, forgiven: Tolerances) -> dict[str, Scoreboard | None]:
    said: dict[str, dict[str, Findings]] = {name: {} for name in CONTROLS}
    for run, files in runs.items():
        if files.telemetry_dir is None:
            return dict.fromkeys(CONTROLS)
        inventory_file = files.inventory_file or files.telemetry_dir.parent / "inventory.jsonl"
        telemetry = read_telemetry(files.telemetry_dir, inventory_file)
        for name in CONTROLS:
            said[name][run] = Findings(*control(name, telemetry, forgiven))
    return {name: weigh(truth, findings_as_one(each), forgiven) for name, each in said.items()}


def weigh(truth: Truth, findings: Findings, tolerances: Tolerances) -> Scoreboard:
    """Hold findings against truth."""
    end_ns = _run_end_ns(truth, findings)
    outages = true_outages(truth.outages, end_ns, tolerances)
    cadences_s = truth.cadences_s
    true, found = faults(truth.labels), claims(findings.revisions)
    judged = match_faults(true, found, outages, tolerances)
    return Scoreboard(
        faults=score_faults(true, found, judged),
        pages=score_pages(findings.pages, true, found, judged),
        remediation=score_remediation(true, found, judged),
        outages=score_outages(outages, FoundOutages(findings.events, end_ns), cadences_s, end_ns, tolerances),
        handovers=score_handovers(truth.handovers, findings.events, outages, cadences_s, tolerances),
        tilt=score_tilt(episodes(truth.attitude, end_ns, tolerances), findings.events, tolerances),
        timeline=timeline(true, found, findings.pages, judged),
        tolerances=tolerances,
        controls={},
    )


def _run_end_ns(truth: Truth, findings: Findings) -> int:
    """Return the last instant that any file of truth or of events names; what stands then ends there."""
    columns = (
        truth.outages["started_at_ns"],
        truth.outages["ended_at_ns"],
        truth.handovers["at_ns"],
        truth.attitude["at_ns"],
        findings.events["started_at_ns"],
        findings.events["ended_at_ns"],
        findings.events["decided_at_ns"],
    )
    return max((int(column.max()) for column in columns if column.size), default=0)


def demo_object(board: Scoreboard) -> dict[str, Any]:
    """Return the demo's scoreboard: faults and incidents only; `false` counts incidents with a wrong cause too."""
    score = board.faults
    return {
        "injected": score.injected,
        "detected": score.detected,
        "missed": score.missed,
        "false": score.false + score.wrong_cause,
        "wrong_root": score.wrong_root,
        "median_time_to_detect_s": score.time_to_detect_s.p50,
        "per_kind": {
            kind: {
                "n": row.n,
                "detected": row.detected,
                "missed": row.missed,
                "late": row.late,
                "duplicates": row.duplicates,
                "false": row.false + row.wrong_cause,
                "wrong_root": row.wrong_root,
                "recall": row.recall.ratio,
                "recall_low": row.recall.low_ratio,
                "precision": row.precision.ratio,
                "precision_low": row.precision.low_ratio,
                "median_time_to_detect_s": row.time_to_detect_s.p50,
                "p95_time_to_detect_s": row.time_to_detect_s.p95,
            }
            for kind, row in score.per_kind.items()
        },
    }
