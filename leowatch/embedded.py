"""A simulated network and the whole road behind it in one process: the sky's seconds go in, and any reader hears what comes of them."""

from collections.abc import Iterable

from ingest.contract.packing import inventory_records
from ingest.contract.topics import Topic
from leowatch.memory_bus import MemoryBus, MemoryReader
from leowatch.road import Road
from simulators.run import Second, Settings, Sky


class Embedded:
    """The bus, the road on it, and the clock by which both live.

    Attributes:
        road: What is behind the door.
        now_ns: The door's clock.
    """

    def __init__(self, sky: Sky, settings: Settings) -> None:
        self.now_ns = settings.first_at_ns
        self._inventory = sky.inventory
        self._bus = MemoryBus(now_ns=lambda: self.now_ns)
        self.road = Road(self._bus, partition_count=settings.partition_count, now_ns=lambda: self.now_ns)

    def reader(self, topics: Iterable[Topic]) -> MemoryReader:
        """Return a reader of everything from now on."""
        return self._bus.reader(topics)

    def begin(self) -> None:
        """Say who is who."""
        self._bus.put(inventory_records(self._inventory))

    def live(self, second: Second) -> None:
        """Let a second of the network pass, and the road take it in."""
        self.now_ns = second.received_at_ns
        self._bus.put(second.records)
        self.road.turn()
