"""The carrier between a broken engine and an honest one: what it takes, what it turns back, when it keeps."""

import asyncio
from collections import Counter
from types import SimpleNamespace

import pytest
from faust.types import TP

from ingest.contract.packing import Record
from ingest.contract.topics import TERMINAL_TELEMETRY, shard_key
from streams.agents import Carrier
from streams.contract.snapshots import MANIFEST_CHUNK, read_snapshot_key
from streams.contract.topics import SNAPSHOTS, TERMINAL_EVENTS
from streams.metrics import Metrics
from streams.outbox import Outbox
from streams.resume import ResumePoints
from streams.shard import STATE_VERSIONS, new_state
from streams.snapshots import Deployment
from streams.tenure import Tenure
from streams.workbench import Standing

SHARD, SHARD_COUNT = 2, 4
NS_PER_S = 1_000_000_000
START_AT_NS = 1_759_449_600 * NS_PER_S
DEPLOYMENT = Deployment(
    cluster_id="c", topic_id="t", partition_count=1, shard_count=SHARD_COUNT, state_versions=STATE_VERSIONS
)


class Bench:
    """Says one event of every frame; its clock is a second a frame."""

    def __init__(self):
        self.counts = Counter()
        self.taken = []

    def handle(self, *, key, value, partition, offset, at_ns):
        self.taken.append(offset)
        self.counts["samples"] += 1
        return [Record(topic=TERMINAL_EVENTS, key=key, value=b"event", partition=partition)]

    def standing(self, shard):
        return Standing(new_state(shard, SHARD_COUNT), self.taken[-1], START_AT_NS + self.taken[-1] * NS_PER_S)


class Consumer:
    """Remembers where it was told to seek."""

    def __init__(self):
        self.earliest = 0
        self.end = 100
        self.sought = []

    async def highwaters(self, *sources):
        return dict.fromkeys(sources, self.end)

    async def earliest_offsets(self, source):
        return {source: self.earliest}

    async def seek_wait(self, offsets):
        self.sought.append(offsets)


class Scene:
    """A carrier with everything around it in our hands."""

    def __init__(self, *, offset=0, snapshot_every_s=1000.0, snapshot_every_bytes=10**9):
        self.app = SimpleNamespace(consumer_generation_id=7, consumer=Consumer())
        self.bench, self.metrics, self.halted, self.sent, self.deliveries = Bench(), Metrics(), [], [], []
        self.acknowledges, self.moves_on = True, False
        outbox = Outbox(send=self.send, halt=self.halted.append, metrics=self.metrics)
        self.carrier = Carrier(
            app=self.app, deployment=DEPLOYMENT, outbox=outbox, halt=self.halted.append, metrics=self.metrics
        )
        self.tenure = Tenure(
            generation=7,
            points=ResumePoints(offsets={0: offset}, lost_counts={}),
            workbench=self.bench,
            shard_count=SHARD_COUNT,
            snapshot_every_s=snapshot_every_s,
            snapshot_every_bytes=snapshot_every_bytes,
        )
        self.carrier.begin(self.tenure)

    async def send(self, topic, key, value, partition, headers):
        if self.moves_on:
            self.app.consumer_generation_id = 8
        delivery = asyncio.get_running_loop().create_future()
        self.sent.append((topic, key, value))
        self.deliveries.append(delivery)
        if self.acknowledges:
            delivery.set_result(None)
        return delivery

    def acknowledge(self):
        for delivery in self.deliveries:
            if not delivery.done():
                delivery.set_result(None)

    async def take(self, *offsets, generation=7):
        for offset in offsets:
            message = SimpleNamespace(
                generation_id=generation,
                partition=0,
                offset=offset,
                key=shard_key(SHARD),
                value=b"frame",
                timestamp=1.0,
            )
            await self.carrier.take(SimpleNamespace(message=message))
            await settle()

    def count(self, name, **labels):
        return self.metrics.registry.get_sample_value(f"leo_streams_{name}", labels)

    def kept(self):
        """Return what went to the snapshots topic as (offset, is manifest, is a tombstone)."""
        keys = [(read_snapshot_key(key), value) for topic, key, value in self.sent if topic == SNAPSHOTS.name]
        return [(offset, chunk == MANIFEST_CHUNK, value is None) for (_, offset, chunk), value in keys]


