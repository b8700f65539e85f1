"""The scoreboard in short: what goals and floors are stated in, ours and the two controls' side by side."""

from typing import Any

import msgspec

from leowatch.score.bounds import Rate
from leowatch.score.judge import Scoreboard, demo_object
from leowatch.score.outages import EventScore


def summary(board: Scoreboard) -> dict[str, Any]:
    """Return the demo's object, and every figure beside which the controls stand."""
    controls = {name: _beside(other) if other else None for name, other in board.controls.items()}
    pages = msgspec.to_builtins(board.pages) | {
        "paged": _share(board.pages.paged), "in_time": _share(board.pages.in_time),
    }  # fmt: skip
    del pages["per_kind"]
    return {
        "scoreboard": demo_object(board),
        "incidents_per_fault": board.faults.incidents_per_fault,
        "late": board.faults.late,
        "duplicates": board.faults.duplicates,
        "unlabelled": board.faults.unlabelled,
        "remediation_error_points": board.remediation.error_points,
        "pages": pages,
        "expectedness": _share(board.outages.expectedness_right),
        **_figures(board),
        "controls": controls,
    }


def event_rows(board: Scoreboard) -> dict[str, EventScore]:
    """Return the rows of findings that are held against truth without incidents."""
    return {
        "outage": board.outages.outage,
        "expected gap": board.outages.expected_gap,
        "handover": board.handovers.handover,
        "handover in a gap": board.handovers.in_gap,
        **{name: getattr(board.tilt, name) for name in board.tilt.__struct_fields__},
    }


def cause_rights(board: Scoreboard) -> dict[str, tuple[Rate, dict[str, Rate | None]]]:
    """Return by true cause how often it was named, and how often each control named it."""
    others = {name: other.outages.cause_right if other else {} for name, other in board.controls.items()}
    return {
        cause: (right, {name: rights.get(cause) for name, rights in others.items()})
        for cause, right in board.outages.cause_right.items()
    }


def _figures(board: Scoreboard) -> dict[str, Any]:
    return {
        "events": {kind.replace(" ", "_"): _row(row) for kind, row in event_rows(board).items()},
        "causes": {cause: _share(right) for cause, right in board.outages.cause_right.items()},
        "conformance": {word: _share(right) for word, right in board.handovers.conformance_right.items()},
    }


def _beside(board: Scoreboard) -> dict[str, Any]:
    per_kind = {
        kind: {"recall": row.recall.ratio, "precision": row.precision.ratio}
        for kind, row in board.faults.per_kind.items()
    }
    return {"per_kind": per_kind, "pages_elsewhere": board.pages.elsewhere, **_figures(board)}


def _row(row: EventScore) -> dict[str, Any]:
    return {
        "n": row.n, "missed": row.missed, "false": row.false,
        "recall": row.recall.ratio, "recall_low": row.recall.low_ratio,
        "precision": row.precision.ratio, "precision_low": row.precision.low_ratio,
        "median_time_to_detect_s": row.time_to_detect_s.p50, "p95_time_to_detect_s": row.time_to_detect_s.p95,
    }  # fmt: skip


def _share(found: Rate) -> dict[str, Any]:
    return {"n": found.of_count, "ratio": found.ratio, "low_ratio": found.low_ratio}
