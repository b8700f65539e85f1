"""A caller of an ASGI application in the same loop: no socket, no clock, and it knows how much of a body was read."""


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


class Chunks:
    """A body in pieces that counts what was asked of it."""

    def __init__(self, pieces):
        self._pieces = iter(pieces)
        self.read_count = 0

    async def receive(self):
        piece = next(self._pieces, None)
        if piece is None:
            return {"type": "http.request", "body": b"", "more_body": False}
        if not isinstance(piece, bytes):
            await piece
            return {"type": "http.disconnect"}
        self.read_count += 1
        return {"type": "http.request", "body": piece, "more_body": True}


async def call(app, method, path, chunks=(), headers=None):
    sent = []

    async def send(message):
        sent.append(message)

    body = chunks if isinstance(chunks, Chunks) else Chunks(chunks)
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
        "raw_path": path.encode(), "query_string": b"", "root_path": "", "scheme": "http",
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    await app(scope, body.receive, send)
    start = next(m for m in sent if m["type"] == "http.response.start")
    return Answer(
        start["status"],
        {name.decode(): value.decode() for name, value in start["headers"]},
        b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body"),
    )
