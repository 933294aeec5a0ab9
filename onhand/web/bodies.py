"""The body of a request, read in pieces and given up as soon as it is too large or too slow."""

import asyncio
from collections.abc import Mapping

from starlette.types import Receive, Scope

BODY_BYTES_MAX = 1024 * 1024
"""Largest body that is read; a Shopify order of 500 lines has about 700 KB."""
BODY_SECONDS_MAX = 10.0
"""Longest wait for a whole body; platforms send theirs at once."""


class BodyTooLargeError(Exception):
    """The body is larger than what is read."""


class BodyTooSlowError(Exception):
    """The body did not come within the time there is for it."""


class SenderGoneError(Exception):
    """The connection ended before the body did; nobody waits for an answer."""


def headers_of(scope: Scope) -> dict[str, str]:
    """The headers of a request by lower-case name."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


async def read_body(
    headers: Mapping[str, str],
    receive: Receive,
    *,
    bytes_max: int = BODY_BYTES_MAX,
    seconds_max: float = BODY_SECONDS_MAX,
) -> bytes:
    """The whole body. Raises BodyTooLargeError before more than that is kept, BodyTooSlowError, SenderGoneError."""
    stated = headers.get("content-length", "")
    if stated.isdigit() and int(stated) > bytes_max:
        raise BodyTooLargeError
    try:
        async with asyncio.timeout(seconds_max):
            return await _read(receive, bytes_max)
    except TimeoutError as error:
        raise BodyTooSlowError from error


async def _read(receive: Receive, bytes_max: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise SenderGoneError
        piece = message.get("body", b"")
        size += len(piece)
        if size > bytes_max:
            raise BodyTooLargeError
        pieces.append(piece)
        if not message.get("more_body", False):
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)
