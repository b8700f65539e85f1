"""A network that looks real and costs nothing: the filed shells on circles, terminals around cities, three faults."""

import time
from typing import Any

import msgspec
import numpy as np

from dashboards.page.state import (
    Codes,
    Degrees,
    PageState,
    SatelliteRole,
    Satellites,
    Site,
    SiteState,
    Terminals,
    TerminalState,
)
from ingest.contract.instants import NS_PER_S, from_rfc3339, to_rfc3339
from ingest.contract.vocabulary import SubjectKind
from simulators.shells import FILED_SHELLS, Shell, argument_of_latitude_deg, raan_deg
from simulators.sites import Sites, cities, gateways, pops
from streams.contract.incidents import Evidence, Incident, TimelineEntry
from streams.contract.vocabulary import Audience, IncidentState, Remediation, Severity

START_AT = "2025-10-03T00:00:00Z"
TERMINAL_COUNT = 2000
GATEWAY_DOWN_S = 240  # into the run
OPENED_S = GATEWAY_DOWN_S + 9
REACHED_COUNT = 31
ROOT = "gw-03"

_EARTH_ROTATION_DEG_S = 360.0 / 86164.0905
_EARTH_RADIUS_KM = 6371.0
_GM_KM3_S2 = 398600.4418


def at(elapsed_s: float) -> str:
    """Say an instant of the run."""
    return to_rfc3339(from_rfc3339(START_AT) + round(elapsed_s * NS_PER_S))


class World:
    """The network at any second of its run."""

    def __init__(self) -> None:
        rng = np.random.default_rng(1)
        self._gateways = _sites("gw", gateways(), 40)
        self._pops = _sites("pop", pops(), 18)
        city = cities()
        # Customers are where cover and people are: the larger cities have more of them.
        covered = np.flatnonzero(np.abs(city.latitude_deg) < 54)
        weight = 1.0 / (10.0 + np.arange(len(covered)))
        chosen = rng.choice(covered, TERMINAL_COUNT, p=weight / weight.sum())
        self._latitude_deg = city.latitude_deg[chosen] + rng.normal(0, 1.6, TERMINAL_COUNT)
        self._longitude_deg = city.longitude_deg[chosen] + rng.normal(0, 2.2, TERMINAL_COUNT)
        self._ids = tuple(f"ut-{index:06d}" for index in range(TERMINAL_COUNT))
        root = next(site for site in self._gateways if site.id == ROOT)
        far = np.hypot(self._latitude_deg - root.latitude_deg, self._longitude_deg - root.longitude_deg)
        self.reached = np.argsort(far)[:REACHED_COUNT]
        self._others = np.argsort(far)[REACHED_COUNT:]
        self._role = rng.choice(
            [SatelliteRole.IDLE, SatelliteRole.IN_SERVICE, SatelliteRole.SERVING], 3236, p=[0.04, 0.76, 0.2]
        )

    def state(self, elapsed_s: float) -> PageState:
        """Take the picture."""
        states = self.terminal_states(elapsed_s)
        return PageState(
            at=at(elapsed_s),
            speed_ratio=60.0,
            label="a test network, made up",
            satellites=self._satellites(elapsed_s),
            gateways=tuple(
                msgspec.structs.replace(site, state=SiteState.DOWN)
                if site.id == ROOT and elapsed_s >= GATEWAY_DOWN_S
                else site
                for site in self._gateways
            ),
            pops=self._pops,
            terminals=Terminals(
                ids=self._ids, latitude_deg=self._latitude_deg, longitude_deg=self._longitude_deg, state=states
            ),
            counts={one: int((states == one).sum()) for one in TerminalState},
            incidents=self._incidents(elapsed_s),
            samples_per_s=118_400.0 + 3000 * np.sin(elapsed_s / 40),
            events_per_s=61.5,
            watermark_age_s=31.0 + 1.5 * np.sin(elapsed_s / 17),
        )

    def terminal_states(self, elapsed_s: float) -> Codes:
        """Say what is known of each terminal."""
        states = np.full(TERMINAL_COUNT, TerminalState.SERVICE)
        states[self._others[40:46]] = TerminalState.EXPECTED_GAP
        states[self._others[900:904]] = TerminalState.BLIND
        if elapsed_s > 90:
            states[self._others[333]] = TerminalState.TILTED
        if elapsed_s > 150:
            states[self._others[1201]] = TerminalState.OUTAGE
        if elapsed_s >= GATEWAY_DOWN_S:
            # The last few are silent and not yet known to be out.
            states[self.reached] = TerminalState.OUTAGE
            states[self.reached[:5]] = TerminalState.SUSPECTED
        return states

    def _satellites(self, elapsed_s: float) -> Satellites:
        points = [_ground_track(shell, elapsed_s) for shell in FILED_SHELLS]
        return Satellites(
            latitude_deg=np.concatenate([north for north, _ in points]),
            longitude_deg=np.concatenate([east for _, east in points]),
            role=self._role,
        )

    def _incidents(self, elapsed_s: float) -> tuple[Incident, ...]:
        known = (
            (OPENED_S, gateway_incident(tuple(self._ids[index] for index in self.reached[:20]))),
            (125, tilt_incident(self._ids[self._others[333]])),
            (60, resolved_incident(self._ids[self._others[77]])),
        )
        return tuple(incident for opened_s, incident in known if elapsed_s >= opened_s)


