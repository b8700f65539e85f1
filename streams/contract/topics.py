"""The topics that the workshop writes."""

from ingest.contract.topics import DAY_S, Spread, Topic

TERMINAL_EVENTS = Topic(
    name="events.terminal.v1",
    key="shard",
    value="event frame",
    spread=Spread.SHARD,
    retention_s=7 * DAY_S,
    description="Events of each shard's terminals, and a tick every second.",
)
NETWORK_EVENTS = Topic(
    name="events.network.v1",
    key="subject id",
    value="JSON, one event",
    retention_s=7 * DAY_S,
    description="Events of gateways, PoPs, satellites, regions and the pipeline.",
)
INCIDENTS = Topic(
    name="incidents.v1",
    key="incident id",
    value="JSON",
    compacted=True,
    retention_s=30 * DAY_S,
    description="Incidents, newest revision last.",
)
INCIDENT_CHILDREN = Topic(
    name="incidents.children.v1",
    key="incident id",
    value="frame",
    retention_s=30 * DAY_S,
    description="Events attached to incidents.",
)
PARTIALS = Topic(
    name="partials.v1",
    key="shard",
    value="rollup frame",
    spread=Spread.SHARD,
    retention_s=DAY_S,
    description="Each shard's part of a window.",
)
GATEWAY_ROLLUPS = Topic(
    name="rollups.gateway.v1",
    key="window start",
    value="rollup frame",
    retention_s=7 * DAY_S,
    description="Merged windows by gateway, PoP and model.",
)
SNAPSHOTS = Topic(
    name="snapshots.v1",
    key="shard, source offset, chunk",
    value="state",
    spread=Spread.SHARD,
    compacted=True,
    description="State of each shard; the resume point.",
)
STREAMS_DEADLETTER = Topic(
    name="deadletter.streams.v1",
    key="source",
    value="the bytes as they came",
    retention_s=14 * DAY_S,
    description="Frames that could not be read or stepped.",
)

STREAMS_TOPICS = (
    TERMINAL_EVENTS, NETWORK_EVENTS, INCIDENTS, INCIDENT_CHILDREN, PARTIALS, GATEWAY_ROLLUPS, SNAPSHOTS,
    STREAMS_DEADLETTER,
)  # fmt: skip
