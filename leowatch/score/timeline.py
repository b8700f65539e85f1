"""The run on one time axis: faults, incidents and pages, as data for the picture and for other readers."""

import msgspec

from leowatch.score.claims import Claim
from leowatch.score.faults import STANDS_NS, Fault, Judged
from leowatch.score.files import Page, instant_ns


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """Something that lasted; `sort` is a fault's kind or an incident's verdict."""

    says: str
    sort: str
    started_at_ns: int
    ended_at_ns: int


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """All bars and marks; what stands at the end of the run ends with it."""

    began_at_ns: int
    ended_at_ns: int
    faults: list[Bar]
    incidents: list[Bar]
    pages: list[Bar]


def timeline(true: list[Fault], found: list[Claim], pages: list[Page], judged: Judged) -> Timeline:
    """Lay everything on one axis."""
    page_bars = [
        Bar(says=f"{page.team}: {page.title or page.root_id}", sort=page.team, started_at_ns=at_ns, ended_at_ns=at_ns)
        for page in pages
        for at_ns in [instant_ns(page.at)]
    ]
    moments = [
        *(at for fault in true for at in (fault.started_at_ns, fault.ended_at_ns) if at != STANDS_NS),
        *(at for claim in found for at in (claim.opened_at_ns, claim.resolved_at_ns) if at is not None),
        *(bar.started_at_ns for bar in page_bars),
    ]
    begin_ns, end_ns = (min(moments), max(moments)) if moments else (0, 0)
    return Timeline(
        began_at_ns=begin_ns,
        ended_at_ns=end_ns,
        faults=[
            Bar(
                says=f"{fault.label.kind} {fault.label.root_id}" + (" (decoy)" if fault.label.decoy else ""),
                sort="decoy" if fault.label.decoy else fault.label.kind,
                started_at_ns=fault.started_at_ns,
                ended_at_ns=min(fault.ended_at_ns, end_ns),
            )
            for fault in true
        ],
        incidents=[
            Bar(
                says=f"{verdict}: {claim.cause} {claim.root_kind} {claim.root_id}",
                sort=verdict,
                started_at_ns=claim.opened_at_ns,
                ended_at_ns=end_ns if claim.resolved_at_ns is None else claim.resolved_at_ns,
            )
            for claim, verdict in zip(found, judged.verdicts, strict=True)
        ],
        pages=page_bars,
    )
