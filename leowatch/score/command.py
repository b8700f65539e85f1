"""`leowatch score` over files: the demo's object on stdout, the whole scoreboard as JSON, the report as HTML."""

import json
from pathlib import Path
from typing import Any

import msgspec

from leowatch.score.judge import Scoreboard, demo_object, judge
from leowatch.score.report import report


def run(
    *,
    truth: Path,
    events: Path,
    incidents: Path,
    pages: Path,
    json_file: Path | None = None,
    html_file: Path | None = None,
    telemetry: Path | None = None,
    inventory: Path | None = None,
) -> dict[str, Any]:
    """Judge, write what was asked for, and return the demo's object.

    Raises:
        ScoreError: A file is missing or is not what it should be; the sentence says which.
    """
    board = judge(truth, events, incidents, pages, telemetry_dir=telemetry, inventory_file=inventory)
    write(board, json_file=json_file, html_file=html_file)
    return demo_object(board)


def write(board: Scoreboard, *, json_file: Path | None, html_file: Path | None) -> None:
    """Write what was asked for."""
    if json_file is not None:
        json_file.write_bytes(to_json(board))
    if html_file is not None:
        html_file.write_text(report(board), encoding="utf-8")


def to_json(board: Scoreboard) -> bytes:
    """Return the whole scoreboard, the demo's object first."""
    whole = {"scoreboard": demo_object(board), **msgspec.to_builtins(board)}
    return json.dumps(whole, indent=2).encode() + b"\n"
