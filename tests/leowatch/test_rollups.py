"""A bad day in one process: the rollups have every sample once, and the seconds without service that the truth has."""

import duckdb
import pytest

from exporters.directory import FixedDirectory
from exporters.parquet import ParquetSink, connect
from ingest.contract.instants import NS_PER_S
from ingest.contract.packing import Packer, inventory_records
from leowatch.memory_bus import MemoryBus
from leowatch.road import Road
from leowatch.run_folder import READS, RunFolder
from simulators.run import Settings, new_sky

pytestmark = pytest.mark.slow

SETTINGS = Settings(terminals=60, minutes=7.0)
# So long after the last sample every window has been corrected.
QUIET_S = 130
WINDOW_NS = 60 * NS_PER_S
# The detector sees each end of an outage to a sample of 1 Hz.
EDGE_S = 1.0
HELD_S = 2.0


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """Play it, then let the log go on until everything has been said."""
    folder = tmp_path_factory.mktemp("rollups")
    sky = new_sky(SETTINGS, truth_dir=folder / "truth")
    now_ns = [SETTINGS.first_at_ns]
    bus = MemoryBus(now_ns=lambda: now_ns[0])
    road = Road(bus, partition_count=SETTINGS.partition_count, now_ns=lambda: now_ns[0])
    tables = ParquetSink(folder / "tables", FixedDirectory(sky.inventory), resume=False)
    kept, found = bus.reader(READS), bus.reader(tables.topics)
    with RunFolder(folder, sky.inventory) as files:
        bus.put(inventory_records(sky.inventory))
        for at_ns, records in _log(sky):
            now_ns[0] = at_ns
            bus.put(records)
            road.turn()
            files.take(kept.drain())
            tables.write(found.drain())
    tables.flush()
    return folder


def _log(sky):
    for second in sky:
        yield second.received_at_ns, second.records
    after = Packer(producer_id="after", shard_count=sky.inventory.shard_count, partition_count=SETTINGS.partition_count)
    for number in range(1, QUIET_S):
        at_ns = second.received_at_ns + number * NS_PER_S
        yield at_ns, after.ticks(at_ns)


def test_every_sample_of_the_telemetry_is_in_its_window_once(played):
    counted = connect(played / "tables").sql(
        "select epoch_ns(window_start_at), sum(samples_count) from rollups group by 1"
    )
    told = duckdb.sql(
        f"select observed_at_ns // {WINDOW_NS} * {WINDOW_NS}, count(*) from '{played}/telemetry/terminal.parquet' group by 1"
    )  # fmt: skip
    wanted = dict(told.fetchall())

    assert sum(wanted.values()) > 20_000
    assert {window_ns: count for window_ns, count in counted.fetchall() if count} == wanted


def test_handovers_are_counted_in_their_windows(played):
    events = connect(played / "tables").sql(
        "select count(*) from events where kind = 'handover' and conformance is distinct from 'missed'"
    )
    counted = connect(played / "tables").sql("select sum(handovers_count) from rollups")

    assert events.fetchall() == counted.fetchall() != [(0,)]


def test_the_seconds_without_service_are_those_of_the_truth(played):
    truth = duckdb.sql(f"""
        select started_at_ns, ended_at_ns from '{played}/truth/outages.parquet'
        where cause != 'coverage_gap' and coalesce(ended_at_ns, 9e18) - started_at_ns >= {HELD_S * NS_PER_S}
    """).fetchall()
    counted = connect(played / "tables").sql(
        "select epoch_ns(window_start_at), sum(bad_s), sum(unknown_s) from rollups group by 1 order by 1"
    )
    checked_s = 0.0
    for window_ns, bad_s, unknown_s in counted.fetchall():
        end_ns = window_ns + WINDOW_NS
        if end_ns >= SETTINGS.first_at_ns + SETTINGS.minutes * WINDOW_NS:
            continue  # after the last sample there is silence, and no truth
        edge_ns = EDGE_S * NS_PER_S
        spans_s = [
            max(0.0, (min(end_ns, ended_ns or end_ns) - max(window_ns, started_ns)) / NS_PER_S)
            for started_ns, ended_ns in truth
            if started_ns - edge_ns < end_ns and (ended_ns or end_ns) + edge_ns > window_ns
        ]
        assert unknown_s == 0
        assert bad_s == pytest.approx(sum(spans_s), abs=EDGE_S * (len(spans_s) + 3)), window_ns
        checked_s += bad_s
    assert checked_s > 300
