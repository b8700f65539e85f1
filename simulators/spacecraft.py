"""What satellites say of themselves every 10 s: state, lasers and lit beams, gathered by one feed."""

import numpy as np
from numpy.typing import NDArray

from ingest.contract.columns import Array, take
from ingest.contract.instants import NS_PER_S
from ingest.contract.packing import Packer, Record
from ingest.contract.vocabulary import LaserDirection, LaserState, SatelliteLifecycle
from simulators.burns import displaced, thrusting
from simulators.fleet import Fleet
from simulators.geometry import Floats, geodetic
from simulators.laser_states import Acquisition
from simulators.network_conditions import NetworkConditions, operational
from simulators.orbits import Motion, propagate
from simulators.scheduler import NONE, Plan, Rules, beam_of

FEED = "ttc"
EVERY_NS = 10 * NS_PER_S

_LASER_RATE_BPS = 100e9  # the demonstration of December 2023
_BUS_W, _PAYLOAD_W, _BEAM_W = 300.0, 600.0, 60.0  # assumed
_SIDES = (LaserDirection.FORE, LaserDirection.STARBOARD, LaserDirection.AFT, LaserDirection.PORT)


def first_lifecycle(fleet: Fleet) -> NDArray[np.int8]:
    """Give each satellite's stage of life at the start of the run, both layers."""
    return np.concatenate([fleet.carrying.lifecycle, fleet.published.lifecycle])


class Spacecraft:
    """All satellites of both layers."""

    def __init__(self, fleet: Fleet, network: NetworkConditions, rules: Rules) -> None:
        self._fleet = fleet
        self._network = network
        self._rules = rules
        self._satellites = (*fleet.carrying.satellites, *fleet.published.satellites)
        self._everyone = np.arange(len(self._satellites), dtype=np.int32)
        self._peers = fleet.carrying.peers
        self._acquisition = Acquisition(self._peers)

    def positions(self, at_ns: int) -> tuple[Floats, Floats]:
        """Return latitude_deg and longitude_deg of every satellite's place on the ground; NaN where SGP4 gave up."""
        latitude_deg, longitude_deg, _ = geodetic(self._motion(at_ns).position_km[0])
        return latitude_deg, longitude_deg

    def report(self, at_ns: int, received_at_ns: int, plan: Plan, crowd: Floats, packer: Packer) -> list[Record]:
        """Return the frames of one instant.

        Args:
            at_ns: When they measured.
            received_at_ns: The door's clock.
            plan: Of the running slot.
            crowd: What each cell wants, as a share of what its beams carry.
            packer: The door.
        """
        motion = self._motion(at_ns)
        kinds = {
            "satellite": self._states(at_ns, motion, plan),
            "laser": self._lasers(at_ns, motion.position_km[0]),
            "satellite_beam": self._beams(at_ns, plan, crowd),
        }
        return [packer.source(kind, FEED, columns, received_at_ns) for kind, columns in kinds.items()]

    def _motion(self, at_ns: int) -> Motion:
        instant = np.array([at_ns], dtype=np.int64)
        return displaced(propagate(self._satellites, instant), instant, self._network.satellites, self._everyone)

    def _states(self, at_ns: int, motion: Motion, plan: Plan) -> dict[str, Array]:
        satellites, count = self._network.satellites, len(self._satellites)
        covered = plan.satellite_index != NONE
        beams = np.bincount(plan.satellite_index[covered], weights=plan.beam_count[covered], minlength=count)
        beams = np.where(operational(satellites), beams, 0)
        fires = thrusting(satellites, at_ns) | (satellites.lifecycle == SatelliteLifecycle.RAISING)
        columns: dict[str, Array] = {
            "satellite_index": np.arange(count, dtype=np.int32),
            "observed_at_ns": np.full(count, at_ns),
            "lifecycle": satellites.lifecycle.copy(),
        }
        for axis, name in enumerate("xyz"):
            columns[f"position_{name}_km"] = np.round(motion.position_km[0, :, axis], 3)
            columns[f"velocity_{name}_kmps"] = np.round(motion.velocity_km_per_s[0, :, axis], 5).astype(np.float32)
        power_w = _BUS_W + np.where(satellites.carrying, _PAYLOAD_W, 0.0) + _BEAM_W * beams
        return columns | {
            "ephemeris_epoch_at_ns": np.full(count, at_ns),
            "thrusting": fires.astype(np.int8),
            "power_w": power_w.astype(np.float32),
            "temperature_celsius": (12.0 + 0.5 * np.minimum(beams, 20)).astype(np.float32),
        }

    def _lasers(self, at_ns: int, position_km: Floats) -> dict[str, Array]:
        """Report four heads a satellite, in the order of `lasers.grid_peers`; a layer without known planes has none."""
        count = len(self._peers)
        satellites = self._network.satellites
        alive = satellites.lifecycle != SatelliteLifecycle.FAILED
        heads = self._acquisition.look(at_ns, position_km[:count], satellites.laser_works[:count], alive[:count])
        has_peer = self._peers.ravel() != NONE
        up = heads.state == LaserState.UP
        columns: dict[str, Array] = {
            "satellite_index": np.repeat(np.arange(count, dtype=np.int32), len(_SIDES)),
            "observed_at_ns": np.full(count * len(_SIDES), at_ns),
            "direction": np.tile(np.array(_SIDES, dtype=np.int8), count),
            "laser_state": heads.state.ravel(),
            "peer_satellite_index": self._peers.ravel(),
            "range_km": np.round(heads.range_km.ravel(), 1).astype(np.float32),
            "rate_bps": np.where(up.ravel(), _LASER_RATE_BPS, 0.0).astype(np.float32),
        }
        return columns if has_peer.all() else take(columns, has_peer)

    def _beams(self, at_ns: int, plan: Plan, crowd: Floats) -> dict[str, Array]:
        """Report every beam that is lit; those of one cell carry equal shares."""
        cell = np.repeat(np.arange(len(plan.beam_count)), plan.beam_count)
        first = np.repeat(np.cumsum(plan.beam_count) - plan.beam_count, plan.beam_count)
        number = (np.arange(len(cell)) - first).astype(np.int32)
        works = operational(self._network.satellites)[plan.satellite_index[cell]]
        load_ratio = np.clip(crowd[cell], 0.0, 1.0)
        return {
            "satellite_index": plan.satellite_index[cell],
            "observed_at_ns": np.full(len(cell), at_ns),
            "beam_id": beam_of(plan.beam_id[cell], number, self._rules),
            "cell_id": self._fleet.cells.cell_ids[cell],
            "beam_on": works.astype(np.int8),
            "frequency_id": (plan.frequency_id[cell] + number).astype(np.int32) % self._rules.frequency_count,
            "load_ratio": np.round(np.where(works, load_ratio, 0.0), 3).astype(np.float32),
        }
