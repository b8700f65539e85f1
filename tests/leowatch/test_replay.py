"""What a run leaves behind, played again: every frame, and every event to the byte."""

import io
import json

import numpy as np
import pytest
from rich.console import Console

from ingest.contract.bus import Fatal, Message
from ingest.contract.control import MaintenanceWindow, control_key, encode_control
from ingest.contract.frame import TelemetryHeader, decode
from ingest.contract.packing import Packer, Versions
from ingest.contract.telemetry import ATTACHMENT, GATEWAY, LAYOUTS
from ingest.contract.topics import CONTROL_RECORDS
from ingest.contract.vocabulary import SubjectKind
from leowatch import replay as replays
from leowatch.demo import Options as DemoOptions
from leowatch.demo import run_demo
from leowatch.detect import Options, run_detect
from leowatch.run_folder import RunFolder
from simulators.run import Settings
from tests.make import SAMPLE, START_NS, S, inventory


def samples(terminals, second, **columns):
    rows = {**SAMPLE, "observed_at_ns": START_NS + second * S, "sequence": second, **columns}
    found = {name: np.full(len(terminals), value) for name, value in rows.items()}
    return found | {"terminal_index": np.array(terminals, np.int32)}


def a_log():
    """Return what a door says in three seconds: samples with and without a column, stored ones, ticks, news, a goodbye."""
    packer = Packer(producer_id="door", shard_count=4, partition_count=4)
    packer.versions = Versions(inventory=1, plan=7)
    at_ns = START_NS + S
    yield from packer.samples(samples([0, 1, 4, 5], 0), at_ns)
    yield from packer.samples(samples([2], 0, temperature_celsius=21.5), at_ns)
    yield from packer.ticks(at_ns)
    packer.versions = Versions(inventory=1, plan=8, maintenance=2)
    yield from packer.control(at_ns + S, at_ns + S)
    attachment = {c.name: np.zeros(1, c.numpy_type) for c in ATTACHMENT.columns}
    yield from packer.attachments(attachment | {"observed_at_ns": np.array([at_ns])}, at_ns + S)
    yield from packer.samples(samples([0, 3], 1), at_ns + S, stored=True)
    gateway = {c.name: np.zeros(1, c.numpy_type) for c in GATEWAY.columns}
    yield packer.source("gateway", "ground", gateway | {"observed_at_ns": np.array([at_ns])}, at_ns + S)
    yield from packer.ticks(at_ns + 2 * S)
    yield from packer.goodbye(at_ns + 2 * S)


def keep(folder, records):
    with RunFolder(folder, inventory(6, shard_count=4)) as files:
        files.take(
            Message(topic=r.topic.name, partition=0, offset=i, key=r.key, value=r.value, timestamp_ms=0)
            for i, r in enumerate(records)
        )


def said(record):
    frame = decode(record.value, LAYOUTS, TelemetryHeader)
    told = {
        name: column.tolist()
        for name, column in frame.columns.items()
        if not np.array_equal(column, frame.layout.column(name).nulls(frame.rows), equal_nan=True)
    }
    return record.topic.name, record.key if record.topic.name == "telemetry.terminal.v1" else b"", frame.header, told


def played_again(folder, monkeypatch):
    """Return the frames that a replay puts on the road."""
    turned = []

    class Road:
        def __init__(self, _):
            pass

        def turn(self, records):
            turned.append(list(records))

        def heard(self):
            return replays.Heard([], {})

    monkeypatch.setattr(replays, "Stage", Road)
    replays.replay(folder)
    return turned


def test_every_frame_comes_again_with_its_rows_its_header_and_in_its_order(tmp_path, monkeypatch):
    records = list(a_log())
    keep(tmp_path, records)
    _, *seconds = played_again(tmp_path, monkeypatch)
    assert [said(record) for second in seconds for record in second] == [said(record) for record in records]
    assert len(seconds) == 3


def test_a_maintenance_window_comes_again_before_everything_else(tmp_path, monkeypatch):
    window = MaintenanceWindow(
        window_id="w-1", subject_kind=SubjectKind.GATEWAY, subject_id="g1", start_at_ns=START_NS, end_at_ns=START_NS + S,
        version=2, by="noc", reason="antenna",
    )  # fmt: skip
    value = encode_control(window)
    with RunFolder(tmp_path, inventory(6, shard_count=4)) as files:
        files.take([Message(topic=CONTROL_RECORDS.name, partition=0, offset=0, key=b"k", value=value, timestamp_ms=0)])
    (first,) = played_again(tmp_path, monkeypatch)
    assert [(r.topic, r.key, r.value) for r in first] == [(CONTROL_RECORDS, control_key(window).encode(), value)]


def test_files_of_two_runs_are_refused(tmp_path):
    records = list(a_log())
    keep(tmp_path / "a", records)
    keep(tmp_path / "b", records[1:])
    (tmp_path / "a/telemetry/frames.jsonl").write_bytes((tmp_path / "b/telemetry/frames.jsonl").read_bytes())
    with pytest.raises(Fatal, match=r"holds 7 rows and frames\.jsonl counts 5: they are of different"):
        run_detect(Options(format="run", files=(tmp_path / "a",), out=tmp_path / "events.jsonl"))


@pytest.mark.parametrize(
    ("line", "complaint"), [(b"{", "frames.jsonl:1: "), (b'{"header": {}}', "frames.jsonl:1: "), (None, "is missing")]
)
def test_what_is_no_run_is_refused_with_what_is_wrong(tmp_path, line, complaint):
    keep(tmp_path, [])
    index = tmp_path / "telemetry/frames.jsonl"
    index.unlink() if line is None else index.write_bytes(line)
    with pytest.raises(Fatal, match=complaint):
        run_detect(Options(format="run", files=(tmp_path,), out=tmp_path / "found.jsonl"))


def test_one_folder_at_a_time(tmp_path):
    with pytest.raises(Fatal, match="one folder"):
        run_detect(Options(format="run", files=(tmp_path, tmp_path), out=tmp_path / "found.jsonl"))


def last_revisions(lines):
    """Return each event as it was last said, without whose finding it is."""
    last = {}
    for line in lines.splitlines():
        event = json.loads(line)
        event.pop("source", None)
        if event.get("conformance", "") is None:
            del event["conformance"]  # `detect` says that there was no plan; a run leaves it out
        if event["event_key"] not in last or last[event["event_key"]]["revision"] < event["revision"]:
            last[event["event_key"]] = event
    return {key: json.dumps(event, sort_keys=True) for key, event in sorted(last.items())}


@pytest.mark.slow
def test_a_bad_day_detected_from_its_files_has_the_events_of_the_live_run_to_the_byte(tmp_path):
    sky = Settings(terminals=60, minutes=6.5)
    run_demo(
        DemoOptions(sky=sky, speed=0, once=True, out=tmp_path / "run", port=0), console=Console(file=io.StringIO())
    )
    summary = run_detect(Options(format="run", files=(tmp_path / "run",), out=tmp_path / "again.jsonl"))
    live = last_revisions((tmp_path / "run/events.jsonl").read_bytes())
    again = last_revisions((tmp_path / "again.jsonl").read_bytes())
    kinds = {json.loads(event)["kind"] for event in live.values()}
    assert {"outage_started", "tilt_critical", "gateway_isolated", "handover"} <= kinds
    assert again == live
    assert summary["rejected"] == {}
