"""The file path of telemetry: Parquet rows checked as the gate checks them, then frames in the order in which they were received.

leowatch's own files hold `received_at_ns` and `stored` beside a sample; for a file without them, a sample is received
when it was observed, or now.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.contract.columns import Array, Column, Columns, Layout, concatenate, row_count, take
from ingest.contract.dead_letter import Origin, dead_letter
from ingest.contract.files import read_frames
from ingest.contract.frame import Rejected, RejectReason
from ingest.contract.instants import NS_PER_S
from ingest.contract.inventory import Inventory
from ingest.contract.packing import Packer, Record
from ingest.contract.telemetry import ATTACHMENT, LAYOUTS, TERMINAL
from ingest.contract.topics import INGEST_DEADLETTER
from ingest.gate import LATENESS_NS
from ingest.ranges import check_choice, check_clock, check_range

_RECEIVED = Column(name="received_at_ns", dtype="i8", description="The door's clock.")
_STORED = Column(name="stored", dtype="i1", description="1 for backfill and replay.")
# Detectors wait 2 s for what is out of order, and 30 s for stored samples after a return (design section 3).
_REORDER_S = 3
_LONGEST_WAIT_S = 40


@dataclass(frozen=True, slots=True)
class Rows:
    """What a file held.

    Attributes:
        layout: What the columns mean.
        columns: Good rows, in the order of `received_at_ns`.
        received_at_ns: The door's clock for each.
        stored: Whether each is backfill.
        rejected: What is wrong, by row of the file.
    """

    layout: Layout
    columns: dict[str, Array]
    received_at_ns: Array
    stored: Array
    rejected: tuple[Rejected, ...]


def kind_of(path: Path) -> Layout:
    """Return the layout of a file from its own metadata, or from its columns.

    Raises:
        ValueError: It is no Parquet file, of another version, or of nothing we know.
    """
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError(f"{path}: not a Parquet file: {error}") from error
    facts = schema.metadata or {}
    kind = facts.get(b"leowatch.kind", b"terminal").decode("ascii", "replace")
    if kind not in LAYOUTS:
        raise ValueError(f"{path}: kind {kind!r} is no telemetry; one of {', '.join(LAYOUTS)}")
    version = facts.get(b"leowatch.version", str(LAYOUTS[kind].version).encode()).decode("ascii", "replace")
    if version != str(LAYOUTS[kind].version):
        raise ValueError(f"{path}: {kind} version {version}; version {LAYOUTS[kind].version} is read here")
    return LAYOUTS[kind]


def read_rows(path: Path, inventory: Inventory | None, now_ns: int | None = None) -> Rows:
    """Read and check a file.

    Args:
        path: Of Parquet.
        inventory: Who there is; None lets any index in.
        now_ns: The door's clock, where the rows come to us now; None where they are played again as they were received.

    Raises:
        ValueError: It is no such file.
    """
    layout = kind_of(path)
    wide = Layout(
        kind=f"{layout.kind} file",
        version=layout.version,
        columns=(*layout.columns, _RECEIVED, _STORED),
        description=layout.description,
    )
    whole = concatenate(list(read_frames(path, wide)), wide)
    whole = {name: values for name, values in whole.items() if len(values)}
    received_at_ns, stored = _received(whole, now_ns)
    whole.pop("received_at_ns", None)
    whole.pop("stored", None)
    good, rejected = check(layout, whole, received_at_ns, inventory)
    order = np.flatnonzero(good)
    order = order[np.argsort(received_at_ns[order], kind="stable")]
    return Rows(layout, take(whole, order), received_at_ns[order], stored[order], rejected)


def _received(columns: Columns, now_ns: int | None) -> tuple[Array, Array]:
    observed_at_ns = columns.get("observed_at_ns", np.empty(0, np.int64))
    if now_ns is not None:
        return np.full(len(observed_at_ns), now_ns), observed_at_ns < now_ns - LATENESS_NS
    received_at_ns = columns.get("received_at_ns", observed_at_ns)
    received_at_ns = np.where(received_at_ns < 0, observed_at_ns, received_at_ns)
    stored = columns.get("stored", np.zeros(len(observed_at_ns), np.int8)) == 1
    return received_at_ns, stored | (observed_at_ns < received_at_ns - LATENESS_NS)


def check(
    layout: Layout, columns: Columns, received_at_ns: Array, inventory: Inventory | None
) -> tuple[Array, tuple[Rejected, ...]]:
    """Return which rows are good, and what is wrong with the others: each is refused once.

    Instants are judged where they are among the columns.
    """
    rows = row_count(columns)
    good = np.ones(rows, bool)
    rejected: list[Rejected] = []

    def refuse(bad: Array, reason: RejectReason, field: str, says: str) -> None:
        numbers = np.flatnonzero(bad & good).tolist()
        rejected.extend(Rejected(reason=reason, detail=says, field=field, index=row) for row in numbers)
        good[bad] = False

    if not rows:
        return good, ()
    if "terminal_index" in columns and inventory is not None:
        unknown = columns["terminal_index"] >= len(inventory.terminals)
        refuse(unknown, RejectReason.UNKNOWN_TERMINAL, "terminal_index", "not in the inventory: apply it first")
    if "observed_at_ns" in columns:
        check_clock(columns["observed_at_ns"], received_at_ns, refuse)
    for name, values in columns.items():
        column = layout.column(name)
        check_range(column, values, refuse)
        check_choice(column, values, refuse)
    return good, tuple(sorted(rejected, key=lambda r: r.index or 0))


def letters(path: Path, rejected: tuple[Rejected, ...], at_ns: int) -> list[Record]:
    """Return the dead letters of a file's rows: what they are is said in words, since a row of Parquet has no bytes."""
    found = []
    for each in rejected:
        text = f"{path.name} row {each.index}".encode()
        value, headers = dead_letter(text, each, Origin(topic=f"file:{path.name}", offset=each.index or 0), at_ns)
        found.append(Record(topic=INGEST_DEADLETTER, key=path.name.encode(), value=value, headers=tuple(headers)))
    return found


