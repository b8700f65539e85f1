"""The directory over Kafka: follows the inventory's topics, in no group, whenever a frame asks for a newer version."""

from collections.abc import Iterator
from contextlib import suppress

import msgspec
from kafka import KafkaConsumer, TopicPartition

from ingest.contract.bus import Retry
from ingest.contract.inventory import Inventory
from ingest.contract.inventory_fold import InventoryFold
from ingest.contract.topics import INVENTORY_TOPICS
from streams.contract.detail import InventoryNames

_WAIT_MS = 1_000


class InventoryReader:
    """Knows the newest whole inventory.

    Raises:
        Retry: The topics are not there yet.
    """

    def __init__(self, bootstrap: str) -> None:
        self._consumer = KafkaConsumer(
            bootstrap_servers=bootstrap,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            check_crcs=True,
        )
        self._fold = InventoryFold()
        self._names: InventoryNames | None = None
        places = list(self._places())
        self._consumer.assign(places)
        self._consumer.seek_to_beginning(*places)
        ends = self._consumer.end_offsets(places)
        while any(self._consumer.position(place) < end for place, end in ends.items()):
            self.follow(_WAIT_MS)

    def inventory(self, version: int) -> Inventory:
        """Return an inventory of that version or a later one."""
        found = self._fold.inventory
        if found is None or found.version < version:
            self.follow(_WAIT_MS)
            found = self._fold.inventory
        if found is None or found.version < version:
            raise Retry(f"inventory version {version} has been named and is not on its topics yet")
        return found

    def names(self, version: int) -> InventoryNames:
        """Return the ids of that inventory."""
        inventory = self.inventory(version)
        if self._names is None:
            self._names = InventoryNames(inventory)
        return self._names

    def follow(self, wait_ms: int = 0) -> None:
        """Take what has come; parts of an inventory that is still being written change nothing."""
        for records in self._consumer.poll(timeout_ms=wait_ms).values():
            for record in records:
                # The door refuses a record that is none, and the workshop counts it.
                with suppress(msgspec.MsgspecError):
                    self._fold.take(record.topic, record.key or b"", record.value)
        before = self._fold.inventory
        if self._fold.settle() is not before:
            self._names = None

    def close(self) -> None:
        """Let go of the connection."""
        self._consumer.close()

    def _places(self) -> Iterator[TopicPartition]:
        for topic in INVENTORY_TOPICS:
            partitions = self._consumer.partitions_for_topic(topic.name)
            if not partitions:
                raise Retry(f"topic {topic.name} is not there yet")
            yield from (TopicPartition(topic.name, partition) for partition in sorted(partitions))
