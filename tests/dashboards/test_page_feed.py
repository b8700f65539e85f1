"""How fresh the page's picture is."""

import asyncio

import msgspec
import pytest

from dashboards.page import feed as feeds
from dashboards.page.feed import STALE_AFTER_S, Feed
from tests.browser.world import World, at


class Clock:
    """Seconds that the test moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Shelf:
    """A source that hands out what is put on it."""

    def __init__(self, state=None) -> None:
        self.state = state

    def snapshot(self):
        if isinstance(self.state, Exception):
            raise self.state
        return self.state


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(scope="module")
def state():
    return World().state(300)


def test_before_the_first_state_there_is_nothing_to_show(clock):
    feed = Feed(Shelf(), clock)
    feed.look()
    assert feed.parts == {}
    assert feed.curve == []


def test_a_source_whose_time_stands_still_is_stale(clock, state):
    feed = Feed(Shelf(state), clock)
    feed.look()
    clock.now_s += STALE_AFTER_S + 1
    # A new record with the old instant is no news.
    feed._source.state = msgspec.structs.replace(state, samples_per_s=0.0)
    feed.look()
    assert feed.stale
    assert feed.freshness()["age_s"] == STALE_AFTER_S + 1


def test_a_source_whose_time_moves_is_fresh(clock, state):
    feed = Feed(Shelf(state), clock)
    feed.look()
    clock.now_s += STALE_AFTER_S + 1
    feed._source.state = msgspec.structs.replace(state, at=at(301))
    feed.look()
    assert not feed.stale


def test_a_finished_run_stands_still_and_is_not_stale(clock, state):
    feed = Feed(Shelf(msgspec.structs.replace(state, finished=True)), clock)
    feed.look()
    clock.now_s += 3600
    assert not feed.stale


def test_before_anything_is_known_nothing_is_stale_and_nothing_is_well(clock, state):
    unknown = msgspec.structs.replace(state, at="", ready=False, notice="Waiting for the log.")
    feed = Feed(Shelf(unknown), clock)
    feed.look()
    clock.now_s += STALE_AFTER_S + 1
    assert (feed.stale, feed.healthy, feed.curve) == (False, False, [])


def test_what_is_seen_while_catching_up_is_shown_and_bends_no_curve(clock, state):
    feed = Feed(Shelf(msgspec.structs.replace(state, ready=False, notice="Catching up.")), clock)
    feed.look()
    assert feed.parts
    assert (feed.healthy, feed.curve) == (False, [])
    feed._source.state = state
    feed.look()
    assert (feed.healthy, [point.at for point in feed.curve]) == (True, [state.at])


def test_rates_that_nobody_knows_stay_unknown(clock, state):
    feed = Feed(Shelf(msgspec.structs.replace(state, samples_per_s=None, speed_ratio=None)), clock)
    feed.look()
    assert feed.curve[0].samples_per_s is None


def test_the_curve_has_one_point_an_instant(clock, state):
    feed = Feed(Shelf(state), clock)
    for elapsed_s in (300, 300, 301):
        feed._source.state = msgspec.structs.replace(state, at=at(elapsed_s))
        feed.look()
    assert [point.at for point in feed.curve] == [at(300), at(301)]


def test_a_long_run_keeps_its_whole_curve_in_fewer_points(clock, state, monkeypatch):
    monkeypatch.setattr(feeds, "_CURVE_POINT_COUNT", 8)
    feed = Feed(Shelf(state), clock)
    for elapsed_s in range(50):
        feed._source.state = msgspec.structs.replace(state, at=at(elapsed_s))
        feed.look()
    assert len(feed.curve) <= 8
    assert (feed.curve[0].at, feed.curve[-1].at) == (at(0), at(49))


def test_a_source_that_fails_is_counted_and_the_page_goes_on_with_what_it_has(clock, state, monkeypatch):
    monkeypatch.setattr(feeds, "PERIOD_S", 0)
    shelf = Shelf(state)
    feed = Feed(shelf, clock)

    async def three_looks():
        following = asyncio.create_task(feeds.follow(feed))
        await asyncio.sleep(0)
        shelf.state = ValueError("the source is broken")
        await asyncio.sleep(0)
        failed_count = feed.failed_count
        shelf.state = msgspec.structs.replace(state, at=at(301))
        await asyncio.sleep(0)
        following.cancel()
        return failed_count

    assert asyncio.run(three_looks()) == 1
    assert feed.failed_count == 0
    assert feed.curve[-1].at == at(301)
