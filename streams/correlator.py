"""From events to incidents: one fault, one root, its children attached; nobody is woken twice.

Events are taken in the order of what they tell, a beginning by its start and an end by its end, and decided once the
lowest watermark of all shards has passed them, so the order in which shards are read changes nothing. By then a gateway's
fall (noticed within 10 s) is known too: a terminal's outage first looks for a gateway that is down or a tilted antenna;
what finds none becomes an incident of its cell (k of N) or of the terminal alone. Whether somebody is woken is asked of
what is known up to the deadline: a network fault round which the network has led its terminals by then wakes nobody.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ingest.contract.columns import MISSING, Array, Columns, row_count, take
from ingest.contract.instants import NS_PER_S, to_rfc3339
from ingest.contract.inventory import Inventory
from ingest.contract.vocabulary import ServiceClass, SubjectKind
from streams.contract.catalogue import KIND_BY_CODE, code_of
from streams.contract.detail import Names
from streams.contract.incidents import SAMPLE_COUNT, Evidence, Incident, Opening, TimelineEntry
from streams.contract.vocabulary import Audience, IncidentState, Remediation, Severity

# An outage that ends sooner is told as an event and is no incident of its own: one slot without service is 30 s.
WORTH_NS = 20 * NS_PER_S
# Time that automatic remediation has before a human is woken (96 % of network events need none: domain S49): a slot.
REMEDIATION_NS = 30 * NS_PER_S
# An incident is resolved once nothing of it stands for this long by event time, so that a flap does not close and reopen it.
CALM_NS = 30 * NS_PER_S
# k of N for an area: at least five terminals and half of its cell, else a stadium's power switch looks like a storm.
AREA_TERMINALS = 5
AREA_RATIO = 0.5
# Terminals of an area do not fall in the same second: an outage waits this long for its neighbours, by event time.
AREA_WINDOW_NS = 10 * NS_PER_S
# Of the terminals that a fault took down, no more than these are still down once the network has led the others round it.
LEFT_BEHIND_RATIO = 0.1
# Events are kept in mind for as long as their topic keeps them, so that a repeat after a crash is known as one.
MEMORY_NS = 7 * 86_400 * NS_PER_S

HEARD_KINDS = (
    "outage_suspected", "outage_started", "outage_ended", "outage_withdrawn", "tilt_warning", "tilt_critical",
    "tilt_disturbed", "tilt_restored", "gateway_isolated", "gateway_restored",
)  # fmt: skip
# Kinds that tell of an end: what they tell happened at `ended_at_ns`.
_ENDS = ("outage_ended", "outage_withdrawn", "tilt_restored", "gateway_restored")
_HEARD_CODES = np.array([code_of(kind) for kind in HEARD_KINDS])

PlannedGateway = Callable[[int, int], int]


class Notice(NamedTuple):
    """What the correlator keeps of an event; ordered by when what it tells happened, then by kind: a beginning before its end."""

    at_ns: int
    code: int
    event_key: bytes
    revision: int
    kind: str
    subject_kind: SubjectKind
    subject_index: int
    started_at_ns: int
    ended_at_ns: int
    from_gateway_index: int
    expected: bool
    stored: bool
    tilt_change_deg: float
    terminals_affected_count: int


def notices(columns: Columns) -> list[Notice]:
    """Read those events out of columns that can belong to an incident."""
    if not row_count(columns):
        return []
    columns = take(columns, np.isin(columns["event_code"], _HEARD_CODES))
    count = row_count(columns)

    def listed(name: str, missing: float) -> list[float]:
        return columns[name].tolist() if name in columns else [missing] * count

    rows = zip(
        columns["started_at_ns"].tolist(),
        columns["event_code"].tolist(),
        (bytes(key) for key in columns["event_key"].tolist()),
        columns["revision"].tolist(),
        columns["subject_kind"].tolist(),
        columns["subject_index"].tolist(),
        listed("ended_at_ns", -1),
        listed("from_gateway_index", -1),
        listed("expected", -1),
        listed("stored", -1),
        listed("tilt_change_deg", float("nan")),
        listed("terminals_affected_count", -1),
        strict=True,
    )
    return [
        Notice(
            int(end) if KIND_BY_CODE[code].kind in _ENDS else start, code, key, revision, KIND_BY_CODE[code].kind,
            SubjectKind(kind), index, start, int(end), int(gateway), expected == 1, stored == 1, tilt, int(reach),
        )
        for start, code, key, revision, kind, index, end, gateway, expected, stored, tilt, reach in rows
    ]  # fmt: skip


@dataclass(slots=True)
class _Case:
    """An incident being worked on; `Incident` is what the world sees of it."""

    incident_id: str
    root_kind: SubjectKind
    root_index: int
    cause: str
    severity: Severity
    audience: Audience
    started_at_ns: int
    opened_at_ns: int
    confidence_ratio: float
    evidence: list[Evidence]
    revision: int = 0
    changed: bool = True
    ended_at_ns: int | None = None
    resolved_at_ns: int | None = None
    page_at_ns: int | None = None
    root_stands: bool = True
    down: dict[int, int] = field(default_factory=dict)
    affected: set[int] = field(default_factory=set)
    children: list[Notice] = field(default_factory=list)
    children_told: int = 0
    timeline: list[TimelineEntry] = field(default_factory=list)
    opening: Opening | None = None
    has_paged: bool = False


class Change(NamedTuple):
    """A new revision of an incident, and the children that came with it."""

    incident: Incident
    children: list[Notice]


class Correlator:
    """Holds the open incidents; told events, it answers with what changed. It calls no clock: time is the shards'."""

    def __init__(self, *, inventory: Inventory, names: Names, planned_gateway: PlannedGateway) -> None:
        """Start with nothing known.

        Args:
            inventory: Cells, tenants and service classes of terminals; the number of shards to wait for.
            names: Ids for people.
            planned_gateway: (terminal, instant) to the gateway that the plan gives it then, or -1.
        """
        self._planned_gateway = planned_gateway
        self.know(inventory, names)
        self._watermarks: dict[int, int] = {}
        self._clocks: dict[int, int] = {}
        self._advanced_to_ns = (0, 0)
        self._heap: list[Notice] = []
        self._seen: dict[bytes, tuple[int, int]] = {}
        self._forgotten_ns = 0
        self._waiting: dict[int, Notice] = {}
        self._gateway_down: dict[int, tuple[int, int | None, _Case]] = {}
        self._open: dict[tuple[SubjectKind, int], _Case] = {}
        self._case_of_terminal: dict[int, _Case] = {}
        self._resolved: list[_Case] = []

    def know(self, inventory: Inventory, names: Names) -> None:
        """Take a newer inventory; it only ever grows."""
        self._inventory, self._names = inventory, names
        self._cell_sizes = Counter(terminal.cell_id for terminal in inventory.terminals)

    def hear(self, columns: Columns) -> None:
        """Take events in; a repeat of a known revision is dropped."""
        for notice in notices(columns):
            if notice.revision > self._seen.get(notice.event_key, (0, 0))[0]:
                self._seen[notice.event_key] = (notice.revision, notice.at_ns)
                heapq.heappush(self._heap, notice)

    def tick(self, shard: int, watermark_ns: int, clock_ns: int) -> None:
        """Note how far a shard has come."""
        self._watermarks[shard] = max(watermark_ns, self._watermarks.get(shard, watermark_ns))
        self._clocks[shard] = max(clock_ns, self._clocks.get(shard, clock_ns))

    @property
    def watermark_ns(self) -> int | None:
        """Lowest watermark of all shards; None until each has been heard."""
        return min(self._watermarks.values()) if len(self._watermarks) == self._inventory.shard_count else None

    def advance(self) -> list[Change]:
        """Decide everything that the lowest watermark has passed; return the incidents that changed.

        While neither it nor the lowest clock has moved there is nothing to decide, so call it after every record: what
        is said then depends on the records and on nothing else.
        """
        watermark_ns = self.watermark_ns
        if watermark_ns is None:
            return []
        now_ns = min(self._clocks.values())
        if (watermark_ns, now_ns) == self._advanced_to_ns:
            return []
        self._advanced_to_ns = watermark_ns, now_ns
        while self._heap and self._heap[0].at_ns <= watermark_ns:
            self._decide(heapq.heappop(self._heap), now_ns)
        self._explain_waiting(watermark_ns, now_ns)
        self._let_time_pass(watermark_ns, now_ns)
        self._forget(watermark_ns - MEMORY_NS)
        return self._tell(now_ns)

    # --- one event -------------------------------------------------------------------------------------------------

    def _decide(self, notice: Notice, now_ns: int) -> None:
        match notice.kind:
            case "gateway_isolated":
                self._gateway_falls(notice, now_ns)
            case "gateway_restored":
                self._gateway_rises(notice)
            case "outage_started":
                self._outage_starts(notice)
            case "outage_ended" | "outage_withdrawn":
                self._outage_ends(notice, now_ns)
            case "tilt_critical":
                self._antenna_falls(notice, now_ns)
            case "tilt_restored":
                self._antenna_stands(notice)
            case _:
                self._attach_if_open(notice)

    def _gateway_falls(self, notice: Notice, now_ns: int) -> None:
        if notice.expected:
            return  # planned work; should it outlast its window, the fall is said again
        case = self._case(
            notice, SubjectKind.GATEWAY, notice.subject_index, Severity.CRITICAL, Audience.NOC_PAGE, now_ns
        )
        case.evidence.append(self._evidence(notice, "the gateway carries no traffic"))
        self._gateway_down[notice.subject_index] = (notice.started_at_ns, None, case)
        for terminal, outage in list(self._waiting.items()):
            if self._gateway_of(outage) == notice.subject_index:
                self._adopt(case, outage)
                del self._waiting[terminal]

    def _gateway_rises(self, notice: Notice) -> None:
        down = self._gateway_down.get(notice.subject_index)
        if down is not None:
            started_ns, _, case = down
            self._gateway_down[notice.subject_index] = (started_ns, notice.ended_at_ns, case)
            case.root_stands = False
            case.ended_at_ns = notice.ended_at_ns
            self._note(case, notice.ended_at_ns, "the gateway carries traffic again")

    def _outage_starts(self, notice: Notice) -> None:
        if notice.expected or notice.stored:
            return
        case = self._case_of_terminal.get(notice.subject_index)
        gateway = self._gateway_of(notice)
        if gateway >= 0:
            case = self._gateway_down[gateway][2]
        if case is not None and case.resolved_at_ns is None:
            self._adopt(case, notice)
        else:
            self._waiting[notice.subject_index] = notice

    def _outage_ends(self, notice: Notice, now_ns: int) -> None:
        waiting = self._waiting.get(notice.subject_index)
        if waiting is not None and waiting.started_at_ns == notice.started_at_ns:
            del self._waiting[notice.subject_index]
            if notice.kind == "outage_ended" and notice.ended_at_ns - notice.started_at_ns >= WORTH_NS:
                self._stand_alone(waiting, notice.ended_at_ns, now_ns)
        case = self._case_of_terminal.get(notice.subject_index)
        if case is None:
            return
        if case.down.get(notice.subject_index) == notice.started_at_ns:
            del case.down[notice.subject_index]
        case.children.append(notice)
        case.changed = True
        if case.cause != "tilt_critical" and case.root_kind is not SubjectKind.GATEWAY and not case.down:
            case.root_stands = False
        case.ended_at_ns = max(case.ended_at_ns or 0, notice.ended_at_ns)

    def _antenna_falls(self, notice: Notice, now_ns: int) -> None:
        waiting = self._waiting.pop(notice.subject_index, None)
        standing = self._open.get((SubjectKind.TERMINAL, notice.subject_index))
        case = standing or self._case(
            notice, SubjectKind.TERMINAL, notice.subject_index, Severity.CRITICAL, self._tenant(notice), now_ns
        )
        case.cause, case.root_stands, case.changed = notice.kind, True, True
        case.evidence.append(self._evidence(notice, f"the face is {notice.tilt_change_deg:.0f} deg off its reference"))
        case.affected.add(notice.subject_index)
        self._case_of_terminal[notice.subject_index] = case
        if waiting is not None:
            self._adopt(case, waiting)

    def _antenna_stands(self, notice: Notice) -> None:
        case = self._open.get((SubjectKind.TERMINAL, notice.subject_index))
        if case is not None and case.cause == "tilt_critical":
            case.root_stands = False
            case.ended_at_ns = notice.ended_at_ns
            self._note(case, notice.ended_at_ns, "the antenna stands again")

    def _attach_if_open(self, notice: Notice) -> None:
        case = self._case_of_terminal.get(notice.subject_index)
        attaches = notice.kind.startswith(("tilt_", "outage_")) and notice.subject_kind is SubjectKind.TERMINAL
        if case is not None and attaches and case.resolved_at_ns is None:
            case.children.append(notice)
            case.changed = True

    # --- roots -----------------------------------------------------------------------------------------------------

    def _gateway_of(self, outage: Notice, until_ns: int = 0) -> int:
        """Return the gateway that explains an outage: down when it last served, or when the plan led to it; -1 for none.

        Args:
            outage: Its start is known to within one report of the terminal.
            until_ns: How far the outage is known to last: it may have begun otherwise and met the gateway in a later slot.
        """
        start_ns, seen_ns = outage.started_at_ns, self._seen_ns(outage)
        edges_ns = self._slot_edges(seen_ns, until_ns)
        for from_ns, to_ns in ((start_ns, seen_ns), *zip(edges_ns, edges_ns, strict=True)):
            planned = self._planned_gateway(outage.subject_index, to_ns)
            if self._was_down(planned, from_ns, to_ns):
                return planned
        return outage.from_gateway_index if self._was_down(outage.from_gateway_index, start_ns, seen_ns) else MISSING

    def _seen_ns(self, outage: Notice) -> int:
        """Return when the first report of an outage was due: it began within the one before."""
        return outage.started_at_ns + round(self._inventory.terminals[outage.subject_index].cadence_s * NS_PER_S)

    def _slot_edges(self, after_ns: int, until_ns: int) -> range:
        slots = self._inventory.deployment
        into_ns = (after_ns - slots.slot_phase_ns) % slots.slot_length_ns
        return range(after_ns - into_ns + slots.slot_length_ns, until_ns, slots.slot_length_ns)

    def _was_down(self, gateway: int, from_ns: int, to_ns: int) -> bool:
        down = self._gateway_down.get(gateway)
        return down is not None and down[0] - 2 * NS_PER_S <= to_ns and from_ns <= (down[1] or from_ns)

    def _explain_waiting(self, watermark_ns: int, now_ns: int) -> None:
        """Open incidents for outages that no gateway and no antenna explains, those of a cell together."""
        by_cell: dict[int, list[Notice]] = {}
        for notice in self._waiting.values():
            by_cell.setdefault(self._cell_of(notice), []).append(notice)
        for cell_id, together in by_cell.items():
            due = [n for n in together if watermark_ns >= self._seen_ns(n) + AREA_WINDOW_NS]
            enough = max(AREA_TERMINALS, AREA_RATIO * self._cell_sizes[cell_id])
            if due and len(together) >= enough and cell_id != MISSING:  # who moves is of no cell
                self._area_fails(cell_id, together, now_ns)
                due = together
            else:
                for notice in due:
                    self._stand_alone(notice, watermark_ns, now_ns)
            for notice in due:
                del self._waiting[notice.subject_index]

    def _cell_of(self, notice: Notice) -> int:
        return self._inventory.terminals[notice.subject_index].cell_id

    def _area_fails(self, cell_id: int, together: list[Notice], now_ns: int) -> None:
        first = min(together)
        case = self._case(first, SubjectKind.CELL, cell_id, Severity.CRITICAL, Audience.NOC_PAGE, now_ns)
        case.cause = "regional_outage"
        says = (
            f"{len(together)} of {self._cell_sizes[cell_id]} terminals of the cell are out, and no gateway explains it"
        )
        case.evidence.append(self._evidence(first, says))
        case.confidence_ratio = 0.7
        for notice in together:
            self._adopt(case, notice)

    def _stand_alone(self, notice: Notice, until_ns: int, now_ns: int) -> None:
        gateway = self._gateway_of(notice, until_ns)
        if gateway != MISSING and self._gateway_down[gateway][2].resolved_at_ns is None:
            self._adopt(self._gateway_down[gateway][2], notice)
            return
        case = self._case(
            notice, SubjectKind.TERMINAL, notice.subject_index, Severity.WARNING, self._tenant(notice), now_ns
        )
        case.evidence.append(self._evidence(notice, "out alone: its gateway carries others, its cell is well"))
        self._adopt(case, notice)

    def _case(
        self,
        notice: Notice,
        root_kind: SubjectKind,
        root_index: int,
        severity: Severity,
        audience: Audience,
        now_ns: int,
    ) -> _Case:
        standing = self._open.get((root_kind, root_index))
        if standing is not None:
            standing.root_stands, standing.changed, standing.ended_at_ns = True, True, None
            return standing
        case = _Case(
            incident_id=f"inc-{notice.event_key.hex()[:16]}",
            root_kind=root_kind,
            root_index=root_index,
            cause=notice.kind,
            severity=severity,
            audience=audience,
            started_at_ns=notice.started_at_ns,
            opened_at_ns=now_ns,
            confidence_ratio=0.9,
            evidence=[],
        )
        self._open[root_kind, root_index] = case
        self._note(case, now_ns, "opened")
        return case

    def _adopt(self, case: _Case, outage: Notice) -> None:
        case.children.append(outage)
        case.affected.add(outage.subject_index)
        case.down[outage.subject_index] = outage.started_at_ns
        case.changed = True
        self._case_of_terminal[outage.subject_index] = case

    def _tenant(self, notice: Notice) -> Audience:
        """Return who hears of one terminal's trouble: its tenant, or the team of a critical one."""
        service = self._inventory.terminals[notice.subject_index].service
        return Audience.OT_PAGE if service is ServiceClass.CRITICAL_OT else Audience.TENANT

    # --- time ------------------------------------------------------------------------------------------------------

    def _let_time_pass(self, watermark_ns: int, now_ns: int) -> None:
        for key, case in list(self._open.items()):
            if case.page_at_ns is None and case.audience.pages and _is_overdue(case, watermark_ns):
                case.page_at_ns = now_ns
                self._note(
                    case, now_ns, f"not remediated in {REMEDIATION_NS // NS_PER_S} s: {case.audience.team} is paged"
                )
            calm = case.ended_at_ns is not None and watermark_ns >= case.ended_at_ns + CALM_NS
            if calm and not case.root_stands and not case.down:
                case.resolved_at_ns = now_ns
                self._note(case, now_ns, "resolved")
                del self._open[key]
                self._release(case)

    def _forget(self, before_ns: int) -> None:
        if before_ns > self._forgotten_ns + MEMORY_NS // 7:
            self._forgotten_ns = before_ns
            self._seen = {key: seen for key, seen in self._seen.items() if seen[1] >= before_ns}

    def _release(self, case: _Case) -> None:
        for terminal in case.affected:
            if self._case_of_terminal.get(terminal) is case:
                del self._case_of_terminal[terminal]
        if case.root_kind is SubjectKind.GATEWAY:
            self._gateway_down.pop(case.root_index, None)
        case.changed = True
        self._resolved.append(case)

    # --- saying ----------------------------------------------------------------------------------------------------

    def _note(self, case: _Case, at_ns: int, says: str) -> None:
        case.timeline.append(TimelineEntry(at=to_rfc3339(at_ns), says=says))
        case.changed = True

    def _evidence(self, notice: Notice, says: str) -> Evidence:
        return Evidence(says=says, event_key=notice.event_key.hex(), at=to_rfc3339(notice.started_at_ns))

    def _tell(self, now_ns: int) -> list[Change]:
        cases = [case for case in (*self._open.values(), *self._resolved) if case.changed]
        self._resolved.clear()
        changes = []
        for case in cases:
            case.changed = False
            case.revision += 1
            children, case.children_told = case.children[case.children_told :], len(case.children)
            changes.append(Change(self._incident(case, now_ns), children))
        return changes

    def _incident(self, case: _Case, now_ns: int) -> Incident:
        root_id = self._names(case.root_kind, case.root_index)
        terminals = [self._inventory.terminals[index] for index in sorted(case.affected)]
        resolved = case.resolved_at_ns is not None
        if case.opening is None or (case.page_at_ns is not None and not case.has_paged):
            case.opening = Opening(cause=case.cause, severity=case.severity, audience=case.audience)
        case.has_paged = case.page_at_ns is not None
        return Incident(
            incident_id=case.incident_id,
            revision=case.revision,
            state=IncidentState.RESOLVED if resolved else IncidentState.OPEN,
            severity=case.severity,
            audience=case.audience,
            root_kind=case.root_kind,
            root_id=root_id,
            root_index=case.root_index,
            cause=case.cause,
            title=f"{case.root_kind.name.lower()} {root_id}: {case.cause.replace('_', ' ')}",
            started_at=to_rfc3339(case.started_at_ns),
            opened_at=to_rfc3339(case.opened_at_ns),
            changed_at=to_rfc3339(now_ns),
            resolved_at=to_rfc3339(case.resolved_at_ns) if case.resolved_at_ns is not None else None,
            page_at=to_rfc3339(case.page_at_ns) if case.page_at_ns is not None else None,
            confidence_ratio=case.confidence_ratio,
            evidence=case.evidence[-SAMPLE_COUNT:],
            timeline=case.timeline[-SAMPLE_COUNT:],
            terminals_affected_count=len(case.affected),
            terminals_down_count=len(case.down),
            cells_affected_count=len({terminal.cell_id for terminal in terminals}),
            tenants_affected_count=len({terminal.tenant_index for terminal in terminals}),
            children_count=len(case.children),
            terminal_ids=[terminal.terminal_id for terminal in terminals[:SAMPLE_COUNT]],
            remediation=_remediation(case),
            opening=case.opening,
        )


