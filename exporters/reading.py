"""What a record of the workshop says, read once for all sinks."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from exporters.contract.sink import Refusal
from exporters.directory import Directory
from ingest.contract.bus import Message
from ingest.contract.frame import Frame, Rejected, RejectReason, decode
from ingest.contract.instants import NS_PER_MS, from_rfc3339
from streams.contract.catalogue import KIND_BY_NAME
from streams.contract.detail import details, unknown_codes
from streams.contract.events import EVENT_LAYOUTS, EventHeader
from streams.contract.incidents import Incident, decode_incident
from streams.contract.rollups import ROLLUP_LAYOUTS, RollupHeader
from streams.contract.topics import GATEWAY_ROLLUPS, INCIDENTS, NETWORK_EVENTS, TERMINAL_EVENTS, replayed

EVENT_TOPICS = (TERMINAL_EVENTS, NETWORK_EVENTS)
FINDING_TOPICS = (*EVENT_TOPICS, INCIDENTS, GATEWAY_ROLLUPS)
_IDENTITY = ("event_id", "event_key", "revision", "kind", "subject_kind", "subject_id", "started_at")


@dataclass(frozen=True, slots=True)
class Reading:
    """One record, read; at most one of its parts is there.

    Attributes:
        message: The record.
        events: Their JSON form, in the record's order.
        frame: The event frame they came in; a tick has no rows.
        incident: A revision of an incident.
        rollup: A window.
        rejected: Why it could not be read.
        unknown_count: Events whose kind a newer catalogue has; they are passed over.
    """

    message: Message
    events: Sequence[dict[str, Any]] = ()
    frame: Frame[EventHeader] | None = None
    incident: Incident | None = None
    rollup: Frame[RollupHeader] | None = None
    rejected: Rejected | None = None
    unknown_count: int = 0

    @property
    def clock_ns(self) -> int:
        """Log time of the record: the shard's own where it says so, else the broker's."""
        return self.frame.header.clock_ns if self.frame is not None else self.message.timestamp_ms * NS_PER_MS


def read_all(messages: Iterable[Message], directory: Directory) -> Iterator[Reading]:
    """Yield what each record says; a deletion says nothing.

    Raises:
        Retry: A frame names an inventory that is not here yet.
    """
    for message in messages:
        if message.value is not None:
            yield read(message, message.value, directory)


def read(message: Message, value: bytes, directory: Directory) -> Reading:
    """Return what a record says; a topic that is none of ours is rejected."""
    topic = replayed(message.topic)
    if topic == TERMINAL_EVENTS.name:
        return _read_frame(message, value, directory)
    if topic == NETWORK_EVENTS.name:
        return read_network_event(message, value)
    if topic == INCIDENTS.name:
        return read_incident(message, value)
    if topic == GATEWAY_ROLLUPS.name:
        rollup = decode(value, ROLLUP_LAYOUTS, RollupHeader)
        return Reading(message, rejected=rollup) if isinstance(rollup, Rejected) else Reading(message, rollup=rollup)
    return Reading(message, rejected=Rejected(reason=RejectReason.UNKNOWN_KIND, detail=f"{topic} is not exported"))


def refusals(readings: Iterable[Reading]) -> list[Refusal]:
    """Return the records that could not be read, for the dead letters."""
    return [
        Refusal(message=reading.message, rejected=reading.rejected, value=reading.message.value or b"")
        for reading in readings
        if reading.rejected is not None
    ]


def last_revisions(events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each event once, as its last revision says it, in the order of first mention."""
    last: dict[str, dict[str, Any]] = {}
    for event in events:
        known = last.get(event["event_key"])
        if known is None or event["revision"] >= known["revision"]:
            last[event["event_key"]] = event
    return list(last.values())


def _read_frame(message: Message, value: bytes, directory: Directory) -> Reading:
    frame = decode(value, EVENT_LAYOUTS, EventHeader)
    if isinstance(frame, Rejected):
        return Reading(message, rejected=frame)
    if not frame.rows:
        return Reading(message, frame=frame)
    names = directory.names(frame.header.inventory_version)
    try:
        events = tuple(details(frame.columns, names))
    except (ValueError, OverflowError, OSError) as error:  # a number outside its closed list, an instant outside time
        return Reading(message, rejected=Rejected(reason=RejectReason.OUT_OF_RANGE, detail=str(error)))
    return Reading(message, events=events, frame=frame, unknown_count=unknown_codes(frame.columns))


def read_network_event(message: Message, value: bytes) -> Reading:
    """Return what a record of the network events' topic says."""
    try:
        event = msgspec.json.decode(value, type=dict[str, Any])
        lacking = [name for name in _IDENTITY if name not in event]
        if lacking:
            return Reading(
                message, rejected=Rejected(reason=RejectReason.MISSING_COLUMN, detail=f"an event needs {lacking}")
            )
        for instant in ("started_at", "ended_at"):
            from_rfc3339(event.get(instant, event["started_at"]))
    except (msgspec.MsgspecError, ValueError, TypeError, AttributeError) as error:
        return Reading(message, rejected=Rejected(reason=RejectReason.UNPARSEABLE, detail=str(error)))
    if event["kind"] not in KIND_BY_NAME:
        return Reading(message, unknown_count=1)
    return Reading(message, events=(event,))


def read_incident(message: Message, value: bytes) -> Reading:
    """Return the revision of an incident that a record holds."""
    try:
        return Reading(message, incident=decode_incident(value))
    except msgspec.MsgspecError as error:
        return Reading(message, rejected=Rejected(reason=RejectReason.UNPARSEABLE, detail=str(error)))
