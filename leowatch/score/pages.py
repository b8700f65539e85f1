"""Who was woken, for what, how often and how soon."""

import msgspec

from leowatch.score.bounds import Quantiles, Rate, quantiles, rate
from leowatch.score.claims import Claim, subject_word
from leowatch.score.faults import Fault, Judged
from leowatch.score.files import Page, instant_ns
from leowatch.score.matching import NS_PER_S
from leowatch.score.tolerances import PAGED_TEAMS


class FaultPages(msgspec.Struct, frozen=True, kw_only=True):
    """Pages about some of the faults that are to wake somebody.

    Attributes:
        due: Faults labelled to page.
        paged: Those of them whose right team was woken before recovery, with the right root.
        in_time: Those paged within the label's `page_by_s`, of those that have one.
        pages_per_fault: Pages about these faults, per fault that was paged at all.
        fault_to_page_s: From the fault to the webhook.
    """

    due: int
    paged: Rate
    in_time: Rate
    pages_per_fault: float | None
    fault_to_page_s: Quantiles


class PageScore(FaultPages, frozen=True, kw_only=True):
    """All of them, and kind by kind.

    Attributes:
        elsewhere: Pages for everything else.
        wrong_team: Pages about such a fault to another team than its audience.
    """

    elsewhere: int
    wrong_team: int
    per_kind: dict[str, FaultPages]


def score_pages(pages: list[Page], true: list[Fault], found: list[Claim], judged: Judged) -> PageScore:
    """Attribute each page to a fault through its incident, and count.

    A page that names another root than the fault's was for something else, even if the incident was put right later.
    """
    fault_of = {claim.incident_id: fault for claim, fault in zip(found, judged.fault_of, strict=True)}
    due = [p for p, fault in enumerate(true) if fault.label.page and not fault.label.decoy]
    about: dict[int, list[int]] = {place: [] for place in due}
    elsewhere = wrong_team = 0
    for page in pages:
        place = fault_of.get(page.incident_id, -1)
        if place not in about or (subject_word(page.root_kind), page.root_id) != true[place].root:
            elsewhere += 1
        elif page.team != PAGED_TEAMS.get(true[place].label.audience):
            wrong_team += 1
        else:
            about[place].append(instant_ns(page.at))
    kinds = sorted({true[place].label.kind for place in due})
    return PageScore(
        **msgspec.structs.asdict(_score(about, true)),
        elsewhere=elsewhere,
        wrong_team=wrong_team,
        per_kind={
            kind: _score({place: ats for place, ats in about.items() if true[place].label.kind == kind}, true)
            for kind in kinds
        },
    )


def _score(about: dict[int, list[int]], true: list[Fault]) -> FaultPages:
    waits_s = {
        place: (min(ats) - true[place].started_at_ns) / NS_PER_S
        for place, ats in about.items()
        if ats and min(ats) <= true[place].ended_at_ns
    }
    dated = {place: by_s for place in about if (by_s := true[place].label.page_by_s) is not None}
    woken = sum(bool(ats) for ats in about.values())
    return FaultPages(
        due=len(about),
        paged=rate(len(waits_s), len(about)),
        in_time=rate(sum(waits_s.get(place, by_s + 1) <= by_s for place, by_s in dated.items()), len(dated)),
        pages_per_fault=round(sum(map(len, about.values())) / woken, 4) if woken else None,
        fault_to_page_s=quantiles(list(waits_s.values())),
    )
