"""The page's application, asked as a server would ask it."""

import asyncio
import contextlib
import json
import re

import msgspec
import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from dashboards.page import app as apps
from dashboards.page import feed as feeds
from dashboards.page.app import page_app
from dashboards.page.feed import STALE_AFTER_S
from dashboards.page.state import PageState
from tests.browser.world import World, at


class Shelf:
    """A source that hands out what is put on it."""

    def __init__(self, state: PageState | None) -> None:
        self.state = state

    def snapshot(self) -> PageState | None:
        return self.state


class Answer:
    """What the application sent."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.chunks: list[bytes] = []

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    @property
    def messages(self) -> list[dict]:
        return [json.loads(line[6:]) for line in self.body.decode().split("\n\n") if line]


@contextlib.asynccontextmanager
async def living(app):
    """Run the application's lifespan around a block."""
    async with app.router.lifespan_context(app):
        await asyncio.sleep(0)
        yield


async def get(app, path, *, host="127.0.0.1:8080", chunk_count=None, each=lambda count: None):
    """Ask for a path; a stream is left after so many chunks, and `each` is told how many came so far."""
    answer, enough = Answer(), asyncio.Event()

    async def receive():
        await enough.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            answer.chunks.append(message["body"])
            each(len(answer.chunks))
            if chunk_count is not None and len(answer.chunks) >= chunk_count:
                enough.set()

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", host.encode())],
    }
    await app(scope, receive, send)
    return answer


def ask(app, path, **kwargs):
    async def run():
        async with living(app):
            return await get(app, path, **kwargs)

    return asyncio.run(run())


@pytest.fixture(scope="module")
def state():
    return World().state(300)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(feeds, "PERIOD_S", 0)
    monkeypatch.setattr(apps, "PERIOD_S", 0)


def test_the_state_holds_every_part_and_the_curve(state):
    answer = ask(page_app(Shelf(state)), "/state")
    told = json.loads(answer.body)
    assert told["now"]["at"] == at(300)
    assert len(told["satellites"]["latitude_deg"]) == 3236
    assert len(told["terminal_states"]) == len(told["terminal_ids"]) == 2000
    assert told["curve"][0][0] == at(300)
    assert answer.headers["cache-control"] == "no-store"


def test_the_stream_begins_with_everything_and_goes_on_with_what_changed(state):
    shelf = Shelf(state)

    def move_on(count):
        if count == 2:
            shelf.state = msgspec.structs.replace(state, at=at(301))

    answer = ask(page_app(shelf), "/events", chunk_count=6, each=move_on)
    first, *rest = answer.messages
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert {"now", "incidents", "curve", "feed"} <= first.keys()
    news = [message for message in rest if message.keys() != {"feed"}]
    assert [message.keys() for message in news] == [{"now", "feed"}]
    assert news[0]["now"]["at"] == at(301)


def test_a_silent_source_still_gets_heartbeats_that_say_how_old_the_picture_is(state):
    answer = ask(page_app(Shelf(state)), "/events", chunk_count=3)
    assert answer.messages[-1].keys() == {"feed"}
    assert answer.messages[-1]["feed"]["stale"] is False


def test_health_is_bad_before_the_first_state_and_when_stale(state):
    now_s = [0.0]
    shelf = Shelf(None)
    app = page_app(shelf, clock_s=lambda: now_s[0])

    async def run():
        async with living(app):
            before = await get(app, "/healthz")
            shelf.state = state
            await asyncio.sleep(0.01)
            fresh = await get(app, "/healthz")
            now_s[0] = STALE_AFTER_S + 1
            stale = await get(app, "/healthz")
            return before.status, fresh.status, stale.status

    assert asyncio.run(run()) == (503, 200, 503)


@pytest.mark.parametrize("path", ["/", "/state", "/static/main.js", "/nowhere"])
def test_every_answer_forbids_foreign_and_inline_code(state, path):
    headers = ask(page_app(Shelf(state)), path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"


def test_a_strangers_host_name_is_refused_unless_allowed(state):
    assert ask(page_app(Shelf(state)), "/state", host="evil.example").status == 400
    assert ask(page_app(Shelf(state), allowed_hosts=("noc.example",)), "/state", host="noc.example").status == 200


def test_other_routes_are_served_beside_the_page(state):
    async def metrics(_):
        return PlainTextResponse("leo_up 1")

    assert ask(page_app(Shelf(state), routes=[Route("/metrics", metrics)]), "/metrics").body == b"leo_up 1"


def test_the_page_has_no_inline_script_and_everything_it_names_is_there(state):
    app = page_app(Shelf(state))
    page = ask(app, "/").body.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert "<style" not in page
    assert not re.search(r"\son\w+=|style=", page)
    named = re.findall(r'(?:src|href)="(static/[^"]+)"', page)
    assert len(named) >= 6
    assert {ask(app, f"/{name}").status for name in named} == {200}


def test_nothing_of_ours_names_another_host():
    ours = [path for path in apps._STATIC.iterdir() if path.suffix in {".js", ".css", ".html"}]
    assert len(ours) >= 9
    for path in ours:
        assert "://" not in path.read_text(), path.name


def test_everything_vendored_is_beside_its_licence():
    vendor = apps._STATIC / "vendor"
    readme = (vendor / "README.md").read_text()
    for path in vendor.iterdir():
        if path.suffix in {".js", ".json"}:
            line = next(line for line in readme.splitlines() if f"`{path.name}`" in line)
            assert (vendor / re.search(r"`(LICENSE\.[\w-]+)`", line)[1]).is_file()
