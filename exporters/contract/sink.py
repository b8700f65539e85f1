"""A sink: two methods, and what each promises.

fate      how a sink says it             what the loop does
safe      `write` returns                commit, up to what is held
Rejected  in `Written.refused`           dead letter, counted, go on
Retry     raised                         back off, write the same batch again; offsets do not move
Fatal     raised                         exit 2, before the first record where it can be known then
"""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

import msgspec

from ingest.contract.bus import Message
from ingest.contract.frame import Rejected

Place: TypeAlias = tuple[str, int]
"""A topic and a partition of it."""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """What a destination will never take.

    Attributes:
        message: The record it came in.
        rejected: Why.
        value: The part of the record that was refused; the rest of it is safe.
    """

    message: Message
    rejected: Rejected
    value: bytes


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch.

    Attributes:
        refused: For the dead letters.
        held: Of each place, the first offset that is in memory only; it and what follows must be read again after a
            crash. A place that is absent holds nothing back.
    """

    refused: Sequence[Refusal] = ()
    held: Mapping[Place, int] = {}


class Sink(Protocol):
    """Someone else's system."""

    def write(self, messages: Sequence[Message]) -> Written:
        """Return when every message is at the destination, refused, or named as held; no messages are allowed.

        The same messages may come again: after a Retry, and after a crash.

        Raises:
            Retry: The destination is away; the same messages come again.
            Fatal: No retry can mend it.
        """

    def close(self) -> None:
        """Let go of the destination; called once, after the last write. What is still held comes again."""
