"""The decisions of delivering: how to cut a batch, how long to wait, which item of a refused batch is the bad one, how far to commit."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from exporters.contract.sink import Place
from ingest.contract.bus import Message, Retry

T = TypeVar("T")


class RefusedWhole(Exception):  # noqa: N818 - a reply and not a failure: `isolate` answers it
    """The destination refused a batch without saying which item is the bad one.

    Attributes:
        why: The destination's own words.
    """

    def __init__(self, why: str, *, every: bool = False) -> None:
        """Remember the reply.

        Args:
            why: The destination's own words.
            every: Each item of the batch is refused, so there is nothing to look for.
        """
        super().__init__(why)
        self.why = why
        self.every = every


class Backoff(msgspec.Struct, frozen=True, kw_only=True):
    """How long to wait before trying again: doubling, capped, and spread so that many do not come back at once.

    Attributes:
        first_s: Before the second attempt.
        longest_s: However often it has failed.
    """

    first_s: float = 0.5
    longest_s: float = 30.0

    def delay_s(self, attempt: int, jitter: float) -> float:
        """Return the delay after a failed attempt.

        Args:
            attempt: Counted from 0.
            jitter: 0 to 1; the delay lies between half and the whole of what doubling says.
        """
        whole_s = min(self.longest_s, self.first_s * 2.0 ** min(attempt, 30))
        return whole_s * (0.5 + 0.5 * jitter)


def cut(items: Iterable[T], *, count: int, size: int, size_of: Callable[[T], int]) -> Iterator[list[T]]:
    """Yield batches of at most `count` items and `size` in all; an item larger than that is a batch of its own."""
    batch: list[T] = []
    filled = 0
    for item in items:
        weight = size_of(item)
        if batch and (len(batch) == count or filled + weight > size):
            yield batch
            batch, filled = [], 0
        batch.append(item)
        filled += weight
    if batch:
        yield batch


def isolate(items: Sequence[T], send: Callable[[Sequence[T]], None]) -> list[tuple[T, str]]:
    """Send items; where a whole batch is refused, halve it until the bad ones stand alone; return those and why.

    Only for a destination at which sending an item twice does no harm, or which takes nothing of a batch it refuses.

    Args:
        items: What is to be sent.
        send: Returns when all are safe; raises `RefusedWhole`, or a fate.
    """
    if not items:
        return []
    try:
        send(items)
    except RefusedWhole as refused:
        if refused.every or len(items) == 1:
            return [(item, refused.why) for item in items]
        middle = len(items) // 2
        return isolate(items[:middle], send) + isolate(items[middle:], send)
    return []


class Recent:
    """Remembers the last ids that were delivered, so that a repeat is not sent again; bounded, the oldest go first."""

    def __init__(self, limit: int = 200_000) -> None:
        self._limit = limit
        self._ids: OrderedDict[Hashable, None] = OrderedDict()

    def __contains__(self, item: Hashable) -> bool:
        return item in self._ids

    def add(self, item: Hashable) -> None:
        """Remember an id."""
        self._ids[item] = None
        self._ids.move_to_end(item)
        if len(self._ids) > self._limit:
            self._ids.popitem(last=False)


class Positions:
    """How far each place has been read, and how far it may be committed.

    Attributes:
        jumps: Offsets that were passed over; compaction and retention do so, nothing else may.
    """

    def __init__(self) -> None:
        self._next: dict[Place, int] = {}
        self.jumps = 0

    def take(self, messages: Iterable[Message]) -> None:
        """Note that these have been delivered or are held."""
        for message in messages:
            place = message.topic, message.partition
            self.jumps += max(0, message.offset - self._next.get(place, message.offset))
            self._next[place] = message.offset + 1

    def committable(self, held: Mapping[Place, int]) -> dict[Place, int]:
        """Return the offset to commit at each place: the next one, or the first that is held."""
        return {place: min(offset, held.get(place, offset)) for place, offset in self._next.items()}


def until_done(
    attempt: Callable[[], T], *, wait: Callable[[float, Retry], bool], backoff: Backoff, jitter: Callable[[], float]
) -> T:
    """Try until there is a result; a destination that says how long it wants to be left alone is believed.

    Args:
        attempt: Raises Retry where the destination is away.
        wait: Waits so many seconds; says False where there is no time left to wait.
        backoff: How the delays grow.
        jitter: Returns a number from 0 to 1.

    Raises:
        Retry: `wait` said False.
    """
    failures = 0
    while True:
        try:
            return attempt()
        except Retry as away:
            delay_s = max(backoff.delay_s(failures, jitter()), getattr(away, "after_s", 0.0))
            failures += 1
            if not wait(delay_s, away):
                raise


class RetryAfter(Retry):
    """The destination is away and names the time to come back.

    Attributes:
        after_s: That time.
    """

    def __init__(self, why: str, after_s: float) -> None:
        """Remember the time."""
        super().__init__(why)
        self.after_s = after_s