class Run:
    """A page source that plays the world from `begin_s` at a speed, until it is stopped; `says` changes what it tells."""

    def __init__(self, begin_s: float, speed: float = 60.0) -> None:
        self._world = World()
        self._begin_s = begin_s
        self._speed = speed
        self._started_s = time.monotonic()
        self._frozen: PageState | None = None
        self.says: dict[str, Any] = {}

    def snapshot(self) -> PageState:
        """Take the picture of now, or the last one."""
        if self._frozen is not None:
            return self._frozen
        elapsed_s = self._begin_s + (time.monotonic() - self._started_s) * self._speed
        return msgspec.structs.replace(self._world.state(elapsed_s), **self.says)

    def stop(self) -> None:
        """Let the feed stand still, as a stalled pipeline would."""
        self._frozen = self.snapshot()


def gateway_incident(terminal_ids: tuple[str, ...] = ()) -> Incident:
    """Give the incident that pages."""
    return Incident(
        incident_id="inc-4be10c7f92aa01d3",
        revision=3,
        state=IncidentState.OPEN,
        severity=Severity.CRITICAL,
        audience=Audience.NOC_PAGE,
        root_kind=SubjectKind.GATEWAY,
        root_id=ROOT,
        root_index=3,
        cause="gateway_isolated",
        title=f"gateway {ROOT}: gateway isolated",
        started_at=at(GATEWAY_DOWN_S),
        opened_at=at(OPENED_S),
        changed_at=at(OPENED_S + 30),
        page_at=at(OPENED_S),
        confidence_ratio=0.97,
        evidence=[
            Evidence(says="No antenna of the gateway is in service.", at=at(GATEWAY_DOWN_S)),
            Evidence(says="Fibre A and B are both down.", at=at(GATEWAY_DOWN_S + 1)),
            Evidence(says="31 of 31 terminals that the plan routes here lost service within 2 s.", at=at(OPENED_S)),
        ],
        timeline=[
            TimelineEntry(at=at(GATEWAY_DOWN_S), says="Fault began."),
            TimelineEntry(at=at(OPENED_S), says="Opened; no remediation is known for it, so the NOC is paged."),
            TimelineEntry(at=at(OPENED_S + 30), says="26 terminals detached at the gateway: outage confirmed."),
        ],
        terminals_affected_count=REACHED_COUNT,
        terminals_down_count=REACHED_COUNT,
        cells_affected_count=12,
        tenants_affected_count=5,
        children_count=62,
        terminal_ids=list(terminal_ids),
    )


def tilt_incident(terminal_id: str) -> Incident:
    """Give an incident that is the tenant's affair."""
    return Incident(
        incident_id="inc-09d2c1aa55e07b14",
        revision=1,
        state=IncidentState.OPEN,
        severity=Severity.WARNING,
        audience=Audience.TENANT,
        root_kind=SubjectKind.TERMINAL,
        root_id=terminal_id,
        root_index=333,
        cause="tilt_critical",
        title=f"terminal {terminal_id}: tilt critical",
        started_at=at(90),
        opened_at=at(125),
        changed_at=at(125),
        confidence_ratio=0.9,
        evidence=[Evidence(says="38 deg off its commissioned attitude for 10 s.", at=at(100))],
        timeline=[TimelineEntry(at=at(125), says="Opened.")],
        terminals_affected_count=1,
        terminals_down_count=0,
        cells_affected_count=1,
        tenants_affected_count=1,
        children_count=1,
        terminal_ids=[terminal_id],
    )


def resolved_incident(terminal_id: str) -> Incident:
    """Give an incident that is over."""
    return msgspec.structs.replace(
        tilt_incident(terminal_id),
        incident_id="inc-77aa90be13c4d5f0",
        revision=2,
        state=IncidentState.RESOLVED,
        cause="outage_no_power",
        started_at=at(12),
        opened_at=at(20),
        resolved_at=at(55),
        remediation=Remediation.AUTO,
        evidence=[Evidence(says="Silent and detached at the gateway; booted again.", at=at(20))],
    )


def _sites(prefix: str, sites: Sites, count: int) -> tuple[Site, ...]:
    chosen = np.linspace(0, len(sites) - 1, min(count, len(sites))).astype(int)
    return tuple(
        Site(
            id=f"{prefix}-{number:02d}",
            name=sites.names[index],
            latitude_deg=float(sites.latitude_deg[index]),
            longitude_deg=float(sites.longitude_deg[index]),
            state=SiteState.UP,
        )
        for number, index in enumerate(chosen)
    )


def _ground_track(shell: Shell, elapsed_s: float) -> tuple[Degrees, Degrees]:
    radius_km = _EARTH_RADIUS_KM + shell.altitude_km
    motion_deg_s = np.degrees(np.sqrt(_GM_KM3_S2 / radius_km**3))
    along = np.radians(argument_of_latitude_deg(shell) + motion_deg_s * elapsed_s)
    tilt = np.radians(shell.inclination_deg)
    north = np.degrees(np.arcsin(np.sin(tilt) * np.sin(along)))
    east = np.degrees(np.arctan2(np.cos(tilt) * np.sin(along), np.cos(along))) + raan_deg(shell)
    return north, (east - _EARTH_ROTATION_DEG_S * elapsed_s + 540) % 360 - 180
