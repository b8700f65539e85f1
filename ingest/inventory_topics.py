"""The inventory as its topics hold it now."""

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from ingest.contract.bus import Retry, message_of
from ingest.contract.inventory import Inventory
from ingest.contract.topics import INVENTORY_TOPICS, Topic
from ingest.in_force import InForce

_POLL_MS = 500


def partition_count_of(topic: Topic, bootstrap: str) -> int:
    """Return how many partitions a topic has.

    Raises:
        Retry: The broker or the topic is away.
    """
    try:
        consumer = KafkaConsumer(bootstrap_servers=bootstrap)
    except KafkaError as error:
        raise Retry(f"kafka: {bootstrap}: {error}") from error
    try:
        partitions = consumer.partitions_for_topic(topic.name)
    finally:
        consumer.close()
    if not partitions:
        raise Retry(f"topic {topic.name} is not there: create the topics first")
    return len(partitions)


def read_topics(bootstrap: str, *, within_s: float = 30.0) -> Inventory | None:
    """Return the whole inventory that lies on Kafka; None where there is none yet.

    Raises:
        Retry: The broker or a topic is away.
    """
    try:
        consumer = KafkaConsumer(
            bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest",
            bootstrap_timeout_ms=int(within_s * 1000),
        )  # fmt: skip
    except KafkaError as error:
        raise Retry(f"kafka: {bootstrap}: {error}") from error
    try:
        return _read(consumer)
    except KafkaError as error:
        raise Retry(f"kafka: {error}") from error
    finally:
        consumer.close()


def _read(consumer: KafkaConsumer) -> Inventory | None:
    places = [TopicPartition(topic.name, 0) for topic in INVENTORY_TOPICS]
    for place in places:
        if not consumer.partitions_for_topic(place.topic):
            raise Retry(f"topic {place.topic} is not there: create the topics first")
    consumer.assign(places)
    consumer.seek_to_beginning(*places)
    ends = consumer.end_offsets(places)
    in_force = InForce()
    while any(consumer.position(place) < end for place, end in ends.items()):
        for records in consumer.poll(timeout_ms=_POLL_MS).values():
            in_force.take(message_of(record) for record in records)
    in_force.settle()
    return in_force.inventory
