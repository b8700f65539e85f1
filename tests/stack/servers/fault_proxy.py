"""A proxy in front of a server's HTTP API that does, request by request, what a test tells it to do wrong."""

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from email.message import Message
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from tests.stack.servers import aws_dialect, moto
from tests.stack.servers.aws_dialect import Reply
from tests.stack.servers.ports import free_port
from tests.stack.servers.web import serving

UPSTREAM_TIMEOUT_S = 30.0
# What belongs to one connection is not passed on to the next (RFC 9110, section 7.6.1).
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect"}


@dataclass(frozen=True)
class Refuse:
    """Answer with an error; the server behind never hears of the request."""

    status: int
    code: str
    message: str = "injected"


@dataclass(frozen=True)
class RefuseEntries:
    """Refuse the entries of a PutEvents at these positions, and pass the others on: 200 with failures inside."""

    positions: tuple[int, ...]
    code: str = "ThrottlingException"


@dataclass(frozen=True)
class Hang:
    """Say nothing for so long, then close; the server behind never hears of the request."""

    for_s: float


@dataclass(frozen=True)
class Cut:
    """Close the connection without a reply; the server behind never hears of the request."""


@dataclass(frozen=True)
class LoseReply:
    """Pass the request on and close the connection instead of replying: done, and the client cannot know."""


Fault = Refuse | RefuseEntries | Hang | Cut | LoseReply

THROTTLED = Refuse(400, "Throttling", "Rate exceeded")
UNAVAILABLE = Refuse(503, "ServiceUnavailable")
BROKEN = Refuse(500, "InternalFailure")
ACCESS_DENIED = Refuse(403, "AccessDenied", "not authorized to perform this action")


@dataclass(frozen=True)
class Seen:
    """A request that came, and what was done wrong to it (None: passed on and answered)."""

    operation: str
    fault: Fault | None


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    headers: Message
    body: bytes


class FaultProxy:
    """The faults still to come, per operation, and the requests seen so far."""

    def __init__(self, url: str, upstream: str) -> None:
        self.url = url
        self._upstream = urlsplit(upstream).netloc
        self._planned: list[tuple[str | None, Fault]] = []
        self._seen: list[Seen] = []
        self._lock = threading.Lock()
        self.closing = threading.Event()

    @property
    def seen(self) -> list[Seen]:
        """The requests so far, oldest first."""
        with self._lock:
            return list(self._seen)

    def inject(self, fault: Fault, times: int = 1, operation: str | None = None) -> None:
        """Do this to the next requests (of one operation such as PutEvents), after the faults injected before."""
        with self._lock:
            self._planned += [(operation, fault)] * times

    def heal(self) -> None:
        """Pass everything on from now on, and forget what was seen."""
        with self._lock:
            self._planned.clear()
            self._seen.clear()

    def client(self, service: str, **config: Any) -> Any:
        """Return a boto3 client of a service behind this proxy."""
        return moto.client(service, self.url, **config)

    def answer(self, request: _Request) -> Reply | None:
        """Return what the client gets; None closes its connection."""
        match self._next_fault(aws_dialect.operation(request.path, request.headers, request.body)):
            case Refuse(status, code, message):
                return aws_dialect.refusal(request.headers, status, code, message)
            case RefuseEntries() as fault:
                return self._refuse_entries(request, fault)
            case Hang(for_s):
                self.closing.wait(for_s)
                return None
            case Cut():
                return None
            case LoseReply():
                self._forward(request)
                return None
            case None:
                return self._forward(request)

    def _next_fault(self, operation: str) -> Fault | None:
        with self._lock:
            plan = next((plan for plan in self._planned if plan[0] in (None, operation)), None)
            if plan:
                self._planned.remove(plan)
            fault = plan[1] if plan else None
            self._seen.append(Seen(operation, fault))
            return fault

    def _forward(self, request: _Request) -> Reply:
        connection = http.client.HTTPConnection(self._upstream, timeout=UPSTREAM_TIMEOUT_S)
        try:
            headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
            connection.request(request.method, request.path, request.body, headers)
            reply = connection.getresponse()
            kept = {name: value for name, value in reply.getheaders() if name.lower() not in HOP_BY_HOP}
            return Reply(reply.status, kept, reply.read())
        finally:
            connection.close()

    def _refuse_entries(self, request: _Request, fault: RefuseEntries) -> Reply:
        asked = json.loads(request.body)["Entries"]
        passed = [entry for position, entry in enumerate(asked) if position not in fault.positions]
        reply = Reply(200, {"Content-Type": "application/x-amz-json-1.1"}, b'{"Entries": []}')
        if passed:
            reply = self._forward(replace(request, body=json.dumps({"Entries": passed}).encode()))
        done = iter(json.loads(reply.body)["Entries"])
        refused = {"ErrorCode": fault.code, "ErrorMessage": "injected"}
        entries = [refused if position in fault.positions else next(done) for position in range(len(asked))]
        failed = sum("ErrorCode" in entry for entry in entries)
        return replace(reply, body=json.dumps({"FailedEntryCount": failed, "Entries": entries}).encode())


@contextmanager
def start(upstream: str, port: int | None = None) -> Iterator[FaultProxy]:
    """Stand in front of the server at a URL."""
    port = port or free_port()
    proxy = FaultProxy(f"http://127.0.0.1:{port}", upstream)

    class Handler(BaseHTTPRequestHandler):
        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            reply = proxy.answer(_Request(self.command, self.path, self.headers, body))
            if reply is None:
                return  # the connection closes behind us
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _pass  # noqa: N815 - the names are http.server's

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with serving(Handler, port):
        try:
            yield proxy
        finally:
            proxy.closing.set()
