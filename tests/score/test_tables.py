"""The scoreboard before a person: tables at a terminal, the summary, the report."""

import io

from rich.console import Console

from leowatch.score.judge import judge
from leowatch.score.report import report
from leowatch.score.summary import summary
from leowatch.score.tables import tables


def test_the_tables_fit_an_ordinary_terminal_and_name_every_row(run):
    paper = io.StringIO()
    console = Console(file=paper, width=80)
    board = judge(*run.write())

    for table in tables(board):
        console.print(table)

    said = paper.getvalue()
    assert "…" not in said
    for row in ("gateway down", "outage", "handover in a gap", "tilt disturbed", "power lost"):
        assert f"\n{row}" in said, row
    assert "pages for everything else: 0" in said


def test_the_summary_holds_the_demos_object_and_what_floors_are_stated_in(run):
    board = judge(*run.write())
    said = summary(board)

    assert said["scoreboard"]["injected"] == 43
    assert (said["events"]["outage"]["recall"], said["events"]["outage"]["missed"]) == (1.0, 0)
    assert said["pages"]["in_time"]["ratio"] == said["incidents_per_fault"] == 1.0
    assert said["causes"]["power_lost"]["ratio"] == 1.0
    assert said["controls"] == {"naive": None, "echo": None}


def test_the_report_shows_who_mended_and_what_each_control_called_the_causes(run):
    html = report(judge(*run.write()))

    assert "Mended without anybody" in html
    assert "Causes named rightly" in html
