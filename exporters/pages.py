"""Who is woken: one page for each incident, at the first revision that pages, and a word when it is over."""

from collections.abc import Iterator

import msgspec

from streams.contract.incidents import Incident


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """What a team's telephone says.

    Attributes:
        at: Log time of the revision that sent it (RFC 3339).
        resolved: False when it wakes somebody, True when the fault is gone.
    """

    incident_id: str
    team: str
    severity: str
    cause: str
    root_id: str
    title: str
    at: str
    resolved: bool = False


class Pager:
    """Remembers whom it has woken; a revision that comes again, or out of turn, says nothing."""

    def __init__(self) -> None:
        self._standing: dict[str, Page] = {}
        self._revisions: dict[str, int] = {}

    def hear(self, incident: Incident) -> Iterator[Page]:
        """Yield the pages that a revision of an incident causes: none or one."""
        name = incident.incident_id
        if incident.revision <= self._revisions.get(name, 0):
            return
        self._revisions[name] = incident.revision
        if incident.pages and name not in self._standing:
            page = _page(incident)
            self._standing[name] = page
            yield page
        elif not incident.is_open and name in self._standing and not self._standing[name].resolved:
            # The team and the severity of the opening, so that the word reaches those who were woken.
            over = msgspec.structs.replace(self._standing[name], resolved=True, at=incident.changed_at)
            self._standing[name] = over
            yield over


def _page(incident: Incident) -> Page:
    return Page(
        incident_id=incident.incident_id,
        team=incident.audience.team,
        severity=incident.severity.value,
        cause=incident.cause,
        root_id=incident.root_id,
        title=incident.title,
        at=incident.changed_at,
    )
