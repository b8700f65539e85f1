"""A file's bytes as text: gzip undone, within a limit."""

import zlib

from ingest.recorded.malformed import Malformed

# A day of ping at 10 Hz is 80 MB of text; a gzip bomb is a thousand times its file.
TEXT_LIMIT_BYTES = 256 * 2**20
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW_BITS = 16 + zlib.MAX_WBITS


def to_text(raw: bytes, name: str, limit_bytes: int = TEXT_LIMIT_BYTES) -> str:
    """Return the text of a plain or gzipped file; what is no UTF-8 becomes a replacement character.

    Raises:
        Malformed: It is larger than the limit, empty, or a gzip file that is cut short or damaged.
    """
    plain = _gunzip(raw, name, limit_bytes) if raw.startswith(_GZIP_MAGIC) else raw
    if len(plain) > limit_bytes:
        raise _too_large(name, limit_bytes)
    text = plain.decode("utf-8-sig", errors="replace")
    if not text.strip():
        raise Malformed(name, "the file is empty", "give a file with measurements")
    return text


def _gunzip(raw: bytes, name: str, limit_bytes: int) -> bytes:
    parts: list[bytes] = []
    room_bytes = limit_bytes
    while raw.startswith(_GZIP_MAGIC):  # a gzip file may be several, one after the other
        member = zlib.decompressobj(_GZIP_WINDOW_BITS)
        try:
            parts.append(member.decompress(raw, room_bytes + 1))
        except zlib.error as error:
            raise Malformed(name, f"damaged gzip ({error})", "fetch or compress the file again") from error
        room_bytes -= len(parts[-1])
        if room_bytes < 0:
            raise _too_large(name, limit_bytes)
        if not member.eof:
            raise Malformed(name, "the gzip file ends early", "fetch it again: it was cut short")
        raw = member.unused_data
    return b"".join(parts)


def _too_large(name: str, limit_bytes: int) -> Malformed:
    return Malformed(name, f"more than {limit_bytes} bytes of text", "split it and give the parts")
