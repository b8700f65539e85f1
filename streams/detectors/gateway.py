"""Gateway isolation.

Watches: gateway frames, one row a gateway and second.
Emits: `gateway_isolated` when a gateway carries no traffic, `gateway_restored` when it does again.
Thresholds: no antenna in service, or both fibres down, held `HOLD_NS`, so that a switch-over of a second is none; or
    silent for `SILENT_NS` by the log's clock while other gateways speak; restored after `RESTORE_NS` of health.
Cannot see: a gateway that says it is well and drops traffic (grey), and anything at all while every gateway is silent:
    then the telemetry path is gone and not the gateways.
"""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from ingest.contract.columns import MISSING, Array, Columns, row_count
from ingest.contract.instants import NS_PER_S
from ingest.contract.vocabulary import SubjectKind
from streams.contract.catalogue import code_of
from streams.contract.events import event_keys
from streams.contract.vocabulary import OutageCause

HOLD_NS = 5 * NS_PER_S
SILENT_NS = 10 * NS_PER_S
RESTORE_NS = 10 * NS_PER_S
_NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class GatewayState:
    """What is remembered of each gateway, by index.

    Attributes:
        clock_ns: Log time: the highest `received_at_ns` of the feed.
        heard_at_ns: Log time of the last row.
        observed_at_ns: Its own time of the last row.
        bad_since_ns, good_since_ns: Observed time since when it has been bad or good without a break; `_NEVER` if not.
        isolated_at_ns: Start of the isolation that was said; `_NEVER` while it carries traffic.
        attached_count: Terminals attached while it was last well.
    """

    clock_ns: int
    heard_at_ns: Array
    observed_at_ns: Array
    bad_since_ns: Array
    good_since_ns: Array
    isolated_at_ns: Array
    attached_count: Array


def new_state(gateway_count: int) -> GatewayState:
    """Return a state in which nothing has been heard of any gateway."""
    never = np.full(gateway_count, _NEVER, np.int64)
    return GatewayState(0, never, never, never, never, never, np.full(gateway_count, MISSING, np.int32))


def grown(state: GatewayState, gateway_count: int) -> GatewayState:
    """Return the state with room for gateways that the inventory has added."""
    fresh = new_state(gateway_count)
    longer: dict[str, Any] = {
        each.name: np.concatenate([getattr(state, each.name), getattr(fresh, each.name)[len(state.heard_at_ns) :]])
        for each in fields(state)
        if each.name != "clock_ns"
    }
    return replace(state, **longer)


def step(state: GatewayState, rows: Columns, received_at_ns: int) -> tuple[GatewayState, dict[str, Array]]:
    """Take the rows of one frame in; return the new state and the events noticed.

    Args:
        state: What is remembered.
        rows: Columns of the `gateway` layout, at most one row a gateway; none is a tick.
        received_at_ns: The door's clock.
    """
    state = replace(state, clock_ns=max(state.clock_ns, received_at_ns))
    if row_count(rows):
        state = _hear(state, rows)
    return _judge(state)


def _hear(state: GatewayState, rows: Columns) -> GatewayState:
    fresh = rows["observed_at_ns"] > state.observed_at_ns[rows["gateway_index"]]
    who, at_ns = rows["gateway_index"][fresh], rows["observed_at_ns"][fresh]
    dark = (rows["fibre_a_up"] == 0) & (rows["fibre_b_up"] == 0)
    bad = ((rows["antennas_in_service_count"] == 0) | dark)[fresh]
    heard, observed = state.heard_at_ns.copy(), state.observed_at_ns.copy()
    bad_since, good_since, attached = state.bad_since_ns.copy(), state.good_since_ns.copy(), state.attached_count.copy()
    heard[who], observed[who] = state.clock_ns, at_ns
    bad_since[who] = np.where(bad, np.where(bad_since[who] == _NEVER, at_ns, bad_since[who]), _NEVER)
    good_since[who] = np.where(bad, _NEVER, np.where(good_since[who] == _NEVER, at_ns, good_since[who]))
    if "terminals_attached_count" in rows:
        attached[who] = np.where(bad, attached[who], rows["terminals_attached_count"][fresh])
    return replace(
        state, heard_at_ns=heard, observed_at_ns=observed, bad_since_ns=bad_since, good_since_ns=good_since,
        attached_count=attached,
    )  # fmt: skip


def _judge(state: GatewayState) -> tuple[GatewayState, dict[str, Array]]:
    known = state.observed_at_ns != _NEVER
    silent = known & (state.clock_ns - state.heard_at_ns >= SILENT_NS)
    if silent.any() and bool((silent == known).all()) and int(known.sum()) > 1:
        silent[:] = False  # every gateway silent at once is our own ear, not their mouths
    held = known & (state.bad_since_ns != _NEVER) & (state.observed_at_ns - state.bad_since_ns >= HOLD_NS)
    up = state.isolated_at_ns == _NEVER
    falls = np.flatnonzero(up & (held | silent))
    well = known & (state.good_since_ns != _NEVER) & (state.observed_at_ns - state.good_since_ns >= RESTORE_NS)
    rises = np.flatnonzero(~up & well & ~silent)
    if not len(falls) and not len(rises):
        return state, {}
    began = np.where(state.bad_since_ns != _NEVER, state.bad_since_ns, state.observed_at_ns)
    isolated = state.isolated_at_ns.copy()
    isolated[falls] = began[falls]
    isolated[rises] = _NEVER
    events = _events(state, falls, began[falls], rises)
    good_since = state.good_since_ns.copy()
    good_since[falls] = _NEVER
    return replace(state, isolated_at_ns=isolated, good_since_ns=good_since), events


def _events(state: GatewayState, falls: Array, began_ns: Array, rises: Array) -> dict[str, Array]:
    count = len(falls) + len(rises)
    ended_ns = state.good_since_ns[rises]
    starts_ns = np.concatenate([began_ns, state.isolated_at_ns[rises]])
    down = np.arange(count) < len(falls)
    events: dict[str, Array] = {
        "revision": np.ones(count, np.int16),
        "event_code": np.where(down, code_of("gateway_isolated"), code_of("gateway_restored")).astype(np.int16),
        "subject_kind": np.full(count, SubjectKind.GATEWAY, np.int8),
        "subject_index": np.concatenate([falls, rises]).astype(np.int32),
        "started_at_ns": starts_ns,
        "ended_at_ns": np.concatenate([np.full(len(falls), MISSING, np.int64), ended_ns]),
        "decided_at_ns": np.full(count, state.clock_ns, np.int64),
        "duration_s": np.concatenate(
            [np.full(len(falls), np.nan), (ended_ns - state.isolated_at_ns[rises]) / NS_PER_S]
        ).astype(np.float32),
        "cause": np.where(down, OutageCause.GATEWAY, MISSING).astype(np.int8),
        "terminals_affected_count": np.concatenate(
            [state.attached_count[falls], np.full(len(rises), MISSING, np.int32)]
        ),
    }
    return {"event_key": event_keys(events), **events}
