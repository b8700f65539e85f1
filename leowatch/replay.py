"""A run's folder played again: the frames it was made of, with their ticks and the versions in force, through the same road."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import msgspec

from ingest.contract.columns import Columns, concatenate, row_count, take
from ingest.contract.control import control_key, decode_control
from ingest.contract.files import FrameLine, decode_frame_line, read_frames
from ingest.contract.frame import encode
from ingest.contract.instants import NS_PER_S
from ingest.contract.inventory import Inventory
from ingest.contract.packing import Record
from ingest.contract.telemetry import ATTACHMENT, CONTROL, GATEWAY, LAYOUTS, TERMINAL
from ingest.contract.topics import CONTROL_RECORDS, TOPIC_OF_KIND, shard_key
from leowatch.recording import Heard, PlanSlot, Stage, plan_slots

# What the workshop reads; the other files say nothing to it.
_HEARD = tuple(layout.kind for layout in (TERMINAL, ATTACHMENT, CONTROL, GATEWAY))


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a run's folder.

    Attributes:
        heard: The events.
        samples_count: Samples that went in.
    """

    heard: Heard
    samples_count: int


def replay(folder: Path) -> Played:
    """Put a run through the detectors as they heard it.

    Raises:
        ValueError: It is no run's folder, or its files are of different runs.
        OSError: A file of it cannot be read.
    """
    index = folder / "telemetry" / "frames.jsonl"
    if not index.is_file():
        raise ValueError(f"{folder}: not a folder that a run left: {index} is missing")
    inventory = Inventory.from_lines((folder / "inventory.jsonl").read_bytes())
    lines = [line for line in _lines(index) if line.header.kind in _HEARD]
    files = {kind: _rows(folder / "telemetry" / f"{kind}.parquet", kind) for kind in _HEARD}
    _refuse_strangers(lines, files)
    plan_file = folder / "plan.parquet"
    plan = sorted(plan_slots(plan_file), key=lambda slot: slot.plan_version) if plan_file.is_file() else []
    stage = Stage(inventory)
    stage.turn(_control(folder / "control.jsonl"))
    for records in _seconds(lines, files, plan):
        stage.turn(records)
    return Played(stage.heard(), row_count(files[TERMINAL.kind]))


def _lines(index: Path) -> Iterator[FrameLine]:
    with index.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield decode_frame_line(line)
            except msgspec.MsgspecError as error:
                raise ValueError(f"{index}:{number}: {error}") from error


def _rows(path: Path, kind: str) -> Columns:
    # Of a run in which nothing of the kind happened there is no file.
    return concatenate(list(read_frames(path, LAYOUTS[kind])), LAYOUTS[kind]) if path.is_file() else {}


def _refuse_strangers(lines: Iterable[FrameLine], files: dict[str, Columns]) -> None:
    counts: Counter[str] = Counter()
    for line in lines:
        counts[line.header.kind] += line.rows
    for kind, columns in files.items():
        if counts[kind] != row_count(columns):
            raise ValueError(
                f"{kind}.parquet holds {row_count(columns)} rows and frames.jsonl counts {counts[kind]}: "
                "they are of different runs"
            )


def _control(path: Path) -> list[Record]:
    values = path.read_bytes().splitlines()
    return [
        Record(topic=CONTROL_RECORDS, key=control_key(decode_control(value)).encode(), value=value) for value in values
    ]


def _seconds(lines: Iterable[FrameLine], files: dict[str, Columns], plan: list[PlanSlot]) -> Iterator[list[Record]]:
    """Yield the frames of each second of the door's clock, before them the plan that they name."""
    read: Counter[str] = Counter()
    for _, second in groupby(lines, key=lambda line: line.header.received_at_ns // NS_PER_S):
        records: list[Record] = []
        for line in second:
            while plan and plan[0].plan_version <= line.header.plan_version:
                records += plan.pop(0).records
            first = read[line.header.kind]
            read[line.header.kind] += line.rows
            records.append(_frame(line, take(files[line.header.kind], slice(first, first + line.rows))))
        yield records


def _frame(line: FrameLine, columns: Columns) -> Record:
    header = line.header
    value = encode(header, LAYOUTS[header.kind], columns if line.rows else {})
    return Record(topic=TOPIC_OF_KIND[header.kind], key=shard_key(header.shard), value=value)