async def settle():
    for _ in range(20):
        await asyncio.sleep(0)


def play(story):
    asyncio.run(story)


def test_a_frame_that_the_group_overtakes_between_two_records_says_no_more_and_is_counted_as_dropped():
    scene = Scene()
    handle = scene.bench.handle
    scene.bench.handle = lambda **record: handle(**record) * 2
    scene.moves_on = True
    play(scene.take(0))

    assert len(scene.sent) == 1
    assert scene.count("frames_dropped_total", reason="generation") == 1


def test_frames_in_order_are_taken_and_their_events_sent():
    scene = Scene()
    play(scene.take(0, 1, 2))

    assert scene.bench.taken == [0, 1, 2]
    assert [topic for topic, *_ in scene.sent] == [TERMINAL_EVENTS.name] * 3


def test_a_frame_that_jumps_is_not_taken_and_the_expected_one_is_sought():
    scene = Scene()
    play(scene.take(0, 5))

    assert scene.bench.taken == [0]
    assert scene.app.consumer.sought == [{TP(TERMINAL_TELEMETRY.name, 0): 1}]
    assert scene.count("seeks_back_total") == 1
    assert scene.count("frames_dropped_total", reason="jump") == 1


def test_the_frames_behind_a_jump_seek_only_once():
    scene = Scene()
    play(scene.take(5, 6, 7))

    assert len(scene.app.consumer.sought) == 1


def test_reading_goes_on_after_a_seek_back():
    scene = Scene()
    play(scene.take(0, 5, 1, 2))

    assert scene.bench.taken == [0, 1, 2]


def test_a_jump_over_what_retention_deleted_is_counted_as_lost():
    scene = Scene()
    scene.app.consumer.earliest = 4
    play(scene.take(0, 5, 4, 5))

    assert scene.bench.taken == [0, 4, 5]
    assert scene.count("frames_lost") == 3


def test_a_partition_that_stands_still_though_there_is_more_is_led_back():
    async def story():
        scene = Scene()
        await scene.take(0)
        await scene.carrier.watch()
        assert scene.app.consumer.sought == []
        await scene.carrier.watch()
        assert scene.app.consumer.sought == [{TP(TERMINAL_TELEMETRY.name, 0): 1}]

    play(story())


def test_a_partition_that_moves_or_is_at_its_end_is_left_alone():
    async def story():
        scene = Scene()
        await scene.carrier.watch()
        await scene.take(0)
        await scene.carrier.watch()
        scene.app.consumer.end = 1
        await scene.carrier.watch()
        assert scene.app.consumer.sought == []

    play(story())


def test_a_frame_that_was_seen_is_dropped():
    scene = Scene(offset=3)
    play(scene.take(2, 3))

    assert scene.bench.taken == [3]
    assert scene.count("frames_dropped_total", reason="seen") == 1


def test_a_frame_of_another_generation_is_dropped():
    scene = Scene()
    play(scene.take(0, generation=6))

    assert scene.bench.taken == []
    assert scene.count("frames_dropped_total", reason="generation") == 1


def test_nothing_is_taken_once_the_group_has_moved_on():
    scene = Scene()
    scene.app.consumer_generation_id = 8
    play(scene.take(0))

    assert scene.bench.taken == []


def test_a_snapshot_is_written_when_due_by_the_shards_clock():
    scene = Scene(snapshot_every_s=4.0)
    play(scene.take(*range(8)))

    # Shard 2 of 4 begins three quarters of the period after its first frame.
    assert [offset for offset, is_manifest, is_buried in scene.kept() if is_manifest and not is_buried] == [3, 7]
    assert scene.count("snapshots_written_total") == 2


