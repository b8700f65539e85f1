"""What the page over the log shows, from the records of a real run on the memory bus and from hand-made ones."""

import itertools

import numpy as np
import pytest

from dashboards.page.state import SatelliteRole, SiteState, TerminalState
from dashboards.page.wire import to_parts
from ingest.contract.frame import encode
from ingest.contract.inventory import Deployment, Inventory
from ingest.contract.packing import inventory_records
from leowatch.memory_bus import MemoryBus
from leowatch.road import Road
from leowatch.watch import READS, Watch
from simulators.run import Settings, new_sky
from streams.contract.rollups import ROLLUP, RollupHeader
from streams.contract.topics import PARTIALS, TERMINAL_EVENTS
from tests.exporters.findings import NOON_NS, Log, S, a_frame, an_event, an_inventory


@pytest.fixture
def log():
    return Log()


def who(log):
    return [log.message(r.topic, r.value, r.key) for r in inventory_records(an_inventory())]


def shown(messages, wall_s=62.0):
    watch = Watch(label="a log")
    watch.take(messages)
    return watch.state(NOON_NS + int(wall_s * S))


def state_of(state, terminal):
    return TerminalState(int(state.terminals.state[state.terminals.ids.index(terminal)]))


def both_shards(log, *events, clock_s=60.0):
    return [log.events(*events, clock_s=clock_s), log.events(shard=1, clock_s=clock_s)]


def test_without_an_inventory_there_is_nothing_to_show_and_it_says_so(log):
    state = shown(both_shards(log))
    assert (state.ready, state.notice) == (False, "There is no whole inventory on its topics yet.")
    assert state.terminals.ids == ()


def test_findings_that_come_before_the_inventory_are_shown_once_it_is_there(log):
    state = shown([*both_shards(log, an_event(cause=13)), *who(log)])
    assert (state.ready, state.notice) == (True, "")
    assert state_of(state, "t-3") is TerminalState.OUTAGE


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([an_event("outage_suspected")], TerminalState.SUSPECTED),
        ([an_event("outage_suspected", expected=1)], TerminalState.EXPECTED_GAP),
        ([an_event("outage_suspected"), an_event("outage_withdrawn")], TerminalState.SERVICE),
        ([an_event("outage_suspected"), an_event("outage_started")], TerminalState.OUTAGE),
        ([an_event("outage_suspected"), an_event("outage_started", expected=1)], TerminalState.EXPECTED_GAP),
        ([an_event("outage_started"), an_event("tilt_critical")], TerminalState.OUTAGE),
        ([an_event("outage_started", expected=1), an_event("tilt_critical")], TerminalState.TILTED),
        ([an_event("tilt_warning"), an_event("tilt_restored", ended_at_ns=NOON_NS + 9 * S)], TerminalState.SERVICE),
        ([an_event("outage_started"), an_event("outage_ended", ended_at_ns=NOON_NS + 9 * S)], TerminalState.SERVICE),
        ([an_event("handover")], TerminalState.SERVICE),
    ],
)  # fmt: skip
def test_a_terminal_shows_the_worst_that_holds_however_often_and_in_whatever_order_it_was_said(log, events, expected):
    ticks = both_shards(log)
    for order in itertools.permutations(events):
        state = shown([*who(log), *ticks, *(log.events(e) for e in order), *(log.events(e) for e in order)])
        assert state_of(state, "t-3") is expected
        assert state.counts[expected] == (1 if expected is not TerminalState.SERVICE else 8)


def test_a_gateway_is_down_from_its_isolation_to_its_return(log):
    isolated = log.network()
    restored = log.network(kind="gateway_restored", ended_at="2025-10-03T12:01:00Z")
    known = [*who(log), *both_shards(log)]
    down = shown([*known, isolated])
    assert [g.id for g in down.gateways if g.state is SiteState.DOWN] == ["gw-1"]
    for story in ([isolated, restored], [restored, isolated]):
        assert {g.state for g in shown([*known, *story]).gateways} == {SiteState.UP}


def test_an_incident_is_shown_in_its_last_revision_and_for_a_quarter_of_an_hour_after_its_end(log):
    told = [log.incident(revision=3, resolved_at="2025-10-03T12:00:30Z"), log.incident(revision=2)]
    state = shown([*who(log), *both_shards(log), *told])
    assert [one.revision for one in state.incidents] == [3]
    assert shown([*who(log), *both_shards(log), *told], wall_s=931).incidents == ()


