"""From events to incidents: one fault, one root, its children attached; nobody is woken twice.

Events are taken in the order of what they tell, a beginning by its start and an end by its end, and decided once the
lowest watermark of all shards has passed them, so the order in which shards are read changes nothing. By then a gateway's
fall (noticed within 10 s) is known too: a terminal's outage first looks for a root that is down on its way or a tilted
antenna; what finds none waits for others that have a root in common with it (k of N), or becomes an incident of the
terminal alone. Whether somebody is woken is asked of what is known up to the deadline.
"""

import heapq
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ingest.contract.columns import Array, Columns
from ingest.contract.instants import NS_PER_S
from ingest.contract.inventory import Inventory
from ingest.contract.vocabulary import ServiceClass, SubjectKind
from streams.contract.catalogue import KIND_BY_NAME, code_of
from streams.contract.detail import Names
from streams.contract.events import cell_id_of, cell_number, event_keys
from streams.contract.incidents import SAMPLE_COUNT, Incident
from streams.contract.vocabulary import Audience, Severity
from streams.incidents.case import REMEDIATION_NS, Case
from streams.incidents.notice import ENDS, TROUBLES, Notice, notices
from streams.incidents.roots import ENOUGH_TERMINALS, Common, Dependence, Falls, Root, Ways

# An outage that ends sooner is told as an event and is no incident of its own: one slot without service is 30 s.
WORTH_NS = 20 * NS_PER_S
# Terminals of an area do not fall in the same second: an outage waits this long for its neighbours, by event time.
COMPANY_NS = 10 * NS_PER_S
# A storm takes minutes over an area: whoever went down alone so lately is counted with those that follow.
LATELY_NS = 300 * NS_PER_S
# Events are kept in mind for as long as their topic keeps them, so that a repeat after a crash is known as one.
MEMORY_NS = 7 * 86_400 * NS_PER_S
# Troubles after which nothing gets through the thing that has them.
_FATAL = frozenset({"gateway_isolated", "pop_lost", "satellite_failed", "satellite_manoeuvre", "plan_overdue"})
_INFERRED = "regional_outage"


class Change(NamedTuple):
    """A new revision of an incident, and the children that came with it."""

    incident: Incident
    children: list[Notice]


