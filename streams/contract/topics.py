"""The topics that the workshop writes, and those that a replay writes beside them."""

import re

import msgspec

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
    description="Each shard's part of a window: its first word, then what has changed since.",
)
GATEWAY_ROLLUPS = Topic(
    name="rollups.gateway.v1",
    key="window start, 8 bytes big-endian",
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

REPLAY_PREFIX = "replay."
REPLAY_ID = r"[a-z0-9][a-z0-9-]{0,63}"


def replay_topic(topic: Topic, replay: str) -> Topic:
    """Return the topic that a replay writes in place of one: exporters refuse it unless they are told its id.

    Raises:
        ValueError: The replay's id is none.
    """
    if not re.fullmatch(REPLAY_ID, replay):
        raise ValueError(f"replay id {replay!r}: take 1 to 64 of a-z, 0-9 and '-', the first not '-'")
    return msgspec.structs.replace(
        topic, name=f"{REPLAY_PREFIX}{replay}.{topic.name}", retention_s=DAY_S, compacted=False
    )


def replayed(topic: str) -> str:
    """Return the topic that a replay's topic repeats, or the topic itself."""
    return topic.removeprefix(REPLAY_PREFIX).partition(".")[2] if topic.startswith(REPLAY_PREFIX) else topic