def test_a_live_network_is_held_against_our_clock_so_that_a_silent_log_grows_old(log):
    heard = [*who(log), *both_shards(log)]
    assert shown(heard, wall_s=62).watermark_age_s == 32
    assert shown(heard, wall_s=500).watermark_age_s == 470


def test_a_replayed_network_is_held_against_its_own_clocks(log):
    ticks = [log.message(TERMINAL_EVENTS, a_frame(shard=shard), at_s=86_400) for shard in (0, 1)]
    state = shown([*who(log), *ticks], wall_s=86_500)
    assert (state.at, state.watermark_age_s) == ("2025-10-03T12:01:00Z", 30)


def test_a_shard_that_has_stopped_makes_the_watermark_old(log):
    heard = [*who(log), log.events(shard=0, clock_s=60), *(log.events(shard=1, clock_s=s) for s in (60, 100))]
    assert shown(heard, wall_s=100).watermark_age_s == 70


def test_samples_are_counted_by_the_last_window_of_which_every_shard_has_told(log):
    ticks = [m for second in range(20) for m in both_shards(log, clock_s=60 + second)]
    ones = {c.name: np.ones(2, c.numpy_type) for c in ROLLUP.columns} | {"samples_count": np.array([100, 200])}
    parts = [
        log.message(PARTIALS, encode(
            RollupHeader(kind="rollup", version=1, window_start_ns=NOON_NS, window_end_ns=NOON_NS + 60 * S, shard=shard, shard_count=2),
            ROLLUP, ones,
        ))
        for shard in (0, 1)
    ]  # fmt: skip
    assert shown([*who(log), *ticks, parts[0]], wall_s=79).samples_per_s is None
    assert shown([*who(log), *ticks, *parts], wall_s=79).samples_per_s == 10


@pytest.mark.parametrize("topic", READS, ids=lambda topic: topic.name)
def test_a_record_that_cannot_be_read_changes_nothing(log, topic):
    messages = [log.message(topic, value) for value in (b"", b"{}", b"\xff\x00", b'{"kind": 3}', None)]
    state = shown([*who(log), *both_shards(log), *messages])
    assert state.counts[TerminalState.SERVICE] == 8


def test_a_finding_about_a_terminal_that_no_inventory_has_yet_waits_for_it(log):
    more = [*an_inventory(terminals=9).records()[1:], Deployment(version=2, shard_count=2)]
    later = [log.message(r.topic, r.value, r.key) for r in inventory_records(Inventory(more))]
    watch = Watch(label="a log")
    watch.take([*who(log), *both_shards(log, an_event(terminal=8))])
    assert watch.state(NOON_NS + 62 * S).counts[TerminalState.SERVICE] == 8
    watch.take(later)
    assert state_of(watch.state(NOON_NS + 62 * S), "t-8") is TerminalState.OUTAGE


@pytest.fixture(scope="module")
def run():
    """Four simulated minutes of a bad day: every record that a page would read, and how the run ends."""
    settings = Settings(terminals=60, minutes=4.0, seed=2)
    sky = new_sky(settings)
    now_ns = [settings.first_at_ns]
    bus = MemoryBus(now_ns=lambda: now_ns[0])
    road = Road(bus, partition_count=settings.partition_count, now_ns=lambda: now_ns[0])
    reader = bus.reader(READS)
    bus.put(inventory_records(sky.inventory))
    for second in sky:
        now_ns[0] = second.received_at_ns
        bus.put(second.records)
        road.turn()
    return reader.drain(), now_ns[0]


@pytest.mark.slow
def test_a_page_that_followed_live_and_one_that_read_topic_by_topic_show_the_same(run):
    messages, now_ns = run
    live, late = Watch(label="a log"), Watch(label="a log")
    for message in messages:
        live.take((message,))
    for topic in reversed(READS):
        late.take(message for message in messages if message.topic == topic.name)
    assert to_parts(live.state(now_ns)) == to_parts(late.state(now_ns))


@pytest.mark.slow
def test_satellites_that_the_plan_lets_serve_are_marked(run):
    messages, now_ns = run
    watch = Watch(label="a log")
    watch.take(messages)
    roles = watch.state(now_ns).satellites.role.tolist()
    assert len(roles) == 3236 + 102
    assert 5 < roles.count(SatelliteRole.SERVING) < 200
    assert roles.count(SatelliteRole.IN_SERVICE) > 2_000
