"""What is in force at the door: the inventory, and the newest versions of plan, maintenance and thresholds."""

from collections.abc import Iterable
from contextlib import suppress

import msgspec

from ingest.contract.bus import Message
from ingest.contract.control import MaintenanceWindow, ThresholdChange, decode_control
from ingest.contract.frame import Rejected, decode
from ingest.contract.inventory import Inventory, InventoryRecord, decode_record
from ingest.contract.packing import Versions
from ingest.contract.plan import PLAN_LAYOUTS, PlanHeader
from ingest.contract.topics import CONTACT_PLAN, INVENTORY_TOPICS

_INVENTORY_NAMES = frozenset(topic.name for topic in INVENTORY_TOPICS)


class InForce:
    """Folds the side topics.

    Attributes:
        inventory: The newest whole one; None before there is one.
        plan_version, maintenance_version, threshold_version: The newest said; 0 for none.
        refused_count: Records that could not be read.
    """

    def __init__(self) -> None:
        self._records: dict[tuple[str, bytes], InventoryRecord] = {}
        self._parts: dict[tuple[int, int], set[int]] = {}
        self._ends: dict[tuple[int, int], int] = {}
        self._inventory_is_stale = False
        self.inventory: Inventory | None = None
        self.plan_version = self.maintenance_version = self.threshold_version = self.refused_count = 0

    @property
    def versions(self) -> Versions:
        """What frames name."""
        return Versions(
            inventory=self.inventory.version if self.inventory else 0,
            plan=self.plan_version,
            maintenance=self.maintenance_version,
            threshold=self.threshold_version,
        )

    def take(self, messages: Iterable[Message]) -> None:
        """Take records in."""
        for message in messages:
            try:
                self._fold(message)
            except msgspec.MsgspecError:
                self.refused_count += 1

    def settle(self) -> None:
        """Make up the inventory anew if any of its records has changed; until all are here, the one before holds."""
        if self._inventory_is_stale:
            self._inventory_is_stale = False
            with suppress(ValueError):
                self.inventory = Inventory(self._records.values())

    def _fold(self, message: Message) -> None:
        if message.topic in _INVENTORY_NAMES:
            self._inventory_is_stale = True
            if message.value is None:
                self._records.pop((message.topic, message.key), None)
            else:
                self._records[message.topic, message.key] = decode_record(message.value)
        elif message.value is None:
            return
        elif message.topic == CONTACT_PLAN.name:
            self._fold_plan(message.value)
        else:
            self._fold_control(message.value)

    def _fold_plan(self, value: bytes) -> None:
        frame = decode(value, PLAN_LAYOUTS, PlanHeader, only=frozenset())
        if isinstance(frame, Rejected):
            self.refused_count += 1
            return
        header = frame.header
        slot = header.slot_start_ns, header.plan_version
        parts = self._parts.setdefault(slot, set())
        parts.add(header.part)
        if header.complete:
            self._ends[slot] = header.part + 1
        if len(parts) == self._ends.get(slot):
            # A plan counts once the last part of its slot is here: the workshop waits for no less.
            del self._parts[slot], self._ends[slot]
            self.plan_version = max(self.plan_version, header.plan_version)

    def _fold_control(self, value: bytes) -> None:
        record = decode_control(value)
        if isinstance(record, MaintenanceWindow):
            self.maintenance_version = max(self.maintenance_version, record.version)
        elif isinstance(record, ThresholdChange):
            self.threshold_version = max(self.threshold_version, record.version)
