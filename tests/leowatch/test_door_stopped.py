"""A door that stops, through files."""

import pyarrow.parquet as pq
from typer.testing import CliRunner

from leowatch.__main__ import app
from tests.leowatch import stopped_door


def test_while_the_door_is_stopped_no_time_passes_in_the_files_and_afterwards_terminals_tell_of_it(tmp_path):
    (tmp_path / "stopped.toml").write_text(stopped_door.SCENARIO)
    where = ["--to", str(tmp_path / "run"), "--scenario", str(tmp_path / "stopped.toml")]
    result = CliRunner().invoke(app, ["simulate", *where, *stopped_door.RUN])
    assert result.exit_code == 0, result.output

    names = ["terminal_index", "observed_at_ns", "received_at_ns", "stored"]
    table = pq.read_table(tmp_path / "run" / "telemetry" / "terminal.parquet", columns=names)
    stopped_door.check({name: table[name].to_numpy() for name in names})
