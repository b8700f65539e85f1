"""What the workshop cannot read, as a record for those who look into it."""

from ingest.contract.dead_letter import Origin, dead_letter
from ingest.contract.frame import Rejected
from ingest.contract.packing import Record
from streams.contract.topics import STREAMS_DEADLETTER


def refused(value: bytes, why: Rejected, origin: Origin, at_ns: int) -> Record:
    """Return a refused record's dead letter.

    Args:
        value: Its bytes.
        why: What is wrong with it.
        origin: Where it stands.
        at_ns: Its own Kafka time.
    """
    kept, headers = dead_letter(value, why, origin, at_ns)
    return Record(topic=STREAMS_DEADLETTER, key=origin.topic.encode(), value=kept, headers=tuple(headers))