class Correlator:
    """Holds the open incidents; told events, it answers with what changed. It calls no clock: time is the shards'."""

    def __init__(
        self, *, inventory: Inventory, names: Names, ways: Ways, changes: Callable[[int], list[dict[str, Any]]]
    ) -> None:
        """Start with nothing known.

        Args:
            inventory: Cells, tenants and service classes of terminals; the number of shards to wait for.
            names: Ids for people.
            ways: What the plan leads terminals through.
            changes: What was changed shortly before an instant.
        """
        self._changes = changes
        self._ways = ways
        self.know(inventory, names)
        self._watermarks: dict[int, int] = {}
        self._clocks: dict[int, int] = {}
        self._advanced_to_ns = (0, 0)
        self._heap: list[Notice] = []
        self._seen: dict[bytes, tuple[int, int]] = {}
        self._forgotten_ns = 0
        self._waiting: dict[int, Notice] = {}
        self._alone: dict[int, Notice] = {}
        self._leaning: dict[int, Notice] = {}
        self._falls = Falls()
        self._open: dict[tuple[Root, bool], Case] = {}
        self._case_of_cell: dict[int, Case] = {}
        self._case_of_terminal: dict[int, Case] = {}
        self._closed: list[Case] = []
        self._past: dict[Root, deque[str]] = defaultdict(partial(deque, maxlen=SAMPLE_COUNT))

    def know(self, inventory: Inventory, names: Names) -> None:
        """Take a newer inventory; it only ever grows."""
        self._inventory, self._names = inventory, names
        self._dependence = Dependence(inventory, self._ways)

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
            case "outage_started":
                self._outage_starts(notice)
            case "outage_ended" | "outage_withdrawn":
                self._outage_ends(notice, now_ns)
            case "tilt_critical":
                self._antenna_falls(notice, now_ns)
            case "tilt_restored":
                self._antenna_stands(notice)
            case "tilt_warning" | "tilt_disturbed":
                self._leaning[notice.subject_index] = notice
                self._attach_if_open(notice)
            case _ if notice.is_end:
                self._trouble_ends(notice)
            case kind if kind in TROUBLES:
                self._trouble_begins(notice, now_ns)
            case _:
                self._attach_if_open(notice)

    def _trouble_begins(self, notice: Notice, now_ns: int) -> None:
        if notice.expected or notice.stored:
            return  # planned work; should it outlast its window, the event is said again
        root, entry = _root_of(notice), KIND_BY_NAME[notice.kind]
        fatal = notice.kind in _FATAL
        if fatal:
            self._falls.fall(root, notice.started_at_ns)
            self._reroot(root, now_ns)
        case = self._case(root, notice, entry.severity, entry.audience, now_ns)
        case.heed(notice.kind, entry.severity, entry.audience)
        case.begin(notice)
        case.prove(notice, entry.description)
        if fatal:
            case.cause, case.inferred = notice.kind, False
            self._gather(case, root, now_ns)

    def _trouble_ends(self, notice: Notice) -> None:
        root = _root_of(notice)
        for kind in ENDS.get(notice.kind, (notice.kind,)):
            case = self._open.get((root, _is_of_security(kind)))
            if case is not None:
                case.end(kind, notice)
            if kind in _FATAL:
                self._falls.rise(root, notice.ended_at_ns)

    def _outage_starts(self, notice: Notice) -> None:
        if notice.expected or notice.stored:
            return
        case = self._fallen([notice])[0] or self._case_of_terminal.get(notice.subject_index)
        if case is None:
            self._waiting[notice.subject_index] = notice
            return
        self._adopt(case, notice)
        if not case.is_of_network and not case.standing:
            self._alone[notice.subject_index] = notice

    def _outage_ends(self, notice: Notice, now_ns: int) -> None:
        waiting = self._waiting.get(notice.subject_index)
        if waiting is not None and waiting.started_at_ns == notice.started_at_ns:
            del self._waiting[notice.subject_index]
            if notice.kind == "outage_ended" and notice.ended_at_ns - notice.started_at_ns >= WORTH_NS:
                self._stand_alone([waiting], notice.ended_at_ns, now_ns)
        self._alone.pop(notice.subject_index, None)
        case = self._case_of_terminal.get(notice.subject_index)
        if case is None:
            return
        case.give_back(notice)
        if not (case.down or _FATAL & {kind for kind, _ in case.standing}):
            for root in self._roots_of(case):
                self._falls.rise(root, notice.ended_at_ns)

    def _antenna_falls(self, notice: Notice, now_ns: int) -> None:
        waiting = self._waiting.pop(notice.subject_index, None)
        self._alone.pop(notice.subject_index, None)
        audience = self._tenant(notice)
        case = self._case(Root(SubjectKind.TERMINAL, notice.subject_index), notice, Severity.CRITICAL, audience, now_ns)
        case.heed(notice.kind, Severity.CRITICAL, audience)
        case.begin(notice)
        case.prove(notice, f"the face is {notice.tilt_change_deg:.0f} deg off its reference")
        case.affected.add(notice.subject_index)
        self._case_of_terminal[notice.subject_index] = case
        if waiting is not None:
            self._adopt(case, waiting)

    def _antenna_stands(self, notice: Notice) -> None:
        self._leaning.pop(notice.subject_index, None)
        self._attach_if_open(notice)
        self._trouble_ends(notice)

    def _attach_if_open(self, notice: Notice) -> None:
        case = self._case_of_terminal.get(notice.subject_index)
        if case is not None and notice.subject_kind is SubjectKind.TERMINAL:
            case.children.append(notice)
            case.changed = True

    # --- roots -----------------------------------------------------------------------------------------------------

    def _fallen(self, outages: Sequence[Notice], until_ns: int = 0) -> list[Case | None]:
        """Return for each outage the open incident about what was down on its way."""
        if not self._falls:
            return [None] * len(outages)
        roots = self._dependence.fallen(outages, self._falls, until_ns)
        return [None if root is None else self._case_about(root) for root in roots]

    def _case_about(self, root: Root) -> Case | None:
        if root.kind is SubjectKind.CELL:
            return self._case_of_cell.get(root.number)
        return self._open.get((root, False))

    def _reroot(self, root: Root, now_ns: int) -> None:
        """Give this root the open incident that turns out to be its own: most of who is down by it depends on it."""
        if (root, False) in self._open:
            return
        for case in [case for case in self._open.values() if case.inferred and case.down]:
            of_case = [_outage(terminal, start_ns) for terminal, start_ns in case.down.items()]
            found = self._dependence.fallen(of_case, self._falls)
            if 2 * found.count(root) > len(found):
                self._forget_roots(case)
                case.root, case.cells, case.confidence_ratio = root, (), 0.9
                self._open[root, False] = case
                case.note(now_ns, f"the root is {root.kind.name.lower()} {self._names(*root)}")
                return

    def _gather(self, case: Case, root: Root, now_ns: int) -> None:
        """Let an incident take over who is out by its root: those that wait, and those that were thought alone."""
        lonely = [notice for terminal, notice in self._alone.items() if not self._wakes(terminal)]
        candidates = [*self._waiting.values(), *lonely]
        found = self._dependence.fallen(candidates, self._falls) if candidates else []
        self._join(case, [outage for outage, fell in zip(candidates, found, strict=True) if fell == root], now_ns)

    def _join(self, case: Case, outages: Iterable[Notice], now_ns: int) -> None:
        for outage in outages:
            terminal = outage.subject_index
            if self._waiting.pop(terminal, None) is not None:
                self._adopt(case, outage)
            elif self._alone.pop(terminal, None) is not None:
                self._merge(self._case_of_terminal[terminal], case, now_ns)

    def _merge(self, lesser: Case, greater: Case, now_ns: int) -> None:
        greater.absorb(lesser)
        lesser.down.clear()
        lesser.standing.clear()
        lesser.note(now_ns, f"a part of {greater.incident_id}")
        self._close(lesser, now_ns)
        for terminal in lesser.affected:
            self._case_of_terminal[terminal] = greater

    def _explain_waiting(self, watermark_ns: int, now_ns: int) -> None:
        """Open incidents for outages that nothing known explains: of what they have in common, or of each alone."""
        seen_ns = self._dependence.seen_ns
        due = [notice for notice in self._waiting.values() if watermark_ns >= seen_ns(notice) + COMPANY_NS]
        if not due:
            return
        lately = [notice for notice in self._alone.values() if notice.started_at_ns >= watermark_ns - LATELY_NS]
        if len(self._waiting) + len(lately) >= ENOUGH_TERMINALS:
            for common in self._dependence.common([*self._waiting.values(), *lately]):
                if any(outage.subject_index in self._waiting for outage in common.outages):
                    self._many_fail(common, now_ns)
        lonely = [n for n in due if n.subject_index in self._waiting and watermark_ns >= n.started_at_ns + WORTH_NS]
        for notice in lonely:
            del self._waiting[notice.subject_index]
        self._stand_alone(lonely, watermark_ns, now_ns)

    def _many_fail(self, common: Common, now_ns: int) -> None:
        first = min(outage for outage in common.outages if outage.subject_index in self._waiting)
        told = _as_event(common.root, first)
        case = self._near(common.cells) or self._case(common.root, told, Severity.CRITICAL, Audience.NOC_PAGE, now_ns)
        if not case.inferred:
            says = f"{len(common.outages)} of {common.of_count} terminals that depend on it are out, and nothing else explains it"
            case.prove(first, says)
            case.cause, case.inferred, case.confidence_ratio = _INFERRED, True, 0.7
            case.heed(_INFERRED, Severity.CRITICAL, Audience.NOC_PAGE)
        case.cells = tuple(sorted({*case.cells, *common.cells}))
        for cell in common.cells:
            self._case_of_cell[cell] = case
        for root in self._roots_of(case):
            self._falls.fall(root, first.started_at_ns)
        self._join(case, [notice for notice in common.outages if not self._wakes(notice.subject_index)], now_ns)

    def _wakes(self, terminal: int) -> bool:
        """Say whether somebody was woken for a terminal alone: its incident is not taken from under their hands."""
        return terminal in self._alone and self._case_of_terminal[terminal].page_at_ns is not None

    def _near(self, cells: Collection[int]) -> Case | None:
        """Return the open incident of an area that cells belong to."""
        cell = self._dependence.neighbourhood.near(cells, self._case_of_cell)
        return None if cell is None else self._case_of_cell[cell]

    def _roots_of(self, case: Case) -> list[Root]:
        return [Root(SubjectKind.CELL, cell) for cell in case.cells] or [case.root]

    def _stand_alone(self, outages: list[Notice], until_ns: int, now_ns: int) -> None:
        """Open incidents of terminals, unless one met in a later slot what is down."""
        for outage, fallen in zip(outages, self._fallen(outages, until_ns), strict=True):
            if fallen is not None:
                self._adopt(fallen, outage)
                continue
            root = Root(SubjectKind.TERMINAL, outage.subject_index)
            case = self._case(root, outage, Severity.WARNING, self._tenant(outage), now_ns)
            case.prove(outage, "out alone: its gateway carries others, its cell is well")
            self._adopt(case, outage)
            leaning = self._leaning.get(outage.subject_index)
            if leaning is not None and leaning.started_at_ns <= self._dependence.seen_ns(outage):
                case.cause = leaning.kind
                case.begin(leaning)
                case.prove(leaning, "its face had been moved before")
            else:
                self._alone[outage.subject_index] = outage

    def _case(self, root: Root, notice: Notice, severity: Severity, audience: Audience, now_ns: int) -> Case:
        key = root, audience is Audience.SOC_PAGE
        standing = self._open.get(key)
        if standing is not None:
            standing.ended_at_ns, standing.changed = None, True
            return standing
        case = self._open[key] = Case(
            incident_id=f"inc-{notice.event_key.hex()[:16]}", root=root, cause=notice.kind, severity=severity,
            audience=audience, started_at_ns=notice.started_at_ns, opened_at_ns=now_ns,
            changed_before=self._changes(notice.started_at_ns), similar=list(self._past.get(root, ())),
        )  # fmt: skip
        case.note(now_ns, "opened")
        return case

    def _adopt(self, case: Case, outage: Notice) -> None:
        case.adopt(outage)
        self._case_of_terminal[outage.subject_index] = case

    def _tenant(self, notice: Notice) -> Audience:
        """Return who hears of one terminal's trouble: its tenant, or the team of a critical one."""
        service = self._inventory.terminals[notice.subject_index].service
        return Audience.OT_PAGE if service is ServiceClass.CRITICAL_OT else Audience.TENANT

    # --- time ------------------------------------------------------------------------------------------------------

    def _let_time_pass(self, watermark_ns: int, now_ns: int) -> None:
        for case in list(self._open.values()):
            if case.page_at_ns is None and case.is_overdue(watermark_ns):
                case.page_at_ns = now_ns
                case.note(now_ns, f"not remediated in {REMEDIATION_NS // NS_PER_S} s: {case.audience.team} is paged")
            if case.is_calm(watermark_ns):
                stragglers = case.leave_behind(now_ns)
                self._close(case, now_ns)
                self._release(case)
                self._stand_alone(stragglers, watermark_ns, now_ns)

    def _close(self, case: Case, now_ns: int) -> None:
        case.resolved_at_ns = now_ns
        case.note(now_ns, "resolved")
        self._past[case.root].appendleft(case.incident_id)
        self._forget_roots(case)
        self._closed.append(case)

    def _forget_roots(self, case: Case) -> None:
        """Let nothing more be explained by what an incident was about."""
        del self._open[case.root, case.is_of_security]
        for root in self._roots_of(case) if not case.is_of_security else ():
            self._falls.forget(root)
        for cell in case.cells:
            self._case_of_cell.pop(cell, None)

    def _release(self, case: Case) -> None:
        for terminal in case.affected:
            if self._case_of_terminal.get(terminal) is case:
                del self._case_of_terminal[terminal]

    def _forget(self, before_ns: int) -> None:
        if before_ns > self._forgotten_ns + MEMORY_NS // 7:
            self._forgotten_ns = before_ns
            self._seen = {key: seen for key, seen in self._seen.items() if seen[1] >= before_ns}

    def _tell(self, now_ns: int) -> list[Change]:
        cases = [case for case in (*self._open.values(), *self._closed) if case.changed]
        self._closed.clear()
        return [Change(case.told(now_ns, self._inventory, self._names), case.news()) for case in cases]


