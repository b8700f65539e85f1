"""Nobody on the road reads the truth: without it every event is the same byte."""

import pytest

from ingest.contract.packing import inventory_records
from leowatch.memory_bus import MemoryBus
from leowatch.road import Road
from leowatch.run_folder import READS, RunFolder
from simulators.run import Settings, new_sky

pytestmark = pytest.mark.slow


def events(folder, *, truth_dir=None):
    """Play five bad minutes onto a road; return the bytes of everything that was found."""
    settings = Settings(terminals=120, minutes=5.0)
    sky = new_sky(settings, truth_dir=truth_dir)
    now_ns = [settings.first_at_ns]
    bus = MemoryBus(now_ns=lambda: now_ns[0])
    road = Road(bus, partition_count=settings.partition_count, now_ns=lambda: now_ns[0])
    kept = bus.reader(READS)
    with RunFolder(folder, sky.inventory, telemetry=False) as files:
        bus.put(inventory_records(sky.inventory))
        for second in sky:
            now_ns[0] = second.received_at_ns
            bus.put(second.records)
            road.turn()
            files.take(kept.drain())
    return {name: (folder / f"{name}.jsonl").read_bytes() for name in ("events", "incidents", "pages")}


def test_events_are_byte_identical_with_the_truth_there_or_not(tmp_path):
    with_truth = events(tmp_path / "a", truth_dir=tmp_path / "truth")
    without = events(tmp_path / "b")

    assert with_truth == without
    assert with_truth["events"].count(b"\n") > 500
