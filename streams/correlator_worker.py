"""The correlator's process: one for a deployment; it reads findings from their beginning and says only what is new.

Incidents are a pure function of the findings, so a restart derives the same revisions again; those that the topic already
holds are not said twice, and nobody is woken twice.
"""

from ingest.contract.packing import Record
from streams.contract.incidents import decode_incident
from streams.contract.topics import INCIDENT_CHILDREN, INCIDENTS
from streams.incident_bench import READS, IncidentBench
from streams.ordered_reader import OrderedReader, written
from streams.seat import Seat
from streams.sender import Sender
from streams.settings import Settings
from streams.side_reader import SideReader

# Two correlators would each page for what they see.
GROUP = "leowatch-correlator"


class CorrelatorWorker:
    """Carries findings to the incident bench, and what it says to Kafka."""

    def __init__(self, settings: Settings) -> None:
        """Take the seat, and read what has been said before.

        Raises:
            Fatal: Another correlator is at work, or a topic is missing.
        """
        self._seat = Seat(settings, GROUP, INCIDENTS)
        self._side = SideReader(settings.kafka)
        self._side.start()
        self._bench = IncidentBench(self._side.knowledge())
        self._reader = OrderedReader(settings.kafka, READS)
        self._sender = Sender(settings.kafka)
        self._said = said_before(settings.kafka)
        self._children_are_new = True

    def turn(self) -> None:
        """Read what is there, decide, and say it.

        Raises:
            KafkaError: The broker refused a record or took too long: a restart derives it again.
        """
        self._seat.hold()
        self._bench.know(self._side.knowledge())
        said = [record for message in self._reader.read() for record in self._bench.handle(message)]
        self._sender.send([record for record in said if self._is_new(record)])

    def _is_new(self, record: Record) -> bool:
        """Say whether a record has not been said by a correlator before this one; children come with their incident."""
        if record.topic == INCIDENTS:
            incident = decode_incident(record.value)
            new = incident.revision > self._said.get(record.key, 0)
            self._said[record.key] = max(incident.revision, self._said.get(record.key, 0))
            self._children_are_new = new
            return new
        if record.topic == INCIDENT_CHILDREN:
            return self._children_are_new
        return True

    def close(self) -> None:
        """Leave the seat to the next one."""
        self._sender.close()
        self._reader.close()
        self._side.stop()
        self._seat.leave()


def said_before(bootstrap: str) -> dict[bytes, int]:
    """Return the highest revision of each incident that the topic holds."""
    said: dict[bytes, int] = {}
    for message in written(bootstrap, INCIDENTS):
        if message.value is not None:
            said[message.key] = max(decode_incident(message.value).revision, said.get(message.key, 0))
    return said
