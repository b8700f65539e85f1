"""A telephone for who has none: Alertmanager's webhooks, one line each on stdout (`python -m dashboards.pager [ADDRESS]`)."""

import json
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PORT = 9095
# Alertmanager's messages are a few kB; more is somebody else.
LIMIT_BYTES = 1_000_000


def lines(receiver: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a person needs to know of each alert in a message; none of a heartbeat."""
    if receiver == "heartbeat":
        return []
    return [
        {
            "to": receiver.removeprefix("page/"),
            "status": alert["status"],
            **alert["labels"],
            "since": alert["startsAt"],
            "summary": alert["annotations"].get("summary", ""),
            "runbook": alert["annotations"].get("runbook_url", ""),
        }
        for alert in body["alerts"]
    ]


class Telephone(BaseHTTPRequestHandler):
    """Prints what is posted; GET says that it lives."""

    def do_GET(self) -> None:
        """Answer a health check."""
        self._answer(HTTPStatus.OK)

    def do_POST(self) -> None:
        """Print a message."""
        try:
            size_bytes = int(self.headers.get("Content-Length") or 0)
            if size_bytes > LIMIT_BYTES:
                self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
                return
            said = lines(self.path.strip("/"), json.loads(self.rfile.read(size_bytes)))
        except (ValueError, KeyError, TypeError, AttributeError):
            self._answer(HTTPStatus.BAD_REQUEST)
            return
        sys.stdout.writelines(json.dumps(line) + "\n" for line in said)
        sys.stdout.flush()
        self._answer(HTTPStatus.OK)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the standard library
        """Stay silent: stdout is for pages."""

    def _answer(self, status: HTTPStatus) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


def main(host: str = "127.0.0.1") -> None:
    """Serve until stopped, on the loopback interface unless another address is given."""
    with ThreadingHTTPServer((host, PORT), Telephone) as server:
        server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
