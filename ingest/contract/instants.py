"""Instants: integer nanoseconds since the Unix epoch inside, RFC 3339 with Z at the walls."""

from datetime import UTC, datetime
from typing import Annotated, TypeAlias

from msgspec import Meta

# A number beyond 64 bits in a header would be no instant and no count, and would not fit a column.
_LARGEST = 2**63 - 1
At: TypeAlias = Annotated[int, Meta(ge=0, le=_LARGEST, description="Nanoseconds since the Unix epoch, UTC.")]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=_LARGEST)]

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000


def to_rfc3339(at_ns: int) -> str:
    """Write an instant with nanoseconds only where it has them, so that equal instants read equal."""
    seconds, rest_ns = divmod(at_ns, NS_PER_S)
    whole = datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{rest_ns:09d}".rstrip("0").rstrip(".") + "Z" if rest_ns else f"{whole}Z"


def from_rfc3339(text: str) -> int:
    """Read an RFC 3339 instant; a time without an offset is refused.

    Raises:
        ValueError: The text is no instant, or names no offset from UTC.
    """
    if "," in text:
        raise ValueError(f"{text!r} has a comma: RFC 3339 writes fractions of a second behind a point")
    whole, dot, rest = text.partition(".")
    digits = rest[: next((i for i, c in enumerate(rest) if not c.isdigit()), len(rest))] if dot else ""
    moment = datetime.fromisoformat(whole + rest[len(digits) :] if dot else text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no offset from UTC: write it as in 2025-10-03T00:00:00Z")
    return int(moment.timestamp()) * NS_PER_S + int(digits.ljust(9, "0")[:9] or "0")
