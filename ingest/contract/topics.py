"""A topic, declared once; and those that the door and the network write."""

from enum import StrEnum

import msgspec

DAY_S = 86_400


class Spread(StrEnum):
    """How a topic's records are spread over partitions; always set by the producer, never hashed."""

    SHARD = "shard"  # partition = shard % partition_count
    SINGLE = "single"  # one partition, one order


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """A Kafka topic.

    Attributes:
        name: `<what>.<thing>.v<n>`.
        key: What the key says.
        value: What the value is.
        spread: How partitions are chosen.
        retention_s: How long records are kept; None where compaction alone decides.
        compacted: Whether the newest record of each key is kept.
        description: One sentence for the data dictionary.
    """

    name: str
    key: str
    value: str
    description: str
    spread: Spread = Spread.SINGLE
    retention_s: int | None = None
    compacted: bool = False

    def config(self) -> dict[str, str]:
        """Return the broker's settings of the topic."""
        policy = {(False, True): "delete", (True, False): "compact", (True, True): "compact,delete"}
        settings = {"cleanup.policy": policy[self.compacted, self.retention_s is not None or not self.compacted]}
        if self.retention_s is not None:
            settings["retention.ms"] = str(self.retention_s * 1000)
        return settings


def shard_key(shard: int) -> bytes:
    """Write the key of a shard's records."""
    return shard.to_bytes(4, "big")


def shard_from_key(key: bytes) -> int:
    """Read a shard's key."""
    return int.from_bytes(key, "big")


TERMINAL_TELEMETRY = Topic(
    name="telemetry.terminal.v1",
    key="shard",
    value="frame",
    spread=Spread.SHARD,
    retention_s=DAY_S,
    description="Samples, ticks, attachments and control frames of each shard, in the door's order.",
)
SATELLITE_TELEMETRY = Topic(
    name="telemetry.satellite.v1",
    key="source",
    value="frame",
    retention_s=DAY_S,
    description="Satellites, their lasers and their beams, every 10 s.",
)
GATEWAY_TELEMETRY = Topic(
    name="telemetry.gateway.v1",
    key="source",
    value="frame",
    retention_s=DAY_S,
    description="Gateways, their paths to PoPs and their beams, every second.",
)
POP_TELEMETRY = Topic(
    name="telemetry.pop.v1",
    key="source",
    value="frame",
    retention_s=DAY_S,
    description="PoPs, their egresses and attachments, every second.",
)
CONTACT_PLAN = Topic(
    name="plan.contact.v1",
    key="slot start, 8 bytes big-endian",
    value="plan frame",
    retention_s=3 * DAY_S,
    description="The contact plan, slot by slot, ahead of time; history is kept longer than telemetry.",
)
INVENTORY_TERMINAL = Topic(
    name="inventory.terminal.v1",
    key="id",
    value="JSON",
    compacted=True,
    description="Terminals, and the deployment.",
)
INVENTORY_SATELLITE = Topic(
    name="inventory.satellite.v1",
    key="id",
    value="JSON",
    compacted=True,
    description="Satellites.",
)
INVENTORY_GATEWAY = Topic(
    name="inventory.gateway.v1",
    key="id",
    value="JSON",
    compacted=True,
    description="Gateways.",
)
INVENTORY_POP = Topic(
    name="inventory.pop.v1",
    key="id",
    value="JSON",
    compacted=True,
    description="PoPs.",
)
INVENTORY_TENANT = Topic(
    name="inventory.tenant.v1",
    key="id",
    value="JSON",
    compacted=True,
    description="Tenants.",
)
CONTROL_RECORDS = Topic(
    name="control.v1",
    key="control key",
    value="JSON",
    compacted=True,
    description="Maintenance windows, acknowledgements, threshold changes, verdicts.",
)
INGEST_DEADLETTER = Topic(
    name="deadletter.ingest.v1",
    key="source",
    value="the bytes as they came",
    retention_s=14 * DAY_S,
    description="What the door refused, with the reason in its headers.",
)

# Everything that says who is who, and everything that a frame may name a version of: read whole, by all.
INVENTORY_TOPICS = (INVENTORY_TERMINAL, INVENTORY_SATELLITE, INVENTORY_GATEWAY, INVENTORY_POP, INVENTORY_TENANT)
SIDE_TOPICS = (*INVENTORY_TOPICS, CONTACT_PLAN, CONTROL_RECORDS)

INGEST_TOPICS = (
    TERMINAL_TELEMETRY, SATELLITE_TELEMETRY, GATEWAY_TELEMETRY, POP_TELEMETRY, CONTACT_PLAN, INVENTORY_TERMINAL,
    INVENTORY_SATELLITE, INVENTORY_GATEWAY, INVENTORY_POP, INVENTORY_TENANT, CONTROL_RECORDS, INGEST_DEADLETTER,
)  # fmt: skip

TOPIC_OF_KIND = {
    "terminal": TERMINAL_TELEMETRY,
    "attachment": TERMINAL_TELEMETRY,
    "control": TERMINAL_TELEMETRY,
    "satellite": SATELLITE_TELEMETRY,
    "laser": SATELLITE_TELEMETRY,
    "satellite_beam": SATELLITE_TELEMETRY,
    "gateway": GATEWAY_TELEMETRY,
    "gateway_path": GATEWAY_TELEMETRY,
    "gateway_beam": GATEWAY_TELEMETRY,
    "pop": POP_TELEMETRY,
    "pop_egress": POP_TELEMETRY,
    "pop_attachment": POP_TELEMETRY,
}
