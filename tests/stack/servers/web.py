"""The little HTTP that the servers' own APIs, and the stand-ins among us, need."""

import http.client
import json
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# A proxy of the machine's must not stand between us and the loopback interface.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
TIMEOUT_S = 10.0


def get_json(url: str) -> Any:
    """Return the JSON at an address."""
    with _DIRECT.open(url, timeout=TIMEOUT_S) as reply:
        return json.load(reply)


def get_text(url: str) -> str:
    """Return the text at an address."""
    with _DIRECT.open(url, timeout=TIMEOUT_S) as reply:
        text: str = reply.read().decode()
        return text


def post_json(url: str, body: Mapping[str, Any]) -> Any:
    """Send JSON to an address and return the JSON it answers."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with _DIRECT.open(request, timeout=TIMEOUT_S) as reply:
        return json.loads(reply.read() or b"null")


def answers(url: str) -> Callable[[], bool]:
    """Return a question: does this address answer 200 by now?"""

    def ask() -> bool:
        try:
            with _DIRECT.open(url, timeout=1.0) as reply:
                return bool(reply.status == http.HTTPStatus.OK)
        except (OSError, http.client.HTTPException):  # URLError and HTTPError are OSErrors
            return False

    return ask


@contextmanager
def serving(handler: Callable[..., BaseHTTPRequestHandler], port: int) -> Iterator[None]:
    """Serve HTTP from a thread of this process, one thread a request."""
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