def _root_of(trouble: Notice) -> Root:
    """Return what is broken: the subject, and of a tenant's attachment the PoP where it hangs."""
    match trouble.subject_kind:
        case SubjectKind.TENANT:
            return Root(SubjectKind.POP, trouble.from_pop_index)
        case SubjectKind.CELL:
            return Root(SubjectKind.CELL, cell_id_of(trouble.subject_index))
        case kind:
            return Root(kind, trouble.subject_index)


def _as_event(root: Root, outage: Notice) -> Notice:
    """Return what many outages have in common as if somebody had told of it, so that its incident has a name of its own."""
    number = int(cell_number(np.array([root.number]))[0]) if root.kind is SubjectKind.CELL else root.number
    identity: dict[str, Array] = {
        "event_code": np.array([code_of(_INFERRED)], np.int16), "subject_kind": np.array([root.kind], np.int8),
        "subject_index": np.array([number], np.int32), "started_at_ns": np.array([outage.started_at_ns]),
    }  # fmt: skip
    return outage._replace(kind=_INFERRED, event_key=bytes(event_keys(identity)[0]))


def _is_of_security(kind: str) -> bool:
    return KIND_BY_NAME[kind].audience is Audience.SOC_PAGE


def _outage(terminal: int, start_ns: int) -> Notice:
    """Return what is remembered of a terminal that is down, as an outage."""
    return Notice(
        at_ns=start_ns, code=0, event_key=b"", revision=1, kind="outage_started", subject_kind=SubjectKind.TERMINAL,
        subject_index=terminal, started_at_ns=start_ns, ended_at_ns=-1, from_gateway_index=-1, from_pop_index=-1, expected=False,
        stored=False, tilt_change_deg=float("nan"),
    )  # fmt: skip
