"""What the correlator's worker does with one record: gateway frames and event frames in; incidents and their children out."""

from collections import Counter
from functools import partial
from typing import Any

from ingest.contract.bus import Message
from ingest.contract.dead_letter import Origin
from ingest.contract.frame import Rejected, TelemetryHeader, decode, encode
from ingest.contract.instants import NS_PER_MS
from ingest.contract.packing import Record
from ingest.contract.telemetry import GATEWAY, GATEWAY_BEAM, GATEWAY_PATH
from ingest.contract.topics import GATEWAY_TELEMETRY
from ingest.contract.vocabulary import SubjectKind
from streams.contract.catalogue import KIND_BY_CODE
from streams.contract.detail import InventoryNames, details, encode_detail
from streams.contract.events import EVENT_LAYOUTS, EventHeader
from streams.contract.incidents import CHILD, ChildrenHeader, encode_incident
from streams.contract.topics import INCIDENT_CHILDREN, INCIDENTS, NETWORK_EVENTS, TERMINAL_EVENTS
from streams.dead_letters import refused
from streams.detectors import gateway as gateway_detector
from streams.excuses import Excuses
from streams.incidents.changes import changes_before
from streams.incidents.correlator import Change, Correlator
from streams.incidents.notice import children_columns
from streams.knowledge import Knowledge
from streams.planned_ways import PlannedWays

READS = (TERMINAL_EVENTS, GATEWAY_TELEMETRY)
_GATEWAY_LAYOUTS = {layout.kind: layout for layout in (GATEWAY, GATEWAY_PATH, GATEWAY_BEAM)}
_GATEWAY_COLUMNS = frozenset(
    {
        "gateway_index",
        "observed_at_ns",
        "antennas_in_service_count",
        "fibre_a_up",
        "fibre_b_up",
        "terminals_attached_count",
    }
)


class IncidentBench:
    """Holds the correlator and the gateway detector; a shell brings it records and carries away what it says."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._names = InventoryNames(knowledge.inventory)
        self._gateways = gateway_detector.new_state(len(knowledge.inventory.gateways))
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
            self._gateways = gateway_detector.grown(self._gateways, len(knowledge.inventory.gateways))
            self._correlator.know(knowledge.inventory, self._names)
        self._knowledge = knowledge

    def handle(self, message: Message) -> list[Record]:
        """Take one record in; return the network events it causes, and the incidents that it changes, with new children."""
        if message.value is None:
            return []
        if message.topic == GATEWAY_TELEMETRY.name:
            return self._gateway_frame(message, message.value)
        frame = decode(message.value, EVENT_LAYOUTS, EventHeader)
        if isinstance(frame, Rejected):
            return [self._refuse(message, frame)]
        self.counts["unknown_events"] += sum(
            code not in KIND_BY_CODE for code in frame.columns.get("event_code", ()) if frame.rows
        )
        self._correlator.hear(frame.columns)
        self._correlator.tick(frame.header.shard, frame.header.watermark_ns, frame.header.clock_ns)
        return [record for change in self._correlator.advance() for record in _say(change)]

    def _gateway_frame(self, message: Message, value: bytes) -> list[Record]:
        frame = decode(value, _GATEWAY_LAYOUTS, TelemetryHeader, only=_GATEWAY_COLUMNS)
        if isinstance(frame, Rejected):
            return [self._refuse(message, frame)]
        if frame.layout is not GATEWAY:
            return []
        self._gateways, noticed = gateway_detector.step(self._gateways, frame.columns, frame.header.received_at_ns)
        known = self._knowledge.for_frame(frame.header)
        clock_ns, overrun_ns = self._gateways.clock_ns, known.thresholds.work_overrun_ns
        events = self._excuses.judge(noticed, partial(known.works_on, SubjectKind.GATEWAY), clock_ns, overrun_ns)
        self._correlator.hear(events)
        return [
            Record(topic=NETWORK_EVENTS, key=detail["subject_id"].encode(), value=encode_detail(detail))
            for detail in details(events, self._names)
        ]

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
