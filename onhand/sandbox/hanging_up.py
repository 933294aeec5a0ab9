"""A connection cut in the middle of a request, as a crashed proxy or a pulled cable does it."""

from typing import NoReturn

from starlette.requests import Request
from starlette.responses import Response


async def hang_up(request: Request) -> Response:
    """Cut the caller's connection without an answer; what is returned goes nowhere.

    The server's transport is aborted, so the caller sees a reset, not an end. Within one process, where there is no
    connection, it raises ConnectionAbortedError.
    """
    await request.body()
    transport = getattr(getattr(request.receive, "__self__", None), "transport", None)
    if transport is None:
        _no_connection()
    transport.abort()
    while (await request.receive())["type"] != "http.disconnect":
        continue  # until the server knows, or it would write to a closed connection
    return Response()


def _no_connection() -> NoReturn:
    raise ConnectionAbortedError("the sandbox hangs up")
