"""The truth files of a run as records of the `truth.*` topics."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow.parquet as pq

from ingest.contract.packing import Record
from simulators.contract.topics import TRUTH_LABELS, TRUTH_TABLES
from simulators.contract.truth import decode_label
from simulators.truth_log import LABELS_FILE


def truth_records(folder: Path) -> Iterator[Record]:
    """Yield every label and every row, under the id that it is about."""
    for line in (folder / LABELS_FILE).read_bytes().splitlines():
        yield Record(topic=TRUTH_LABELS, key=decode_label(line).label_id.encode(), value=line)
    for name, topic in TRUTH_TABLES.items():
        for batch in pq.ParquetFile(folder / f"{name}.parquet").iter_batches():
            for row in batch.to_pylist():
                yield Record(topic=topic, key=str(row[batch.schema.names[0]]).encode(), value=msgspec.json.encode(row))
