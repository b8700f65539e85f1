"""The inventory's topics folded into the newest whole inventory, for everybody who follows them."""

from contextlib import suppress

from ingest.contract.inventory import Inventory, InventoryRecord, decode_record
from ingest.contract.topics import INVENTORY_TOPICS

INVENTORY_NAMES = frozenset(topic.name for topic in INVENTORY_TOPICS)


class InventoryFold:
    """Takes records in any order.

    Attributes:
        inventory: The newest whole one; None before there is one.
    """

    def __init__(self) -> None:
        self._records: dict[tuple[str, bytes], InventoryRecord] = {}
        self._is_stale = False
        self.inventory: Inventory | None = None

    def take(self, topic: str, key: bytes, value: bytes | None) -> None:
        """Take a record in; a tombstone takes it out again.

        Raises:
            msgspec.MsgspecError: It is none: what the fold holds stays.
        """
        if value is None:
            self._records.pop((topic, key), None)
        else:
            self._records[topic, key] = decode_record(value)
        self._is_stale = True

    def settle(self) -> Inventory | None:
        """Return the newest whole inventory; while records of the next are missing, the one before holds."""
        if self._is_stale:
            self._is_stale = False
            with suppress(ValueError):
                self.inventory = Inventory(self._records.values())
        return self.inventory
