"""What the merge does with one record: shards' partials in, whole windows out.

A window is whole once every shard has said its first revision of it: those together are revision 1. Each correction that
comes after adds one to the revision and replaces the whole, at most every ten seconds a window. So a revision is a function
of the partials that are in it, and a bench that reads them again says the same; what was said before is not said again.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ingest.contract.bus import Message
from ingest.contract.dead_letter import Origin
from ingest.contract.frame import Frame, Rejected, RejectReason, decode, encode
from ingest.contract.instants import NS_PER_MS, NS_PER_S
from ingest.contract.packing import Record
from streams.contract.rollups import ROLLUP, ROLLUP_LAYOUTS, RollupHeader
from streams.contract.topics import GATEWAY_ROLLUPS
from streams.dead_letters import refused
from streams.rollup_lines import CORRECTION_NS, WINDOW_NS, Lines, added, from_columns, parted, to_columns

REPLACE_EVERY_NS = 10 * NS_PER_S
# A shard's last correction comes within the two hours, and then has some way to go.
KEPT_NS = CORRECTION_NS + 900 * NS_PER_S


@dataclass(slots=True)
class _Window:
    """What has been heard of a window.

    Attributes:
        firsts: How many frames each shard's first revision still lacks.
        heard: Shard, revision and part of every frame that is in.
        lines: What is to be added to the whole.
        later: Corrections that came before the window was whole.
        said_at_ns: When it was last said.
    """

    shard_count: int
    said_revision: int
    firsts: dict[int, int] = field(default_factory=dict)
    heard: set[tuple[int, int, int]] = field(default_factory=set)
    lines: list[Lines] = field(default_factory=list)
    later: list[Lines] = field(default_factory=list)
    revision: int = 0
    said_at_ns: int = 0

    @property
    def is_whole(self) -> bool:
        return len(self.firsts) == self.shard_count and not any(self.firsts.values())


class RollupBench:
    """Adds shards' partials; a shell brings them and carries away what is said.

    Args:
        said: The revisions of windows that were said before, by start.
    """

    def __init__(self, said: Mapping[int, int] | None = None) -> None:
        self._said = dict(said or {})
        self._windows: dict[int, _Window] = {}
        self._newest_ns = 0
        self.counts: Counter[str] = Counter()

    def handle(self, message: Message) -> list[Record]:
        """Take one record in; return a dead letter if it is no partial."""
        if message.value is None:
            return []
        frame = decode(message.value, ROLLUP_LAYOUTS, RollupHeader)
        if not isinstance(frame, Rejected):
            wrong = self._wrong(frame.header)
            if wrong is None:
                self._add(frame)
                return []
            frame = wrong
        self.counts[f"rejected_{frame.reason.value}"] += 1
        origin = Origin(topic=message.topic, partition=message.partition, offset=message.offset)
        return [refused(message.value, frame, origin, message.timestamp_ms * NS_PER_MS)]

    def advance(self, at_ns: int) -> list[Record]:
        """Say the windows that have become whole, and the corrected ones that have waited long enough.

        Args:
            at_ns: Now.
        """
        records: list[Record] = []
        for start_ns, window in sorted(self._windows.items()):
            if not window.is_whole:
                continue
            if not window.revision:
                window.revision = 1
                records += self._say(start_ns, window, at_ns)
            if window.later and at_ns - window.said_at_ns >= REPLACE_EVERY_NS:
                window.revision += len(window.later)
                window.lines, window.later = window.lines + window.later, []
                records += self._say(start_ns, window, at_ns)
        return records

    def _wrong(self, header: RollupHeader) -> Rejected | None:
        known = self._windows.get(header.window_start_ns)
        if known is not None and known.shard_count != header.shard_count:
            detail = f"a partial of {header.shard_count} shards in a window of {known.shard_count}"
            return Rejected(reason=RejectReason.SHARD_COUNT, detail=detail)
        if not 0 <= header.shard < header.shard_count or not 0 <= header.part < header.part_count:
            detail = f"shard {header.shard} of {header.shard_count}, part {header.part} of {header.part_count}"
            return Rejected(reason=RejectReason.WRONG_SHARD, detail=detail)
        return None

    def _add(self, frame: Frame[RollupHeader]) -> None:
        header = frame.header
        start_ns = header.window_start_ns
        if start_ns < self._newest_ns - KEPT_NS:
            self.counts["partials_too_old"] += 1
            return
        self._forget(start_ns)
        if start_ns not in self._windows:
            self._windows[start_ns] = _Window(header.shard_count, self._said.get(start_ns, 0))
        window, name = self._windows[start_ns], (header.shard, header.revision, header.part)
        if name in window.heard:
            self.counts["repeats"] += 1
            return
        window.heard.add(name)
        self.counts["partials"] += 1
        if header.revision == 1:
            window.firsts[header.shard] = window.firsts.get(header.shard, header.part_count) - 1
        (window.lines if header.revision == 1 else window.later).append(from_columns(frame.columns))

    def _forget(self, start_ns: int) -> None:
        if start_ns <= self._newest_ns:
            return
        self._newest_ns = start_ns
        for old_ns in [old_ns for old_ns in self._windows if old_ns < start_ns - KEPT_NS]:
            self.counts["windows_never_whole"] += not self._windows.pop(old_ns).revision

    def _say(self, start_ns: int, window: _Window, at_ns: int) -> Iterator[Record]:
        window.lines = [added(window.lines)]
        window.said_at_ns = at_ns
        if window.revision <= window.said_revision:
            return
        window.said_revision = window.revision
        self.counts["wholes"] += 1
        header = RollupHeader(
            kind=ROLLUP.kind, version=ROLLUP.version, window_start_ns=start_ns, window_end_ns=start_ns + WINDOW_NS,
            shard_count=window.shard_count, revision=window.revision,
        )  # fmt: skip
        for part, columns in parted(header, to_columns(start_ns, window.lines[0])):
            yield Record(topic=GATEWAY_ROLLUPS, key=window_key(start_ns), value=encode(part, ROLLUP, columns))


def window_key(start_ns: int) -> bytes:
    """Write the key of a window's wholes."""
    return start_ns.to_bytes(8, "big", signed=True)
