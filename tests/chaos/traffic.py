"""Five million samples of terminals that hand over, fail, fall silent, restart and tip over; seeded, in uneven shards."""

from collections.abc import Iterator

import numpy as np

from ingest.contract.inventory import Deployment, Gateway, Inventory, Pop, Satellite, Tenant, Terminal
from ingest.contract.packing import Packer, Record, Versions

SHARD_COUNT = 16
PARTITION_COUNT = 4
# Of the terminals of shards 0-3, 4-7, 8-11 and 12-15: each partition holds a fast and a slow shard.
CADENCES_S = (1, 2, 5, 20)
START_AT_NS = 1_759_449_600_000_000_000
NS_PER_S = 1_000_000_000
SATELLITE_COUNT = 40


def cadence_s(terminal_index):
    """Return how often a terminal reports."""
    return CADENCES_S[terminal_index % SHARD_COUNT // 4]


def inventory(terminal_count):
    """Return the inventory of so many terminals."""
    return Inventory([
        Deployment(version=1, shard_count=SHARD_COUNT),
        Tenant(tenant_id="tenant-0", tenant_index=0),
        Gateway(gateway_id="gateway-0", gateway_index=0, pop_index=0),
        Gateway(gateway_id="gateway-1", gateway_index=1, pop_index=0),
        Pop(pop_id="pop-0", pop_index=0),
        *(Satellite(satellite_id=f"{50_000 + i}", satellite_index=i, shell="A") for i in range(SATELLITE_COUNT)),
        *(
            Terminal(
                terminal_id=f"terminal-{i}", terminal_index=i, tenant_index=0, cadence_s=cadence_s(i),
                aligned_tilt_deg=20.0, aligned_azimuth_deg=10.0,
            )
            for i in range(terminal_count)
        ),
    ])  # fmt: skip


class Traffic:
    """The terminals' latent state, second by second."""

    def __init__(self, *, terminal_count, seed):
        self._rng = np.random.default_rng(seed)
        self._packer = Packer(producer_id="chaos", shard_count=SHARD_COUNT, partition_count=PARTITION_COUNT)
        self._packer.versions = Versions(inventory=1)
        self._index = np.arange(terminal_count, dtype=np.int32)
        self._cadence_s = np.array([cadence_s(i) for i in range(terminal_count)])
        self._phase_s = self._rng.integers(0, self._cadence_s)
        self._satellite = self._rng.integers(0, SATELLITE_COUNT, terminal_count).astype(np.int32)
        self._boot = np.ones(terminal_count, np.int32)
        self._sequence = np.zeros(terminal_count, np.int32)
        self._bad_until_s = np.zeros(terminal_count)
        self._silent_until_s = np.zeros(terminal_count)
        self._is_silent = np.zeros(terminal_count, bool)
        self._tipped = np.zeros(terminal_count, bool)

    def seconds(self, seconds) -> Iterator[list[Record]]:
        """Yield each second's records; the last says goodbye."""
        for second in range(seconds):
            yield self._second(second)
        yield self._packer.goodbye(START_AT_NS + seconds * NS_PER_S)

    def _second(self, second):
        at_ns = START_AT_NS + second * NS_PER_S
        detached, returned = self._change(second)
        records = self._packer.attachments(self._attachments(detached, at_ns, 0), at_ns)
        records += self._packer.attachments(self._attachments(returned, at_ns, 1), at_ns)
        reports = ((second + self._phase_s) % self._cadence_s == 0) & ~self._is_silent
        records += self._packer.samples(self._samples(np.flatnonzero(reports), at_ns, second), at_ns)
        return records + self._packer.ticks(at_ns)

    def _change(self, second):
        rng, count = self._rng, len(self._index)
        moved = rng.random(count) < 1 / 30
        self._satellite[moved] = rng.integers(0, SATELLITE_COUNT, int(moved.sum()))
        failing = rng.random(count) < 1 / 3000
        self._bad_until_s[failing] = second + rng.integers(2, 20, int(failing.sum()))
        falling = (rng.random(count) < 1 / 4000) & ~self._is_silent
        self._silent_until_s[falling] = second + rng.integers(15, 60, int(falling.sum()))
        returning = self._is_silent & (self._silent_until_s <= second)
        self._is_silent = (self._is_silent | falling) & ~returning
        rebooted = returning & (rng.random(count) < 0.5)
        self._boot[rebooted] += 1
        self._sequence[rebooted] = 0
        self._tipped ^= rng.random(count) < 1 / 5000
        return np.flatnonzero(falling & (rng.random(count) < 0.7)), np.flatnonzero(returning)

    def _attachments(self, rows, at_ns, attached):
        return {
            "terminal_index": self._index[rows],
            "observed_at_ns": np.full(len(rows), at_ns),
            "gateway_index": np.zeros(len(rows), np.int32),
            "attached": np.full(len(rows), attached, np.int8),
        }

    def _samples(self, rows, at_ns, second):
        rng, count = self._rng, len(rows)
        bad = self._bad_until_s[rows] > second
        # A quarter of those that tip only lean: that is warned of, the others have been knocked over.
        tipped_deg = np.where(self._index[rows] // SHARD_COUNT % 4 == 0, 35.0, 75.0)
        tilt_deg = np.where(self._tipped[rows], tipped_deg, 20.0).astype(np.float32)
        columns = {
            "terminal_index": self._index[rows],
            "boot_count": self._boot[rows],
            "sequence": self._sequence[rows],
            "observed_at_ns": np.full(count, at_ns - 50_000_000),
            "state": np.where(bad, 8, 1).astype(np.int8),
            "serving_satellite_index": self._satellite[rows],
            "beam_id": self._satellite[rows] % 7,
            "gateway_index": self._satellite[rows] % 2,
            "pop_index": np.zeros(count, np.int32),
            "snr_db": np.round(rng.normal(9, 1, count), 1).astype(np.float32),
            "pop_ping_latency_ms": np.round(rng.normal(40, 5, count), 1).astype(np.float32),
            "pop_ping_drop_ratio": bad.astype(np.float32),
            "tilt_angle_deg": tilt_deg,
            "boresight_azimuth_deg": np.full(count, 10, np.float32),
            "boresight_elevation_deg": 90 - tilt_deg,
            "attitude_uncertainty_deg": np.full(count, 0.5, np.float32),
            "attitude_converged": np.ones(count, np.int8),
        }
        self._sequence[rows] += 1
        repeated = rng.random(count) < 1 / 500
        return {name: np.concatenate([values, values[repeated]]) for name, values in columns.items()}
