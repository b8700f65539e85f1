"""A condition of the network: a value that crosses a line, stays beyond it, and comes back.

Watches: one value of one kind of subject in satellite, gateway or PoP frames, as `network.CONDITIONS` lists them.
Emits: its kind when it begins (revision 1); when it ends, the same event with its end (revision 2), or `ended_by`.
Thresholds: of each condition a line and a hold to begin, and a line and a hold to end, so that a value at the line says
    nothing twice; a subject that is silent while others speak is beyond the line, where the condition says so.
Cannot see: what a subject does not report, and anything while all of them are silent: then our own ear is gone.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from ingest.contract.columns import MISSING, Array, Columns, Layout
from ingest.contract.instants import NS_PER_S
from ingest.contract.vocabulary import SubjectKind
from streams.contract.catalogue import code_of
from streams.contract.events import cell_number, event_keys
from streams.contract.vocabulary import OutageCause
from streams.thresholds import Thresholds

_NEVER = np.iinfo(np.int64).min
# An owner is one index or two, each below 2**31 as the contract says.
_KEY_BITS = 32


def _at_once(_: Thresholds) -> int:
    return 0


@dataclass(frozen=True, eq=False, kw_only=True)
class Condition:
    """One line of the table.

    Attributes:
        kind: Said when it begins.
        layout: Whose frames show it.
        subject: What it is about; the first column of `owner` is its index.
        owner: One or two columns that tell which rows belong together.
        value: Worse is higher; NaN where nothing is known. Of rows that belong together the worst counts.
        begins_at: The least value beyond the line.
        ends_below: The least value that is not back yet; None where that is the same.
        begins_after_ns, ends_after_ns: Held for so long, by the subject's own time.
        silent_after_ns: A subject that is silent for so long by the log's clock is beyond the line; None for never.
        endpoint: The event's column that takes the second owner, so that it is part of the event's identity.
        reach: The column that counts the terminals that it carries.
        cause: What terminals are out by, where it takes their service.
        ended_by: The kind that says the end; None where the event itself does.
        excusable: Planned work explains it.
    """

    kind: str
    layout: Layout
    subject: SubjectKind
    owner: tuple[str, ...]
    value: Callable[[Columns], Array]
    begins_at: Callable[[Thresholds], float]
    ends_below: Callable[[Thresholds], float] | None = None
    begins_after_ns: Callable[[Thresholds], int] = _at_once
    ends_after_ns: Callable[[Thresholds], int] = _at_once
    silent_after_ns: Callable[[Thresholds], int] | None = None
    endpoint: str | None = None
    reach: str | None = None
    cause: OutageCause | None = None
    ended_by: str | None = None
    excusable: bool = True


@dataclass(frozen=True, slots=True)
class ConditionState:
    """What is remembered of each owner of one condition.

    Attributes:
        owners: In ascending order.
        heard_at_ns: Log time of the last row.
        observed_at_ns: Its own time of the last row.
        beyond_since_ns, back_since_ns: Own time since when it is beyond the one line or back at the other; `_NEVER` if not.
        began_at_ns: Start of what was said; `_NEVER` while nothing stands.
        value: The last one.
        said_value: The one that was said.
        reach_count: Terminals that it carried while it was last well.
    """

    owners: Array
    heard_at_ns: Array
    observed_at_ns: Array
    beyond_since_ns: Array
    back_since_ns: Array
    began_at_ns: Array
    value: Array
    said_value: Array
    reach_count: Array


_BLANK: dict[str, Any] = {
    **{each.name: np.int64(_NEVER) for each in fields(ConditionState)},
    "value": np.float64(np.nan), "said_value": np.float64(np.nan), "reach_count": np.int32(MISSING),
}  # fmt: skip


def new_state() -> ConditionState:
    """Return a state in which nothing has been heard of anybody."""
    return ConditionState(**{name: np.empty(0, blank.dtype) for name, blank in _BLANK.items()})


def hear(
    condition: Condition, state: ConditionState, rows: Columns, clock_ns: int, limits: Thresholds
) -> tuple[ConditionState, dict[str, Array]]:
    """Take the rows of one instant in; return the new state and what is to be said.

    Args:
        condition: The line of the table.
        state: What is remembered; rows of an owner that has told of a later instant are of no use any more.
        rows: At least one, all of one instant.
        clock_ns: Log time.
        limits: What counts as what.
    """
    at_ns = int(rows["observed_at_ns"][0])
    owners, worst, reach = _worst(condition, rows)
    state = _with(state, owners)
    place = np.searchsorted(state.owners, owners)
    is_news = state.observed_at_ns[place] < at_ns
    place, worst, reach = place[is_news], worst[is_news], reach[is_news]
    begins_at = condition.begins_at(limits)
    ends_below = begins_at if condition.ends_below is None else condition.ends_below(limits)
    state = _put(
        state, place, heard_at_ns=clock_ns, observed_at_ns=at_ns, value=worst,
        beyond_since_ns=_since(state.beyond_since_ns[place], worst >= begins_at, at_ns),
        back_since_ns=_since(state.back_since_ns[place], worst < ends_below, at_ns),
        reach_count=np.where(worst >= begins_at, state.reach_count[place], reach),
    )  # fmt: skip
    nothing_stands = state.began_at_ns[place] == _NEVER
    begins = nothing_stands & _held(state.beyond_since_ns[place], at_ns, condition.begins_after_ns(limits))
    ends = ~nothing_stands & _held(state.back_since_ns[place], at_ns, condition.ends_after_ns(limits))
    return _settle(condition, state, place[begins], place[ends], clock_ns, begins_at)


def listen(
    condition: Condition, state: ConditionState, clock_ns: int, limits: Thresholds
) -> tuple[ConditionState, dict[str, Array]]:
    """Let log time pass; return the new state and what is to be said of those who have fallen silent."""
    if condition.silent_after_ns is None:
        return state, {}
    silent = clock_ns - state.heard_at_ns >= condition.silent_after_ns(limits)
    if silent.all() and len(silent) > 1:
        return state, {}  # every one of them silent at once is our own ear, not their mouths
    falls = np.flatnonzero(silent & (state.began_at_ns == _NEVER))
    since_ns = state.beyond_since_ns[falls]
    began_ns = np.where(since_ns == _NEVER, state.observed_at_ns[falls], since_ns)
    state = _put(state, falls, beyond_since_ns=began_ns, value=np.nan)
    return _settle(condition, state, falls, falls[:0], clock_ns, condition.begins_at(limits))


def _worst(condition: Condition, rows: Columns) -> tuple[Array, Array, Array]:
    """Return the owners among rows, in order, the worst value that each is known to have, and its reach."""
    values = condition.value(rows).astype(np.float64)
    known = ~np.isnan(values)
    owners, place = np.unique(_owners(condition.owner, rows)[known], return_inverse=True)
    worst, reach = np.full(len(owners), -np.inf), np.full(len(owners), MISSING)
    np.maximum.at(worst, place, values[known])
    if condition.reach is not None:
        np.maximum.at(reach, place, rows[condition.reach][known])
    return owners, worst, reach


def _owners(names: tuple[str, ...], rows: Columns) -> Array:
    first, *second = (cell_number(rows[name]) if name == "cell_id" else rows[name].astype(np.int64) for name in names)
    return (first << _KEY_BITS) + (second[0] if second else 0)


def _with(state: ConditionState, owners: Array) -> ConditionState:
    """Return the state with room for owners that were never heard before."""
    new = np.setdiff1d(owners, state.owners, assume_unique=True)
    if not len(new):
        return state
    where = np.searchsorted(state.owners, new)
    blank = _BLANK | {"owners": new}
    return ConditionState(**{name: np.insert(getattr(state, name), where, blank[name]) for name in _BLANK})


def _put(state: ConditionState, place: Array, **values: Any) -> ConditionState:
    changed: dict[str, Any] = {name: getattr(state, name).copy() for name in values}
    for name, value in values.items():
        changed[name][place] = value
    return replace(state, **changed)


def _since(since_ns: Array, holds: Array, at_ns: int) -> Array:
    return np.where(holds, np.where(since_ns == _NEVER, at_ns, since_ns), _NEVER)


def _held(since_ns: Array, at_ns: int, for_ns: int) -> Array:
    held: Array = (since_ns != _NEVER) & (since_ns <= at_ns - for_ns)
    return held


def _settle(
    condition: Condition, state: ConditionState, begun: Array, ended: Array, clock_ns: int, threshold: float
) -> tuple[ConditionState, dict[str, Array]]:
    """Return the state once this has been said, and the events that say it."""
    if not len(begun) and not len(ended):
        return state, {}
    state = _put(
        state, begun, began_at_ns=state.beyond_since_ns[begun], said_value=state.value[begun], back_since_ns=_NEVER
    )
    events = _events(condition, state, begun, ended)
    count = len(begun) + len(ended)
    events |= {"decided_at_ns": np.full(count, clock_ns), "threshold": np.full(count, threshold, np.float32)}
    return _put(state, ended, began_at_ns=_NEVER), {"event_key": event_keys(events), **events}


def _events(condition: Condition, state: ConditionState, begun: Array, ended: Array) -> dict[str, Array]:
    who = np.concatenate([begun, ended])
    is_end = np.arange(len(who)) >= len(begun)
    starts_ns, ends_ns = state.began_at_ns[who], np.where(is_end, state.back_since_ns[who], MISSING)
    same = condition.ended_by is None
    events: dict[str, Array] = {
        "revision": np.where(is_end & same, 2, 1).astype(np.int16),
        "event_code": np.where(is_end, code_of(condition.ended_by or condition.kind), code_of(condition.kind)).astype(
            np.int16
        ),
        "subject_kind": np.full(len(who), condition.subject, np.int8),
        "subject_index": (state.owners[who] >> _KEY_BITS).astype(np.int32),
        "started_at_ns": starts_ns,
        "ended_at_ns": ends_ns,
        "duration_s": np.where(is_end, (ends_ns - starts_ns) / NS_PER_S, np.nan).astype(np.float32),
        "observed_value": state.said_value[who].astype(np.float32),
    }
    if condition.endpoint is not None:
        events[condition.endpoint] = (state.owners[who] & ((1 << _KEY_BITS) - 1)).astype(np.int32)
    if condition.reach is not None:
        events["terminals_affected_count"] = state.reach_count[who]
    if condition.cause is not None:
        events["cause"] = np.full(len(who), condition.cause, np.int8)
    return events
