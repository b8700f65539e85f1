"""The memory bus keeps Kafka's manners."""

from ingest.contract.topics import CONTACT_PLAN, INGEST_TOPICS, TERMINAL_TELEMETRY
from leowatch.memory_bus import MemoryBus


def test_each_reader_gets_every_record_in_order_with_offsets_that_count_per_partition():
    bus = MemoryBus(now_ns=lambda: 5_000_000)
    readers = [bus.reader([TERMINAL_TELEMETRY]), bus.reader(INGEST_TOPICS)]
    for partition, value in ((0, b"a"), (1, b"b"), (0, b"c")):
        bus.send(TERMINAL_TELEMETRY, key=b"k", value=value, partition=partition)

    for reader in readers:
        assert [(m.partition, m.offset, m.value, m.timestamp_ms) for m in reader.drain()] == [
            (0, 0, b"a", 5),
            (1, 0, b"b", 5),
            (0, 1, b"c", 5),
        ]
        assert reader.drain() == []


def test_a_reader_gets_only_the_topics_it_asked_for_and_at_most_the_limit():
    bus = MemoryBus(now_ns=lambda: 0)
    reader = bus.reader([CONTACT_PLAN])
    bus.send(TERMINAL_TELEMETRY, key=b"", value=b"not mine")
    for number in range(3):
        bus.send(CONTACT_PLAN, key=b"", value=bytes([number]))

    assert [m.value for m in reader.poll(limit=2)] == [b"\0", b"\1"]
    assert [m.value for m in reader.poll(limit=2)] == [b"\2"]
