"""The page's web application: the page, its state as JSON, and the stream that keeps a browser up to date."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from dashboards.page.feed import PERIOD_S, Feed, follow
from dashboards.page.guard import SecurityHeaders
from dashboards.page.state import PageSource
from dashboards.page.wire import Parts, changed, to_json

_STATIC = Path(__file__).parent / "static"
# A page that answered to any name could be read by a stranger's web site through DNS.
LOCAL_HOSTS = ("127.0.0.1", "localhost")
_FRESH = {"cache-control": "no-store"}


def page_app(
    source: PageSource,
    *,
    routes: Sequence[BaseRoute] = (),
    allowed_hosts: Sequence[str] = LOCAL_HOSTS,
    clock_s: Callable[[], float] = time.monotonic,
) -> Starlette:
    """Build the application; `routes` (such as /metrics) are served beside it, `allowed_hosts` are the names it answers to."""
    feed = Feed(source, clock_s)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        following = asyncio.create_task(follow(feed))
        yield
        following.cancel()

    async def state(_: Request) -> Response:
        return Response(to_json(_whole(feed)), media_type="application/json", headers=_FRESH)

    async def events(_: Request) -> Response:
        return StreamingResponse(_stream(feed), media_type="text/event-stream", headers=_FRESH)

    async def healthz(_: Request) -> Response:
        status = 200 if feed.healthy else 503
        return Response(to_json(feed.freshness()), status, media_type="application/json", headers=_FRESH)

    return Starlette(
        routes=[
            Route("/", _page),
            Route("/state", state),
            Route("/events", events),
            Route("/healthz", healthz),
            Mount("/static", StaticFiles(directory=_STATIC)),
            *routes,
        ],
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(TrustedHostMiddleware, allowed_hosts=list(allowed_hosts)),
        ],
        lifespan=lifespan,
    )


async def _page(_: Request) -> Response:
    return FileResponse(_STATIC / "index.html", headers={"cache-control": "no-cache"})


def _whole(feed: Feed) -> dict[str, Any]:
    return {**feed.parts, "curve": feed.curve, "feed": feed.freshness()}


async def _stream(feed: Feed) -> AsyncIterator[bytes]:
    """Send everything once, then what changed; a slow reader skips states and never falls behind."""
    sent: Parts = feed.parts
    yield _message(_whole(feed))
    while True:
        await asyncio.sleep(PERIOD_S)
        parts = feed.parts
        yield _message({**changed(sent, parts), "feed": feed.freshness()})
        sent = parts


def _message(parts: dict[str, Any]) -> bytes:
    return b"data: " + to_json(parts) + b"\n\n"
