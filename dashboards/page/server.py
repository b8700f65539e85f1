"""An application served from a thread of this process, for the demo and the tests."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

# A free port is bound at once; beyond this the machine is in trouble.
_START_TIMEOUT_S = 10.0
_STOP_TIMEOUT_S = 5.0


@contextlib.contextmanager
def serving(app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve while the block runs and yield the address; port 0 takes a free one, a taken one raises OSError."""
    with socket.create_server((host, port), reuse_port=False) as listener:
        server = _Server(
            # An open event stream would hold the exit back for ever; logging is the composing program's.
            uvicorn.Config(app, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=1)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="page", daemon=True)
        thread.start()
        if not server.up.wait(_START_TIMEOUT_S):
            raise RuntimeError("the page did not start: the log above says why")
        try:
            yield f"http://{host}:{listener.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join(_STOP_TIMEOUT_S)


class _Server(uvicorn.Server):
    """uvicorn that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.up.set()
