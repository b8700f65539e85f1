"""A request's body, read within a limit and a time, and within what all bodies together may hold."""

import asyncio
from collections.abc import AsyncIterator


class BodyTooLargeError(Exception):
    """It is over the limit; the rest of it was not read."""


class BodySlowError(Exception):
    """It has not come in time, or its sender has gone."""


class BodiesFullError(Exception):
    """Other bodies have taken the room."""


class Bodies:
    """Lends room for bodies.

    Args:
        limit_bytes: Of one body.
        room_bytes: For all that are held at once.
        within_s: A body has to come within this time.
    """

    def __init__(self, *, limit_bytes: int, room_bytes: int, within_s: float) -> None:
        self._limit_bytes, self._room_bytes, self._within_s = limit_bytes, room_bytes, within_s

    async def read(self, chunks: AsyncIterator[bytes], declared_bytes: int | None) -> bytes:
        """Return the body; its room is taken until `free`.

        Raises:
            BodyTooLargeError: It says, or turns out, to be over the limit.
            BodySlowError: It does not come.
            BodiesFullError: There is no room now.
        """
        if declared_bytes is not None and declared_bytes > self._limit_bytes:
            raise BodyTooLargeError
        body = bytearray()
        try:
            async with asyncio.timeout(self._within_s):
                async for chunk in chunks:
                    self._take(len(chunk), len(body))
                    body += chunk
        except TimeoutError as error:
            self.free(len(body))
            raise BodySlowError from error
        except BaseException:
            self.free(len(body))
            raise
        return bytes(body)

    def free(self, length_bytes: int) -> None:
        """Give a body's room back."""
        self._room_bytes += length_bytes

    def _take(self, chunk_bytes: int, held_bytes: int) -> None:
        if held_bytes + chunk_bytes > self._limit_bytes:
            raise BodyTooLargeError
        if chunk_bytes > self._room_bytes:
            raise BodiesFullError
        self._room_bytes -= chunk_bytes
