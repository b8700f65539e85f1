"""Instants: integer nanoseconds since the Unix epoch inside, RFC 3339 with Z at the walls."""

from datetime import UTC, datetime

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
    whole, dot, rest = text.partition(".")
    digits = rest[: next((i for i, c in enumerate(rest) if not c.isdigit()), len(rest))] if dot else ""
    moment = datetime.fromisoformat(whole + rest[len(digits) :] if dot else text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no offset from UTC: write it as in 2025-10-03T00:00:00Z")
    return int(moment.timestamp()) * NS_PER_S + int(digits.ljust(9, "0")[:9] or "0")
