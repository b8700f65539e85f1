"""The pings of every terminal to its PoP: how long they take, and which are lost."""

import numpy as np

from ingest.contract.columns import Array
from ingest.contract.instants import NS_PER_S
from simulators import link
from simulators.feeders import Feeders
from simulators.fleet import Fleet
from simulators.geometry import Floats
from simulators.network_conditions import GatewayConditions
from simulators.noise import Noise
from simulators.passes import Passes
from simulators.reception import Reception
from simulators.scheduler import NONE, Plan
from simulators.terminal_conditions import Flags, Floats32
from simulators.visibility import Indexes

# RTT steps by 2 to 25 ms from slot to slot (measured, domain section 5a); light accounts for 1 to 5 of them.
_QUEUE_STEP_MS = (2.0, 22.0)
_QUEUE_LIMIT_MS = 30.0
_JITTER_MS = 0.8
# The first pings of a slot wait for the link that is being set up: about 140 ms for a fraction of a second
# (arXiv 2601.08439), in the mean of a second so much more.
_EDGE_SPIKE_MS = 9.0
_EDGE_SPIKE_LIMIT_MS = 60.0
# Losses come in bursts: one in so many seconds, of some seconds, of a part of the pings; below what an outage is.
_BURST_EVERY_S = 400.0
_BURST_S = (1.0, 4.0)
_BURST_RATIO = (0.03, 0.4)
# Above so much margin a coded link loses only what a clear sky loses.
_SURE_DB = 3.0


class Pings:
    """What the pings of all terminals meet; queues belong to cells, bursts of loss to terminals."""

    def __init__(self, fleet: Fleet, gateways: GatewayConditions, noise: Noise, rng: np.random.Generator) -> None:
        count = len(fleet.cells)
        self._rng, self._noise = rng, noise
        self._gateways = gateways
        self._gateway_ms = fleet.segment.round_trip_ms
        self._queue_ms = rng.uniform(0.0, _QUEUE_LIMIT_MS, count)
        self._satellite: Indexes = np.full(count, NONE, dtype=np.int32)
        self._gateway = self._pop = self._satellite
        self._burst_who: Indexes = np.empty(0, dtype=np.int32)
        self._burst_until_ns = np.empty(0, dtype=np.int64)
        self._burst_ratio: Floats32 = np.empty(0, dtype=np.float32)

    def enter_slot(self, plan: Plan) -> None:
        """Queue anew where another satellite serves."""
        moved = plan.satellite_index != self._satellite
        step_ms = self._rng.uniform(*_QUEUE_STEP_MS, len(moved)) * np.where(self._rng.random(len(moved)) < 0.5, -1, 1)
        # A step that would leave the range goes the other way.
        aim_ms = self._queue_ms + step_ms
        aim_ms = np.where((aim_ms < 0.0) | (aim_ms > _QUEUE_LIMIT_MS), self._queue_ms - step_ms, aim_ms)
        self._queue_ms = np.where(moved, np.clip(aim_ms, 0.0, _QUEUE_LIMIT_MS), self._queue_ms)
        self._satellite, self._gateway, self._pop = plan.satellite_index, plan.gateway_index, plan.pop_index

    def latency_ms(
        self, at_ns: int, cell: Indexes, passes: Passes, crowd_ms: Floats, absent_ratio: Floats32
    ) -> Floats32:
        """Give the mean round trip of each terminal's second.

        Args:
            at_ns: The second.
            cell: Of each terminal.
            passes: Geometry of the slot.
            crowd_ms: What each cell's own traffic adds to its queue.
            absent_ratio: Share of the second without service: beside it the first pings are slow.
        """
        landing_ms = self._gateway_ms[self._gateway, self._pop] + self._gateways.backbone_extra_ms[self._gateway]
        covered_ms = link.round_trip_ms(
            passes.propagation_ms[passes.row(at_ns)],
            gateway_round_trip_ms=np.where(self._satellite == NONE, np.nan, landing_ms),
            queueing_ms=self._queue_ms + crowd_ms,
        ).astype(np.float32)
        jitter_ms = np.abs(np.float32(_JITTER_MS) * self._noise.normal())
        latency_ms: Floats32 = covered_ms[cell] + jitter_ms
        edge = np.flatnonzero((absent_ratio > 0.0) & (absent_ratio < 1.0))
        spike_ms = self._rng.exponential(_EDGE_SPIKE_MS, len(edge))
        latency_ms[edge] += np.minimum(spike_ms, _EDGE_SPIKE_LIMIT_MS).astype(np.float32)
        return np.asarray(np.round(latency_ms, 1), np.float32)

    def drop_ratio(
        self,
        at_ns: int,
        *,
        reception: Reception,
        feeders: Feeders,
        gateway: Indexes,
        live: Flags,
        absent: Floats32,
    ) -> Floats32:
        """Give the share of each terminal's pings that is lost in its second."""
        lost = np.full(len(live), link.CLEAR_DROP_RATIO, dtype=np.float32)
        weak = np.flatnonzero(np.minimum(reception.downlink_db, reception.uplink_db) < link.LEAST_SNR_DB + _SURE_DB)
        ways = (
            1.0 - link.drop_ratio(way[weak].astype(np.float64)) for way in (reception.downlink_db, reception.uplink_db)
        )
        lost[weak] = 1.0 - np.prod(list(ways), axis=0)
        self._renew_bursts(at_ns, len(live))
        lost[self._burst_who] = np.maximum(lost[self._burst_who], self._burst_ratio)
        feeder_loss = 1.0 - (1.0 - feeders.downwards_lost_ratio) * (1.0 - feeders.upwards_lost_ratio)
        if (feeder_loss > 0.5 * link.CLEAR_DROP_RATIO).any():
            lost += (1.0 - lost) * np.where(gateway == NONE, 0.0, feeder_loss[gateway]).astype(np.float32)
        return np.where(live, absent + (1.0 - absent) * lost, absent)

    def _renew_bursts(self, at_ns: int, count: int) -> None:
        goes_on = self._burst_until_ns > at_ns
        new = self._rng.integers(0, count, self._rng.poisson(count / _BURST_EVERY_S))
        until_ns = at_ns + (self._rng.uniform(*_BURST_S, len(new)) * NS_PER_S).astype(np.int64)
        ratio = self._rng.uniform(*_BURST_RATIO, len(new))
        self._burst_who = _append(self._burst_who[goes_on], new)
        self._burst_until_ns = _append(self._burst_until_ns[goes_on], until_ns)
        self._burst_ratio = _append(self._burst_ratio[goes_on], ratio)


def _append(kept: Array, new: Array) -> Array:
    return np.concatenate([kept, new.astype(kept.dtype)])
