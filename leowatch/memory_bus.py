"""The bus of the one-process default: the topics of the contracts, in memory, with the order and offsets of Kafka."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable

from ingest.contract.bus import Headers, Message
from ingest.contract.packing import Record
from ingest.contract.topics import Topic


class MemoryBus:
    """Keeps a record until every reader of its topic has passed it, so that memory is flat in time.

    Args:
        now_ns: Stamps records, as a broker would.
    """

    def __init__(self, *, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._ends: defaultdict[tuple[str, int], int] = defaultdict(int)
        self._readers: defaultdict[str, list[deque[Message]]] = defaultdict(list)

    def send(self, topic: Topic, *, key: bytes, value: bytes | None, partition: int = 0, headers: Headers = ()) -> None:
        """Append a record; every reader that asked for the topic before will get it."""
        place = topic.name, partition
        message = Message(
            topic=topic.name, partition=partition, offset=self._ends[place], key=key, value=value,
            timestamp_ms=self._now_ns() // 1_000_000, headers=tuple(headers),
        )  # fmt: skip
        self._ends[place] += 1
        for queue in self._readers[topic.name]:
            queue.append(message)

    def flush(self) -> None:
        """Return at once: memory has no one to wait for."""

    def put(self, records: Iterable[Record]) -> None:
        """Send packed records."""
        for record in records:
            self.send(
                record.topic, key=record.key, value=record.value, partition=record.partition, headers=record.headers
            )

    def reader(self, topics: Iterable[Topic]) -> "MemoryReader":
        """Return a reader of everything sent from now on, in the order in which it was sent."""
        queue: deque[Message] = deque()
        for topic in topics:
            self._readers[topic.name].append(queue)
        return MemoryReader(queue)


class MemoryReader:
    """Reads a memory bus."""

    def __init__(self, queue: deque[Message]) -> None:
        self._queue = queue

    def poll(self, *, limit: int = 500, timeout_s: float = 0.0) -> list[Message]:  # noqa: ARG002 - memory never waits
        """Return the next records."""
        return [self._queue.popleft() for _ in range(min(limit, len(self._queue)))]

    def drain(self) -> list[Message]:
        """Return everything that is there."""
        return self.poll(limit=len(self._queue))

    def commit(self) -> None:
        """Do nothing: what was polled is gone."""
