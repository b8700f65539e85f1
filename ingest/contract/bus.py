"""The bus: what a room needs of Kafka, so that the one-process default and the tests can be something else."""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from ingest.contract.topics import Topic

Headers = Sequence[tuple[str, bytes]]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A record as it is read."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes | None
    timestamp_ms: int
    headers: tuple[tuple[str, bytes], ...] = ()


def message_of(record: Any) -> Message:
    """Return a Kafka client's record as ours."""
    return Message(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key or b"",
        value=record.value,
        timestamp_ms=record.timestamp,
        headers=tuple((name, value or b"") for name, value in record.headers or ()),
    )


class Retry(Exception):  # noqa: N818 - the third fate's name, beside Rejected and Fatal
    """The other side is away: keep the record, back off, try again."""


class Fatal(Exception):  # noqa: N818 - the third fate's name, beside Rejected and Retry
    """Settings or data that no retry can mend: stop before harm is done."""


class Writer(Protocol):
    """Puts records onto the bus."""

    def send(self, topic: Topic, *, key: bytes, value: bytes | None, partition: int = 0, headers: Headers = ()) -> None:
        """Hand a record over; it is safe only after `flush`."""

    def flush(self) -> None:
        """Return when everything handed over is acknowledged.

        Raises:
            Retry: The bus is away, or refused a record; nothing since the last flush may be called safe.
        """


class Reader(Protocol):
    """Takes records off the bus, in order within a partition."""

    def poll(self, *, limit: int = 500, timeout_s: float = 0.5) -> list[Message]:
        """Return the next records, none if there are none in time."""

    def commit(self) -> None:
        """Say that everything polled so far need not be read again."""
