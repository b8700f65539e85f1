"""EventBridge: each event for whoever has a rule for it.

Watches events and incidents; ordinary handovers only when told (58 million a month for a thousand terminals). Emits
entries of source `leowatch` with the detail-types of the catalogue. Promises at least once under the same
`detail.event_id`, repeats no more than ambiguous replies: of a call that is partly refused only those entries are sent
again, and what was accepted lately is not sent twice. Cannot see whether a rule matched.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from exporters.aws import fate
from exporters.contract.sink import Refusal, Written
from exporters.delivery import Recent, cut, isolate
from exporters.directory import Directory
from exporters.eventbridge_entries import (
    CALL_BYTES,
    ENTRIES_COUNT,
    Entry,
    check_bus,
    event_entry,
    incident_entry,
    outcome,
    parameters,
    size_bytes,
)
from exporters.reading import EVENT_TOPICS, Reading, read_all, refusals
from exporters.routing import remarkable
from ingest.contract.bus import Fatal, Message, Retry
from ingest.contract.frame import Rejected, RejectReason
from ingest.contract.instants import NS_PER_S, from_rfc3339
from ingest.contract.topics import Topic
from streams.contract.topics import INCIDENTS


@dataclass(frozen=True, slots=True)
class _Sent:
    entry: Entry
    message: Message


class EventBridgeSink:
    """Puts events onto a bus.

    Args:
        client: boto3's client of `events`, which tries once.
        bus: Its name or ARN.
        directory: Ids for indexes.
        ordinary_handovers: Whether they are sent too.

    Raises:
        Fatal: The bus cannot have that name, is not there or is not ours.
        Retry: EventBridge is away.
    """

    topics: tuple[Topic, ...] = (*EVENT_TOPICS, INCIDENTS)

    def __init__(self, client: Any, bus: str, directory: Directory, *, ordinary_handovers: bool = False) -> None:
        self._client = client
        self._bus = bus
        self._directory = directory
        self._ordinary = ordinary_handovers
        self._accepted = Recent()
        self._is_known = False
        wrong = check_bus(bus)
        if wrong:
            raise Fatal(f"EXPORTERS_EVENTBRIDGE_BUS: {wrong}")

    def write(self, messages: Sequence[Message]) -> Written:
        """Put every entry that was not accepted before; nothing is held."""
        readings = list(read_all(messages, self._directory))
        refused = refusals(readings)
        away: list[str] = []
        fresh = list(self._entries(readings, refused))
        for call in cut(fresh, count=ENTRIES_COUNT, size=CALL_BYTES, size_of=lambda sent: size_bytes(sent.entry)):
            isolated = isolate(call, partial(self._put, refused=refused, away=away))
            refused += [_refusal(sent, why) for sent, why in isolated]
        if away:
            raise Retry(f"eventbridge: {len(away)} entries are to be sent again: {away[0]}")
        return Written(refused=refused)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _entries(self, readings: Iterable[Reading], refused: list[Refusal]) -> Iterator[_Sent]:
        sent: set[str] = set()
        for reading in readings:
            made = [event_entry(event) for event in remarkable(reading.events, ordinary_too=self._ordinary)]
            if reading.incident is not None:
                made.append(incident_entry(reading.incident))
            for entry in made:
                if isinstance(entry, Rejected):
                    refused.append(Refusal(message=reading.message, rejected=entry, value=reading.message.value or b""))
                elif entry.event_id not in sent and entry.event_id not in self._accepted:
                    sent.add(entry.event_id)
                    yield _Sent(entry, reading.message)

    def _put(self, call: Sequence[_Sent], refused: list[Refusal], away: list[str]) -> None:
        entries = [{**parameters(sent.entry, self._bus), "Time": _time(sent.entry.time)} for sent in call]
        try:
            reply = self._client.put_events(Entries=entries)
        except (ClientError, BotoCoreError) as error:
            raise fate(error, "eventbridge", is_known=self._is_known) from error
        found = outcome(reply["Entries"])
        self._is_known |= bool(found.accepted)
        for place in found.accepted:
            self._accepted.add(call[place].entry.event_id)
        away += [str(reply["Entries"][place].get("ErrorCode")) for place in found.retried]
        refused += [_refusal(call[place], why) for place, why in found.refused]


def _time(at: str) -> datetime:
    return datetime.fromtimestamp(from_rfc3339(at) // NS_PER_S, tz=UTC)


def _refusal(sent: _Sent, why: str) -> Refusal:
    rejected = Rejected(reason=RejectReason.SINK_REFUSED, detail=why)
    return Refusal(message=sent.message, rejected=rejected, value=sent.entry.detail.encode())
