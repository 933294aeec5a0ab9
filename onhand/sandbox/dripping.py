"""An answer that comes a byte at a time."""

from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.responses import Response, StreamingResponse

PAUSE_SECONDS_MIN = 0.01
"""Faster than a byte in this time, several go at once."""

Sleep = Callable[[float], Awaitable[None]]


def dripping(response: Response, bytes_per_second: float, sleep: Sleep) -> Response:
    """The same answer, so slow. Its length is told at once, as a server does that has it all."""
    body = bytes(response.body)
    return StreamingResponse(
        _drops(body, bytes_per_second, sleep), response.status_code, dict(response.headers)
    )


async def _drops(body: bytes, bytes_per_second: float, sleep: Sleep) -> AsyncIterator[bytes]:
    size = max(1, int(bytes_per_second * PAUSE_SECONDS_MIN))
    for start in range(0, len(body), size):
        await sleep(size / bytes_per_second)
        yield body[start : start + size]
