"""How a request to AWS says what it wants, and how a refusal must be worded for its client to understand it."""

import json
from dataclasses import dataclass
from email.message import Message
from urllib.parse import parse_qs
from xml.sax.saxutils import escape


@dataclass(frozen=True)
class Reply:
    """A whole HTTP reply."""

    status: int
    headers: dict[str, str]
    body: bytes


def operation(path: str, headers: Message, body: bytes) -> str:
    """Return the operation's name (PutEvents), or the path where the request is none of AWS's."""
    if target := headers.get("X-Amz-Target"):
        return target.rpartition(".")[2]
    return parse_qs(body.decode("latin-1")).get("Action", [path])[0]


def refusal(headers: Message, status: int, code: str, message: str) -> Reply:
    """Word a refusal in the dialect of the request."""
    if "X-Amz-Target" in headers:
        body = json.dumps({"__type": code, "message": message}).encode()
        return Reply(status, {"Content-Type": "application/x-amz-json-1.1"}, body)
    if headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        error = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
        xml = f"<ErrorResponse>{error}<RequestId>injected</RequestId></ErrorResponse>"
        return Reply(status, {"Content-Type": "text/xml"}, xml.encode())
    body = json.dumps({"code": code, "message": message}).encode()
    return Reply(status, {"Content-Type": "application/json"}, body)
