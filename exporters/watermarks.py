"""How far the workshop has come, by its shards' ticks: only when every shard has been heard does the lowest one mean anything."""

from streams.contract.events import EventHeader


class Watermarks:
    """The newest tick of each shard."""

    def __init__(self) -> None:
        self._watermarks_ns: dict[int, int] = {}
        self._clocks_ns: dict[int, int] = {}
        self._shard_count = 0

    def hear(self, header: EventHeader) -> None:
        """Take the header of an event frame; a shard that is told again does not go back."""
        self._shard_count = header.shard_count
        self._watermarks_ns[header.shard] = max(header.watermark_ns, self._watermarks_ns.get(header.shard, 0))
        self._clocks_ns[header.shard] = max(header.clock_ns, self._clocks_ns.get(header.shard, 0))

    @property
    def shards_seen_count(self) -> int:
        """Number of shards heard."""
        return len(self._clocks_ns)

    @property
    def highest_clock_ns(self) -> int:
        """The most advanced shard's log time; 0 before anything is heard."""
        return max(self._clocks_ns.values(), default=0)

    def lowest_watermark_ns(self) -> int | None:
        """Return the instant before which everything has been said; None until every shard has been heard."""
        return min(self._watermarks_ns.values()) if self._is_whole else None

    def lowest_clock_ns(self) -> int | None:
        """Return the least advanced shard's log time; None until every shard has been heard."""
        return min(self._clocks_ns.values()) if self._is_whole else None

    @property
    def _is_whole(self) -> bool:
        return bool(self._clocks_ns) and len(self._clocks_ns) >= self._shard_count
