"""A Slack that answers what a test tells it, over real HTTP on loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route


class SlackDouble:
    """Give it `answers` in order; the last is repeated. What was asked is in `asked`."""

    def __init__(self, *answers: Response | float) -> None:
        self.answers = list(answers) or [JSONResponse({"ok": True, "ts": "1.1"})]
        self.asked: list[dict[str, Any]] = []
        self.tokens: list[str] = []
        self.base_url = ""

    async def post_message(self, request: Request) -> Response:
        """chat.postMessage; a number among the answers is a silence of so many seconds."""
        self.asked.append(await request.json())
        self.tokens.append(request.headers["authorization"])
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, float):
            await asyncio.sleep(answer)
            return PlainTextResponse("too late")
        return answer


@asynccontextmanager
async def running(double: SlackDouble) -> AsyncIterator[SlackDouble]:
    """Serve the double on a free port."""
    app = Starlette(routes=[Route("/api/chat.postMessage", double.post_message, methods=["POST"])])
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    task = asyncio.create_task(server.serve([listener]))
    double.base_url = f"http://127.0.0.1:{listener.getsockname()[1]}/api/"
    try:
        # The socket listens already: whoever connects before the server is up waits for it.
        yield double
    finally:
        server.should_exit = True
        await task
        listener.close()


def refusal(error: str, *messages: str) -> Response:
    """Slack's way of saying no: HTTP 200, ok false."""
    body: dict[str, Any] = {"ok": False, "error": error}
    if messages:
        body["response_metadata"] = {"messages": list(messages)}
    return JSONResponse(body)


def slow_down(seconds: str) -> Response:
    """Slack's way of asking to wait."""
    return JSONResponse({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": seconds})
