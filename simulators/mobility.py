"""What moving does to a terminal, second by second: where it is, how it sways, and what it passes."""

import numpy as np

from ingest.contract.columns import Array
from ingest.contract.instants import NS_PER_S
from simulators import obstruction
from simulators.attitude import Attitude
from simulators.fleet import Fleet
from simulators.geometry import Floats
from simulators.reception import Reception
from simulators.terminal_conditions import Flags, Floats32, TerminalConditions
from simulators.tracks import Kind, where

# Amplitude and period of the slow and the quick sway, by kind: a ship's roll, an aircraft's air, a road, a haul road
# (assumed; a real dish on a car moved at 1.4 deg/s in the median, 5.1 at p90, 10.5 at p99: domain section 5e).
_SLOW_DEG = {Kind.SHIP: 4.5, Kind.FLIGHT: 0.4, Kind.TRUCK: 2.5, Kind.HAULER: 4.0}
_SLOW_S = {Kind.SHIP: 11.3, Kind.FLIGHT: 17.0, Kind.TRUCK: 13.7, Kind.HAULER: 47.0}
_QUICK_DEG = {Kind.SHIP: 1.0, Kind.FLIGHT: 0.2, Kind.TRUCK: 1.6, Kind.HAULER: 1.8}
_QUICK_S = {Kind.SHIP: 5.1, Kind.FLIGHT: 3.3, Kind.TRUCK: 2.9, Kind.HAULER: 3.7}
# An aircraft banks now and then.
_BANK_DEG, _BANK_S, _BANK_EVERY_S = 20.0, 45.0, 900.0
# A filter on the move loses its footing so often: 55 of 1,096 samples of a real dish on a car were unsettled.
_UPSET_EVERY_S = {Kind.SHIP: 8_000.0, Kind.FLIGHT: 16_000.0, Kind.TRUCK: 2_000.0, Kind.HAULER: 2_000.0}
_UPSET_DEG = 10.0
# Every so many metres of road there is something else beside it.
_STRETCH_KM = 0.12


class Mobility:
    """All movers.

    Attributes:
        who: Terminals that move.
        riders: Those of them on vehicles, which sway.
        latitude_deg, longitude_deg, speed_mps: Where they are, and how fast.
    """

    def __init__(
        self,
        fleet: Fleet,
        attitude: Attitude,
        reception: Reception,
        conditions: TerminalConditions,
        rng: np.random.Generator,
    ) -> None:
        self._movers, self._attitude, self._reception, self._conditions = fleet.movers, attitude, reception, conditions
        movers, terminals, self._rng = fleet.movers, fleet.terminals, rng
        self._home = terminals.latitude_deg[movers.hops.who], terminals.longitude_deg[movers.hops.who]
        self._kind = movers.tracks.kind[movers.vehicle]
        self._sways = [_of(table, self._kind) for table in (_SLOW_DEG, _SLOW_S, _QUICK_DEG, _QUICK_S)]
        self._upset_every_s = _of(_UPSET_EVERY_S, self._kind)
        self._on_road = np.flatnonzero((self._kind == Kind.TRUCK) | (self._kind == Kind.HAULER))
        self._phase = rng.uniform(0.0, 2.0 * np.pi, (4, len(movers.riders)))
        self.who, self.riders = movers.who, movers.riders
        self._measures_after_ns = np.zeros(len(movers.riders), dtype=np.int64)
        self._moving: Flags = np.zeros(len(movers.riders), dtype=np.bool_)
        self.latitude_deg: Floats32 = np.empty(0, dtype=np.float32)
        self.longitude_deg = self.speed_mps = self.latitude_deg

    def turn_to(self, at_ns: int) -> None:
        """Move everyone to where they are in this second."""
        movers, hops = self._movers, self._movers.hops
        there = where(movers.tracks, at_ns)
        self._moving = there.speed_mps[movers.vehicle] > 0.0
        self._attitude.sway(movers.riders, *self._lean_deg(at_ns - at_ns % NS_PER_S + self._measures_after_ns))
        self._pass_by(there.passed_km)
        self._upset(at_ns)
        come_up = at_ns >= hops.unpacked_at_ns
        places = (
            np.where(come_up, elsewhere, at_home)
            for elsewhere, at_home in zip((hops.latitude_deg, hops.longitude_deg), self._home, strict=True)
        )
        self.latitude_deg, self.longitude_deg = (
            np.round(np.concatenate([riding[movers.vehicle], carried]), 4).astype(np.float32)
            for riding, carried in zip((there.latitude_deg, there.longitude_deg), places, strict=True)
        )
        speed_mps = np.concatenate([there.speed_mps[movers.vehicle], np.zeros(len(hops.who))])
        self.speed_mps = np.round(speed_mps, 1).astype(np.float32)

    def measure_after(self, after_ns: Array) -> None:
        """Let each rider's face be that of the instant within the second at which it measures."""
        self._measures_after_ns = after_ns[self.riders]

    def faces_deg(self, at_ns: int) -> tuple[Array, Array]:
        """Give tilt and azimuth of every rider at an instant of the running second."""
        return self._attitude.swayed_deg(self.riders, *self._lean_deg(np.full(len(self.riders), at_ns)))

    def pack(self, at_ns: int) -> bool:
        """Switch backpacks off and on that are due in this second; tell whether there were any."""
        hops, powered = self._movers.hops, self._conditions.powered
        off, on = hops.who[hops.packed_at_ns == at_ns], hops.who[hops.unpacked_at_ns == at_ns]
        powered[off], powered[on] = False, True
        return bool(len(off) or len(on))

    def _lean_deg(self, at_ns: Array) -> tuple[Floats, Floats]:
        """Say by how much each rider leans to the east and to the north, at an instant of its own."""
        at_s = at_ns / 1e9 % 86_400.0
        slow_deg, slow_s, quick_deg, quick_s = self._sways
        slow, quick = 2.0 * np.pi * at_s / slow_s, 2.0 * np.pi * at_s / quick_s
        afloat = self._moving | (self._kind == Kind.SHIP)
        east_deg = slow_deg * np.sin(slow + self._phase[0]) + quick_deg * np.sin(quick + self._phase[1])
        north_deg = 0.5 * slow_deg * np.sin(0.83 * slow + self._phase[2]) + quick_deg * np.sin(
            0.9 * quick + self._phase[3]
        )
        banks = (at_s + self._phase[0] * 143.0) % _BANK_EVERY_S < _BANK_S
        east_deg = np.where((self._kind == Kind.FLIGHT) & banks, _BANK_DEG, east_deg)
        return np.where(afloat, east_deg, 0.0), np.where(afloat, north_deg, 0.0)

    def _pass_by(self, passed_km: Floats) -> None:
        vehicle = self._movers.vehicle[self._on_road].astype(np.int64)
        stretch = (passed_km[vehicle] // _STRETCH_KM).astype(np.int64)
        self._reception.skyline[self.riders[self._on_road]] = obstruction.skylines_of_road(stretch, vehicle)

    def _upset(self, at_ns: int) -> None:
        upset = self._rng.random(len(self._moving)) < self._moving / self._upset_every_s
        who = self.riders[upset & self._attitude.settled(at_ns)[self.riders]]
        if len(who):
            self._attitude.upset(who, at_ns, np.full(len(who), _UPSET_DEG, dtype=np.float32))


def _of(table: dict[Kind, float], kind: Array) -> Floats:
    values: Floats = np.array([table[one] for one in Kind])[kind]
    return values
