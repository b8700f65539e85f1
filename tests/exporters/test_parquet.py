import pytest

from exporters.parquet import ParquetSink, connect
from exporters.parquet_files import file_name, next_offsets
from ingest.contract.bus import Fatal, Retry
from ingest.contract.frame import RejectReason
from tests.exporters.findings import Log, S, a_directory, an_event, key_of

NOW = {"file_rows": 1}


def rows(folder, columns, table="events"):
    with connect(folder) as history:
        return history.execute(f"SELECT {columns} FROM {table} ORDER BY ALL").fetchall()


def files(folder, table="events"):
    return sorted(path.name for path in (folder / table).glob("*-*.parquet"))


def test_an_event_is_a_row_with_ids_words_and_instants(tmp_path):
    event = an_event(cause=13, from_gateway_index=1, expected=0, decided_at_ns=1_759_492_805_000_000_001)
    ParquetSink(tmp_path, a_directory(), **NOW).write([Log().events(event)])
    found = rows(
        tmp_path, "event_key, kind, subject_id, cause, from_gateway_id, expected, epoch_ns(decided_at), severity"
    )
    assert found == [
        (key_of(event), "outage_started", "t-3", "power", "gw-1", False, 1_759_492_805_000_000_001, "warning")
    ]


def test_network_events_incidents_and_rollups_have_their_rows(tmp_path):
    log = Log()
    sink = ParquetSink(tmp_path, a_directory(), **NOW)
    sink.write([log.network(terminals_affected_count=7), log.incident(revision=2), log.rollup()])
    assert rows(tmp_path, "kind, subject_id, terminals_affected_count") == [("gateway_isolated", "gw-1", 7)]
    assert rows(tmp_path, "incident_id, root_kind, revision, state", "incidents") == [
        ("inc-0123456789abcdef", "gateway", 2, "open")
    ]
    assert rows(tmp_path, "gateway_id, pop_id, model, samples_count, rtt_le_30ms_count", "rollups") == [
        ("gw-1", "fra", "pro", 60, 50)
    ]


def test_the_last_revision_holds_whatever_file_it_is_in(tmp_path):
    log, sink = Log(), ParquetSink(tmp_path, a_directory(), **NOW)
    for revision, cause in ((1, 0), (2, 13)):
        sink.write([log.events(an_event(revision=revision, cause=cause))])
    sink.write([log.events(an_event(revision=1, cause=0))])  # derived again after a crash
    assert len(files(tmp_path)) == 3
    assert rows(tmp_path, "revision, cause") == [(2, "power")]


def test_rows_wait_for_a_file_worth_writing_and_are_held_until_then(tmp_path):
    log, sink = Log(), ParquetSink(tmp_path, a_directory(), file_rows=3)
    tick = log.events()
    assert sink.write([tick]).held == {}
    events = [log.events(an_event(terminal=i)) for i in range(3)]
    assert sink.write(events[:2]).held == {("events.terminal.v1", 0): 1}
    assert files(tmp_path) == []
    assert sink.write(events[2:]).held == {}
    assert files(tmp_path) == [file_name(("events.terminal.v1", 0), 1, 3)]


def test_a_file_is_written_when_its_records_span_a_minute_of_log_time(tmp_path):
    log, sink = Log(), ParquetSink(tmp_path, a_directory())
    sink.write([log.events(an_event(), clock_s=60)])
    assert sink.write([log.events(clock_s=119)]).held
    assert not sink.write([log.events(clock_s=120)]).held
    assert len(rows(tmp_path, "event_key")) == 1


def test_a_quiet_topic_gets_its_file_when_time_goes_on_elsewhere(tmp_path):
    log, sink = Log(), ParquetSink(tmp_path, a_directory())
    assert sink.write([log.network()]).held
    assert not sink.write([log.events(clock_s=120)]).held
    assert len(rows(tmp_path, "event_key")) == 1


def test_after_a_kill_between_file_and_commit_the_same_records_change_nothing(tmp_path):
    log = Log()
    messages = [log.events(an_event(terminal=i)) for i in range(6)]
    ParquetSink(tmp_path, a_directory(), **NOW).write(messages[:4])
    again = ParquetSink(tmp_path, a_directory(), **NOW)
    assert again.reached() == {("events.terminal.v1", 0): 4}
    again.write(messages)  # cut otherwise than before
    assert len(files(tmp_path)) == 2
    with connect(tmp_path) as history:
        raw = history.execute(f"SELECT event_key FROM '{tmp_path}/events/*.parquet'").fetchall()
    assert len(raw) == len(set(raw)) == 6


def test_a_half_written_file_is_swept_and_not_read(tmp_path):
    ParquetSink(tmp_path, a_directory())
    (tmp_path / "events" / "half.tmp").write_bytes(b"PAR1 and no more")
    ParquetSink(tmp_path, a_directory())
    assert not list((tmp_path / "events").glob("*.tmp"))
    assert rows(tmp_path, "*") == []


def test_a_full_disk_is_a_retry_that_loses_no_row_and_no_refusal(tmp_path, monkeypatch):
    log, sink = Log(), ParquetSink(tmp_path, a_directory(), **NOW)
    messages = [log.events(an_event()), log.network(b"{")]
    full = {"events": True}

    def write_whole(path, table):
        if full["events"]:
            raise OSError(28, "No space left on device")
        return kept(path, table)

    from exporters import parquet

    kept = parquet.write_whole
    monkeypatch.setattr(parquet, "write_whole", write_whole)
    with pytest.raises(Retry, match="No space"):
        sink.write(messages)
    full["events"] = False
    written = sink.write(messages)
    assert [refusal.rejected.reason for refusal in written.refused] == [RejectReason.UNPARSEABLE]
    assert len(rows(tmp_path, "event_key")) == 1


def test_a_folder_of_another_run_is_refused_where_the_run_is_to_be_fresh(tmp_path):
    ParquetSink(tmp_path, a_directory(), **NOW).write([Log().events(an_event())])
    with pytest.raises(Fatal, match="another run"):
        ParquetSink(tmp_path, a_directory(), resume=False)


def test_closing_writes_what_is_held(tmp_path):
    sink = ParquetSink(tmp_path, a_directory())
    sink.write([Log().events(an_event())])
    sink.close()
    assert len(rows(tmp_path, "event_key")) == 1


def test_a_file_name_says_how_far_its_place_has_been_exported():
    names = [
        file_name(("replay.r-1.events.terminal.v1", 3), 0, 9),
        file_name(("replay.r-1.events.terminal.v1", 3), 10, 12),
    ]
    assert next_offsets([*names, "schema.parquet"]) == {("replay.r-1.events.terminal.v1", 3): 13}


def test_an_instant_keeps_its_nanoseconds(tmp_path):
    ParquetSink(tmp_path, a_directory(), **NOW).write([Log().events(an_event(at_s=0.123456789))])
    assert rows(tmp_path, "epoch_ns(started_at) % 1000000000") == [(round(0.123456789 * S),)]
