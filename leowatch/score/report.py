"""The report: one self-contained page with the tables, the controls beside them, and the timeline."""

from collections.abc import Iterable
from html import escape

import msgspec

from leowatch.score.bounds import Quantiles, Rate
from leowatch.score.judge import Scoreboard
from leowatch.score.outages import Confusion
from leowatch.score.pages import FaultPages
from leowatch.score.picture import COLOURS, draw
from leowatch.score.summary import cause_rights, event_rows

STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 1300px; color: #222 }
table { border-collapse: collapse; margin: 0 0 1.5em } th, td { padding: .25em .7em; border-bottom: 1px solid #ddd; text-align: right }
td { white-space: nowrap }
th:first-child, td:first-child { text-align: left } caption { text-align: left; font-weight: 600; padding: .4em 0 }
svg { width: 100%; font: 11px system-ui, sans-serif } .red { color: #c62828 } small { color: #666 }
.key span { display: inline-block; margin-right: 1em } .key i { display: inline-block; width: .8em; height: .8em; margin-right: .3em }
"""


def report(board: Scoreboard) -> str:
    """Return the page."""
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>leowatch: the judge</title>',
            f"<style>{STYLE}</style></head><body><h1>What was broken, and what was said of it</h1>",
            _headline(board),
            draw(board.timeline),
            _key(),
            _fault_table(board),
            _page_table(board),
            _remediation(board),
            _event_table(board),
            _confusion_table("Causes of outages", board.outages.confusion, board.outages.cause_right),
            _cause_table(board),
            _confusion_table(
                "Conformance of handovers", board.handovers.conformance, board.handovers.conformance_right
            ),
            f"<h2>Tolerances</h2>{_tolerances(board)}</body></html>\n",
        ]
    )


def _headline(board: Scoreboard) -> str:
    score = board.faults
    colour = ' class="red"' if score.missed or score.false or score.wrong_root or score.wrong_cause else ""
    return (
        f"<p{colour}>{score.injected} faults: {score.detected} detected in time, {score.missed} missed "
        f"({score.late} of them found only after recovery). Of the incidents {score.false} are false, "
        f"{score.wrong_root} have a wrong root, {score.wrong_cause} a wrong cause, {score.duplicates} are duplicates, "
        f"{score.unlabelled} tell of true outages that nobody caused on purpose.</p>"
    )


def _key() -> str:
    entries = (f'<span><i style="background:{colour}"></i>{name}</span>' for name, colour in COLOURS.items())
    return f'<p class="key">{"".join(entries)}</p>'


def _fault_table(board: Scoreboard) -> str:
    rows: list[tuple[object, ...]] = []
    for kind, row in board.faults.per_kind.items():
        counts = (row.n, row.detected, row.missed, row.late, row.duplicates, row.false, row.wrong_root, row.wrong_cause)
        rates = (_rate(row.recall), _rate(row.precision), _seconds(row.time_to_detect_s))
        rows.append((kind, *counts, *rates, _none(row.incidents_per_fault), _seconds(row.blast_radius_error)))
        for name, other in board.controls.items():
            found = other.faults.per_kind.get(kind) if other else None
            cells = (
                (_rate(found.recall), _rate(found.precision), _seconds(found.time_to_detect_s)) if found else ("-",) * 3
            )
            rows.append((f"  {name}", *[""] * 8, *cells, "", ""))
    head = "kind,n,detected,missed,late,duplicates,false,wrong root,wrong cause,recall,precision,seconds to detect p50 / p95,incidents per fault,blast radius error p50 / p95"
    return _table("Faults and incidents", head.split(","), rows)


def _page_table(board: Scoreboard) -> str:
    rows = []
    for name, other in {"ours": board, **board.controls}.items():
        if other:
            page = other.pages
            rows.append((name, *_paged(page), page.elsewhere, page.wrong_team))
            rows += [(f"  {kind}", *_paged(row), "", "") for kind, row in page.per_kind.items() if name == "ours"]
    head = "by,faults that page,paged before recovery,in time,pages per fault,seconds to page p50 / p95,pages for everything else,to a wrong team"
    return _table("Pages", head.split(","), rows)


def _paged(page: FaultPages) -> tuple[object, ...]:
    rates = (_rate(page.paged), _rate(page.in_time))
    return page.due, *rates, _none(page.pages_per_fault), _seconds(page.fault_to_page_s)


def _remediation(board: Scoreboard) -> str:
    score = board.remediation
    rows = [(_rate(score.automatic_truly), _rate(score.automatic_as_said), _none(score.error_points))]
    return _table("Mended without anybody", ["truly", "as said", "points apart"], rows)


def _event_table(board: Scoreboard) -> str:
    rows = []
    for kind, row in event_rows(board).items():
        rows.append((kind, row.n, row.missed, row.false, _rate(row.recall), _rate(row.precision), _seconds(row.time_to_detect_s), _seconds(row.error_s)))  # fmt: skip
        for name, other in board.controls.items():
            found = event_rows(other)[kind] if other else None
            cells = (found.n, found.missed, found.false, _rate(found.recall), _rate(found.precision), _seconds(found.time_to_detect_s), _seconds(found.error_s)) if found else ("-",) * 7  # fmt: skip
            rows.append((f"  {name}", *cells))
    head = "kind,n,missed,false,recall,precision,seconds to detect p50 / p95,seconds off p50 / p95"
    return _table("Events", head.split(","), rows)


def _confusion_table(title: str, matrix: Confusion, right: dict[str, Rate]) -> str:
    answers = sorted({answer for row in matrix.values() for answer in row})
    rows = [(was, *[row.get(answer, 0) for answer in answers], _rate(right[was])) for was, row in matrix.items()]
    return _table(f"{title}: the truth down, the answer across", ["", *answers, "right"], rows)


def _cause_table(board: Scoreboard) -> str:
    rows = [
        (cause, _rate(right), *(_rate(other) if other else "-" for other in others.values()))
        for cause, (right, others) in cause_rights(board).items()
    ]
    return _table("Causes named rightly", ["", "ours", *board.controls], rows)


def _tolerances(board: Scoreboard) -> str:
    return _table("", ["tolerance", "value"], list(msgspec.structs.asdict(board.tolerances).items()))


def _table(caption: str, head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    body = "".join("<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"


def _cell(cell: object) -> str:
    text = escape(str(cell))
    return text.replace("  ", "&emsp;") if text.startswith("  ") else text


def _rate(found: Rate) -> str:
    if found.ratio is None or found.low_ratio is None or found.high_ratio is None:
        return "-"
    return f"{found.ratio:.3f} ({found.low_ratio:.3f} to {found.high_ratio:.3f})"


def _seconds(found: Quantiles) -> str:
    return "-" if found.p50 is None else f"{found.p50:g} / {found.p95:g}"


def _none(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"
