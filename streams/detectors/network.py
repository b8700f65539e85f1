"""What can be wrong with the network by its own frames: a table of conditions, and the watch over all of them.

Watches: satellite, laser, beam, gateway, PoP, egress and attachment frames.
Emits: the kinds of `CONDITIONS`, each when it begins and again with its end.
Thresholds: in the table by name, with their reasons in `streams/thresholds.py`. Rows are put in the order of their
    instants first, for which each waits `reorder_wait` of log time.
Cannot see: what no column says. A gateway that loses packets or hears badly (grey), a satellite that points wrongly,
    a laser path that moved, a beam's interference: terminals feel those. A stage of life before deorbit is no trouble.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ingest.contract.columns import MISSING, Array, Columns, Layout, concatenate, take
from ingest.contract.frame import Frame, TelemetryHeader
from ingest.contract.telemetry import GATEWAY, LASER, POP, POP_ATTACHMENT, POP_EGRESS, SATELLITE, SATELLITE_BEAM
from ingest.contract.vocabulary import EncryptionState, LaserState, MitigationState, SatelliteLifecycle, SubjectKind
from streams.contract.events import EVENT
from streams.contract.vocabulary import OutageCause
from streams.detectors.condition import Condition, ConditionState, hear, listen, new_state
from streams.thresholds import Thresholds


def _known(values: Array) -> Array:
    return np.where(values == MISSING, np.nan, values)


def _when(holds: Array) -> Array:
    return holds.astype(np.float64)


def _carries_nothing(rows: Columns) -> Array:
    dark = (rows["fibre_a_up"] == 0) & (rows["fibre_b_up"] == 0)
    return _when((rows["antennas_in_service_count"] == 0) | dark)


def _fibres_cut(rows: Columns) -> Array:
    """Count them; with both cut the gateway is isolated, and that is another matter."""
    count = (rows["fibre_a_up"] == 0).astype(np.float64) + (rows["fibre_b_up"] == 0)
    return np.where(count == 2, np.nan, count)


def _antennas_out(rows: Columns) -> Array:
    works, built = rows["antennas_in_service_count"], rows["antennas_total_count"]
    return np.where((works <= 0) | (built == MISSING), np.nan, np.maximum(built - works, 0))


def _rekeying(rows: Columns) -> Array:
    state = _known(rows["macsec_state"])
    return np.where(state == EncryptionState.NOT_ENCRYPTED, np.nan, state)


def _halves_out(rows: Columns) -> Array:
    return 2.0 - rows["pair_in_service_count"]


def _one_half_out(rows: Columns) -> Array:
    out = _halves_out(rows)
    return np.where(out == 2, np.nan, out)


def _is_down(rows: Columns) -> Array:
    return _when((rows["attachment_up"] == 0) | (rows["bgp_up"] == 0))


def _manoeuvres(rows: Columns) -> Array:
    """A satellite on its way up or down fires for weeks: that is its stage of life and no manoeuvre."""
    on_station = np.isin(rows["lifecycle"], (SatelliteLifecycle.OPERATIONAL, SatelliteLifecycle.MANOEUVRING))
    return np.where(on_station, _known(rows["thrusting"]), 0.0)


def _has_left(rows: Columns) -> Array:
    return _when(np.isin(rows["lifecycle"], (SatelliteLifecycle.DEORBITING, SatelliteLifecycle.DECAYED)))


def _laser_is_down(rows: Columns) -> Array:
    down = _when(rows["laser_state"] == LaserState.DOWN)
    return np.where(rows["peer_satellite_index"] == MISSING, np.nan, down)


def _load(rows: Columns) -> Array:
    lit = (rows["beam_on"] == 1) & (rows["cell_id"] != MISSING)
    return np.where(lit, rows["load_ratio"], np.nan)


def _at(level: float) -> Callable[[Thresholds], float]:
    return lambda _: level


def _is_out(
    kind: str, layout: Layout, subject: SubjectKind, owner: str, value: Callable[[Columns], Array]
) -> Condition:
    """A part of the network is out, or it is not."""
    return Condition(
        kind=kind, layout=layout, subject=subject, owner=(owner,), value=value, begins_at=_at(1),
        begins_after_ns=lambda t: t.network_hold_ns, ends_after_ns=lambda t: t.network_return_ns,
    )  # fmt: skip


CONDITIONS: tuple[Condition, ...] = (
    replace(
        _is_out("gateway_isolated", GATEWAY, SubjectKind.GATEWAY, "gateway_index", _carries_nothing),
        ended_by="gateway_restored", cause=OutageCause.GATEWAY, reach="terminals_attached_count",
        silent_after_ns=lambda t: t.network_silent_ns,
    ),
    _is_out("fibre_cut", GATEWAY, SubjectKind.GATEWAY, "gateway_index", _fibres_cut),
    _is_out("redundancy_lost", GATEWAY, SubjectKind.GATEWAY, "gateway_index", _antennas_out),
    _is_out("redundancy_lost", POP, SubjectKind.POP, "pop_index", _one_half_out),
    replace(
        _is_out("pop_lost", POP, SubjectKind.POP, "pop_index", _halves_out),
        begins_at=_at(2), silent_after_ns=lambda t: t.network_silent_ns,
    ),
    replace(
        _is_out("private_attachment_down", POP_ATTACHMENT, SubjectKind.TENANT, "tenant_index", _is_down),
        owner=("tenant_index", "pop_index"), endpoint="from_pop_index",
    ),
    # What is not safe is said at the first row, and planned work is no excuse.
    Condition(
        kind="security_degraded", layout=GATEWAY, subject=SubjectKind.GATEWAY, owner=("gateway_index",),
        value=lambda rows: _known(rows["macsec_state"]), begins_at=_at(EncryptionState.NOT_ENCRYPTED),
        ends_below=_at(EncryptionState.REKEYING), ends_after_ns=lambda t: t.network_return_ns, excusable=False,
    ),
    Condition(
        kind="security_degraded", layout=GATEWAY, subject=SubjectKind.GATEWAY, owner=("gateway_index",),
        value=_rekeying, begins_at=_at(EncryptionState.REKEYING), begins_after_ns=lambda t: t.rekeying_ns,
        ends_after_ns=lambda t: t.network_return_ns, excusable=False,
    ),
    Condition(
        kind="route_anomaly", layout=POP_EGRESS, subject=SubjectKind.POP, owner=("pop_index",),
        value=lambda rows: _known(rows["invalid_routes_count"]), begins_at=lambda t: t.invalid_routes_count,
        ends_after_ns=lambda t: t.network_return_ns, excusable=False,
    ),
    Condition(
        kind="ddos_mitigation", layout=POP, subject=SubjectKind.POP, owner=("pop_index",),
        value=lambda rows: _known(rows["mitigation_state"]), begins_at=_at(MitigationState.SCRUBBING),
        ends_after_ns=lambda t: t.scrubbing_return_ns,
    ),
    Condition(
        kind="egress_congested", layout=POP_EGRESS, subject=SubjectKind.POP, owner=("pop_index",),
        value=lambda rows: rows["loss_ratio"], begins_at=lambda t: t.egress_loss_ratio,
        ends_below=lambda t: t.egress_return_ratio, begins_after_ns=lambda t: t.egress_ns,
        ends_after_ns=lambda t: t.egress_ns,
    ),
    Condition(
        kind="satellite_failed", layout=SATELLITE, subject=SubjectKind.SATELLITE, owner=("satellite_index",),
        value=lambda rows: _when(rows["lifecycle"] == SatelliteLifecycle.FAILED), begins_at=_at(1),
    ),
    Condition(
        kind="satellite_lifecycle", layout=SATELLITE, subject=SubjectKind.SATELLITE, owner=("satellite_index",),
        value=_has_left, begins_at=_at(1),
    ),
    Condition(
        kind="satellite_manoeuvre", layout=SATELLITE, subject=SubjectKind.SATELLITE, owner=("satellite_index",),
        value=_manoeuvres, begins_at=_at(1),
    ),
    Condition(
        kind="isl_down", layout=LASER, subject=SubjectKind.SATELLITE, owner=("satellite_index", "peer_satellite_index"),
        endpoint="to_satellite_index", value=_laser_is_down, begins_at=_at(1),
        begins_after_ns=lambda t: t.laser_ns, ends_after_ns=lambda t: t.laser_ns,
    ),
    Condition(
        kind="cell_oversubscribed", layout=SATELLITE_BEAM, subject=SubjectKind.CELL, owner=("cell_id",), value=_load,
        begins_at=lambda t: t.cell_load_ratio, ends_below=lambda t: t.cell_return_ratio,
        begins_after_ns=lambda t: t.cell_ns, ends_after_ns=lambda t: t.cell_ns,
    ),
)  # fmt: skip

WATCHED = {condition.layout.kind: condition.layout for condition in CONDITIONS}


@dataclass(frozen=True, slots=True)
class NetworkState:
    """What is remembered of the network.

    Attributes:
        clock_ns: Log time: the highest `received_at_ns` of any frame.
        waiting: Rows of each kind of frame that may have earlier ones behind them.
        conditions: In the order of the table.
    """

    clock_ns: int = 0
    waiting: Mapping[str, tuple[Columns, ...]] = field(default_factory=dict)
    conditions: tuple[ConditionState, ...] = tuple(new_state() for _ in CONDITIONS)


def step(
    state: NetworkState, frame: Frame[TelemetryHeader], limits: Thresholds
) -> tuple[NetworkState, dict[str, Array]]:
    """Take a frame in, one that is not watched as a tick; return the new state and the events noticed."""
    clock_ns = max(state.clock_ns, frame.header.received_at_ns)
    waiting = dict(state.waiting)
    kind = frame.layout.kind
    if kind in WATCHED and frame.rows and not frame.header.stored:
        whole = {name: frame.column(name) for name in frame.layout.names()}
        waiting[kind] = (*waiting.get(kind, ()), whole)
    found: list[dict[str, Array]] = []
    conditions = list(state.conditions)
    for name, rows_of in list(waiting.items()):
        due, waiting[name] = _due(rows_of, WATCHED[name], clock_ns - limits.reorder_wait_ns)
        for at_ns in np.unique(due["observed_at_ns"]).tolist():
            instant = take(due, due["observed_at_ns"] == at_ns)
            for place, condition in enumerate(CONDITIONS):
                if condition.layout.kind == name:
                    conditions[place], events = hear(condition, conditions[place], instant, clock_ns, limits)
                    found += [events] if events else []
    for place, condition in enumerate(CONDITIONS):
        conditions[place], events = listen(condition, conditions[place], clock_ns, limits)
        found += [events] if events else []
    return NetworkState(clock_ns, waiting, tuple(conditions)), concatenate(found, EVENT) if found else {}


def _due(waiting: tuple[Columns, ...], layout: Layout, until_ns: int) -> tuple[Columns, tuple[Columns, ...]]:
    """Part what waits into the rows up to an instant and the later ones."""
    due: list[Columns] = []
    later: list[Columns] = []
    for rows in waiting:
        is_due = rows["observed_at_ns"] <= until_ns
        if is_due.any():
            due.append(take(rows, is_due))
        if not is_due.all():
            later.append(rows if not is_due.any() else take(rows, ~is_due))
    return concatenate(due, layout), tuple(later)
