"""Faults held against incidents, one to one, and what became of every incident that found none."""

from collections import Counter
from enum import StrEnum

import msgspec
import numpy as np

from leowatch.score.bounds import Quantiles, Rate, quantiles, rate
from leowatch.score.claims import Claim
from leowatch.score.files import BadFile, Label, instant_ns
from leowatch.score.matching import NS_PER_S, Pairs, one_to_one
from leowatch.score.outages import Outages
from leowatch.score.tolerances import FAULT_CAUSES, FAULT_ROOTS, Tolerances

OTHER = "other"
STANDS_NS = 2**62


class Verdict(StrEnum):
    """What became of an incident."""

    FOUND = "found"
    LATE = "late"  # the right one, after recovery
    DUPLICATE = "duplicate"  # of a fault that another incident has found
    WRONG_CAUSE = "wrong_cause"  # the right root, and nobody named its cause
    WRONG_ROOT = "wrong_root"  # terminals of a fault, and another root
    UNLABELLED = "unlabelled"  # a true outage that was not broken on purpose
    FALSE = "false"


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """A label with its instants read."""

    label: Label
    started_at_ns: int
    ended_at_ns: int

    @property
    def is_due(self) -> bool:
        """Whether somebody is to hear of it: of a decoy, and of what nobody is to hear of, an incident may be told or not."""
        return not self.label.decoy and self.label.audience != "nobody"

    @property
    def root(self) -> tuple[str, str]:
        """Kind and id of the broken thing."""
        return self.label.root_kind, self.label.root_id


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on every incident, and the incident that found each fault.

    Attributes:
        verdicts: One an incident.
        fault_of: The fault an incident belongs to, -1 for none.
        found_by: The incident that found a fault in time, -1 for none.
        found_at_ns: When it did.
    """

    verdicts: list[Verdict]
    fault_of: list[int]
    found_by: list[int]
    found_at_ns: list[int]


class KindScore(msgspec.Struct, frozen=True, kw_only=True):
    """One fault kind; `n` is detected + missed, and late ones are among the missed; only those that are due count.

    Attributes:
        false: Incidents that claim this kind and are false, of a wrong root or of a wrong cause are three counts.
        precision: Found among the incidents that claim this kind, duplicates and late ones aside.
        incidents_per_fault: Found, late and duplicate ones, per fault that was found at all.
        blast_radius_error: Of the terminals counted, as a share of those truly affected.
    """

    n: int
    detected: int
    missed: int
    late: int
    duplicates: int
    false: int
    wrong_root: int
    wrong_cause: int
    recall: Rate
    precision: Rate
    time_to_detect_s: Quantiles
    incidents_per_fault: float | None
    blast_radius_error: Quantiles


class FaultScore(msgspec.Struct, frozen=True, kw_only=True):
    """All faults together, and kind by kind (`other` holds false incidents that claim no kind that was broken).

    Attributes:
        incidents_per_fault: Found, late and duplicate ones, per fault that was found at all.
    """

    injected: int
    detected: int
    missed: int
    late: int
    duplicates: int
    false: int
    wrong_root: int
    wrong_cause: int
    unlabelled: int
    decoys: int
    wrong_root_ratio: Rate
    incidents_per_fault: float | None
    time_to_detect_s: Quantiles
    per_kind: dict[str, KindScore]


def faults(labels: list[Label]) -> list[Fault]:
    """Read the labels' instants.

    Raises:
        BadFile: A fault kind has no row in the judge's table, or its root is of another kind than that row says.
    """
    for label in labels:
        if FAULT_ROOTS.get(label.kind) != label.root_kind:
            raise BadFile(
                f"label {label.label_id}: no row for fault {label.kind} with root {label.root_kind} in the judge's tolerances"
            )
    return [
        Fault(
            label=label,
            started_at_ns=instant_ns(label.started_at),
            ended_at_ns=instant_ns(label.ended_at) if label.ended_at else STANDS_NS,
        )
        for label in labels
    ]


def match_faults(true: list[Fault], found: list[Claim], outages: Outages, tolerances: Tolerances) -> Judged:
    """Match incidents to faults: first those in time, then the late ones, then say what the rest are."""
    verdicts = [Verdict.FALSE] * len(found)
    fault_of = [-1] * len(found)
    found_by, found_at_ns = [-1] * len(true), [-1] * len(true)
    known: set[int] = set()
    in_time, late = _candidates(true, found, tolerances)
    for verdict, candidates in ((Verdict.FOUND, in_time), (Verdict.LATE, late)):
        free = {pair: at for pair, at in candidates.items() if pair[0] not in known and fault_of[pair[1]] < 0}
        for fault, claim in _cheapest(free):
            verdicts[claim], fault_of[claim] = verdict, fault
            known.add(fault)
            if verdict is Verdict.FOUND:
                found_by[fault], found_at_ns[fault] = claim, free[fault, claim]
    _judge_the_rest(true, found, outages, tolerances, known, verdicts, fault_of)
    return Judged(verdicts=verdicts, fault_of=fault_of, found_by=found_by, found_at_ns=found_at_ns)


def _candidates(
    true: list[Fault], found: list[Claim], tolerances: Tolerances
) -> tuple[dict[tuple[int, int], int], dict[tuple[int, int], int]]:
    by_root: dict[tuple[str, str], list[int]] = {}
    for place, fault in enumerate(true):
        by_root.setdefault(fault.root, []).append(place)
    in_time: dict[tuple[int, int], int] = {}
    late: dict[tuple[int, int], int] = {}
    for claim_place, claim in enumerate(found):
        for place in by_root.get(claim.root, []):
            fault = true[place]
            causes = FAULT_CAUSES[fault.label.kind]
            since = [at for cause, at in claim.causes_since_ns.items() if cause in causes]
            # The last word counts: naming every cause once in turn wins nothing.
            if claim.cause in causes and _is_during(min(since), fault, tolerances):
                side = in_time if min(since) <= fault.ended_at_ns else late
                side[place, claim_place] = min(since)
    return in_time, late


def _is_during(at_ns: int, fault: Fault, tolerances: Tolerances) -> bool:
    earliest_ns = fault.started_at_ns - int(tolerances.clock_slack_s * NS_PER_S)
    return earliest_ns <= at_ns <= fault.ended_at_ns + int(tolerances.late_grace_s * NS_PER_S)


def _cheapest(candidates: dict[tuple[int, int], int]) -> list[tuple[int, int]]:
    if not candidates:
        return []
    places = np.array(list(candidates), dtype=np.int64)
    pairs = one_to_one(Pairs(places[:, 0], places[:, 1]), np.array(list(candidates.values())))
    return list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))


def _judge_the_rest(
    true: list[Fault],
    found: list[Claim],
    outages: Outages,
    tolerances: Tolerances,
    known: set[int],
    verdicts: list[Verdict],
    fault_of: list[int],
) -> None:
    by_root: dict[tuple[str, str], list[int]] = {}
    by_terminal: dict[str, list[int]] = {}
    for place, fault in enumerate(true):
        by_root.setdefault(fault.root, []).append(place)
        for terminal_id in fault.label.affected_terminal_ids:
            by_terminal.setdefault(terminal_id, []).append(place)
    for claim_place, claim in enumerate(found):
        if fault_of[claim_place] >= 0:
            continue
        same = [p for p in by_root.get(claim.root, []) if _is_during(claim.opened_at_ns, true[p], tolerances)]
        near = (p for t in sorted(claim.terminal_ids) for p in by_terminal.get(t, []))
        if same:
            taken = [p for p in same if p in known]
            fault_of[claim_place] = (taken or same)[0]
            verdicts[claim_place] = Verdict.DUPLICATE if taken else Verdict.WRONG_CAUSE
        elif claim.root_kind in {"terminal", "cell"} and _is_unlabelled(claim, outages, tolerances):
            verdicts[claim_place] = Verdict.UNLABELLED
        elif (at := next((p for p in near if _is_during(claim.opened_at_ns, true[p], tolerances)), -1)) >= 0:
            fault_of[claim_place], verdicts[claim_place] = at, Verdict.WRONG_ROOT


def _is_unlabelled(claim: Claim, outages: Outages, tolerances: Tolerances) -> bool:
    """Whether most of its terminals really lost service when it says, through no fault and no expected gap."""
    out = sum(_is_out(terminal_id, claim.started_at_ns, outages, tolerances) for terminal_id in claim.terminal_ids)
    return 2 * out > len(claim.terminal_ids)


def _is_out(terminal_id: str, at_ns: int, outages: Outages, tolerances: Tolerances) -> bool:
    slack_ns = int(tolerances.clock_slack_s * NS_PER_S)
    return any(
        outages.spans.starts_ns[place] - slack_ns <= at_ns <= outages.spans.ends_ns[place] + slack_ns
        for place in outages.places_of(terminal_id)
        if not outages.label_ids[place] and not outages.expected[place]
    )


def claimed_kind(claim: Claim) -> str:
    """Return the fault kind that an incident's root and cause speak of."""
    for kind, causes in FAULT_CAUSES.items():
        if claim.root_kind == FAULT_ROOTS[kind] and claim.cause in causes:
            return kind
    return OTHER


