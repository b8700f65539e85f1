"""Why there is no service: what a sample says of itself, and what explains it from outside: plan, gateway, the face's fall."""

import numpy as np

from ingest.contract.columns import MISSING, Array
from ingest.contract.vocabulary import STATES_WITHOUT_TRAFFIC, DetachReason, TerminalState
from streams.contract.vocabulary import OutageCause
from streams.detectors.outage_state import NEVER, OutageState, Surroundings, put
from streams.detectors.tilt import askew_since_ns

# A context that is not known yet.
UNASKED = -2

_CAUSES = np.zeros(len(TerminalState), np.int8)
for _state, _word in {
    TerminalState.CONNECTED: OutageCause.NO_PINGS,
    TerminalState.BOOTING: OutageCause.BOOTING,
    TerminalState.SEARCHING: OutageCause.SEARCHING,
    TerminalState.STOWED: OutageCause.STOWED,
    TerminalState.THERMAL_SHUTDOWN: OutageCause.THERMAL_SHUTDOWN,
    TerminalState.NO_SATELLITES: OutageCause.NO_SATELLITES,
    TerminalState.OBSTRUCTED: OutageCause.OBSTRUCTED,
    TerminalState.NO_DOWNLINK: OutageCause.NO_DOWNLINK,
    TerminalState.NO_PINGS: OutageCause.NO_PINGS,
    TerminalState.NO_SCHEDULE: OutageCause.NO_SCHEDULE,
    TerminalState.SLEEPING: OutageCause.SLEEPING,
}.items():
    _CAUSES[_state] = _word
_WITHOUT_TRAFFIC = np.isin(np.arange(len(TerminalState)), [int(state) for state in STATES_WITHOUT_TRAFFIC])


def is_bad(states: Array, drop: Array, limit: float) -> Array:
    """Say which samples tell of no service."""
    bad: Array = (drop >= limit) | _WITHOUT_TRAFFIC.take(states, mode="clip")
    return bad


def cause_of(states: Array) -> Array:
    """Return the cause that a state names."""
    causes: Array = _CAUSES.take(states, mode="clip")
    return causes


def is_dark(state: OutageState, where: Array | slice) -> Array:
    """Say whose gateway let it go because it was itself out of service."""
    dark: Array = (state.detach_reason[where] == DetachReason.GATEWAY_OUT_OF_SERVICE) & (state.attached[where] == 0)
    return dark


def ask_gateways(state: OutageState, where: Array, around: Surroundings) -> OutageState:
    """Ask whether a trouble's gateway was out of service, or else its face askew, as it began."""
    asked = where[state.context[where] == UNASKED]
    if len(asked):
        dark = in_the_dark(state, asked, state.start_ns[asked], around)
        state = put(state, asked, {"context": np.where(dark, OutageCause.GATEWAY, MISSING)})
        state = blame_tilt(state, asked, state.start_ns[asked], around, late_ns=0)
    return state


def hear_gateways(state: OutageState, where: Array, around: Surroundings) -> OutageState:
    """Whoever is in trouble already may hear why from its gateway only now."""
    let_go = state.attached_at_ns[where] >= state.start_ns[where] - around.knowledge.thresholds.silence_ns
    told = where[(state.context[where] == MISSING) & is_dark(state, where) & let_go]
    return put(state, told, {"context": OutageCause.GATEWAY}) if len(told) else state


def in_the_dark(state: OutageState, where: Array, start_ns: Array, around: Surroundings) -> Array:
    """Say whose gateway, planned or last serving, was out of service by its own word to those it held."""
    gateway = planned(where, start_ns, around)[1]
    out = _dark_gateways(state)
    let_go = state.attached_at_ns[where] >= start_ns - around.knowledge.thresholds.silence_ns
    return (is_dark(state, where) & let_go) | np.isin(gateway, out) | np.isin(state.gateway[where], out)


def planned(where: Array, start_ns: Array, around: Surroundings) -> tuple[Array, Array]:
    """Return the satellite and the gateway that the plan gives places just after instants; -1 nothing, -2 unknown.

    The last second before a slot belongs to its gap.
    """
    at_ns = start_ns + around.facts.cadence_ns[where]
    found = around.knowledge.planned_at(around.shard, where, at_ns, around.plan_version)
    return found["satellite_index"], found["gateway_index"]


def _dark_gateways(state: OutageState) -> Array:
    """Return the gateways whose newest word is that they let terminals go for being out of service themselves."""
    dark = np.flatnonzero(is_dark(state, slice(None)))
    if not len(dark):
        return np.empty(0, np.int32)
    newest_ns: dict[int, int] = {}
    for gateway in np.unique(state.attached_gateway[dark]).tolist():
        newest_ns[gateway] = int(state.attached_at_ns[dark][state.attached_gateway[dark] == gateway].max())
    attached = state.attached == 1
    up_ns = {
        gateway: int(state.attached_at_ns[attached & (state.attached_gateway == gateway)].max(initial=NEVER))
        for gateway in newest_ns
    }
    return np.array([gateway for gateway, at_ns in newest_ns.items() if at_ns > up_ns[gateway]], np.int32)


def blame_tilt(state: OutageState, where: Array, until_ns: Array, around: Surroundings, *, late_ns: int) -> OutageState:
    """A face knocked over or disturbed explains what nothing else does, if the first reading after shows it.

    Args:
        state: With what is known.
        where: Places.
        until_ns: Start or end of the trouble.
        around: With the faces.
        late_ns: Samples so long after count; how long one took to arrive must not.
    """
    since_ns = askew_since_ns(around.tilt, where, until_ns + late_ns)
    shows = (since_ns != NEVER) & (since_ns <= until_ns + around.facts.cadence_ns[where])
    tilted = shows & (state.context[where] == MISSING)
    return put(state, where[tilted], {"context": OutageCause.TILT}) if tilted.any() else state
