"""What the NOC page makes of the log: what the workshop says, who is who, the plan, and how fast it all goes."""

from collections.abc import Iterable

from dashboards.page.state import PageState
from ingest.contract.bus import Message
from ingest.contract.frame import Rejected, decode
from ingest.contract.instants import NS_PER_MS
from ingest.contract.inventory import Inventory
from ingest.contract.topics import SIDE_TOPICS
from leowatch import overview
from leowatch.overview import Overview, event_frame
from leowatch.pace import Pace
from streams.contract.rollups import ROLLUP_LAYOUTS, RollupHeader
from streams.contract.topics import PARTIALS, TERMINAL_EVENTS
from streams.side_inputs import SideInputs

READS = (*SIDE_TOPICS, *overview.READS, PARTIALS)
_SIDE_NAMES = frozenset(topic.name for topic in SIDE_TOPICS)


class Watch:
    """Takes records in any order of topics; asked, it says how things stand."""

    def __init__(self, *, label: str) -> None:
        self._side_inputs = SideInputs()
        self._seen = Overview(label=label)
        self._pace = Pace()
        self._inventory: Inventory | None = None

    def take(self, messages: Iterable[Message]) -> None:
        """Take in what was said."""
        for message in messages:
            if message.topic in _SIDE_NAMES:
                self._side_inputs.take((message,))
            elif message.topic == TERMINAL_EVENTS.name:
                self._hear(message)
            elif message.topic == PARTIALS.name:
                self._count(message.value or b"")
            else:
                self._seen.take((message,))

    def state(self, wall_ns: int, *, notice: str = "", ready: bool = True) -> PageState:
        """Return the page's newest state; without a whole inventory there is nothing to show, and it says so."""
        self._side_inputs.settle()
        knowledge = self._side_inputs.knowledge
        if knowledge is not None and knowledge.inventory is not self._inventory:
            self._inventory = knowledge.inventory
            self._seen.know(knowledge.inventory)
        wall_ms = wall_ns // NS_PER_MS
        return self._seen.state(
            now_ns=wall_ns if self._pace.is_live else self._seen.watermarks.highest_clock_ns,
            knowledge=knowledge,
            speed_ratio=self._pace.speed_ratio(wall_ms),
            samples_per_s=self._pace.samples_per_s(wall_ms),
            events_per_s=self._pace.events_per_s(wall_ms),
            notice=notice or ("" if knowledge is not None else "There is no whole inventory on its topics yet."),
            ready=ready and knowledge is not None,
        )

    def _hear(self, message: Message) -> None:
        frame = event_frame(message.value or b"")
        if frame is not None:
            self._seen.hear(frame)
            self._pace.hear(message.timestamp_ms, frame.header, frame.rows)

    def _count(self, value: bytes) -> None:
        part = decode(value, ROLLUP_LAYOUTS, RollupHeader)
        if not isinstance(part, Rejected):
            self._pace.window(part.header, part.column("samples_count"))
