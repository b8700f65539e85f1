"""What is generated is committed as the code says it, and the dictionary leaves nothing out."""

from pathlib import Path

from exporters.contract.metrics import NETWORK_METRICS
from leowatch.dictionary import dictionary
from leowatch.render import SCHEMAS, render
from streams.contract.catalogue import CATALOGUE
from tests.ingest.contract.golden import frames
from tests.test_catalogue import TOPICS

ROOT = Path(__file__).parents[2]


def test_nothing_generated_in_the_checkout_is_stale():
    assert render(ROOT, check=True) == []


def test_check_names_what_is_stale_and_writes_nothing(tmp_path):
    render(tmp_path, check=False)
    (tmp_path / "docs/data-dictionary.md").write_text("old")
    (tmp_path / SCHEMAS / "teapot.schema.json").write_text("{}")
    (tmp_path / "leowatch/score/truth.schema.json").unlink()

    assert render(tmp_path, check=True) == [
        "docs/data-dictionary.md", "docs/schemas/events/teapot.schema.json", "leowatch/score/truth.schema.json",
    ]  # fmt: skip
    assert (tmp_path / "docs/data-dictionary.md").read_text() == "old"


def test_rendering_mends_what_is_stale_and_is_then_content(tmp_path):
    render(tmp_path, check=False)
    (tmp_path / "docs/data-dictionary.md").write_text("old")
    (tmp_path / SCHEMAS / "teapot.schema.json").write_text("{}")
    render(tmp_path, check=False)

    assert render(tmp_path, check=True) == []
    assert (tmp_path / "docs/data-dictionary.md").read_text() == dictionary()
    assert not (tmp_path / SCHEMAS / "teapot.schema.json").exists()


def test_the_dictionary_names_every_topic_column_kind_and_metric():
    page = dictionary()
    names = [topic.name for topic in TOPICS] + [metric.name for metric in NETWORK_METRICS]
    names += [entry.kind for entry in CATALOGUE] + [name for layout in frames() for name in layout.names()]

    assert [name for name in names if f"`{name}`" not in page] == []


def test_every_table_of_the_dictionary_has_as_many_cells_in_each_row():
    tables = [table for table in dictionary().split("\n\n") if table.startswith("|")]

    assert len(tables) > 30
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1, table
