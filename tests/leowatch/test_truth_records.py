"""Truth goes onto topics as its files hold it, and only where somebody asks for it."""

import json

import pyarrow.parquet as pq
import pytest
from rich.console import Console

from ingest.contract.topics import INGEST_TOPICS
from leowatch.simulate import Options, run_simulate
from leowatch.truth_records import truth_records
from simulators.contract.topics import TRUTH_LABELS, TRUTH_TABLES, TRUTH_TOPICS
from simulators.contract.truth import TABLES, decode_label
from simulators.run import Settings
from streams.contract.topics import STREAMS_TOPICS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The truth of a simulated minute."""
    where = tmp_path_factory.mktemp("truth")
    sky = Settings(terminals=20, minutes=1, seed=2)
    options = Options(sky=sky, to=str(where / "out"), speed=0, kafka="", truth_out=where / "truth")
    run_simulate(options, console=Console(quiet=True))
    return where / "truth"


def test_every_label_and_every_row_is_a_record_of_its_topic(folder):
    found = list(truth_records(folder))
    counts = {topic.name: sum(record.topic == topic for record in found) for topic in TRUTH_TOPICS}
    labels = (folder / "labels.jsonl").read_bytes().splitlines()
    rows = {t.name: pq.ParquetFile(folder / f"{n}.parquet").metadata.num_rows for n, t in TRUTH_TABLES.items()}

    assert TRUTH_TABLES.keys() == TABLES.keys()
    assert counts == {TRUTH_LABELS.name: len(labels), **rows}
    assert sum(rows.values()) > 0
    assert all(decode_label(r.value).label_id.encode() == r.key for r in found if r.topic == TRUTH_LABELS)
    assert all(json.loads(r.value) for r in found)


def test_no_topic_that_the_workshop_reads_or_writes_holds_truth():
    assert not {t.name for t in (*INGEST_TOPICS, *STREAMS_TOPICS)} & {t.name for t in TRUTH_TOPICS}
    assert all(topic.name.startswith("truth.") for topic in TRUTH_TOPICS)


@pytest.mark.parametrize(("to", "with_folder"), [("folder", True), ("kafka", False)])
def test_truth_on_topics_needs_kafka_and_the_folder_it_is_read_from(to, with_folder, tmp_path):
    options = Options(
        sky=Settings(terminals=20, minutes=1), to=to, speed=0, kafka="", truth_out=tmp_path if with_folder else None,
        truth_topics=True,
    )  # fmt: skip

    with pytest.raises(ValueError, match="--truth-topics needs"):
        run_simulate(options, console=Console(quiet=True))
