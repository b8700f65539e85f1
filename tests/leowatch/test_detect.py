"""Recorded data through the same detectors: real traces, a made dish history, CSV and frames; and everything that is wrong with a file."""

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.contract.bus import Fatal
from ingest.contract.columns import Column
from ingest.contract.files import FrameFile
from ingest.contract.plan import PLAN
from ingest.contract.telemetry import ATTACHMENT, TERMINAL
from ingest.contract.vocabulary import TerminalState
from leowatch.detect import Options, pairs, run_detect
from tests.ingest.recorded.dish import TAKEN_AT_NS, made_dish_history
from tests.make import SLOT_NS, START_NS, S, columns, inventory, plan_frame, sample

DATA = Path(__file__).parents[1] / "data"
TRACES = sorted((DATA / "starlink_ping").glob("*.gz"))
FACTS = (
    Column(name="received_at_ns", dtype="i8", description="The door's clock."),
    Column(name="stored", dtype="i1", description="1 for backfill."),
)


@pytest.fixture
def detect(tmp_path):
    """Run it; return the summary and the events."""

    def run(kind, *contents, name="file", **options):
        files = []
        for number, content in enumerate(contents):
            if isinstance(content, Path):
                files.append(content)
            else:
                files.append(tmp_path / f"{name}{number}")
                files[-1].write_bytes(content if isinstance(content, bytes) else content.encode())
        out = tmp_path / "events.jsonl"
        summary = run_detect(Options(format=kind, files=tuple(files), out=out, **options))
        json.dumps(summary, allow_nan=False)
        return summary, [json.loads(line) for line in out.read_text().splitlines()]

    return run


def rows_of(trace):
    return [line.split("\t") for line in gzip.decompress(trace.read_bytes()).decode().splitlines()]


def text_of(rows):
    return "\n".join("\t".join(row) for row in rows)


# ---- ping


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.name[:6])
def test_both_real_traces_give_slots_of_fifteen_seconds_from_second_twelve(detect, trace):
    summary, events = detect("ping", trace)

    assert (summary["slot_length_s"], summary["slot_phase_s"]) == (15, 12)
    assert summary["boundary_to_mid_slot_ratio"] >= 50
    handovers = [event for event in events if event["kind"] == "handover"]
    assert len(handovers) == summary["events"]["handover"] > 40
    assert {event["conformance"] for event in handovers} == {None}
    assert {event["source"] for event in events} == {"leowatch"}


@pytest.mark.parametrize("shift_s", [7, 1234, 86_403])
def test_the_phase_moves_with_the_times(detect, shift_s):
    rows = [(str(float(at) + shift_s), number, rtt) for at, number, rtt in rows_of(TRACES[0])]
    summary, _ = detect("ping", text_of(rows))

    assert summary["slot_length_s"] == 15
    assert abs((summary["slot_phase_s"] - 12 - shift_s + 7.5) % 15 - 7.5) <= 0.2


@pytest.mark.parametrize("made", ["shuffled", "constant", "walk"])
def test_without_slots_the_summary_says_null(detect, made):
    rows, rng = rows_of(TRACES[0])[:12_000], np.random.default_rng(3)
    rtt = np.array([float(row[2]) for row in rows])
    values = {
        "shuffled": rng.permutation(rtt), "constant": np.full(len(rtt), 50.0),
        "walk": 200 + np.cumsum(rng.normal(0, 0.3, len(rtt))),
    }[made]  # fmt: skip
    summary, events = detect("ping", text_of([(r[0], r[1], f"{v:.3f}") for r, v in zip(rows, values, strict=True)]))

    assert [summary[key] for key in ("slot_length_s", "slot_phase_s", "boundary_to_mid_slot_ratio")] == [None] * 3
    assert [event for event in events if event["kind"] == "handover"] == []
    assert all("slot_aligned" not in event for event in events)


def probes(lost, count=60, hole=()):
    """A synchronous pinger's rows at 2 Hz: a lost one's row is stamped after the timeout."""
    return text_of(
        [(f"{1_700_000_000 + n / 2:.3f}", str(n), "-1" if n in lost else "40.0") for n in range(count) if n not in hole]
    )


