"""What a run really was and what was said of it; several runs laid together as one."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from leowatch.score.files import (
    IncidentRevision,
    Label,
    Page,
    read_cadences_s,
    read_events,
    read_incidents,
    read_labels,
    read_pages,
    read_truth_table,
)
from leowatch.score.matching import Array


class RunFiles(NamedTuple):
    """Where a run's files lie; telemetry only for the controls, the inventory for them and for terminals' cadences."""

    truth_dir: Path
    events_file: Path
    incidents_file: Path
    pages_file: Path
    telemetry_dir: Path | None = None
    inventory_file: Path | None = None


class Truth(NamedTuple):
    """What really happened, and how often terminals measured, where that is not every second."""

    labels: list[Label]
    outages: dict[str, Array]
    handovers: dict[str, Array]
    attitude: dict[str, Array]
    cadences_s: dict[str, float]


class Findings(NamedTuple):
    """What was said of it: the last revisions of events, every revision of incidents, the pages."""

    events: dict[str, Array]
    revisions: list[IncidentRevision]
    pages: list[Page]


def read_truth(files: RunFiles) -> Truth:
    """Read the folder of truth, and the cadences from the inventory if there is one."""
    outages, handovers, attitude = (
        read_truth_table(files.truth_dir, name) for name in ("outages", "handovers", "attitude")
    )
    cadences_s = read_cadences_s(files.inventory_file) if files.inventory_file else {}
    return Truth(read_labels(files.truth_dir), outages, handovers, attitude, cadences_s)


def read_findings(files: RunFiles) -> Findings:
    """Read what was said."""
    return Findings(read_events(files.events_file), read_incidents(files.incidents_file), read_pages(files.pages_file))


def truths_as_one(truths: dict[str, Truth]) -> Truth:
    """Lay truths together; each run's subjects get its name before theirs, so that no run answers for another."""
    named = [_named_truth(f"{run} " if run else "", truth) for run, truth in truths.items()]
    return Truth(
        [label for truth in named for label in truth.labels],
        _together(truth.outages for truth in named),
        _together(truth.handovers for truth in named),
        _together(truth.attitude for truth in named),
        {terminal_id: cadence_s for truth in named for terminal_id, cadence_s in truth.cadences_s.items()},
    )


def findings_as_one(findings: dict[str, Findings]) -> Findings:
    """Lay findings together, named as the truths are."""
    named = [_named_findings(f"{run} " if run else "", said) for run, said in findings.items()]
    return Findings(
        _together(said.events for said in named),
        [revision for said in named for revision in said.revisions],
        [page for said in named for page in said.pages],
    )


def _named_truth(mark: str, truth: Truth) -> Truth:
    labels = [
        msgspec.structs.replace(
            label, label_id=mark + label.label_id, root_id=mark + label.root_id,
            affected_terminal_ids=[mark + terminal_id for terminal_id in label.affected_terminal_ids],
        )
        for label in truth.labels
    ]  # fmt: skip
    outages, handovers, attitude = (
        {**table, "terminal_id": mark + table["terminal_id"]}
        for table in (truth.outages, truth.handovers, truth.attitude)
    )
    cadences_s = {mark + terminal_id: cadence_s for terminal_id, cadence_s in truth.cadences_s.items()}
    return Truth(labels, outages, handovers, attitude, cadences_s)


def _named_findings(mark: str, said: Findings) -> Findings:
    revisions = [
        msgspec.structs.replace(
            revision, incident_id=mark + revision.incident_id, root_id=mark + revision.root_id,
            terminal_ids=[mark + terminal_id for terminal_id in revision.terminal_ids],
        )
        for revision in said.revisions
    ]  # fmt: skip
    pages = [
        msgspec.structs.replace(page, incident_id=mark + page.incident_id, root_id=mark + page.root_id)
        for page in said.pages
    ]
    return Findings({**said.events, "subject_id": mark + said.events["subject_id"]}, revisions, pages)


def _together(tables: Iterable[dict[str, Array]]) -> dict[str, Array]:
    parts = list(tables)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
