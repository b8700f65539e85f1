"""What satellites say of themselves every 10 s: state, lasers and lit beams, gathered by one feed."""

import numpy as np
from numpy.typing import NDArray

from ingest.contract.columns import Array
from ingest.contract.instants import NS_PER_S
from ingest.contract.packing import Packer, Record
from ingest.contract.vocabulary import LaserDirection, LaserState, SatelliteLifecycle
from simulators.fleet import Fleet
from simulators.geometry import Floats, geodetic
from simulators.lasers import LONGEST_LASER_KM
from simulators.orbits import Motion, propagate
from simulators.scheduler import NONE, Plan

FEED = "ttc"
EVERY_NS = 10 * NS_PER_S

_LASER_RATE_BPS = 100e9  # the demonstration of December 2023
_BEAM_CAPACITY_BPS = 2e9  # assumed
_PAYLOAD_W, _PAYLOAD_PER_BEAM_W = 900.0, 60.0  # assumed
_SIDES = (LaserDirection.FORE, LaserDirection.STARBOARD, LaserDirection.AFT, LaserDirection.PORT)


def first_lifecycle(fleet: Fleet) -> NDArray[np.int8]:
    """Give each satellite's stage of life at the start of the run, both layers."""
    return np.concatenate([fleet.carrying.lifecycle, fleet.published.lifecycle])


class Spacecraft:
    """All satellites of both layers."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._satellites = (*fleet.carrying.satellites, *fleet.published.satellites)
        self._lifecycle = first_lifecycle(fleet)
        self._peers = fleet.carrying.peers

    def positions(self, at_ns: int) -> tuple[Floats, Floats]:
        """Return latitude_deg and longitude_deg of every satellite's place on the ground; NaN where SGP4 gave up."""
        latitude_deg, longitude_deg, _ = geodetic(self._motion(at_ns).position_km[0])
        return latitude_deg, longitude_deg

    def report(self, at_ns: int, received_at_ns: int, plan: Plan, cell_bps: Floats, packer: Packer) -> list[Record]:
        """Return the frames of one instant.

        Args:
            at_ns: When they measured.
            received_at_ns: The door's clock.
            plan: Of the running slot.
            cell_bps: What flows to and from each cell.
            packer: The door.
        """
        motion = self._motion(at_ns)
        kinds = {
            "satellite": self._states(at_ns, motion, plan),
            "laser": self._lasers(at_ns, motion.position_km[0]),
            "satellite_beam": self._beams(at_ns, plan, cell_bps),
        }
        return [packer.source(kind, FEED, columns, received_at_ns) for kind, columns in kinds.items()]

    def _motion(self, at_ns: int) -> Motion:
        return propagate(self._satellites, np.array([at_ns], dtype=np.int64))

    def _states(self, at_ns: int, motion: Motion, plan: Plan) -> dict[str, Array]:
        count = len(self._satellites)
        covered = plan.satellite_index[plan.satellite_index != NONE]
        beams = np.bincount(covered, minlength=count)
        columns: dict[str, Array] = {
            "satellite_index": np.arange(count, dtype=np.int32),
            "observed_at_ns": np.full(count, at_ns),
            "lifecycle": self._lifecycle,
        }
        for axis, name in enumerate("xyz"):
            columns[f"position_{name}_km"] = np.round(motion.position_km[0, :, axis], 3)
            columns[f"velocity_{name}_kmps"] = np.round(motion.velocity_km_per_s[0, :, axis], 5).astype(np.float32)
        power_w = _PAYLOAD_W + _PAYLOAD_PER_BEAM_W * beams
        return columns | {
            "ephemeris_epoch_at_ns": np.full(count, at_ns),
            "thrusting": (self._lifecycle == SatelliteLifecycle.RAISING).astype(np.int8),
            "power_w": power_w.astype(np.float32),
            "temperature_celsius": (12.0 + 0.5 * np.minimum(beams, 20)).astype(np.float32),
        }

    def _lasers(self, at_ns: int, position_km: Floats) -> dict[str, Array]:
        """Report four heads a satellite, in the order of `neighbours`."""
        count = len(self._peers)
        own = np.repeat(np.arange(count, dtype=np.int32), len(_SIDES))
        peer = self._peers.ravel()
        range_km = np.linalg.norm(position_km[own] - position_km[peer], axis=1)
        up = range_km <= LONGEST_LASER_KM
        return {
            "satellite_index": own,
            "observed_at_ns": np.full(len(own), at_ns),
            "direction": np.tile(np.array(_SIDES, dtype=np.int8), count),
            "laser_state": np.where(up, LaserState.UP, LaserState.DOWN).astype(np.int8),
            "peer_satellite_index": peer,
            "range_km": np.where(up, np.round(range_km, 1), np.nan).astype(np.float32),
            "rate_bps": np.where(up, _LASER_RATE_BPS, 0.0).astype(np.float32),
        }

    def _beams(self, at_ns: int, plan: Plan, cell_bps: Floats) -> dict[str, Array]:
        lit = np.flatnonzero(plan.satellite_index != NONE)
        load_ratio = np.round(np.clip(cell_bps[lit] / _BEAM_CAPACITY_BPS, 0.0, 1.0), 3)
        return {
            "satellite_index": plan.satellite_index[lit],
            "observed_at_ns": np.full(len(lit), at_ns),
            "beam_id": plan.beam_id[lit],
            "cell_id": self._fleet.cells.cell_ids[lit],
            "beam_on": np.ones(len(lit), dtype=np.int8),
            "frequency_id": plan.frequency_id[lit],
            "load_ratio": load_ratio.astype(np.float32),
        }
