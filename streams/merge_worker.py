"""The merge's process: one for a deployment; it reads partials from a while before its last word and says only what is new.

Wholes are a pure function of the partials, so there is no state to keep: what is read again is added up again, and a revision
that the topic already holds is not said twice.
"""

import time

from ingest.contract.frame import Rejected, decode
from ingest.contract.instants import NS_PER_MS
from streams.contract.rollups import ROLLUP_LAYOUTS, RollupHeader
from streams.contract.topics import GATEWAY_ROLLUPS, PARTIALS
from streams.ordered_reader import OrderedReader, written
from streams.rollup_bench import KEPT_NS, RollupBench
from streams.seat import Seat
from streams.sender import Sender
from streams.settings import Settings

# Two merges would each say every window, and neither would know what the other has said.
GROUP = "leowatch-merge"


class MergeWorker:
    """Carries partials to the rollup bench, and wholes to Kafka."""

    def __init__(self, settings: Settings) -> None:
        """Take the seat, and read what has been said before.

        Raises:
            Fatal: Another merge is at work, or a topic is missing.
        """
        self._seat = Seat(settings, GROUP, PARTIALS)
        said, last_ms = said_before(settings.kafka)
        from_ms = None if last_ms is None else last_ms - KEPT_NS // NS_PER_MS
        self._bench = RollupBench(said)
        self._reader = OrderedReader(settings.kafka, [PARTIALS], from_ms=from_ms)
        self._sender = Sender(settings.kafka)

    def turn(self) -> None:
        """Read what is there, add it up, and say what is whole.

        Raises:
            KafkaError: The broker refused a record or took too long: a restart derives it again.
        """
        self._seat.hold()
        refused = [record for message in self._reader.read() for record in self._bench.handle(message)]
        self._sender.send([*refused, *self._bench.advance(time.time_ns())])

    def close(self) -> None:
        """Leave the seat to the next one."""
        self._sender.close()
        self._reader.close()
        self._seat.leave()


def said_before(bootstrap: str) -> tuple[dict[int, int], int | None]:
    """Return the highest revision of each window that the topic holds, and when the last was said; None for never."""
    said: dict[int, int] = {}
    last_ms = None
    for message in written(bootstrap, GATEWAY_ROLLUPS):
        last_ms = max(message.timestamp_ms, last_ms or 0)
        frame = decode(message.value or b"", ROLLUP_LAYOUTS, RollupHeader, only=frozenset())
        if not isinstance(frame, Rejected):
            start_ns = frame.header.window_start_ns
            said[start_ns] = max(frame.header.revision, said.get(start_ns, 0))
    return said, last_ms
