"""A dead letter: the bytes as they came, why they were refused, and where they came from."""

from hashlib import blake2b

import msgspec

from ingest.contract.frame import Rejected

KEPT_BYTES = 64 * 1024
# With the headers, a reader can find the record again and a replay tool can put it back.
HEADER_NAMES = ("reason", "detail", "field", "topic", "partition", "offset", "at_ns", "length", "blake2b")


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a refused record came from: a Kafka position, or a door and its caller."""

    topic: str
    partition: int = -1
    offset: int = -1


def dead_letter(value: bytes, rejected: Rejected, origin: Origin, at_ns: int) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Return the value and the headers of a dead letter; beyond 64 kB only a hash and the length are kept of the rest."""
    facts = {
        "reason": rejected.reason.value,
        "detail": rejected.detail[:1024],
        "field": rejected.field or "",
        "topic": origin.topic,
        "partition": str(origin.partition),
        "offset": str(origin.offset),
        "at_ns": str(at_ns),
        "length": str(len(value)),
        "blake2b": blake2b(value, digest_size=16).hexdigest(),
    }
    return value[:KEPT_BYTES], [(name, facts[name].encode()) for name in HEADER_NAMES]
