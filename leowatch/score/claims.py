"""What the incidents claim: each incident's last root, the causes it named for it, and since when."""

from collections.abc import Iterable

import msgspec

from leowatch.score.files import BadFile, IncidentRevision, instant_ns

# The numbers of the incident contract's `root_kind`, for writers that send the number.
SUBJECT_KINDS = ("terminal", "satellite", "gateway", "pop", "cell", "tenant", "control_plane", "pipeline")


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """One incident, as it stands in the end.

    Attributes:
        root_kind, root_id: Of its last revision.
        cause: Of its last revision.
        causes_since_ns: Each cause it named while it had that root, and when it first did: a late re-rooting is
            right only from then on.
        started_at_ns: When it says that the fault began, by observed time.
        opened_at_ns: When it was opened, whatever its root was then.
        resolved_at_ns: None while it stands.
        terminal_ids: Those it names, the root among them where that is one.
        affected_count: The largest reach of any revision.
        remediation: Who put it right, by its last revision.
    """

    incident_id: str
    title: str
    root_kind: str
    root_id: str
    cause: str
    causes_since_ns: dict[str, int]
    started_at_ns: int
    opened_at_ns: int
    resolved_at_ns: int | None
    terminal_ids: frozenset[str]
    affected_count: int
    remediation: str

    @property
    def root(self) -> tuple[str, str]:
        """Kind and id."""
        return self.root_kind, self.root_id


def claims(revisions: Iterable[IncidentRevision]) -> list[Claim]:
    """Fold revisions into incidents, in the order of opening."""
    by_id: dict[str, list[IncidentRevision]] = {}
    for revision in revisions:
        by_id.setdefault(revision.incident_id, []).append(revision)
    folded = [_fold(sorted(group, key=lambda r: r.revision)) for group in by_id.values()]
    return sorted(folded, key=lambda claim: (claim.opened_at_ns, claim.incident_id))


def _fold(group: list[IncidentRevision]) -> Claim:
    last = group[-1]
    since: dict[str, int] = {}
    for place, revision in enumerate(group):
        if (revision.root_kind, revision.root_id) == (last.root_kind, last.root_id):
            since.setdefault(revision.cause, instant_ns(revision.changed_at if place else revision.opened_at))
    root_kind = subject_word(last.root_kind)
    own = {last.root_id} if root_kind == "terminal" else set()
    return Claim(
        incident_id=last.incident_id,
        title=last.title,
        root_kind=root_kind,
        root_id=last.root_id,
        cause=last.cause,
        causes_since_ns=since,
        started_at_ns=instant_ns(last.started_at),
        opened_at_ns=instant_ns(group[0].opened_at),
        resolved_at_ns=instant_ns(last.resolved_at) if last.resolved_at else None,
        terminal_ids=frozenset(own.union(*(r.terminal_ids for r in group))),
        remediation=last.remediation,
        affected_count=max(r.terminals_affected_count for r in group),
    )


def subject_word(kind: str | int) -> str:
    """Return a subject kind's word, whichever way it was written."""
    if isinstance(kind, str):
        return kind.lower()
    if not 0 <= kind < len(SUBJECT_KINDS):
        raise BadFile(f"root_kind {kind} is no subject kind")
    return SUBJECT_KINDS[kind]
