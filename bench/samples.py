"""The samples that every contestant gets: full frames of all columns for us, JSON for the others; seeded."""

from collections.abc import Iterator

import msgspec
import numpy as np

from ingest.contract.columns import Array
from ingest.contract.inventory import Deployment, Gateway, Inventory, Pop, Satellite, Tenant, Terminal
from ingest.contract.packing import Packer, Record, Versions
from ingest.contract.telemetry import TERMINAL

SHARD_COUNT = 8
PARTITION_COUNT = 4
SATELLITE_COUNT = 3236
# A terminal changes its satellite every other slot or so, each at a second of its own.
STAY_S = 30
NS_PER_S = 1_000_000_000
START_AT_NS = 1_759_449_600 * NS_PER_S
_json = msgspec.json.Encoder()


def inventory(terminal_count: int) -> Inventory:
    """Return as many terminals as asked, aligned and fixed, one gateway, one PoP, all satellites."""
    terminals = [
        Terminal(
            terminal_id=f"t{i}", terminal_index=i, tenant_index=0, aligned_tilt_deg=20.0, aligned_azimuth_deg=10.0
        )
        for i in range(terminal_count)
    ]  # fmt: skip
    satellites = [
        Satellite(satellite_id=str(i), satellite_index=i, shell="A")  # noqa: S604 - of satellites
        for i in range(SATELLITE_COUNT)
    ]
    return Inventory([
        Deployment(version=1, shard_count=SHARD_COUNT),
        Tenant(tenant_id="tenant", tenant_index=0),
        Gateway(gateway_id="gateway", gateway_index=0, pop_index=0),
        Pop(pop_id="pop", pop_index=0),
        *satellites,
        *terminals,
    ])  # fmt: skip


def columns(terminal_count: int, second: int, rng: np.random.Generator, stay_s: int = STAY_S) -> dict[str, Array]:
    """Return one sample of every terminal: every column of the contract, at its own resolution."""
    index = np.arange(terminal_count, dtype=np.int32)

    def around(middle: float, spread: float, step: float) -> Array:
        return (np.round(rng.normal(middle, spread, terminal_count) / step) * step).astype(np.float32)

    def always(value: float) -> Array:
        return np.full(terminal_count, value)

    found = {
        "terminal_index": index,
        "boot_count": always(3),
        "sequence": always(second),
        "observed_at_ns": always(0).astype(np.int64) + START_AT_NS + second * NS_PER_S - rng.integers(0, 200, terminal_count) * 1_000_000,
        "state": always(1),
        "serving_satellite_index": (index * 7 + (second + index) // stay_s * 13) % SATELLITE_COUNT,
        "beam_id": always(4),
        "gateway_index": always(0),
        "pop_index": always(0),
        "snr_db": around(9, 1, 0.1),
        "pop_ping_latency_ms": around(38, 4, 0.1).clip(1),
        "pop_ping_drop_ratio": around(0, 0.01, 0.001).clip(0, 0.4),
        "downlink_throughput_bps": around(2e7, 5e6, 1000).clip(0),
        "uplink_throughput_bps": around(2e6, 5e5, 1000).clip(0),
        "downlink_bytes_total": index.astype(np.int64) * 1_000_000 + second * 2_500_000,
        "uplink_bytes_total": index.astype(np.int64) * 100_000 + second * 250_000,
        "tilt_angle_deg": around(20, 0.1, 0.1),
        "boresight_azimuth_deg": around(10, 0.1, 0.1),
        "boresight_elevation_deg": around(70, 0.1, 0.1),
        "attitude_uncertainty_deg": around(0.5, 0.05, 0.1).clip(0),
        "attitude_converged": always(1),
        "desired_boresight_azimuth_deg": always(10),
        "desired_boresight_elevation_deg": always(70),
        "install_state": always(2),
        "address_index": index,
        "standby_underlay_state": always(0),
        "obstruction_ratio": around(0.01, 0.005, 0.001).clip(0),
        "temperature_celsius": around(35, 3, 0.5),
        "power_w": around(45, 5, 1),
        "latitude_deg": (index % 120 - 60).astype(np.float32),
        "longitude_deg": (index % 360 - 180).astype(np.float32),
        "speed_mps": always(0),
        "modcod": rng.integers(10, 20, terminal_count),
        "ethernet_speed_bps": always(1_000_000_000),
        "network_type": always(0),
        "active_underlay": always(0),
        "alerts": always(0),
        "encryption_state": always(0),
    }  # fmt: skip
    return {column.name: found[column.name].astype(column.numpy_type) for column in TERMINAL.columns}


def frames(terminal_count: int, seconds: int, seed: int, stay_s: int = STAY_S) -> Iterator[list[Record]]:
    """Yield each second's frames: one a shard, with all its terminals in order."""
    packer = Packer(producer_id="bench", shard_count=SHARD_COUNT, partition_count=PARTITION_COUNT)
    packer.versions = Versions(inventory=1)
    rng = np.random.default_rng(seed)
    for second in range(seconds):
        yield packer.samples(columns(terminal_count, second, rng, stay_s), START_AT_NS + second * NS_PER_S)


def records(terminal_count: int, seconds: int, seed: int) -> Iterator[tuple[int, bytes]]:
    """Yield the same samples as JSON, each with its terminal: ten fields, which is all that the peers' job reads."""
    rng = np.random.default_rng(seed)
    for second in range(seconds):
        sample = columns(terminal_count, second, rng)
        rows = zip(*(sample[name].tolist() for name in _FIELDS.values()), strict=True)
        for row in rows:
            yield row[0], _json.encode(dict(zip(_FIELDS, row, strict=True)))


_FIELDS = {
    "terminal": "terminal_index",
    "at_ns": "observed_at_ns",
    "satellite": "serving_satellite_index",
    "snr_db": "snr_db",
    "rtt_ms": "pop_ping_latency_ms",
    "drop": "pop_ping_drop_ratio",
    "tilt_deg": "tilt_angle_deg",
    "azimuth_deg": "boresight_azimuth_deg",
    "down_bytes": "downlink_bytes_total",
    "up_bytes": "uplink_bytes_total",
}
