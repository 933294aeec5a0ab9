"""The body of a request, read in pieces and given up as soon as it is too large or too slow."""

import asyncio
from collections.abc import Mapping

from starlette.types import Receive, Scope

BODY_BYTES_MAX = 1024 * 1024
"""Largest body that is read without more ado; of a Shopify order it has room for some 700 lines."""
LARGE_AT_ONCE = 4
"""Larger ones, where they are allowed, that are read at a time: so strangers cannot fill the memory with them."""
BODY_SECONDS_MAX = 10.0
"""Longest wait for a whole body; platforms send theirs at once."""


class BodyTooLargeError(Exception):
    """The body is larger than what is read."""


class BodyTooSlowError(Exception):
    """The body did not come within the time there is for it."""


class NoRoomError(Exception):
    """The body is a large one, and as many of those are being read as are at a time."""


class SenderGoneError(Exception):
    """The connection ended before the body did; nobody waits for an answer."""


class LargeBodies:
    """Room for large bodies, shared by whoever reads some."""

    def __init__(self, at_once: int = LARGE_AT_ONCE) -> None:
        self._free = at_once

    def take(self) -> None:
        """Begin to read one. Raises NoRoomError."""
        if not self._free:
            raise NoRoomError("as many large bodies are being read as are at a time")
        self._free -= 1

    def give_back(self) -> None:
        """One was read, or given up."""
        self._free += 1


NO_LARGE_BODIES = LargeBodies(0)


def headers_of(scope: Scope) -> dict[str, str]:
    """The headers of a request by lower-case name."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


async def read_body(
    headers: Mapping[str, str],
    receive: Receive,
    *,
    bytes_max: int = BODY_BYTES_MAX,
    seconds_max: float = BODY_SECONDS_MAX,
    large: LargeBodies = NO_LARGE_BODIES,
) -> bytes:
    """The whole body. Raises BodyTooLargeError before more than `bytes_max` is kept, BodyTooSlowError, SenderGoneError.

    One of more than BODY_BYTES_MAX wants room in `large`, and raises NoRoomError where there is none.
    """
    stated = headers.get("content-length", "")
    if stated.isdigit() and int(stated) > bytes_max:
        raise BodyTooLargeError
    try:
        async with asyncio.timeout(seconds_max):
            return await _read(receive, bytes_max, large)
    except TimeoutError as error:
        raise BodyTooSlowError from error


async def _read(receive: Receive, bytes_max: int, large: LargeBodies) -> bytes:
    pieces: list[bytes] = []
    size = 0
    is_large = False
    try:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise SenderGoneError
            piece = message.get("body", b"")
            size += len(piece)
            if size > bytes_max:
                raise BodyTooLargeError
            if size > BODY_BYTES_MAX and not is_large:
                large.take()
                is_large = True
            pieces.append(piece)
            if not message.get("more_body", False):
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)
    finally:
        if is_large:
            large.give_back()