def test_one_lost_probe_is_no_outage_and_two_in_a_row_are(detect):
    _, none = detect("ping", probes({10, 20, 30}))
    summary, one = detect("ping", probes({10, 20, 21}))

    assert none == []
    assert [event["kind"] for event in one] == ["outage_started", "outage_ended"]
    assert summary["lost"] == 3
    assert 0.5 <= one[1]["duration_s"] <= 1.5


def test_seconds_without_a_probe_are_unknown_and_no_outage(detect):
    assert detect("ping", probes(set(), hole=range(20, 40)))[1] == []


def test_outages_at_most_a_second_apart_are_one(detect):
    _, events = detect("ping", probes({10, 11, 13, 14}))

    assert [(event["kind"], event.get("merged_count")) for event in events] == [
        ("outage_started", None),
        ("outage_ended", 2),
    ]


def test_an_outage_that_the_trace_does_not_see_end_has_no_end(detect):
    assert [event["kind"] for event in detect("ping", probes(range(50, 60)))[1]] == ["outage_started"]


def test_a_hole_between_two_files_is_no_outage(detect):
    early, late = probes({58, 59}), probes({0}).replace("17000000", "17000009")

    assert "outage_ended" not in detect("ping", early, late)[0]["events"]


# ---- dish history


def history(**made):
    return json.dumps(made_dish_history(**made))


def test_a_dish_history_gives_its_outages_the_dishs_causes_and_the_short_one_apart(detect):
    summary, events = detect("dish-history", history(), taken_at_ns=(TAKEN_AT_NS,))

    ended = [(e["duration_s"], e["cause"], e["source"]) for e in events if e["kind"] == "outage_ended"]
    assert ended == [
        (4.0, "no_schedule", "leowatch"), (0.4, "no_downlink", "dish"), (9.0, "obstructed", "leowatch"),
        (2.0, "no_pings", "leowatch"),
    ]  # fmt: skip
    assert summary["agreement"] == {
        "dish_listed": 4, "both": 3, "dish_only_too_short_for_1_hz": 1, "dish_only": 0, "dish_outside_the_samples": 0,
        "ours_only": 0,
    }  # fmt: skip
    assert (summary["clock"], summary["events"]["outage_ended"]) == ("utc", 3)
    assert (summary["slot_length_s"], summary["slot_phase_s"]) == (15, 12)


def test_without_a_time_the_clock_is_relative_and_nothing_is_matched(detect):
    summary, events = detect("dish-history", history())

    ours = [e for e in events if e["kind"] == "outage_ended" and e["source"] == "leowatch"]
    assert (summary["clock"], summary["agreement"], summary["slot_phase_s"]) == ("relative", None, None)
    assert [(e["started_at"], e["cause"]) for e in ours][:1] == [("1970-01-01T00:01:40Z", "unknown")]
    assert sum(e["source"] == "dish" for e in events) == 4


