"""An incident that is being worked on: what stands of it, who is down by it, and what the world is told."""

from dataclasses import dataclass, field
from typing import Any

from ingest.contract.instants import NS_PER_S, to_rfc3339
from ingest.contract.inventory import Inventory
from ingest.contract.vocabulary import SubjectKind
from streams.contract.catalogue import KIND_BY_NAME
from streams.contract.detail import Names
from streams.contract.incidents import SAMPLE_COUNT, Evidence, Incident, Opening, TimelineEntry
from streams.contract.vocabulary import Audience, IncidentState, Remediation, Severity
from streams.incidents.notice import Notice
from streams.incidents.roots import Root

# Time that automatic remediation has before a human is woken (96 % of network events need none: domain S49): a slot.
REMEDIATION_NS = 30 * NS_PER_S
# Of the terminals that a fault took down, no more than these are still down once the network has led the others round it.
LEFT_BEHIND_RATIO = 0.1
# A terminal's incident is resolved once nothing of it stands for this long by event time, so that a flap does not close it.
CALM_NS = 30 * NS_PER_S
# The network's own flap more slowly: one that comes and goes every two minutes is one fault, and one page.
NETWORK_CALM_NS = 90 * NS_PER_S

_SEVERITIES = (Severity.INFO, Severity.WARNING, Severity.CRITICAL)
_URGENCY = (
    Audience.NOBODY, Audience.TENANT, Audience.TICKET, Audience.OT_PAGE, Audience.PIPELINE_PAGE, Audience.NOC_PAGE,
    Audience.SOC_PAGE,
)  # fmt: skip