def score_faults(true: list[Fault], found: list[Claim], judged: Judged) -> FaultScore:
    """Count, over everything and kind by kind."""
    kinds = sorted({f.label.kind for f in true if f.is_due})
    claims_of = [
        true[fault].label.kind if verdict in {Verdict.FOUND, Verdict.LATE, Verdict.DUPLICATE} else claimed_kind(claim)
        for claim, verdict, fault in zip(found, judged.verdicts, judged.fault_of, strict=True)
    ]
    blamed = {
        kind
        for kind, verdict, fault in zip(claims_of, judged.verdicts, judged.fault_of, strict=True)
        if verdict is not Verdict.UNLABELLED and (fault < 0 or true[fault].is_due)
    }
    rows = {kind: _score_kind(kind, true, found, judged, claims_of) for kind in [*kinds, *sorted(blamed - set(kinds))]}
    total = Counter(judged.verdicts)
    injected = sum(row.n for row in rows.values())
    detected = sum(row.detected for row in rows.values())
    return FaultScore(
        injected=injected,
        detected=detected,
        missed=injected - detected,
        late=total[Verdict.LATE],
        duplicates=total[Verdict.DUPLICATE],
        false=total[Verdict.FALSE],
        wrong_root=total[Verdict.WRONG_ROOT],
        wrong_cause=total[Verdict.WRONG_CAUSE],
        unlabelled=total[Verdict.UNLABELLED],
        decoys=sum(f.label.decoy for f in true),
        wrong_root_ratio=rate(total[Verdict.WRONG_ROOT], len(found)),
        incidents_per_fault=_incidents_per_fault(total[Verdict.FOUND] + total[Verdict.LATE], total[Verdict.DUPLICATE]),
        time_to_detect_s=quantiles(times_to_detect_s(true, judged)),
        per_kind=rows,
    )


