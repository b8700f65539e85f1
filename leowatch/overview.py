"""What an operator sees of a run, made of what the workshop says and never of what the sky knows."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from dashboards.page.state import (
    PageState,
    SatelliteRole,
    Satellites,
    Site,
    SiteState,
    Terminals,
    TerminalState,
)
from exporters.reading import read_incident, read_network_event
from exporters.standing import Standing
from exporters.watermarks import Watermarks
from ingest.contract.bus import Message
from ingest.contract.columns import Array
from ingest.contract.frame import Frame, Rejected, TelemetryHeader, decode
from ingest.contract.instants import NS_PER_S, from_rfc3339, to_rfc3339
from ingest.contract.inventory import Deployment, Inventory
from ingest.contract.telemetry import SATELLITE
from ingest.contract.topics import SATELLITE_TELEMETRY
from ingest.contract.vocabulary import SatelliteLifecycle
from streams.contract.catalogue import code_of
from streams.contract.events import EVENT_LAYOUTS, EventHeader
from streams.contract.incidents import Incident
from streams.contract.topics import INCIDENTS, NETWORK_EVENTS, TERMINAL_EVENTS
from streams.knowledge import Knowledge

READS = (SATELLITE_TELEMETRY, TERMINAL_EVENTS, NETWORK_EVENTS, INCIDENTS)
# A map cannot show more; those that are not well are always among them.
DRAWN_TERMINALS = 20_000
_RECENT_NS = 900 * NS_PER_S
_OUTAGE = frozenset({"outage_suspected", "outage_started", "outage_ended", "outage_withdrawn"})
_TILT = frozenset({"tilt_warning", "tilt_critical", "tilt_disturbed", "tilt_restored"})
_CODES = {code_of(kind): kind for kind in _OUTAGE | _TILT}
_EVENT_COLUMNS = ("event_code", "subject_index", "started_at_ns", "ended_at_ns", "expected")
_IN_ORBIT = ("position_x_km", "position_y_km", "position_z_km")
_OF_SATELLITES = frozenset({"satellite_index", "lifecycle", *_IN_ORBIT})


def event_frame(value: bytes) -> Frame[EventHeader] | None:
    """Read of an event frame what an overview needs; None of what is no such frame."""
    frame = decode(value, EVENT_LAYOUTS, EventHeader, only=frozenset(_EVENT_COLUMNS))
    return None if isinstance(frame, Rejected) else frame


class Overview:
    """Follows the findings, in whatever order topics are read; every terminal has one state, the worst that holds."""

    def __init__(self, *, label: str, inventory: Inventory | None = None) -> None:
        self._label = label
        self.watermarks = Watermarks()
        self.events_count = 0
        # By terminal index, and whether it was foreseen.
        self._suspected: Standing[int, bool] = Standing()
        self._out: Standing[int, bool] = Standing()
        self._tilted: Standing[int, None] = Standing()
        self._isolated: Standing[str, None] = Standing()
        self._incidents: dict[str, Incident] = {}
        self._satellites = np.empty((0, 3))
        self._role = np.empty(0, np.int8)
        self.know(inventory or Inventory([Deployment(version=0, shard_count=1)]))

    def know(self, inventory: Inventory) -> None:
        """Take a newer inventory; indexes are never given to another, so what is known of them stays."""
        self._inventory = inventory
        self._ids = [t.terminal_id for t in inventory.terminals]
        self._latitude_deg = np.array([t.latitude_deg for t in inventory.terminals])
        self._longitude_deg = np.array([t.longitude_deg for t in inventory.terminals])

    def take(self, messages: Iterable[Message]) -> None:
        """Follow what was said."""
        for message in messages:
            if message.value is None:
                continue
            if message.topic == TERMINAL_EVENTS.name:
                frame = event_frame(message.value)
                if frame is not None:
                    self.hear(frame)
            elif message.topic == SATELLITE_TELEMETRY.name:
                self._positions(message.value)
            elif message.topic == NETWORK_EVENTS.name:
                for event in read_network_event(message, message.value).events:
                    self._network(event)
            elif message.topic == INCIDENTS.name:
                self._incident(read_incident(message, message.value).incident)

    def hear(self, frame: Frame[EventHeader]) -> None:
        """Follow an event frame; a tick only says how far its shard has come."""
        self.watermarks.hear(frame.header)
        self.events_count += frame.rows
        if not frame.rows:
            return
        kept = np.flatnonzero(np.isin(frame.columns["event_code"], list(_CODES)))
        for code, terminal, started_ns, ended_ns, expected in zip(
            *(frame.column(name)[kept].tolist() for name in _EVENT_COLUMNS), strict=True
        ):
            self._one(_CODES[code], terminal, started_ns, ended_ns, expected=expected == 1)

    def _one(self, kind: str, terminal: int, started_ns: int, ended_ns: int, *, expected: bool) -> None:
        match kind:
            case "outage_suspected":
                self._suspected.opens(terminal, started_ns, expected)
            case "outage_started":
                self._out.opens(terminal, started_ns, expected)
            case "tilt_restored":
                self._tilted.closes(terminal, started_ns, ended_ns)
            case "outage_ended" | "outage_withdrawn":
                for standing in (self._suspected, self._out):
                    standing.closes(terminal, started_ns, ended_ns)
            case _:
                self._tilted.opens(terminal, started_ns, None)

    def _positions(self, value: bytes) -> None:
        frame = decode(value, {SATELLITE.kind: SATELLITE}, TelemetryHeader, only=_OF_SATELLITES)
        if isinstance(frame, Rejected) or not frame.rows:
            return
        who = frame.columns["satellite_index"]
        self._grow(int(who.max()) + 1)
        self._satellites[who] = np.stack([frame.column(name) for name in _IN_ORBIT], axis=-1)
        working = frame.columns["lifecycle"] == SatelliteLifecycle.OPERATIONAL
        self._role[who] = np.where(working, SatelliteRole.IN_SERVICE, SatelliteRole.IDLE)

    def _grow(self, count: int) -> None:
        more = count - len(self._role)
        if more > 0:
            self._satellites = np.concatenate([self._satellites, np.full((more, 3), np.nan)])
            self._role = np.concatenate([self._role, np.full(more, SatelliteRole.IDLE, np.int8)])

    def _network(self, event: dict[str, Any]) -> None:
        self.events_count += 1
        gateway, started_ns = event["subject_id"], from_rfc3339(event["started_at"])
        if event["kind"] == "gateway_isolated":
            self._isolated.opens(gateway, started_ns, None)
        elif event["kind"] == "gateway_restored":
            self._isolated.closes(gateway, started_ns, from_rfc3339(event.get("ended_at", event["started_at"])))

    def _incident(self, incident: Incident | None) -> None:
        if incident is None:
            return
        known = self._incidents.get(incident.incident_id)
        if known is None or known.revision < incident.revision:
            self._incidents[incident.incident_id] = incident

    def state(
        self,
        *,
        now_ns: int,
        knowledge: Knowledge | None,
        speed_ratio: float | None,
        samples_per_s: float | None,
        events_per_s: float,
        finished: bool = False,
        notice: str = "",
        ready: bool = True,
    ) -> PageState:
        """Return the page's newest state; `now_ns` is the network's time."""
        states = self._states()
        drawn = _drawn(states)
        watermark_ns = self.watermarks.lowest_watermark_ns()
        at_ns = self.watermarks.highest_clock_ns
        return PageState(
            at=to_rfc3339(at_ns - at_ns % NS_PER_S) if at_ns else "",
            speed_ratio=speed_ratio,
            label=self._label,
            satellites=self._sky(now_ns, knowledge),
            gateways=tuple(
                Site(
                    id=g.gateway_id, latitude_deg=g.latitude_deg, longitude_deg=g.longitude_deg,
                    state=SiteState.DOWN if g.gateway_id in self._isolated else SiteState.UP,
                )
                for g in self._inventory.gateways
            ),
            pops=tuple(
                Site(id=p.pop_id, latitude_deg=p.latitude_deg, longitude_deg=p.longitude_deg, state=SiteState.UP)
                for p in self._inventory.pops
            ),
            terminals=Terminals(
                ids=tuple(self._ids[i] for i in drawn.tolist()),
                latitude_deg=self._latitude_deg[drawn],
                longitude_deg=self._longitude_deg[drawn],
                state=states[drawn],
            ),
            counts={state: int((states == state).sum()) for state in TerminalState},
            incidents=tuple(self._shown(now_ns)),
            samples_per_s=samples_per_s,
            events_per_s=events_per_s,
            watermark_age_s=None if watermark_ns is None else (now_ns - watermark_ns) / NS_PER_S,
            finished=finished,
            notice=notice,
            ready=ready,
        )  # fmt: skip

    def _states(self) -> Array:
        """Return each terminal's state: an outage is worse than a tilted face, a tilted face worse than a suspicion."""
        states = np.full(len(self._ids), TerminalState.SERVICE, np.int8)
        suspected, out = self._suspected.facts(), self._out.facts()
        for state, terminals in (
            (TerminalState.SUSPECTED, suspected),
            (TerminalState.EXPECTED_GAP, [t for t, expected in (suspected | out).items() if expected]),
            (TerminalState.TILTED, self._tilted.facts()),
            (TerminalState.OUTAGE, [t for t, expected in out.items() if not expected]),
        ):
            who = np.fromiter(terminals, np.int64)
            states[who[who < len(states)]] = state
        return states

    def _sky(self, now_ns: int, knowledge: Knowledge | None) -> Satellites:
        x, y, z = self._satellites.T
        role = self._role.copy()
        if knowledge is not None:
            serving = knowledge.planned_satellites(now_ns)
            role[serving[serving < len(role)]] = SatelliteRole.SERVING
        known = ~np.isnan(x)
        return Satellites(
            latitude_deg=np.rad2deg(np.arctan2(z, np.hypot(x, y)))[known],
            longitude_deg=np.rad2deg(np.arctan2(y, x))[known],
            role=role[known],
        )

    def _shown(self, now_ns: int) -> list[Incident]:
        """Return open incidents, and those that were resolved lately; the others are forgotten."""
        self._incidents = {
            name: incident
            for name, incident in self._incidents.items()
            if incident.resolved_at is None or from_rfc3339(incident.resolved_at) > now_ns - _RECENT_NS
        }
        return list(self._incidents.values())


def _drawn(states: Array) -> Array:
    if len(states) <= DRAWN_TERMINALS:
        return np.arange(len(states))
    unwell = np.flatnonzero(states != TerminalState.SERVICE)
    well = np.flatnonzero(states == TerminalState.SERVICE)
    step = max(1, len(well) // max(1, DRAWN_TERMINALS - len(unwell)))
    return np.concatenate([unwell, well[::step]])