@dataclass(slots=True, eq=False)
class Case:
    """One fault.

    Attributes:
        root: What is broken, as far as is known.
        cause: The kind of event that says so.
        standing: The root's own troubles that stand, by kind and by whom an event names, each since when.
        inferred: Nobody said that the root is broken: what its terminals have in common says so.
        cells: Of an area.
        changed_before: What was changed shortly before it began.
        similar: Earlier incidents of the same root, the newest first.
        down: Terminals that are out by it, each since when.
        affected: Terminals that were ever out by it.
    """

    incident_id: str
    root: Root
    cause: str
    severity: Severity
    audience: Audience
    started_at_ns: int
    opened_at_ns: int
    confidence_ratio: float = 0.9
    inferred: bool = False
    cells: tuple[int, ...] = ()
    standing: dict[tuple[str, int], int] = field(default_factory=dict)
    down: dict[int, int] = field(default_factory=dict)
    affected: set[int] = field(default_factory=set)
    evidence: list[Evidence] = field(default_factory=list)
    timeline: list[TimelineEntry] = field(default_factory=list)
    children: list[Notice] = field(default_factory=list)
    changed_before: list[dict[str, Any]] = field(default_factory=list)
    similar: list[str] = field(default_factory=list)
    children_told: int = 0
    revision: int = 0
    changed: bool = True
    ended_at_ns: int | None = None
    resolved_at_ns: int | None = None
    page_at_ns: int | None = None
    opening: Opening | None = None
    has_paged: bool = False

    @property
    def stands(self) -> bool:
        """Whether anything of it is still so."""
        return bool(self.standing or self.down)

    @property
    def is_of_network(self) -> bool:
        """Whether more than one terminal may depend on its root."""
        return self.root.kind is not SubjectKind.TERMINAL

    @property
    def is_of_security(self) -> bool:
        """Whether it is about safety and not about service; the two are never one incident."""
        return self.audience is Audience.SOC_PAGE

    def heed(self, kind: str, severity: Severity, audience: Audience) -> None:
        """Let a trouble of the root count: what is worse names the incident, what is more urgent says who hears."""
        worse = _SEVERITIES.index(severity) > _SEVERITIES.index(self.severity)
        if worse or _URGENCY.index(audience) > _URGENCY.index(self.audience):
            self.cause = kind
        self.severity = max(self.severity, severity, key=_SEVERITIES.index)
        self.audience = max(self.audience, audience, key=_URGENCY.index)
        self.changed = True

    def begin(self, trouble: Notice) -> None:
        """Note that a trouble of the root's own stands."""
        self.standing.setdefault((trouble.kind, trouble.subject_index), trouble.started_at_ns)
        self.ended_at_ns, self.changed = None, True

    def end(self, kind: str, notice: Notice) -> None:
        """Note that one is over, if it stood."""
        if self.standing.pop((kind, notice.subject_index), None) is not None:
            self.ended_at_ns = max(self.ended_at_ns or 0, notice.ended_at_ns)
            self.note(notice.ended_at_ns, f"{kind.replace('_', ' ')}: over")

    def adopt(self, outage: Notice) -> None:
        """Take a terminal's outage in."""
        self.children.append(outage)
        self.affected.add(outage.subject_index)
        self.down[outage.subject_index] = outage.started_at_ns
        self.changed = True

    def give_back(self, notice: Notice) -> None:
        """Take in that a terminal's outage is over, or was none."""
        self.children.append(notice)
        if self.down.get(notice.subject_index) == notice.started_at_ns:
            del self.down[notice.subject_index]
        self.ended_at_ns, self.changed = max(self.ended_at_ns or 0, notice.ended_at_ns), True

    def absorb(self, other: "Case") -> None:
        """Take another incident's terminals and children over: it was a part of this one."""
        self.children += other.children
        self.affected |= other.affected
        self.down |= other.down
        self.changed = True

    def note(self, at_ns: int, says: str) -> None:
        """Write a line of the timeline."""
        self.timeline.append(TimelineEntry(at=to_rfc3339(at_ns), says=says))
        self.changed = True

    def prove(self, notice: Notice, says: str) -> None:
        """Add a reason for the root."""
        self.evidence.append(Evidence(says=says, event_key=notice.event_key.hex(), at=to_rfc3339(notice.started_at_ns)))

    def is_overdue(self, watermark_ns: int) -> bool:
        """Say whether somebody is to be woken: the network has had its time, all of it is known, and it has not helped.

        Where terminals were taken down, it has helped once nearly all of them are led round. What is not safe waits for
        nobody.
        """
        if not (self.stands and self.audience.pages):
            return False
        if self.is_of_security:
            return True
        if not self.is_of_network:
            return watermark_ns >= self.started_at_ns + REMEDIATION_NS
        if self.affected and not self._is_left_behind():
            return False
        since_ns = [at_ns for (kind, _), at_ns in self.standing.items() if KIND_BY_NAME[kind].audience.pages]
        since_ns = since_ns or list(self.down.values())
        return bool(since_ns) and watermark_ns >= min(since_ns) + REMEDIATION_NS

    def is_calm(self, watermark_ns: int) -> bool:
        """Say whether it is over for long enough: nothing stands, but for the last few terminals that the network left behind."""
        if self.standing or self._is_left_behind() or (self.down and not self.is_of_network):
            return False
        calm_ns = NETWORK_CALM_NS if self.is_of_network else CALM_NS
        return self.ended_at_ns is not None and watermark_ns >= self.ended_at_ns + calm_ns

    def leave_behind(self, now_ns: int) -> list[Notice]:
        """Give up the outages of terminals that stay down though all others are back: they have causes of their own."""
        left = [
            n for n in self.children if n.kind == "outage_started" and self.down.get(n.subject_index) == n.started_at_ns
        ]
        if left:
            self.note(now_ns, f"{len(self.down)} terminals stay down by themselves")
        self.down.clear()
        return list({notice.subject_index: notice for notice in left}.values())

    def _is_left_behind(self) -> bool:
        """Say whether the network has yet to lead its terminals round it."""
        return len(self.down) > LEFT_BEHIND_RATIO * len(self.affected)

    def news(self) -> list[Notice]:
        """Return the children that have come since it was last told."""
        fresh, self.children_told = self.children[self.children_told :], len(self.children)
        return fresh

    def told(self, now_ns: int, inventory: Inventory, names: Names) -> Incident:
        """Return its next revision."""
        self.changed = False
        self.revision += 1
        if self.opening is None or (self.page_at_ns is not None and not self.has_paged):
            self.opening = Opening(cause=self.cause, severity=self.severity, audience=self.audience)
        self.has_paged = self.page_at_ns is not None
        root_id = names(*self.root)
        terminals = [inventory.terminals[index] for index in sorted(self.affected)]
        return Incident(
            incident_id=self.incident_id,
            revision=self.revision,
            state=IncidentState.OPEN if self.resolved_at_ns is None else IncidentState.RESOLVED,
            severity=self.severity,
            audience=self.audience,
            root_kind=self.root.kind,
            root_id=root_id,
            root_index=self.root.number,
            cause=self.cause,
            title=f"{self.root.kind.name.lower().replace('_', ' ')} {root_id}: {self.cause.replace('_', ' ')}",
            started_at=to_rfc3339(self.started_at_ns),
            opened_at=to_rfc3339(self.opened_at_ns),
            changed_at=to_rfc3339(now_ns),
            resolved_at=_instant(self.resolved_at_ns),
            page_at=_instant(self.page_at_ns),
            confidence_ratio=self.confidence_ratio,
            evidence=self.evidence[-SAMPLE_COUNT:],
            timeline=self.timeline[-SAMPLE_COUNT:],
            terminals_affected_count=len(self.affected),
            terminals_down_count=len(self.down),
            cells_affected_count=len({terminal.cell_id for terminal in terminals}),
            tenants_affected_count=len({terminal.tenant_index for terminal in terminals}),
            children_count=len(self.children),
            terminal_ids=[terminal.terminal_id for terminal in terminals[:SAMPLE_COUNT]],
            remediation=self._remediation(),
            changed_before=self.changed_before,
            similar=self.similar,
            opening=self.opening,
        )

    def _remediation(self) -> Remediation:
        """Return who put it right: nobody yet, the network itself before a page was due, or people after one."""
        if self.resolved_at_ns is None:
            return Remediation.NONE
        return Remediation.AUTO if self.page_at_ns is None else Remediation.MANUAL


def _instant(at_ns: int | None) -> str | None:
    return None if at_ns is None else to_rfc3339(at_ns)