def test_a_burst_of_bytes_is_kept_before_the_clock_asks_for_it():
    scene = Scene(snapshot_every_bytes=3 * len(b"frame") * SHARD_COUNT)
    play(scene.take(*range(7)))

    assert [offset for offset, is_manifest, is_buried in scene.kept() if is_manifest and not is_buried] == [2, 5]


def test_a_snapshot_waits_for_the_delivery_of_what_its_state_has_said():
    async def story():
        scene = Scene(snapshot_every_s=1.0)
        scene.acknowledges = False
        await scene.take(0, 1)
        assert scene.kept() == []
        scene.acknowledge()
        await settle()
        assert scene.kept() == [(1, False, False)]
        scene.acknowledge()
        await settle()
        assert scene.kept() == [(1, False, False), (1, True, False)]

    play(story())


def test_a_snapshot_is_abandoned_when_a_rebalance_comes_before_its_manifest():
    async def story():
        scene = Scene(snapshot_every_s=1.0)
        scene.acknowledges = False
        await scene.take(0, 1)
        scene.acknowledge()
        await settle()
        scene.app.consumer_generation_id = 8
        scene.acknowledge()
        await settle()
        assert scene.kept() == [(1, False, False)]

    play(story())


def test_the_snapshot_before_is_buried_once_the_next_one_stands_its_manifest_first():
    scene = Scene(snapshot_every_s=4.0)
    play(scene.take(*range(8)))

    assert scene.kept()[-4:] == [(7, False, False), (7, True, False), (3, True, True), (3, False, True)]


def test_what_an_earlier_worker_left_is_buried_too():
    scene = Scene(snapshot_every_s=1.0)
    left = b"\x00\x00\x00\x02" + (99).to_bytes(8, "big") + b"\xff\xff"
    scene.tenure.restore([], {SHARD: [left]})
    play(scene.take(0, 1))

    assert (SNAPSHOTS.name, left, None) in scene.sent


def test_an_event_the_broker_refuses_halts_the_worker():
    async def story():
        scene = Scene()
        scene.acknowledges = False
        await scene.take(0)
        scene.deliveries[0].set_exception(ValueError("too large"))
        await settle()
        assert [str(error) for error in scene.halted] == ["too large"]

    play(story())


def test_a_frame_that_breaks_the_carrier_halts_the_worker():
    class Breaking(Bench):
        def handle(self, **_):
            raise ArithmeticError

    async def story():
        scene = Scene()
        scene.tenure.workbench = Breaking()
        message = SimpleNamespace(
            generation_id=7, partition=0, offset=0, key=shard_key(SHARD), value=b"", timestamp=1.0
        )

        class Stream:
            async def events(self):
                yield SimpleNamespace(message=message)

        with pytest.raises(ArithmeticError):
            await scene.carrier.carry(Stream())
        assert [type(error) for error in scene.halted] == [ArithmeticError]

    play(story())


def test_what_was_counted_before_a_rebalance_is_not_forgotten():
    scene = Scene()
    play(scene.take(0, 1))
    fresh = Tenure(
        generation=8,
        points=ResumePoints(offsets={0: 2}, lost_counts={}),
        workbench=Bench(),
        shard_count=SHARD_COUNT,
        snapshot_every_s=1.0,
        snapshot_every_bytes=10**9,
    )
    scene.carrier.begin(fresh)

    assert scene.carrier.found() == {"samples": 2}


def test_the_age_of_each_partitions_resume_point_is_shown():
    scene = Scene()
    scene.metrics.watch(ages_s=scene.carrier.commit_ages_s, found=scene.carrier.found)

    assert scene.count("commit_age_seconds", partition="0") == pytest.approx(0, abs=60)