def test_what_only_one_of_the_two_saw_is_counted(detect):
    told = json.loads(history())
    told["dishGetHistory"]["outages"] = told["dishGetHistory"]["outages"][:1]
    late = dict(told["dishGetHistory"]["outages"][0])
    late["startTimestampNs"] = str(int(late["startTimestampNs"]) + 500 * S)
    early = {**late, "startTimestampNs": str(int(late["startTimestampNs"]) - 50_000 * S)}
    early_and_short = {
        **early,
        "startTimestampNs": str(int(early["startTimestampNs"]) - 100 * S),
        "durationNs": str(S // 2),
    }
    told["dishGetHistory"]["outages"] += [late, early, early_and_short]
    summary, _ = detect("dish-history", json.dumps(told), taken_at_ns=(TAKEN_AT_NS,))

    assert summary["agreement"] == {
        "dish_listed": 4, "both": 1, "dish_only_too_short_for_1_hz": 0, "dish_only": 1, "dish_outside_the_samples": 2,
        "ours_only": 2,
    }  # fmt: skip


def test_overlapping_histories_are_read_once(detect):
    alone, _ = detect("dish-history", history(), taken_at_ns=(TAKEN_AT_NS,))
    twice, events = detect("dish-history", history(), history(), taken_at_ns=(TAKEN_AT_NS,))

    assert twice == alone
    assert len({event["event_id"] for event in events}) == len(events)


def test_a_reboot_between_files_needs_a_time_for_each(detect):
    rebooted = history(written=1000, taken_at_ns=TAKEN_AT_NS + 3600 * S)
    with pytest.raises(Fatal, match="a --taken-at for each"):
        detect("dish-history", history(), rebooted, taken_at_ns=(TAKEN_AT_NS,))
    summary, _ = detect("dish-history", history(), rebooted, taken_at_ns=(TAKEN_AT_NS, TAKEN_AT_NS + 3600 * S))

    assert summary["samples"] == 1800


# ---- csv


def csv(rows, header="time,sat,loss,rtt"):
    return "\n".join([header, *rows])


def test_a_csv_is_mapped_and_its_satellites_keep_their_names(detect):
    rows = [f"{1_700_000_000 + n},{'ALPHA' if n < 30 else 'BETA-2'},{1 if 40 <= n < 45 else 0},30" for n in range(60)]
    fields = {
        "time": "observed_at",
        "sat": "serving_satellite",
        "loss": "pop_ping_drop_ratio",
        "rtt": "pop_ping_latency_ms",
    }
    summary, events = detect("csv", csv(rows), fields=fields)

    handover = next(event for event in events if event["kind"] == "handover")
    assert (handover["from_satellite_id"], handover["to_satellite_id"]) == ("ALPHA", "BETA-2")
    assert handover["conformance"] is None
    assert summary["events"] == {"handover": 1, "outage_ended": 1, "outage_started": 1}
    assert next(event["duration_s"] for event in events if event["kind"] == "outage_ended") == 5


def test_a_csv_in_iso_8601_gzipped_with_a_fixed_field_and_bad_lines(detect):
    rows = [f"2025-10-03T00:00:{n:02d}Z,ALPHA,0,30" for n in range(60)]
    rows[7:7] = ["yesterday,ALPHA,0,30", "2025-10-03T00:00:07Z,ALPHA,7,30"]
    fields = {"time": "observed_at", "loss": "pop_ping_drop_ratio"}
    summary, events = detect("csv", gzip.compress(csv(rows).encode()), fields=fields, fixed={"state": "obstructed"})

    assert (summary["samples"], summary["bad_lines"]) == (60, 2)
    assert any(":9:" in text for text in summary["bad_line_examples"])
    assert [event["cause"] for event in events if event["kind"] == "outage_started"] == ["obstructed"]


def test_terminals_of_a_csv_are_told_apart(detect):
    rows = [
        f"{1_700_000_000 + n},{name},{loss}" for n in range(20) for name, loss in (("roof", 0), ("barn", int(n > 9)))
    ]
    fields = {"time": "observed_at", "who": "terminal_id", "loss": "pop_ping_drop_ratio"}
    _, events = detect("csv", csv(rows, "time,who,loss"), fields=fields)

    assert [(event["kind"], event["subject_id"]) for event in events] == [("outage_started", "barn")]


def test_the_end_of_a_recording_is_no_silence(detect):
    rows = [f"{1_700_000_000 + n},0" for n in range(20)]
    fields = {"time": "observed_at", "loss": "pop_ping_drop_ratio"}

    assert detect("csv", csv(rows, "time,loss"), fields=fields)[1] == []


# ---- frames


def frame_file(path, samples, received_s=None, **replaced):
    with FrameFile(path, TERMINAL, FACTS) as file:
        rows = {**columns(samples), **replaced}
        received = rows["observed_at_ns"] + 50_000_000 if received_s is None else START_NS + np.array(received_s) * S
        file.write({**rows, "received_at_ns": received, "stored": np.zeros(len(samples), np.int8)})
    return path


@pytest.fixture
def seventy(tmp_path):
    """Seventy seconds of one terminal that moves to another satellite at the slot's edge, and a plan that says so."""
    samples = [sample(n, serving_satellite_index=1 if n <= 30 else 2) for n in range(1, 70)]
    plan = tmp_path / "plan.parquet"
    extra = tuple(
        Column(name=name, dtype="i8", description="")
        for name in ("slot_start_ns", "slot_end_ns", "plan_version", "published_at_ns")
    )
    with FrameFile(plan, PLAN, extra) as file:
        for slot, satellite in enumerate((1, 2, 2)):
            header, rows = plan_frame(slot, {7: satellite}, version=slot + 1)
            facts = {c.name: np.full(1, getattr(header, c.name)) for c in extra}
            file.write({**rows, **facts})
    stock = tmp_path / "inventory.jsonl"
    stock.write_bytes(inventory(1).to_lines())
    return frame_file(tmp_path / "terminal.parquet", samples), plan, stock


def test_frames_are_held_against_the_plan_where_there_is_one(detect, seventy):
    frames, plan, stock = seventy
    _, planned = detect("frames", frames, plan=plan, inventory=stock)
    _, alone = detect("frames", frames)

    assert [(e["kind"], e["conformance"], e["subject_id"], e["to_satellite_id"]) for e in planned] == [
        ("handover", "on_time", "t0", "s2")
    ]
    assert [(e["kind"], e["conformance"], e["subject_id"], e["to_satellite_id"]) for e in alone] == [
        ("handover", None, "terminal-0", "#2")
    ]


def test_a_plan_longer_than_is_remembered_still_judges_the_first_slots(detect, tmp_path, seventy):
    frames, _, stock = seventy
    plan = tmp_path / "long.parquet"
    extra = tuple(
        Column(name=name, dtype="i8", description="")
        for name in ("slot_start_ns", "slot_end_ns", "plan_version", "published_at_ns")
    )
    with FrameFile(plan, PLAN, extra) as file:
        for slot in range(300):
            header, rows = plan_frame(slot, {7: 1 if slot == 0 else 2}, version=slot + 1)
            file.write({**rows, **{c.name: np.full(1, getattr(header, c.name)) for c in extra}})
    _, events = detect("frames", frames, plan=plan, inventory=stock)

    assert SLOT_NS == 30 * S
    assert [event["conformance"] for event in events] == ["on_time"]


def test_a_silence_inside_a_recording_is_suspected(detect, tmp_path):
    samples = [sample(n) for n in range(30)] + [sample(n) for n in range(50, 70)]
    _, events = detect("frames", frame_file(tmp_path / "t.parquet", samples))

    assert "outage_suspected" in [event["kind"] for event in events]


def test_what_waits_for_time_to_pass_is_settled_after_the_last_sample(detect, tmp_path):
    samples = [sample(n) for n in range(30)] + [sample(n) for n in range(50, 55)]
    _, events = detect("frames", frame_file(tmp_path / "t.parquet", samples))

    assert {event["kind"] for event in events} == {"outage_suspected", "outage_withdrawn"}


def test_the_last_word_on_an_event_is_written_alone(detect, tmp_path):
    live = [sample(n) for n in (*range(21), *range(41, 60))]
    told = [sample(n, state=int(TerminalState.OBSTRUCTED)) for n in range(21, 41)]
    path = tmp_path / "t.parquet"
    with FrameFile(path, TERMINAL, FACTS) as file:
        for rows, received_s, stored in ((live, None, 0), (told, 45, 1)):
            made = columns(rows)
            received = made["observed_at_ns"] if received_s is None else np.full(len(rows), START_NS + received_s * S)
            file.write({**made, "received_at_ns": received, "stored": np.full(len(rows), stored, np.int8)})
    with FrameFile(tmp_path / "a.parquet", ATTACHMENT) as file:
        at_ns = START_NS + np.array([0, 21, 41]) * S
        attached = np.array([1, 0, 1], np.int8)
        file.write(
            {
                "terminal_index": np.zeros(3, np.int32),
                "observed_at_ns": at_ns,
                "gateway_index": np.ones(3, np.int32),
                "attached": attached,
            }
        )
    _, events = detect("frames", path, tmp_path / "a.parquet")

    ended = [event for event in events if event["kind"] == "outage_ended"]
    assert [(event["revision"], event["cause"]) for event in ended] == [(2, "obstructed")]


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("tilt_angle_deg", 400.0, "out_of_range"), ("pop_ping_latency_ms", np.inf, "not_a_number"),
        ("state", 99, "unknown_choice"), ("terminal_index", 77, "unknown_terminal"),
        ("observed_at_ns", START_NS + 7200 * S, "clock_ahead"), ("sequence", -1, "missing_column"),
    ],
)  # fmt: skip
def test_a_bad_row_is_counted_by_its_reason_and_the_others_are_judged(detect, tmp_path, field, value, reason):
    samples = [sample(n) for n in range(40)]
    values = columns(samples)[field].copy()
    received_s = np.arange(40)
    values[5] = value
    stock = tmp_path / "inventory.jsonl"
    stock.write_bytes(inventory(1).to_lines())
    summary, _ = detect(
        "frames", frame_file(tmp_path / "t.parquet", samples, received_s, **{field: values}), inventory=stock
    )

    assert summary["rejected"] == {reason: 1}
    assert summary["samples"] == 39


