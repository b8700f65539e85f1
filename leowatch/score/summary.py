"""The scoreboard in short: what goals and floors are stated in, ours and the two controls' side by side."""

from typing import Any

import msgspec

from leowatch.score.bounds import Rate
from leowatch.score.judge import Scoreboard, demo_object
from leowatch.score.outages import EventScore


def summary(board: Scoreboard) -> dict[str, Any]:
    """Return the demo's object, and every figure beside which the controls stand."""
    controls = {name: _figures(other) if other else None for name, other in board.controls.items()}
    return {"scoreboard": demo_object(board), **_figures(board), "controls": controls}


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
    faults = msgspec.to_builtins(board.faults)
    return {
        "faults": faults,
        "pages": msgspec.to_builtins(board.pages),
        "remediation": msgspec.to_builtins(board.remediation),
        "events": {kind.replace(" ", "_"): msgspec.to_builtins(row) for kind, row in event_rows(board).items()},
        "causes": msgspec.to_builtins(board.outages.cause_right),
        "conformance": msgspec.to_builtins(board.handovers.conformance_right),
        "expectedness": msgspec.to_builtins(board.outages.expectedness_right),
    }
