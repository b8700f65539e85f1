"""The judge: files of truth and of findings in, one scoreboard out."""

from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from leowatch.score.claims import claims
from leowatch.score.controls import CONTROLS, control, read_telemetry
from leowatch.score.faults import FaultScore, faults, match_faults, score_faults
from leowatch.score.files import (
    IncidentRevision,
    Label,
    Page,
    read_events,
    read_incidents,
    read_labels,
    read_pages,
    read_truth_table,
)
from leowatch.score.handovers import HandoverScore, score_handovers
from leowatch.score.matching import Array
from leowatch.score.outages import FoundOutages, OutageScore, score_outages, true_outages
from leowatch.score.pages import PageScore, score_pages
from leowatch.score.tilt import TiltScore, episodes, score_tilt
from leowatch.score.timeline import Timeline, timeline
from leowatch.score.tolerances import Tolerances


class Truth(NamedTuple):
    """What really happened."""

    labels: list[Label]
    outages: dict[str, Array]
    handovers: dict[str, Array]
    attitude: dict[str, Array]


class Findings(NamedTuple):
    """What was said of it: the last revisions of events, every revision of incidents, the pages."""

    events: dict[str, Array]
    revisions: list[IncidentRevision]
    pages: list[Page]


class Scoreboard(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one run.

    Attributes:
        controls: The same judge on what a naive detector and an echo of `state` would have said; null without telemetry.
    """

    faults: FaultScore
    pages: PageScore
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
    truth = read_truth(truth_dir)
    findings = Findings(read_events(events_file), read_incidents(incidents_file), read_pages(pages_file))
    forgiven = tolerances or Tolerances()
    controls: dict[str, Scoreboard | None] = dict.fromkeys(CONTROLS)
    if telemetry_dir is not None:
        telemetry = read_telemetry(telemetry_dir, inventory_file or telemetry_dir.parent / "inventory.jsonl")
        for name in CONTROLS:
            controls[name] = weigh(truth, Findings(*control(name, telemetry, forgiven)), forgiven)
    return msgspec.structs.replace(weigh(truth, findings, forgiven), controls=controls)


def read_truth(truth_dir: Path) -> Truth:
    """Read the folder of truth."""
    tables = (read_truth_table(truth_dir, name) for name in ("outages", "handovers", "attitude"))
    return Truth(read_labels(truth_dir), *tables)


def weigh(truth: Truth, findings: Findings, tolerances: Tolerances) -> Scoreboard:
    """Hold findings against truth."""
    end_ns = _run_end_ns(truth, findings)
    outages = true_outages(truth.outages, end_ns, tolerances)
    true, found = faults(truth.labels), claims(findings.revisions)
    judged = match_faults(true, found, outages, tolerances)
    return Scoreboard(
        faults=score_faults(true, found, judged),
        pages=score_pages(findings.pages, true, found, judged),
        outages=score_outages(outages, FoundOutages(findings.events, end_ns), tolerances),
        handovers=score_handovers(truth.handovers, findings.events, outages, tolerances),
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
