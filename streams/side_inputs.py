"""What the side topics say, folded into what the detectors know: inventory, plan, maintenance windows, thresholds."""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace

import msgspec

from ingest.contract.bus import Message
from ingest.contract.control import MaintenanceWindow, ThresholdChange, decode_control
from ingest.contract.frame import Rejected, decode
from ingest.contract.inventory_fold import INVENTORY_NAMES, InventoryFold
from ingest.contract.plan import PLAN_LAYOUTS, PlanHeader
from ingest.contract.topics import CONTACT_PLAN
from streams.knowledge import Knowledge
from streams.plan_book import PlanBook
from streams.thresholds import Thresholds, changed

# A topic full of nonsense is counted to the last record, and told of by the newest.
_REASONS_KEPT = 100


class SideInputs:
    """Takes the records of the side topics in any order, and says what is known once an inventory is whole.

    Attributes:
        refused: Why the last of them were passed over, a sentence each; whoever tells of them clears it.
        refused_count: How many records were passed over.
    """

    def __init__(self) -> None:
        self._inventory = InventoryFold()
        self._changes: dict[tuple[int, str], ThresholdChange] = {}
        self._threshold_version = 0
        self._windows: dict[tuple[str, int], MaintenanceWindow] = {}
        self._plan = PlanBook()
        self._knowledge: Knowledge | None = None
        self._is_control_stale = False
        self.refused: deque[str] = deque(maxlen=_REASONS_KEPT)
        self.refused_count = 0

    @property
    def knowledge(self) -> Knowledge | None:
        """What is known; None until there is a whole inventory."""
        return self._knowledge

    def take(self, messages: Iterable[Message]) -> None:
        """Take records in; nothing is known of them before `settle`."""
        for message in messages:
            try:
                self._fold(message)
            except (msgspec.MsgspecError, ValueError) as error:
                self._refuse(f"{message.topic} at {message.offset}: {error}")

    def settle(self) -> None:
        """Make up the knowledge anew, if anything has come since the last time."""
        inventory, known = self._inventory.settle(), self._knowledge
        if inventory is None:
            return
        if known is None or known.inventory is not inventory:
            known = Knowledge(inventory=inventory, plan=self._plan)
            self._is_control_stale = True
        if self._is_control_stale:
            # What was worked out for each shard from the inventory stays.
            known = replace(
                known,
                maintenance=tuple(self._windows.values()),
                changes=tuple(self._changes.values()),
                threshold_version=self._threshold_version,
                _views={},
            )
            self._is_control_stale = False
        self._knowledge = known

    def _fold(self, message: Message) -> None:
        if message.topic in INVENTORY_NAMES:
            self._inventory.take(message.topic, message.key, message.value)
        elif message.value is None:
            return
        elif message.topic == CONTACT_PLAN.name:
            self._fold_plan(message.value)
        else:
            self._fold_control(message.value)

    def _fold_control(self, value: bytes) -> None:
        record = decode_control(value)
        if isinstance(record, MaintenanceWindow):
            self._windows[record.window_id, record.version] = record
            self._is_control_stale = True
        elif isinstance(record, ThresholdChange):
            # Frames name its version whether or not it can be followed, and would wait for it in vain.
            self._threshold_version = max(self._threshold_version, record.version)
            self._is_control_stale = True
            changed(Thresholds(), record)
            self._changes[record.version, record.name] = record

    def _fold_plan(self, value: bytes) -> None:
        frame = decode(value, PLAN_LAYOUTS, PlanHeader)
        if isinstance(frame, Rejected):
            raise ValueError(frame.detail or frame.reason.value)  # noqa: TRY004 - it is a value, and refused as all others
        self._plan.add(frame.header, frame.columns)

    def _refuse(self, why: str) -> None:
        self.refused_count += 1
        self.refused.append(why)
