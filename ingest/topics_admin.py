"""Makes the topics that contracts declare, and refuses one that is there in another shape."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError

from ingest.contract.bus import Fatal, Retry
from ingest.contract.topics import Spread, Topic


@dataclass(frozen=True, slots=True)
class TopicsMade:
    """What was done.

    Attributes:
        created: Topics that are new.
        present: Topics that were there.
    """

    created: tuple[str, ...]
    present: tuple[str, ...]


def partitions_of(topic: Topic, partition_count: int) -> int:
    """Return how many partitions a topic has, where those of shards have so many."""
    return partition_count if topic.spread is Spread.SHARD else 1


def create_topics(
    bootstrap: str,
    topics: Sequence[Topic],
    *,
    partition_count: int,
    replication_factor: int = 1,
    within_s: float = 30.0,
) -> TopicsMade:
    """Make the topics that are not there yet; call it again as often as you like.

    Raises:
        Fatal: A topic is there with another number of partitions: its order would break.
        Retry: The broker is away.
    """
    try:
        admin = KafkaAdminClient(bootstrap_servers=bootstrap, bootstrap_timeout_ms=int(within_s * 1000))
    except KafkaError as error:
        raise Retry(f"kafka: {bootstrap}: {error}") from error
    try:
        known = set(admin.list_topics())
        present = [topic for topic in topics if topic.name in known]
        refuse_mismatch(present, _partition_counts(admin, [topic.name for topic in present]), partition_count)
        absent = [topic for topic in topics if topic.name not in known]
        if absent:
            admin.create_topics(
                {t.name: _shape(t, partition_count, replication_factor) for t in absent}, wait_for_metadata=True
            )
    except TopicAlreadyExistsError as error:
        raise Retry(f"kafka: somebody else is making the topics: {error}") from error
    except KafkaError as error:
        raise Retry(f"kafka: {error}") from error
    finally:
        admin.close()
    return TopicsMade(tuple(t.name for t in absent), tuple(t.name for t in present))


def refuse_mismatch(topics: Iterable[Topic], found: dict[str, int], partition_count: int) -> None:
    """Make sure that topics have as many partitions as they should.

    Raises:
        Fatal: One has not.
    """
    for topic in topics:
        wanted = partitions_of(topic, partition_count)
        if found[topic.name] != wanted:
            raise Fatal(
                f"topic {topic.name} has {found[topic.name]} partitions and should have {wanted}: ask for the number it "
                "has, or move its data to a new topic"
            )


def _partition_counts(admin: Any, names: list[str]) -> dict[str, int]:
    described = admin.describe_topics(names) if names else []
    return {topic["name"]: len(topic["partitions"]) for topic in described}


def _shape(topic: Topic, partition_count: int, replication_factor: int) -> dict[str, Any]:
    return {
        "num_partitions": partitions_of(topic, partition_count),
        "replication_factor": replication_factor,
        "configs": topic.config(),
    }
