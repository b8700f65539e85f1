"""Parquet: every finding as a row in files that DuckDB reads.

Watches events, incidents and rollups. Emits files of many rows, each written beside its place, synced and renamed, so
that a file is whole or absent. Promises each `event_key` once, last revision, through the views of `connect`: the files
themselves say how far they reach, so nothing is exported twice, and a revision in a later file wins. Cannot see 1 s
samples: those are the telemetry archive's.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from exporters.contract.sink import Place, Refusal, Written
from exporters.directory import Directory
from exporters.parquet_files import (
    IDENTITIES,
    SCHEMA_FILE,
    SCHEMAS,
    file_name,
    next_offsets,
    rows,
    table_of,
    to_table,
    view_sql,
)
from exporters.reading import FINDING_TOPICS, Reading, read_all, refusals
from ingest.contract.bus import Fatal, Message, Retry
from ingest.contract.topics import Topic

# A file is closed at so many rows, or when its records span so much log time: small files make slow queries.
FILE_ROWS = 100_000
FILE_SPAN_MS = 60_000


@dataclass(slots=True)
class _Open:
    """The rows of a place that are not in a file yet, from the first record that had any."""

    first: int
    opened_at_ms: int
    last: int = -1
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, message: Message, found: list[dict[str, Any]]) -> None:
        self.last = message.offset
        self.rows += found

    def is_full(self, file_rows: int, span_ms: int, now_ms: int) -> bool:
        return len(self.rows) >= file_rows or now_ms - self.opened_at_ms >= span_ms


class ParquetSink:
    """Writes files into a folder.

    Args:
        folder: Is made where it is not there.
        directory: Ids for indexes.
        resume: Go on behind what the folder holds; False refuses a folder that holds anything.
        file_rows: Rows at which a file is closed.
        file_span_ms: Log time at which a file is closed.

    Raises:
        Fatal: The folder cannot be written, or holds another run's files where `resume` is False.
    """

    topics: tuple[Topic, ...] = FINDING_TOPICS

    def __init__(
        self,
        folder: Path,
        directory: Directory,
        *,
        resume: bool = True,
        file_rows: int = FILE_ROWS,
        file_span_ms: int = FILE_SPAN_MS,
    ) -> None:
        self._folder = folder
        self._directory = directory
        self._limits = file_rows, file_span_ms
        self._open: dict[Place, _Open] = {}
        self._refused: list[Refusal] = []
        self._now_ms = 0
        try:
            prepare(folder)
        except OSError as error:
            raise Fatal(f"parquet folder {folder} cannot be written: {error}") from error
        self._next = next_offsets(str(path) for path in folder.glob("*/*.parquet"))
        if self._next and not resume:
            raise Fatal(f"parquet folder {folder} holds the files of another run: name an empty one")

    def reached(self) -> dict[Place, int]:
        """Return the first offset of each place that has not been taken yet: at the start, what no file holds."""
        return dict(self._next)

    def write(self, messages: Sequence[Message]) -> Written:
        """Keep rows until a file is worth writing; what is kept only in memory is held."""
        fresh = [m for m in messages if m.offset >= self._next.get((m.topic, m.partition), 0)]
        readings = list(read_all(fresh, self._directory))
        self._refused += refusals(readings)
        for reading in readings:
            self._keep(reading)
        # Any place's records say what time it is: a topic in which little happens has no ticks of its own.
        self._now_ms = max([self._now_ms, *(message.timestamp_ms for message in messages)])
        self._write_files(only_full=True)
        refused, self._refused = self._refused, []
        return Written(refused=refused, held={place: kept.first for place, kept in self._open.items()})

    def flush(self) -> None:
        """Write what is held, however little.

        Raises:
            Retry: The disk did not take it.
        """
        self._write_files(only_full=False)

    def close(self) -> None:
        """Write what is held: the files say how far they reach, so nothing of it comes again."""
        self.flush()

    def _keep(self, reading: Reading) -> None:
        message = reading.message
        place = message.topic, message.partition
        found = [] if reading.rejected is not None else rows(reading, self._directory.names(0))
        if found and place not in self._open:
            self._open[place] = _Open(first=message.offset, opened_at_ms=message.timestamp_ms)
        if place in self._open:
            self._open[place].add(message, found)
        self._next[place] = message.offset + 1

    def _write_files(self, *, only_full: bool) -> None:
        for place, kept in list(self._open.items()):
            if only_full and not kept.is_full(*self._limits, self._now_ms):
                continue
            try:
                self._write_file(place, kept)
            except OSError as error:
                raise Retry(f"parquet folder {self._folder}: {error}") from error
            del self._open[place]

    def _write_file(self, place: Place, kept: _Open) -> None:
        table = table_of(place[0])
        name = file_name(place, kept.first, kept.last)
        write_whole(self._folder / table / name, to_table(table, kept.rows))


def prepare(folder: Path) -> None:
    """Make the folders, each with a file of no rows that says what the columns are, and sweep what a crash left."""
    for table, schema in SCHEMAS.items():
        (folder / table).mkdir(parents=True, exist_ok=True)
        for left in (folder / table).glob("*.tmp"):
            left.unlink()
        if not (folder / table / SCHEMA_FILE).exists():
            write_whole(folder / table / SCHEMA_FILE, schema.empty_table())


def write_whole(path: Path, table: Any) -> None:
    """Write a file so that it is there whole or not at all, whatever happens."""
    beside = path.with_suffix(".tmp")
    with beside.open("wb") as file:
        pq.write_table(table, file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name, too, is only safe once the folder is
    finally:
        os.close(folder)


def connect(folder: Path) -> duckdb.DuckDBPyConnection:
    """Return a DuckDB in memory with the views `events`, `incidents` and `rollups`: each thing once, last revision."""
    connection = duckdb.connect()
    for table in IDENTITIES:
        connection.execute(view_sql(table, str(folder)))
    return connection
