"""The scoreboard for a person at a terminal: faults, events and causes, the controls below each row; 80 columns."""

from collections.abc import Callable, Iterator, Mapping

from rich.table import Table

from leowatch.score.bounds import Quantiles, Rate
from leowatch.score.faults import KindScore
from leowatch.score.judge import Scoreboard
from leowatch.score.outages import EventScore
from leowatch.score.summary import cause_rights, event_rows

Row = KindScore | EventScore


def tables(board: Scoreboard) -> Iterator[Table]:
    """Yield what is printed."""
    yield _found("faults", _by(board, lambda each: each.faults.per_kind))
    yield _incidents(board)
    yield _found("events", _by(board, event_rows))
    yield _causes(board)


def _by(board: Scoreboard, rows_of: Callable[[Scoreboard], Mapping[str, Row]]) -> list[tuple[str, Row]]:
    """Return our rows, each followed by the controls'."""
    others = {name: rows_of(other) for name, other in board.controls.items() if other is not None}
    whole: list[tuple[str, Row]] = []
    for kind, row in rows_of(board).items():
        whole.append((kind.replace("_", " "), row))
        whole += [(f"  {name}", rows[kind]) for name, rows in others.items() if kind in rows]
    return whole


def _found(title: str, rows: list[tuple[str, Row]]) -> Table:
    table = _table(title, "n", "missed", "false", "recall", "precision", "after s")
    for name, row in rows:
        false = row.false + (row.wrong_root + row.wrong_cause if isinstance(row, KindScore) else 0)
        rates = (_rate(row.recall), _rate(row.precision), _seconds(row.time_to_detect_s))
        table.add_row(name, *map(str, (row.n, row.missed, false)), *rates)
    return table


def _incidents(board: Scoreboard) -> Table:
    table = _table("of a fault", "incidents", "pages", "to page s", "reach off", "wrong root")
    for kind, row in board.faults.per_kind.items():
        pages = board.pages.per_kind.get(kind)
        paged = (_number(pages.pages_per_fault), _seconds(pages.fault_to_page_s)) if pages else ("", "")
        cells = (_number(row.incidents_per_fault), *paged, _seconds(row.blast_radius_error), str(row.wrong_root))
        table.add_row(kind.replace("_", " "), *cells)
    others = (f", {name} {other.pages.elsewhere}" for name, other in board.controls.items() if other)
    table.caption = f"pages for everything else: {board.pages.elsewhere}{''.join(others)}"
    return table


def _causes(board: Scoreboard) -> Table:
    table = _table("causes of outages", "n", "named rightly", *board.controls, "said")
    for cause, (right, others) in cause_rights(board).items():
        answers = sorted(board.outages.confusion[cause].items(), key=lambda answer: -answer[1])
        said = ", ".join(f"{answer} {count}" for answer, count in answers[:3])
        theirs = (_number(other.ratio if other else None) for other in others.values())
        table.add_row(cause.replace("_", " "), str(right.of_count), _rate(right), *theirs, said)
    return table


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", caption_justify="left", box=None, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True, min_width=20)
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "said" else "right", no_wrap=heading != "said")
    return table


def _rate(found: Rate) -> str:
    return "-" if found.ratio is None else f"{found.ratio:.3f} >{found.low_ratio:.2f}"


def _seconds(found: Quantiles) -> str:
    return "-" if found.p50 is None else f"{found.p50:.1f}/{found.p95:.1f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