def _is_overdue(case: _Case, watermark_ns: int) -> bool:
    """Say whether the network has had its time and has not helped: its terminals are down, if it ever took some down."""
    left_behind = len(case.down) > LEFT_BEHIND_RATIO * len(case.affected) or not case.affected
    in_time = watermark_ns < case.started_at_ns + REMEDIATION_NS
    return case.root_stands and not in_time and (left_behind or case.root_kind is SubjectKind.TERMINAL)


def _remediation(case: _Case) -> Remediation:
    """Return who put it right: nobody yet, the network itself before a page was due, or people after one."""
    if case.resolved_at_ns is None:
        return Remediation.NONE
    return Remediation.AUTO if case.page_at_ns is None else Remediation.MANUAL


def children_columns(children: Iterable[Notice]) -> dict[str, Array]:
    """Return the columns of a frame of children."""
    kept = list(children)
    return {
        "event_key": np.frombuffer(b"".join(notice.event_key for notice in kept), dtype="V16"),
        "event_code": np.array([notice.code for notice in kept], np.int16),
        "subject_kind": np.array([notice.subject_kind for notice in kept], np.int8),
        "subject_index": np.array([notice.subject_index for notice in kept], np.int32),
        "started_at_ns": np.array([notice.started_at_ns for notice in kept], np.int64),
    }
