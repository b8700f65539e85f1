"""The topics that the dock writes."""

from ingest.contract.topics import DAY_S, Topic

EXPORTERS_DEADLETTER = Topic(
    name="deadletter.exporters.v1",
    key="source",
    value="the bytes as they came",
    retention_s=14 * DAY_S,
    description="Records that a destination refused for good.",
)
EXPORTERS_TOPICS = (EXPORTERS_DEADLETTER,)
