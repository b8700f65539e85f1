"""What the correlator's worker does with one record: the network's frames and event frames in; network events, incidents and their children out."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from ingest.contract.bus import Message
from ingest.contract.columns import Columns
from ingest.contract.dead_letter import Origin
from ingest.contract.frame import Rejected, TelemetryHeader, decode, encode
from ingest.contract.instants import NS_PER_MS
from ingest.contract.packing import Record
from ingest.contract.plan import PLAN_LAYOUTS, PlanHeader
from ingest.contract.plan_parts import PlanParts
from ingest.contract.telemetry import LAYOUTS
from ingest.contract.topics import CONTACT_PLAN, GATEWAY_TELEMETRY, POP_TELEMETRY, SATELLITE_TELEMETRY, TOPIC_OF_KIND
from streams.contract.catalogue import KIND_BY_CODE
from streams.contract.detail import InventoryNames, details, encode_detail
from streams.contract.events import EVENT_LAYOUTS, EventHeader
from streams.contract.incidents import CHILD, ChildrenHeader, encode_incident
from streams.contract.topics import INCIDENT_CHILDREN, INCIDENTS, NETWORK_EVENTS, TERMINAL_EVENTS
from streams.dead_letters import refused
from streams.detectors import network, planning
from streams.excuses import Excuses
from streams.incidents.changes import changes_before
from streams.incidents.correlator import Change, Correlator
from streams.incidents.notice import children_columns
from streams.knowledge import Knowledge
from streams.planned_ways import PlannedWays

_NETWORK_TOPICS = (GATEWAY_TELEMETRY, POP_TELEMETRY, SATELLITE_TELEMETRY)
READS = (TERMINAL_EVENTS, *_NETWORK_TOPICS, CONTACT_PLAN)
_NETWORK_NAMES = frozenset(topic.name for topic in _NETWORK_TOPICS)
_NETWORK_LAYOUTS = {kind: layout for kind, layout in LAYOUTS.items() if TOPIC_OF_KIND[kind] in _NETWORK_TOPICS}
_PLAN_COLUMNS = frozenset({"cell_id", "gateway_index"})


class IncidentBench:
    """Holds the correlator and the watch over the network; a shell brings it records and carries away what it says."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._names = InventoryNames(knowledge.inventory)
        self._network = network.NetworkState()
        self._planning = planning.PlanningState()
        self._plan_parts = PlanParts[Columns]()
        self._excuses = Excuses()
        self._ways = PlannedWays(knowledge)
        self._correlator = Correlator(
            inventory=knowledge.inventory, names=self._names, ways=self._ways, changes=self._changes_before
        )
        self.counts: Counter[str] = Counter()

    def know(self, knowledge: Knowledge) -> None:
        """Take a newer plan or inventory."""
        self._ways.know(knowledge)
        if knowledge.inventory is not self._knowledge.inventory:
            self._names = InventoryNames(knowledge.inventory)
            self._correlator.know(knowledge.inventory, self._names)
        self._knowledge = knowledge

    def handle(self, message: Message) -> list[Record]:
        """Take one record in; return the network events it causes, and the incidents that it changes, with new children."""
        if message.value is None:
            return []
        if message.topic in _NETWORK_NAMES:
            return self._network_frame(message, message.value)
        if message.topic == CONTACT_PLAN.name:
            return self._plan_frame(message, message.value)
        frame = decode(message.value, EVENT_LAYOUTS, EventHeader)
        if isinstance(frame, Rejected):
            return [self._refuse(message, frame)]
        self.counts["unknown_events"] += sum(
            code not in KIND_BY_CODE for code in frame.columns.get("event_code", ()) if frame.rows
        )
        self._correlator.hear(frame.columns)
        self._correlator.tick(frame.header.shard, frame.header.watermark_ns, frame.header.clock_ns)
        return [record for change in self._correlator.advance() for record in _say(change)]

    def _network_frame(self, message: Message, value: bytes) -> list[Record]:
        frame = decode(value, _NETWORK_LAYOUTS, TelemetryHeader)
        if isinstance(frame, Rejected):
            return [self._refuse(message, frame)]
        known = self._knowledge.for_frame(frame.header)
        self._network, noticed = network.step(self._network, frame, known.thresholds)
        clock_ns, overrun_ns = self._network.clock_ns, known.thresholds.work_overrun_ns
        events = self._excuses.judge(noticed, known.works_on, clock_ns, overrun_ns)
        self._planning, overdue = planning.listen(self._planning, clock_ns, known.thresholds)
        return self._tell([events, *overdue])

    def _plan_frame(self, message: Message, value: bytes) -> list[Record]:
        frame = decode(value, PLAN_LAYOUTS, PlanHeader, only=_PLAN_COLUMNS)
        if isinstance(frame, Rejected):
            return [self._refuse(message, frame)]
        parts = self._plan_parts.put(frame.header, frame.columns)
        if parts is None:
            return []
        self._planning, noticed = planning.hear(self._planning, frame.header, parts, self._network.clock_ns)
        return self._tell(noticed)

    def _tell(self, noticed: Iterable[Columns]) -> list[Record]:
        """Return what the network did as records, and let the correlator hear it."""
        records = []
        for events in noticed:
            self._correlator.hear(events)
            records += [
                Record(topic=NETWORK_EVENTS, key=detail["subject_id"].encode(), value=encode_detail(detail))
                for detail in details(events, self._names)
            ]
        return records

    def _changes_before(self, at_ns: int) -> list[dict[str, Any]]:
        return changes_before(self._knowledge, at_ns)

    def _refuse(self, message: Message, rejected: Rejected) -> Record:
        self.counts[f"rejected_{rejected.reason.value}"] += 1
        origin = Origin(topic=message.topic, partition=message.partition, offset=message.offset)
        return refused(message.value or b"", rejected, origin, message.timestamp_ms * NS_PER_MS)


def _say(change: Change) -> list[Record]:
    incident = change.incident
    key = incident.incident_id.encode()
    records = [Record(topic=INCIDENTS, key=key, value=encode_incident(incident))]
    if change.children:
        header = ChildrenHeader(
            kind=CHILD.kind, version=CHILD.version, incident_id=incident.incident_id, revision=incident.revision
        )
        columns = children_columns(change.children)
        records.append(Record(topic=INCIDENT_CHILDREN, key=key, value=encode(header, CHILD, columns)))
    return records