def frames(
    files: list[Rows],
    packer: Packer,
    *,
    closing: Packer | None = None,
    before: Callable[[int], None] = lambda _: None,
) -> Iterator[list[Record]]:
    """Yield the records of each second of the door's clock, attachments before samples, and ticks at its end.

    Args:
        files: What to play.
        packer: Of the producer that brings the rows.
        closing: Of a producer that is there after the last row: the end of a recording is no silence, and what waits for
            time to pass is still settled. None where telemetry goes on.
        before: Is told of each second, by its first instant, before it is packed.
    """
    files = [rows for rows in files if len(rows.received_at_ns)]
    if not files:
        return
    seconds = np.unique(np.concatenate([rows.received_at_ns // NS_PER_S for rows in files]))
    for second in _with_silences(seconds):
        before(second * NS_PER_S)
        records: list[Record] = []
        end_ns = (second + 1) * NS_PER_S
        for rows in sorted(files, key=lambda rows: rows.layout.kind):
            first, past = np.searchsorted(rows.received_at_ns, [second * NS_PER_S, end_ns])
            if past > first:
                records += _pack(rows, slice(int(first), int(past)), packer)
        yield records + packer.ticks(end_ns)
    if closing is not None:
        yield from _close(packer, closing, (int(seconds[-1]) + 1) * NS_PER_S)


def _with_silences(seconds: Array) -> Iterator[int]:
    """Yield the seconds, and those of a silence between them as long as any detector waits."""
    before = int(seconds[0])
    for second in seconds.tolist():
        yield from range(before + 1, min(second, before + _LONGEST_WAIT_S))
        yield second
        before = second


def _close(packer: Packer, closing: Packer, end_ns: int) -> Iterator[list[Record]]:
    closing.versions = packer.versions
    # The reorder wait is over before the producer leaves: what it holds is judged while it is there.
    yield [record for wait_s in range(1, _REORDER_S + 1) for record in packer.ticks(end_ns + wait_s * NS_PER_S)]
    left_ns = end_ns + _REORDER_S * NS_PER_S
    yield closing.ticks(left_ns) + packer.goodbye(left_ns)
    yield [r for wait_s in range(1, _LONGEST_WAIT_S) for r in closing.ticks(left_ns + wait_s * NS_PER_S)]


def _pack(rows: Rows, part: slice, packer: Packer) -> list[Record]:
    columns, stored = take(rows.columns, part), rows.stored[part]
    received_at_ns = int(rows.received_at_ns[part].max())
    if rows.layout.kind == ATTACHMENT.kind:
        return packer.attachments(columns, received_at_ns)
    if rows.layout.kind == TERMINAL.kind:
        live = packer.samples(take(columns, ~stored), received_at_ns)
        return live + packer.samples(take(columns, stored), received_at_ns, stored=True)
    return [packer.source(rows.layout.kind, "file", columns, received_at_ns)]
