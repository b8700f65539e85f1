"""What the plan topic itself tells: a plan replaced, a gateway left in the middle of a slot, a plan that is overdue.

Watches: plan frames, in the order of their topic, against the log's clock.
Emits: `plan_superseded` once for all slots that are replaced at one instant; `gateway_failover` for a gateway that a
    running slot's new plan no longer uses; `plan_overdue` when what is planned ends within `plan_lead`, and again with
    its end once twice as much is planned.
Thresholds: half a slot: less than a slot is planned for only if the next plan has not come. A plan that comes later than
    usual and before that harms nobody, and nobody hears of it.
Cannot see: whether a plan is any good, where single terminals were before (its rows are by cell), and a planner that is
    silent before anybody has heard it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ingest.contract.columns import MISSING, Array, Columns
from ingest.contract.instants import NS_PER_S
from ingest.contract.plan import PlanHeader
from ingest.contract.vocabulary import SubjectKind
from streams.contract.catalogue import codes
from streams.contract.events import event_keys
from streams.thresholds import Thresholds

_NO_CELLS = np.empty((2, 0), np.int64)


@dataclass(frozen=True, slots=True)
class PlanningState:
    """What is remembered of the plans.

    Attributes:
        until_ns: End of the last slot that is planned; 0 before anything is.
        replaced_at_ns: When plans were replaced last.
        overdue_since_ns: Since when the next plan is missed; 0 while it is not.
        cells: Of each slot that is not over, which cells have which gateway: two rows, cells in order.
    """

    until_ns: int = 0
    replaced_at_ns: int = 0
    overdue_since_ns: int = 0
    cells: Mapping[int, Array] = field(default_factory=dict)


def hear(
    state: PlanningState, header: PlanHeader, parts: Sequence[Columns], clock_ns: int
) -> tuple[PlanningState, list[dict[str, Array]]]:
    """Take a slot's whole plan in; return the new state and what is to be said.

    Args:
        state: What is remembered.
        header: Of the plan.
        parts: Its cells and gateways.
        clock_ns: Log time; a plan may come before anything else does.
    """
    clock_ns = max(clock_ns, header.published_at_ns)
    whole = np.concatenate([_by_cell(rows) for rows in parts], axis=1)
    after = whole[:, np.argsort(whole[0])]
    before = state.cells.get(header.slot_start_ns, _NO_CELLS)
    slot_length_ns = header.slot_end_ns - header.slot_start_ns
    still = {slot_ns: cells for slot_ns, cells in state.cells.items() if slot_ns > clock_ns - slot_length_ns}
    heard = replace(
        state,
        until_ns=max(state.until_ns, header.slot_end_ns),
        cells={**still, header.slot_start_ns: after},
    )
    said = []
    if header.supersedes and header.published_at_ns > state.replaced_at_ns:
        heard = replace(heard, replaced_at_ns=header.published_at_ns)
        said.append(_event("plan_superseded", SubjectKind.CONTROL_PLANE, 0, header.published_at_ns, clock_ns))
    if header.supersedes and header.valid_from_ns > header.slot_start_ns:
        said += [_failover(gateway, before, after, header.valid_from_ns, clock_ns) for gateway in _left(before, after)]
    return heard, said


def listen(state: PlanningState, clock_ns: int, limits: Thresholds) -> tuple[PlanningState, list[dict[str, Array]]]:
    """Let log time pass; return the new state and what is to be said."""
    lead_ns = state.until_ns - clock_ns
    if state.until_ns and not state.overdue_since_ns and lead_ns < limits.plan_lead_ns:
        since_ns = state.until_ns - limits.plan_lead_ns
        said = _event("plan_overdue", SubjectKind.CONTROL_PLANE, 0, since_ns, clock_ns)
        return replace(state, overdue_since_ns=since_ns), [said]
    if state.overdue_since_ns and lead_ns >= 2 * limits.plan_lead_ns:
        said = _event("plan_overdue", SubjectKind.CONTROL_PLANE, 0, state.overdue_since_ns, clock_ns)
        seconds = (clock_ns - state.overdue_since_ns) / NS_PER_S
        end = {
            "revision": np.array([2], np.int16),
            "ended_at_ns": np.array([clock_ns]),
            "duration_s": np.array([seconds], np.float32),
        }
        return replace(state, overdue_since_ns=0), [said | end]
    return state, []


def _by_cell(rows: Columns) -> Array:
    if not rows:
        return _NO_CELLS
    of_cell = rows["cell_id"] != MISSING
    return np.stack([rows["cell_id"][of_cell], rows["gateway_index"][of_cell].astype(np.int64)])


def _left(before: Array, after: Array) -> list[int]:
    """Return the gateways that had cells and have none."""
    left: list[int] = np.setdiff1d(before[1], after[1]).tolist()
    return [gateway for gateway in left if gateway != MISSING]


def _failover(gateway: int, before: Array, after: Array, at_ns: int, clock_ns: int) -> dict[str, Array]:
    """Say that a gateway was left, and which one most of its cells went to."""
    went = after[1, np.isin(after[0], before[0, before[1] == gateway])]
    found, counts = np.unique(went, return_counts=True)
    to = {"to_gateway_index": np.array([found[np.argmax(counts)] if len(found) else MISSING], np.int32)}
    return _event("gateway_failover", SubjectKind.GATEWAY, gateway, at_ns, clock_ns, to)


def _event(
    kind: str, subject: SubjectKind, index: int, at_ns: int, clock_ns: int, more: Mapping[str, Array] | None = None
) -> dict[str, Array]:
    event: dict[str, Array] = {
        "revision": np.ones(1, np.int16),
        "event_code": codes(kind, 1),
        "subject_kind": np.full(1, subject, np.int8),
        "subject_index": np.array([index], np.int32),
        "started_at_ns": np.array([at_ns]),
        "ended_at_ns": np.array([MISSING]),
        "decided_at_ns": np.array([clock_ns]),
        **(more or {}),
    }
    return {"event_key": event_keys(event), **event}
