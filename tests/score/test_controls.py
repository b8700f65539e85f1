"""The controls: what thresholds alone would have said of the same telemetry."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leowatch.score.controls import control, read_telemetry
from leowatch.score.files import MissingFile
from leowatch.score.judge import judge
from leowatch.score.report import report
from leowatch.score.tolerances import Tolerances
from tests.score.make_run import at

CONNECTED, BOOTING, NO_SATELLITES = 1, 2, 6


def sample(terminal, second, **more):
    plain = {"state": CONNECTED, "pop_ping_drop_ratio": 0.0, "serving_satellite_index": 0, "tilt_angle_deg": 20.0}
    return {"terminal_index": terminal, "observed_at_ns": at(second), **plain, **more}


def write(run, rows):
    folder = run.folder / "telemetry"
    folder.mkdir(exist_ok=True)
    schema = pa.schema(
        [("terminal_index", pa.int32()), ("observed_at_ns", pa.int64()), ("state", pa.int8()), ("pop_ping_drop_ratio", pa.float32()), ("serving_satellite_index", pa.int32()), ("tilt_angle_deg", pa.float32())]
    )  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "terminal.parquet")
    pq.write_table(pa.table({"gateway_index": [0]}), folder / "gateway.parquet")
    records = [{"type": "deployment", "shard_count": 1, "version": 1}]
    records += [{"type": "terminal", "terminal_index": i, "terminal_id": f"ut-{i:03d}"} for i in range(120)]
    records += [{"type": "satellite", "satellite_index": i, "satellite_id": f"sat-{i}"} for i in range(3)]
    (run.folder / "inventory.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    return folder


def said(run, rows, name="naive"):
    folder = write(run, rows)
    return control(name, read_telemetry(folder, run.folder / "inventory.jsonl"), Tolerances())


def kinds(events):
    return list(zip(events["kind"].tolist(), events["subject_id"].tolist(), events["cause"].tolist(), strict=True))


def test_a_terminal_without_pings_raises_an_alarm_and_a_page(run):
    rows = [sample(1, s, pop_ping_drop_ratio=1.0 if 10 <= s < 20 else 0.0) for s in range(60)]

    events, incidents, pages = said(run, rows)

    assert kinds(events) == [("outage_started", "ut-001", "unknown"), ("outage_ended", "ut-001", "unknown")]
    assert events["started_at_ns"][0] == at(10)
    assert events["ended_at_ns"][1] == at(20)
    assert [(i.root_kind, i.root_id) for i in incidents] == [("terminal", "ut-001")]
    assert [(p.team, p.incident_id) for p in pages] == [("noc", incidents[0].incident_id)]


def test_silence_is_an_outage_to_the_naive(run):
    rows = [sample(1, s) for s in range(60) if not 10 <= s < 20] + [sample(2, s) for s in range(60)]

    events, _, _ = said(run, rows)

    assert kinds(events)[0] == ("outage_started", "ut-001", "unknown")


def test_the_echo_repeats_the_state(run):
    rows = [sample(1, s, state=NO_SATELLITES if 10 <= s < 20 else CONNECTED) for s in range(60)]

    assert kinds(said(run, rows, "echo")[0])[0] == ("outage_started", "ut-001", "no_satellites")
    assert kinds(said(run, rows, "naive")[0])[0] == ("outage_started", "ut-001", "unknown")


def test_a_satellite_that_changes_between_samples_is_a_handover(run):
    rows = [sample(t, s, serving_satellite_index=int(s >= 30)) for t in (1, 2) for s in range(60)]

    events, incidents, _ = said(run, rows)

    assert events["kind"].tolist() == ["handover", "handover"]
    assert events["started_at_ns"].tolist() == [at(30), at(30)]
    assert (events["from_satellite_id"][0], events["to_satellite_id"][0]) == ("sat-0", "sat-1")
    assert incidents == []


def test_a_tilt_over_the_limit_is_an_alarm(run):
    rows = [sample(1, s, tilt_angle_deg=70.0 if s >= 30 else 20.0) for s in range(60)]

    events, incidents, _ = said(run, rows)

    assert sorted(events["kind"].tolist()) == ["tilt_critical", "tilt_warning"]
    assert [i.cause for i in incidents] == ["tilt_critical"]


def test_repeats_and_the_order_of_rows_change_nothing(run):
    rows = [sample(1, s, pop_ping_drop_ratio=float(10 <= s < 20)) for s in range(60)]

    assert kinds(said(run, rows[::-1] + rows[5:25])[0]) == kinds(said(run, rows)[0])


def test_the_controls_stand_beside_our_row_and_the_naive_blames_every_terminal(run):
    rows = [
        sample(t, s, state=BOOTING if t >= 40 and 100 <= s < 220 else CONNECTED) for t in range(60) for s in range(0, 300, 2)
    ]  # fmt: skip

    board = judge(*run.write(), telemetry_dir=write(run, rows))

    naive = board.controls["naive"].faults
    assert (naive.per_kind["gateway_down"].detected, naive.wrong_root) == (0, 20)
    assert board.controls["naive"].pages.elsewhere == 20
    assert board.controls["echo"].outages.confusion["gateway_down"] == {"booting": 20}
    assert "naive" in report(board)


def test_telemetry_without_an_inventory_is_named(run):
    folder = write(run, [sample(1, 0)])
    (run.folder / "inventory.jsonl").unlink()

    with pytest.raises(MissingFile, match="inventory"):
        judge(*run.write(), telemetry_dir=folder)
