"""What the bench says of a record names the record it was decided by, and a frame waits for the versions it names."""

from ingest.contract.frame import decode, encode
from ingest.contract.telemetry import TERMINAL
from ingest.contract.topics import shard_key
from streams.contract.events import EVENT_LAYOUTS, EventHeader
from streams.contract.topics import TERMINAL_EVENTS
from streams.workbench import VERSION_WAIT_TICKS, Workbench
from tests.make import frame, knowledge, plan_frame, sample, tick

COUNT = 40


class Log:
    """A shard's log, taken in record by record; everybody has been heard for a while, and no first sample waits."""

    def __init__(self, known):
        self.bench, self.offset = Workbench(partition_count=1, knowledge=lambda: known), 96
        for second in range(-3, 1):
            self.take(moved(second, 0, plan_version=0))

    def take(self, made):
        """Return the event frames that a record causes."""
        value = encode(made.header, TERMINAL, made.columns)
        records = self.bench.handle(key=shard_key(0), value=value, partition=0, offset=self.offset, at_ns=0)
        self.offset += 1
        return [decode(r.value, EVENT_LAYOUTS, EventHeader) for r in records if r.topic == TERMINAL_EVENTS]


def moved(second, satellite, **header):
    rows = [
        sample(second, terminal_index=i, sequence=second + 3, serving_satellite_index=satellite) for i in range(COUNT)
    ]
    return frame(rows, second, **header)


def test_every_row_of_an_event_frame_was_decided_by_the_one_record_that_its_header_names():
    log = Log(knowledge(COUNT))
    found = {}
    for second in range(1, 13):
        # Every other record moves everybody; in those between, what a swapped sample held up goes on.
        for said in log.take(moved(second, second // 2 % 9, plan_version=0)):
            found.setdefault(said.header.source_offset, []).append(said)
        assert set(found) <= set(range(100, log.offset))

    assert all(said.header.source_partition == 0 for saids in found.values() for said in saids)
    assert [offset for offset, saids in found.items() if sum(said.rows for said in saids)] == [
        101,
        103,
        105,
        107,
        109,
        111,
    ]


def test_frames_that_waited_for_a_version_are_each_said_under_their_own_offset():
    known = knowledge(COUNT)
    log = Log(known)
    log.take(moved(1, 1, plan_version=0))
    assert log.take(moved(2, 2, plan_version=1)) == []
    assert log.take(moved(3, 3, plan_version=1)) == []
    known.plan.add(*plan_frame(0, {7: 1}, version=1))
    said = log.take(tick(4, plan_version=1))

    assert [each.header.source_offset for each in said if each.rows] == [101, 102]


def test_a_frame_whose_version_never_comes_is_judged_without_it_and_counted():
    log = Log(knowledge(COUNT))
    log.take(moved(1, 1, plan_version=0))
    log.take(moved(2, 2, plan_version=9))
    said = [each for second in range(VERSION_WAIT_TICKS) for each in log.take(tick(3 + second, plan_version=9))]

    assert said[0].header.source_offset == 101
    assert said[0].columns["conformance"].tolist() == [-1] * COUNT
    assert log.bench.counts["frames_judged_without_version"] >= 1
