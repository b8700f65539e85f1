"""What the side topics say, folded into what the detectors know: inventory, plan, maintenance windows, thresholds."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

import msgspec

from ingest.contract.bus import Message
from ingest.contract.control import ControlRecord, MaintenanceWindow, ThresholdChange, decode_control
from ingest.contract.frame import Rejected, decode
from ingest.contract.inventory import Inventory, InventoryRecord, decode_record
from ingest.contract.plan import PLAN_LAYOUTS, PlanHeader
from ingest.contract.topics import CONTACT_PLAN, INVENTORY_TOPICS
from streams.knowledge import Knowledge, PlanBook
from streams.thresholds import Thresholds

_INVENTORY_NAMES = frozenset(topic.name for topic in INVENTORY_TOPICS)
_CHANGEABLE = frozenset(Thresholds.__struct_fields__) - {"version"}


class SideInputs:
    """Takes the records of the side topics in any order, and says what is known once an inventory is whole.

    Attributes:
        refused_count: Records that could not be read; they are passed over.
    """

    def __init__(self) -> None:
        self._records: dict[tuple[str, bytes], InventoryRecord] = {}
        self._inventory: Inventory | None = None
        self._changes: dict[int, ThresholdChange] = {}
        self._windows: dict[str, MaintenanceWindow] = {}
        self._plan = PlanBook()
        self._knowledge: Knowledge | None = None
        self._is_inventory_stale = False
        self.refused_count = 0

    @property
    def knowledge(self) -> Knowledge | None:
        """What is known; None until there is a whole inventory."""
        return self._knowledge

    def take(self, messages: Iterable[Message]) -> None:
        """Take records in; nothing is known of them before `settle`."""
        for message in messages:
            self._is_inventory_stale |= message.topic in _INVENTORY_NAMES
            try:
                self._fold(message)
            except msgspec.MsgspecError:
                self.refused_count += 1

    def settle(self) -> None:
        """Make up the knowledge anew, if anything has come since the last time."""
        if self._is_inventory_stale:
            self._complete_inventory()
        known, maintenance, thresholds = self._knowledge, tuple(self._windows.values()), self._thresholds()
        if self._inventory is None:
            return
        if known is None or known.inventory is not self._inventory or known.thresholds != thresholds:
            self._knowledge = Knowledge(
                inventory=self._inventory, plan=self._plan, thresholds=thresholds, maintenance=maintenance
            )
        elif known.maintenance != maintenance:
            # What was worked out for each shard from the inventory stays.
            self._knowledge = replace(known, maintenance=maintenance)

    def _fold(self, message: Message) -> None:
        if message.topic in _INVENTORY_NAMES:
            if message.value is None:
                self._records.pop((message.topic, message.key), None)
            else:
                self._records[message.topic, message.key] = decode_record(message.value)
        elif message.value is None:
            return
        elif message.topic == CONTACT_PLAN.name:
            self._fold_plan(message.value)
        else:
            self._fold_control(decode_control(message.value))

    def _fold_control(self, record: ControlRecord) -> None:
        if isinstance(record, MaintenanceWindow):
            self._windows[record.window_id] = record
        elif isinstance(record, ThresholdChange):
            if record.name in _CHANGEABLE:
                self._changes[record.version] = record
            else:
                self.refused_count += 1

    def _fold_plan(self, value: bytes) -> None:
        frame = decode(value, PLAN_LAYOUTS, PlanHeader)
        if isinstance(frame, Rejected):
            self.refused_count += 1
        else:
            self._plan.add(frame.header, frame.columns)

    def _complete_inventory(self) -> None:
        self._is_inventory_stale = False
        # Its records come over several topics: until the last is here, what was whole before holds.
        with suppress(ValueError):
            self._inventory = Inventory(self._records.values())

    def _thresholds(self) -> Thresholds:
        found = Thresholds()
        for version, change in sorted(self._changes.items()):
            value = type(getattr(found, change.name))(change.value)
            found = msgspec.structs.replace(found, **{change.name: value}, version=version)
        return found
