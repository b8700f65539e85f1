"""The timeline as an inline SVG: faults above, incidents below them by verdict, pages as marks."""

from html import escape

from leowatch.score.timeline import Bar, Timeline

WIDTH_PX = 1100
MARGIN_PX = 90
LANE_PX = 12
# More would be a grey block: the picture says how many it left out, the table counts them all.
SHOWN_COUNT = 400

COLOURS = {
    "found": "#2e7d32",
    "late": "#f9a825",
    "duplicate": "#6a1b9a",
    "wrong_cause": "#ef6c00",
    "wrong_root": "#d84315",
    "unlabelled": "#90a4ae",
    "false": "#c62828",
    "decoy": "#b0bec5",
}
FAULT_COLOUR = "#1565c0"
PAGE_COLOUR = "#000000"


def draw(line: Timeline) -> str:
    """Return the SVG element."""
    parts: list[str] = []
    top_px = 20
    for title, bars in (("faults", line.faults), ("incidents", line.incidents), ("pages", line.pages)):
        shown = sorted(bars, key=lambda bar: bar.started_at_ns)[:SHOWN_COUNT]
        left_out_count = len(bars) - len(shown)
        parts.append(f'<text x="4" y="{top_px + 9}">{title}</text>')
        lanes = _lanes(shown, line)
        parts += [_bar(bar, lane, top_px, title, line) for bar, lane in zip(shown, lanes, strict=True)]
        top_px += LANE_PX * (max(lanes, default=0) + 1) + 14
        if left_out_count:
            parts.append(f'<text x="{MARGIN_PX}" y="{top_px - 4}">{left_out_count} more are not drawn</text>')
            top_px += 10
    return (
        f'<svg viewBox="0 0 {WIDTH_PX} {top_px + 18}" role="img" aria-label="Timeline of faults, incidents and pages">'
        + "".join(parts)
        + _axis(line, top_px)
        + "</svg>"
    )


def _x_px(at_ns: int, line: Timeline) -> float:
    length_ns = max(1, line.ended_at_ns - line.began_at_ns)
    return MARGIN_PX + (WIDTH_PX - MARGIN_PX - 10) * (at_ns - line.began_at_ns) / length_ns


def _lanes(bars: list[Bar], line: Timeline) -> list[int]:
    """Give each bar the first lane that is free, so that none hides another."""
    free_px: list[float] = []
    lanes = []
    for bar in bars:
        x_px = _x_px(bar.started_at_ns, line)
        lane = next((place for place, until in enumerate(free_px) if until <= x_px), len(free_px))
        if lane == len(free_px):
            free_px.append(0)
        free_px[lane] = max(x_px + 5, _x_px(bar.ended_at_ns, line) + 1)
        lanes.append(lane)
    return lanes


def _bar(bar: Bar, lane: int, top_px: int, title: str, line: Timeline) -> str:
    x_px = _x_px(bar.started_at_ns, line)
    width_px = max(4.0, _x_px(bar.ended_at_ns, line) - x_px)
    colour = PAGE_COLOUR if title == "pages" else COLOURS.get(bar.sort, FAULT_COLOUR)
    return (
        f'<rect class="{escape(title)}" x="{x_px:.1f}" y="{top_px + lane * LANE_PX}" width="{width_px:.1f}" '
        f'height="{LANE_PX - 3}" fill="{colour}"><title>{escape(bar.says)}</title></rect>'
    )


def _axis(line: Timeline, top_px: int) -> str:
    length_s = (line.ended_at_ns - line.began_at_ns) / 1e9
    marks = []
    for tenth in range(0, 11, 2):
        x_px = MARGIN_PX + (WIDTH_PX - MARGIN_PX - 10) * tenth / 10
        marks.append(
            f'<text x="{x_px:.0f}" y="{top_px + 12}" text-anchor="middle">{length_s * tenth / 10:.0f} s</text>'
        )
    return "".join(marks)
