"""What an operator sees of a run, made of what the workshop says and never of what the sky knows."""

from collections.abc import Iterable

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
from ingest.contract.bus import Message
from ingest.contract.columns import Array
from ingest.contract.frame import Rejected, TelemetryHeader, decode
from ingest.contract.instants import NS_PER_S, from_rfc3339, to_rfc3339
from ingest.contract.inventory import Inventory
from ingest.contract.telemetry import SATELLITE
from ingest.contract.topics import SATELLITE_TELEMETRY
from ingest.contract.vocabulary import SatelliteLifecycle
from streams.contract.catalogue import code_of
from streams.contract.detail import decode_detail
from streams.contract.events import EVENT_LAYOUTS, EventHeader
from streams.contract.incidents import Incident, decode_incident
from streams.contract.topics import INCIDENTS, NETWORK_EVENTS, TERMINAL_EVENTS
from streams.knowledge import Knowledge

READS = (SATELLITE_TELEMETRY, TERMINAL_EVENTS, NETWORK_EVENTS, INCIDENTS)
# A map cannot show more; those that are not well are always among them.
DRAWN_TERMINALS = 20_000
_RECENT_NS = 900 * NS_PER_S
_CODES = {
    code_of(kind): kind
    for kind in (
        "outage_suspected", "outage_started", "outage_ended", "outage_withdrawn", "tilt_warning", "tilt_critical",
        "tilt_disturbed", "tilt_restored",
    )
}  # fmt: skip


class Overview:
    """Follows the findings; every terminal has one state, the worst that holds."""

    def __init__(self, inventory: Inventory, *, label: str, speed_ratio: float) -> None:
        count = len(inventory.terminals)
        self._inventory = inventory
        self._label = label
        self._speed_ratio = speed_ratio
        self._service = np.zeros(count, np.int8)
        self._tilted = np.zeros(count, bool)
        self._latitude_deg = np.array([t.latitude_deg for t in inventory.terminals])
        self._longitude_deg = np.array([t.longitude_deg for t in inventory.terminals])
        self._ids = [t.terminal_id for t in inventory.terminals]
        self._satellites = np.full((len(inventory.satellites), 3), np.nan)
        self._role = np.full(len(inventory.satellites), SatelliteRole.IDLE, np.int8)
        self._down_gateways: set[str] = set()
        self._incidents: dict[str, Incident] = {}
        self._watermarks: dict[int, int] = {}
        self.events_count = 0

    def take(self, messages: Iterable[Message]) -> None:
        """Follow what was said."""
        for message in messages:
            if message.value is None:
                continue
            if message.topic == TERMINAL_EVENTS.name:
                self._events(message.value)
            elif message.topic == SATELLITE_TELEMETRY.name:
                self._positions(message.value)
            elif message.topic == NETWORK_EVENTS.name:
                self._network(message.value)
            elif message.topic == INCIDENTS.name:
                incident = decode_incident(message.value)
                self._incidents[incident.incident_id] = incident

    def _events(self, value: bytes) -> None:
        frame = decode(value, EVENT_LAYOUTS, EventHeader)
        if isinstance(frame, Rejected):
            return
        self._watermarks[frame.header.shard] = frame.header.watermark_ns
        self.events_count += frame.rows
        if frame.rows:
            codes = frame.columns["event_code"]
            for row in np.flatnonzero(np.isin(codes, list(_CODES))).tolist():
                expected = frame.column("expected")[row] == 1
                self._one(_CODES[int(codes[row])], int(frame.columns["subject_index"][row]), expected=bool(expected))

    def _one(self, kind: str, terminal: int, *, expected: bool) -> None:
        match kind:
            case "outage_suspected":
                self._service[terminal] = TerminalState.EXPECTED_GAP if expected else TerminalState.SUSPECTED
            case "outage_started":
                self._service[terminal] = TerminalState.EXPECTED_GAP if expected else TerminalState.OUTAGE
            case "outage_ended" | "outage_withdrawn":
                self._service[terminal] = TerminalState.SERVICE
            case "tilt_warning" | "tilt_critical" | "tilt_disturbed":
                self._tilted[terminal] = True
            case _:
                self._tilted[terminal] = False

    def _positions(self, value: bytes) -> None:
        frame = decode(value, {SATELLITE.kind: SATELLITE}, TelemetryHeader)
        if isinstance(frame, Rejected) or not frame.rows:
            return
        who = frame.columns["satellite_index"]
        self._satellites[who] = np.stack([frame.column(f"position_{axis}_km") for axis in "xyz"], axis=-1)
        working = frame.columns["lifecycle"] == SatelliteLifecycle.OPERATIONAL
        self._role[who] = np.where(working, SatelliteRole.IN_SERVICE, SatelliteRole.IDLE)

    def _network(self, value: bytes) -> None:
        detail = decode_detail(value)
        if detail["kind"] == "gateway_isolated":
            self._down_gateways.add(detail["subject_id"])
        elif detail["kind"] == "gateway_restored":
            self._down_gateways.discard(detail["subject_id"])
        self.events_count += 1

    def state(
        self, *, now_ns: int, knowledge: Knowledge | None, samples_per_s: float, events_per_s: float, finished: bool
    ) -> PageState:
        """Return the page's newest state."""
        states = self._states()
        drawn = self._drawn(states)
        watermark_ns = min(self._watermarks.values(), default=None)
        return PageState(
            at=to_rfc3339(now_ns - now_ns % NS_PER_S),
            speed_ratio=self._speed_ratio,
            label=self._label,
            satellites=self._sky(now_ns, knowledge),
            gateways=tuple(
                Site(
                    id=g.gateway_id, latitude_deg=g.latitude_deg, longitude_deg=g.longitude_deg,
                    state=SiteState.DOWN if g.gateway_id in self._down_gateways else SiteState.UP,
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
        )  # fmt: skip

    def _states(self) -> Array:
        """Return each terminal's state: an outage is worse than a tilted face, a tilted face worse than a suspicion."""
        out = self._service == TerminalState.OUTAGE
        states: Array = np.where(self._tilted & ~out, TerminalState.TILTED, self._service).astype(np.int8)
        return states

    def _drawn(self, states: Array) -> Array:
        if len(states) <= DRAWN_TERMINALS:
            return np.arange(len(states))
        unwell = np.flatnonzero(states != TerminalState.SERVICE)
        well = np.flatnonzero(states == TerminalState.SERVICE)
        step = max(1, len(well) // max(1, DRAWN_TERMINALS - len(unwell)))
        return np.concatenate([unwell, well[::step]])

    def _sky(self, now_ns: int, knowledge: Knowledge | None) -> Satellites:
        x, y, z = self._satellites.T
        role = self._role.copy()
        if knowledge is not None:
            slot_ns = int(knowledge.slot_start_ns(np.array([now_ns]))[0])
            plan = knowledge.plan.plan(slot_ns, now_ns)
            if plan is not None:
                serving = plan.by_cell["satellite_index"]
                role[serving[serving >= 0]] = SatelliteRole.SERVING
        known = ~np.isnan(x)
        return Satellites(
            latitude_deg=np.rad2deg(np.arctan2(z, np.hypot(x, y)))[known],
            longitude_deg=np.rad2deg(np.arctan2(y, x))[known],
            role=role[known],
        )

    def _shown(self, now_ns: int) -> list[Incident]:
        """Return open incidents, and those that were resolved lately."""
        return [
            incident
            for incident in self._incidents.values()
            if incident.resolved_at is None or from_rfc3339(incident.resolved_at) > now_ns - _RECENT_NS
        ]
