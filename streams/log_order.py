"""One order out of many partitions: by the broker's time, so that a replay hears what a live run heard in the same order."""

import heapq
from collections import deque
from collections.abc import Iterable, Iterator

from ingest.contract.bus import Message

Place = tuple[str, int]


class LogOrder:
    """Holds what has been read of each place and gives it out by timestamp.

    A place that has nothing left holds the others up while more of it is known to lie in the topic; one that has been
    read to its end does not, or a quiet topic would stop the world.
    """

    def __init__(self, places: Iterable[Place]) -> None:
        self._queues: dict[Place, deque[Message]] = {place: deque() for place in places}

    def put(self, messages: Iterable[Message]) -> None:
        """Take in what was read, in the order of each place."""
        for message in messages:
            self._queues[message.topic, message.partition].append(message)

    def take(self, unread: frozenset[Place]) -> Iterator[Message]:
        """Yield what is next, until a place of `unread` runs dry.

        Args:
            unread: Places of which more lies in the topic than has been put in.
        """
        if any(not self._queues[place] for place in unread):
            return
        heads = [(queue[0].timestamp_ms, place) for place, queue in self._queues.items() if queue]
        heapq.heapify(heads)
        while heads:
            _, place = heads[0]
            queue = self._queues[place]
            yield queue.popleft()
            if queue:
                heapq.heapreplace(heads, (queue[0].timestamp_ms, place))
            elif place in unread:
                return
            else:
                heapq.heappop(heads)
