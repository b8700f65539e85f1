"""The road indoors, in one process: what Faust, the merge, the correlator and the exporters' shells do over Kafka, over memory here."""

from collections.abc import Callable

from ingest.contract.topics import SIDE_TOPICS, TERMINAL_TELEMETRY
from leowatch.memory_bus import MemoryBus
from streams.contract.topics import PARTIALS
from streams.incident_bench import READS, IncidentBench
from streams.knowledge import Knowledge
from streams.rollup_bench import RollupBench
from streams.side_inputs import SideInputs
from streams.workbench import Workbench


class Road:
    """Carries records from bench to bench until the bus is at rest.

    Args:
        bus: Where the door's records lie, and where what is found is put.
        partition_count: Of the telemetry topic.
        now_ns: Stamps dead letters; by it a window's corrections wait for each other.
    """

    def __init__(self, bus: MemoryBus, *, partition_count: int, now_ns: Callable[[], int]) -> None:
        self._bus = bus
        self._now_ns = now_ns
        self._side_inputs = SideInputs()
        self._side = bus.reader(SIDE_TOPICS)
        self._telemetry = bus.reader([TERMINAL_TELEMETRY])
        self._partials = bus.reader([PARTIALS])
        self._findings = bus.reader(READS)
        self.workbench = Workbench(partition_count=partition_count, knowledge=self._known)
        self._rollups = RollupBench()
        self._incidents: IncidentBench | None = None

    @property
    def knowledge(self) -> Knowledge | None:
        """What the side inputs say; None before a whole inventory has come."""
        return self._side_inputs.knowledge

    def turn(self) -> None:
        """Take in everything that lies on the bus, and put back what comes of it."""
        side = self._side.drain()
        if side:
            self._side_inputs.take(side)
            self._side_inputs.settle()
        knowledge = self.knowledge
        if knowledge is None:
            return
        for message in self._telemetry.drain():
            self._bus.put(
                self.workbench.handle(
                    key=message.key,
                    value=message.value or b"",
                    partition=message.partition,
                    offset=message.offset,
                    at_ns=self._now_ns(),
                )
            )
        for message in self._partials.drain():
            self._bus.put(self._rollups.handle(message))
        self._bus.put(self._rollups.advance(self._now_ns()))
        incidents = self._incident_bench(knowledge)
        for message in self._findings.drain():
            self._bus.put(incidents.handle(message))

    def _known(self) -> Knowledge:
        knowledge = self.knowledge
        assert knowledge is not None  # `turn` waits for it
        return knowledge

    def _incident_bench(self, knowledge: Knowledge) -> IncidentBench:
        if self._incidents is None:
            self._incidents = IncidentBench(knowledge)
        self._incidents.know(knowledge)
        return self._incidents
