"""Creates the topics as their contracts declare them; what is there already must fit, or nothing is touched."""

from collections.abc import Iterable

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from ingest.contract.bus import Fatal, Retry
from ingest.contract.topics import Spread, Topic


def create_topics(bootstrap: str, topics: Iterable[Topic], partition_count: int, *, replication: int = 1) -> list[str]:
    """Create the topics that are missing; return their names.

    Args:
        bootstrap: Brokers.
        topics: As declared.
        partition_count: Of topics that are spread by shard; the others have one.
        replication: Copies of each partition.

    Raises:
        Fatal: A topic has another number of partitions: records would land where nobody looks for them.
        Retry: The broker is away.
    """
    wanted = {topic.name: topic for topic in topics}
    counts = {name: partition_count if topic.spread is Spread.SHARD else 1 for name, topic in wanted.items()}
    try:
        admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    except KafkaError as error:
        raise Retry(f"kafka at {bootstrap}: {error}") from error
    try:
        there = set(admin.list_topics())
        found = {d["name"]: len(d["partitions"]) for d in admin.describe_topics(sorted(there & set(wanted)))}
        for name, count in found.items():
            if count != counts[name]:
                raise Fatal(f"topic {name} has {count} partitions, {counts[name]} are declared: use another cluster")
        missing = [name for name in wanted if name not in found]
        if missing:
            admin.create_topics(
                {
                    name: {
                        "num_partitions": counts[name],
                        "replication_factor": replication,
                        "configs": wanted[name].config(),
                    }
                    for name in missing
                },
                wait_for_metadata=True,
            )
    except KafkaError as error:
        raise Retry(f"kafka at {bootstrap}: {error}") from error
    finally:
        admin.close()
    return missing
