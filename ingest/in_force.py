"""What is in force at the door: the inventory, and the newest versions of plan, maintenance and thresholds."""

from collections.abc import Iterable

import msgspec

from ingest.contract.bus import Message
from ingest.contract.control import MaintenanceWindow, ThresholdChange, decode_control
from ingest.contract.frame import Rejected, decode
from ingest.contract.inventory import Inventory
from ingest.contract.inventory_fold import INVENTORY_NAMES, InventoryFold
from ingest.contract.packing import Versions
from ingest.contract.plan import PLAN_LAYOUTS, PlanHeader
from ingest.contract.plan_parts import PlanParts
from ingest.contract.topics import CONTACT_PLAN


class InForce:
    """Folds the side topics.

    Attributes:
        plan_version, maintenance_version, threshold_version: The newest said; 0 for none. A threshold change counts
            whether or not it has an effect, here as in the workshop.
        refused_count: Records that could not be read.
    """

    def __init__(self) -> None:
        self._inventory = InventoryFold()
        self._parts = PlanParts[None]()
        self.plan_version = self.maintenance_version = self.threshold_version = self.refused_count = 0

    @property
    def inventory(self) -> Inventory | None:
        """The newest whole one at the last `settle`; None before there is one."""
        return self._inventory.inventory

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
        self._inventory.settle()

    def _fold(self, message: Message) -> None:
        if message.topic in INVENTORY_NAMES:
            self._inventory.take(message.topic, message.key, message.value)
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
        elif self._parts.put(frame.header, None) is not None:
            # A plan counts once the last part of its slot is here: the workshop waits for no less.
            self.plan_version = max(self.plan_version, frame.header.plan_version)

    def _fold_control(self, value: bytes) -> None:
        record = decode_control(value)
        if isinstance(record, MaintenanceWindow):
            self.maintenance_version = max(self.maintenance_version, record.version)
        elif isinstance(record, ThresholdChange):
            self.threshold_version = max(self.threshold_version, record.version)