def _incidents_per_fault(found_count: int, duplicate_count: int) -> float | None:
    return round((found_count + duplicate_count) / found_count, 4) if found_count else None


def times_to_detect_s(true: list[Fault], judged: Judged, kind: str | None = None) -> list[float]:
    """Return the seconds from each fault that was found in time to its incident; a clock ahead counts as zero."""
    return [
        max(0.0, (at_ns - fault.started_at_ns) / NS_PER_S)
        for fault, by, at_ns in zip(true, judged.found_by, judged.found_at_ns, strict=True)
        if by >= 0 and fault.is_due and kind in {None, fault.label.kind}
    ]


def _score_kind(kind: str, true: list[Fault], found: list[Claim], judged: Judged, claims_of: list[str]) -> KindScore:
    places = [p for p, fault in enumerate(true) if fault.label.kind == kind and fault.is_due]
    counts = Counter(v for v, claimed in zip(judged.verdicts, claims_of, strict=True) if claimed == kind)
    detected = sum(judged.found_by[p] >= 0 for p in places)
    at_all = detected + counts[Verdict.LATE]
    wrong = sum(counts[v] for v in (Verdict.FALSE, Verdict.WRONG_ROOT, Verdict.WRONG_CAUSE))
    reach_errors = [
        abs(found[judged.found_by[p]].affected_count - affected) / max(1, affected)
        for p in places
        if judged.found_by[p] >= 0
        for affected in [len(true[p].label.affected_terminal_ids)]
    ]
    return KindScore(
        n=len(places),
        detected=detected,
        missed=len(places) - detected,
        late=counts[Verdict.LATE],
        duplicates=counts[Verdict.DUPLICATE],
        false=counts[Verdict.FALSE],
        wrong_root=counts[Verdict.WRONG_ROOT],
        wrong_cause=counts[Verdict.WRONG_CAUSE],
        recall=rate(detected, len(places)),
        precision=rate(detected, detected + wrong),
        time_to_detect_s=quantiles(times_to_detect_s(true, judged, kind)),
        incidents_per_fault=_incidents_per_fault(at_all, counts[Verdict.DUPLICATE]),
        blast_radius_error=quantiles(reach_errors),
    )
