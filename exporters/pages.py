"""From incidents to pages: the same decision that Prometheus and Alertmanager take over `leo_incidents_open`, in one place."""

from collections.abc import Iterable

import msgspec

from streams.contract.incidents import Incident


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody is woken."""

    incident_id: str
    team: str
    at: str
    title: str
    root_kind: str
    root_id: str
    cause: str


class Pager:
    """Remembers who has been woken: an incident pages once, whatever becomes of it afterwards."""

    def __init__(self) -> None:
        self._paged: set[str] = set()

    def take(self, incidents: Iterable[Incident]) -> list[Page]:
        """Return the pages that these revisions cause; at most one an incident, none for backfill or replay."""
        pages = []
        for incident in incidents:
            if incident.pages and incident.incident_id not in self._paged:
                self._paged.add(incident.incident_id)
                pages.append(_page(incident))
        return pages


def _page(incident: Incident) -> Page:
    return Page(
        incident_id=incident.incident_id,
        team=incident.audience.team,
        at=incident.page_at or incident.changed_at,
        title=incident.title,
        root_kind=incident.root_kind.name.lower(),
        root_id=incident.root_id,
        cause=incident.cause,
    )
