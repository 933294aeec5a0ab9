"""Reading a body: whole, bounded in bytes and in time, and given up when its sender goes away."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from onhand.web.bodies import (
    BODY_BYTES_MAX,
    BodyTooLargeError,
    BodyTooSlowError,
    LargeBodies,
    NoRoomError,
    SenderGoneError,
    headers_of,
    read_body,
)


def sent(*messages: dict[str, Any]) -> Any:
    """What a server hands on, message by message, and then nothing."""
    left: Iterable[dict[str, Any]] = iter(messages)

    async def receive() -> dict[str, Any]:
        for message in left:
            return message
        await asyncio.Event().wait()
        raise AssertionError

    return receive


def piece(body: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_pieces_are_put_together() -> None:
    """Goal: a body in pieces is the body."""
    assert await read_body({}, sent(piece(b"ab"), piece(b""), piece(b"c", more=False))) == b"abc"
    assert await read_body({}, sent({"type": "http.request"})) == b""


async def test_no_more_than_the_limit_is_kept() -> None:
    """Goal: by the length that is stated, or by what came."""
    assert await read_body({"content-length": "3"}, sent(piece(b"abc", more=False)), bytes_max=3) == b"abc"
    with pytest.raises(BodyTooLargeError):
        await read_body({"content-length": "4"}, sent(), bytes_max=3)
    with pytest.raises(BodyTooLargeError):
        await read_body({"content-length": "1"}, sent(piece(b"ab"), piece(b"cd")), bytes_max=3)


async def test_a_large_body_wants_room_and_gives_it_back() -> None:
    """Goal: what strangers can make us keep is bounded; the room is free again however the reading ends."""
    half = b"x" * (BODY_BYTES_MAX // 2 + 1)
    whole = half * 2
    room, limit = LargeBodies(1), 4 * BODY_BYTES_MAX

    async def read(*messages: dict[str, Any], seconds: float = 1.0) -> bytes:
        return await read_body({}, sent(*messages), bytes_max=limit, seconds_max=seconds, large=room)

    assert await read(piece(half), piece(half, more=False)) == whole
    with pytest.raises(SenderGoneError):
        await read(piece(whole), {"type": "http.disconnect"})
    with pytest.raises(BodyTooLargeError):
        await read(*[piece(whole)] * 4)
    slow = asyncio.create_task(read(piece(whole), seconds=0.2))
    await asyncio.sleep(0.05)
    with pytest.raises(NoRoomError):
        await read(piece(half), piece(half, more=False))
    assert await read(piece(half, more=False)) == half, "a common body needs no room"
    with pytest.raises(BodyTooSlowError):
        await slow
    assert await read(piece(half), piece(half, more=False)) == whole
    with pytest.raises(NoRoomError):
        await read_body({}, sent(piece(whole, more=False)), bytes_max=limit)


async def test_a_slow_body_is_given_up() -> None:
    """Goal: a sender that never ends holds nothing for ever."""
    with pytest.raises(BodyTooSlowError):
        await read_body({}, sent(piece(b"a")), seconds_max=0.05)


async def test_a_sender_that_goes_away_leaves_nothing() -> None:
    """Goal: half a body is none."""
    with pytest.raises(SenderGoneError):
        await read_body({}, sent(piece(b"a"), {"type": "http.disconnect"}))


def test_names_of_headers_are_lower_case() -> None:
    """Goal: receivers look headers up by one spelling."""
    assert headers_of({"headers": [(b"X-Topic", b"a"), (b"host", "é".encode("latin-1"))]}) == {
        "x-topic": "a",
        "host": "é",
    }