# ---- what cannot be read


def parquet(tmp_path, table):
    path = tmp_path / "odd.parquet"
    pq.write_table(table, path)
    return path


def test_a_file_of_frames_without_a_required_column_is_named(detect, tmp_path):
    table = pa.table({"terminal_index": pa.array([0], pa.int32()), "observed_at_ns": pa.array([START_NS], pa.int64())})
    with pytest.raises(Fatal, match="needs boot_count, sequence, state"):
        detect("frames", parquet(tmp_path, table))


@pytest.mark.parametrize(
    ("facts", "says"),
    [({"leowatch.kind": "terminal", "leowatch.version": "9"}, "version 9"), ({"leowatch.kind": "moon"}, "'moon'")],
)
def test_a_file_of_another_kind_or_version_is_refused(detect, tmp_path, facts, says):
    with pytest.raises(Fatal, match=says):
        detect("frames", parquet(tmp_path, pa.table({"a": [1]}).replace_schema_metadata(facts)))


@pytest.mark.parametrize(
    ("kind", "content", "options", "says"),
    [
        ("frames", b"no parquet", {}, "not a Parquet file"),
        ("frames", b"PAR1", {}, "not a Parquet file"),
        ("frames", b"", {}, "not a Parquet file"),
        ("ping", b"", {}, "empty"),
        ("ping", b"hello\n", {}, "nothing to read"),
        ("ping", b"\x1f\x8b\x08\x00cut", {}, "gzip"),
        ("dish-history", b"{", {}, "no dish history"),
        ("dish-history", b'{"dishGetHistory": {"current": "x", "popPingDropRate": [0]}}', {}, "64-bit integer"),
        ("dish-history", b'{"dishGetHistory": {"current": "0", "popPingDropRate": []}}', {}, "no samples"),
        ("csv", b"a,b\n1,2\n", {}, "--map"),
        ("csv", b"a,b\n1,2\n", {"fields": {"a": "observed_at", "b": "warp_factor"}}, "warp_factor"),
        ("csv", b"a,b\n1,2\n", {"fields": {"b": "snr_db"}}, "observed_at"),
        ("csv", b"a,b\n1,2\n", {"fields": {"a": "observed_at"}, "fixed": {"state": "dancing"}}, "dancing"),
        ("csv", b"a,b\n1,2\n", {"fields": {"a": "observed_at"}, "fixed": {"colour": "1"}}, "colour"),
        ("carrier-pigeon", b"", {}, "one of run, frames"),
        ("ping", b"x", {"fields": {"a": "observed_at"}}, "--map says nothing"),
        ("ping", b"x", {"taken_at_ns": (1,)}, "--taken-at says nothing"),
        ("csv", b"x", {"inventory": Path("i")}, "--inventory says nothing"),
        ("frames", b"x", {"plan": Path("p")}, "--inventory too"),
        ("dish-history", b"x", {"taken_at_ns": (1, 2)}, "--taken-at"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why(detect, kind, content, options, says):
    with pytest.raises(Fatal, match=says):
        detect(kind, content, **options)


def test_a_file_that_is_not_there_is_named(detect):
    with pytest.raises(Fatal, match=r"nowhere\.txt"):
        detect("ping", Path("nowhere.txt"))


@pytest.mark.parametrize("text", ["a", "a=", "=b", "a=b,a=c", "a=b,,c"])
def test_a_map_that_is_none_says_how_to_write_one(text):
    with pytest.raises(Fatal, match="name=value"):
        pairs(text, "--map")


def test_a_map_is_read():
    assert pairs(" time = observed_at, sat=serving_satellite,", "--map") == {
        "time": "observed_at", "sat": "serving_satellite",
    }  # fmt: skip
