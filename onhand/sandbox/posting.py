"""An HTTP client that does nothing but post webhooks, over connections that stay open.

It shares two cores with everything that is being measured, so a request costs as little as it can: no task, no
future and no timer of its own; one write, one parse, one call back.
"""

import asyncio
import ssl
from collections import deque
from functools import lru_cache
from time import perf_counter
from typing import NamedTuple, Protocol, cast
from urllib.parse import urlsplit

import httptools

from onhand.sandbox.wire import Post

IDLE_SECONDS = 4.0
"""An unused connection is closed after this: before servers do, which commonly wait 5 s."""

LOOK_EVERY_SECONDS = 0.25
"""How often connections are looked at for answers that are overdue."""


class Origin(NamedTuple):
    """Where connections lead."""

    scheme: str
    host: str
    port: int


class Letter(Protocol):
    """Something to be posted. Exactly one of `answered` and `failed` is called after `open` gave a post."""

    def open(self) -> Post | None:
        """A connection is free for it: what to send; None where it is not wanted any more."""
        ...

    def answered(self, status: int, seconds: float) -> None:
        """The receiver's answer, and how long it took from the write."""
        ...

    def failed(self, reason: str) -> None:
        """No answer came: refused, hung up, or too late."""
        ...


@lru_cache(maxsize=1_024)
def origin_of(url: str) -> Origin:
    """The address a URL leads to. Raises ValueError where it is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is no http(s) address")
    return Origin(parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))


@lru_cache(maxsize=1_024)
def _opening(url: str) -> str:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return f"POST {target} HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\n"


def request_bytes(post: Post) -> bytes:
    """The request as it goes over the wire."""
    head = _opening(post.url)
    for name, value in post.headers.items():
        head += f"{name}: {value}\r\n"
    return f"{head}Content-Length: {len(post.body)}\r\n\r\n".encode() + post.body


class Pool:
    """The connections to one origin, at most `connections_max`, and the letters that wait for one, in order.

    `timeout` is the seconds an answer may take (and a connection). The connection used last is used next, so that
    no more are open than are needed.
    """

    def __init__(self, origin: Origin, *, connections_max: int, timeout: float) -> None:
        self.connections_max = connections_max
        self.timeout = timeout
        self._origin = origin
        self._queue: deque[Letter] = deque()
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._connecting: set[asyncio.Task[None]] = set()
        self._looking: asyncio.TimerHandle | None = None

    def send(self, letter: Letter) -> None:
        """Post it as soon as its turn comes: at once where a connection is idle."""
        if self._idle and not self._queue:
            self._idle.pop().serve(letter)
        else:
            self._queue.append(letter)
            self._grow()

    def queued(self) -> int:
        """Letters that wait for a connection."""
        return len(self._queue)

    def close(self) -> None:
        """Forget what waits, and hang up; letters under way hear nothing more."""
        self._queue.clear()
        for task in self._connecting:
            task.cancel()
        for connection in tuple(self._open):
            connection.drop()
        if self._looking:
            self._looking.cancel()
            self._looking = None

    def freed(self, connection: "Connection") -> None:
        """A connection has nothing to do."""
        if connection not in self._open:
            return
        if self._queue:
            connection.serve(self._queue.popleft())
        else:
            self._idle.append(connection)

    def first(self, letter: Letter) -> None:
        """Post it before all that waits: its connection closed before it was heard."""
        self._queue.appendleft(letter)
        self._grow()

    def opened(self, connection: "Connection") -> None:
        """A connection stands."""
        self._open.add(connection)
        if self._looking is None:
            self._looking = asyncio.get_running_loop().call_later(LOOK_EVERY_SECONDS, self._look)

    def lost(self, connection: "Connection") -> None:
        """A connection is no more."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._grow()

    def _grow(self) -> None:
        opening = len(self._connecting)
        if opening < len(self._queue) and opening + len(self._open) < self.connections_max:
            task = asyncio.get_running_loop().create_task(self._connect())
            self._connecting.add(task)
            task.add_done_callback(self._connected)

    def _connected(self, task: asyncio.Task[None]) -> None:
        self._connecting.discard(task)
        if not task.cancelled():
            self._grow()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        secure = ssl.create_default_context() if self._origin.scheme == "https" else None
        try:
            async with asyncio.timeout(self.timeout):
                host, port = self._origin.host, self._origin.port
                _, connection = await loop.create_connection(lambda: Connection(self), host, port, ssl=secure)
        except (OSError, TimeoutError) as error:
            if self._queue:
                _fail(self._queue.popleft(), f"no connection to {host}:{port}: {error!r}")
        else:
            self.freed(connection)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = perf_counter()  # uvloop's own clock has milliseconds and stands still within a turn
        for connection in tuple(self._open):
            connection.look(now)
        self._looking = loop.call_later(LOOK_EVERY_SECONDS, self._look) if self._open else None


def _fail(letter: Letter, reason: str) -> None:
    """A letter whose connection never came is opened all the same: it was tried."""
    if letter.open() is not None:
        letter.failed(reason)


class _Again:
    """A letter that was written to a connection which had closed by then: the same post once more."""

    def __init__(self, letter: Letter, post: Post) -> None:
        self._post = post
        self.answered = letter.answered
        self.failed = letter.failed

    def open(self) -> Post:
        return self._post


class Connection(asyncio.Protocol):
    """One connection: one letter at a time."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._letter: Letter | None = None
        self._post: Post | None = None
        self._since = perf_counter()
        """When it began what it does: a letter, or nothing."""
        self._used = False
        self._heard = False
        self._status = 0
        self._complete = False
        self._keep = False

    def serve(self, letter: Letter) -> None:
        """Post the letter; where it is not wanted any more, the next."""
        assert self._transport is not None, "a closed connection serves nobody"
        post = letter.open()
        if post is None:
            self._loop.call_soon(self._pool.freed, self)
            return
        self._letter, self._post, self._heard, self._status = letter, post, False, 0
        self._since = perf_counter()
        self._transport.write(request_bytes(post))

    def look(self, now: float) -> None:
        """Hang up where an answer is overdue, or where there was nothing to do for long."""
        if self._letter is None:
            if now - self._since > IDLE_SECONDS:
                self.drop()
        elif now - self._since > self._pool.timeout:
            letter, self._letter = self._letter, None
            self.drop()
            letter.failed(f"no answer within {self._pool.timeout:g} s")

    def drop(self) -> None:
        """Hang up; a letter under way hears nothing more."""
        self._letter = None
        self._pool.lost(self)
        if self._transport:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands (asyncio.Protocol)."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass of it
        self._pool.opened(self)

    def data_received(self, data: bytes) -> None:
        """Part of an answer (asyncio.Protocol)."""
        if self._letter is None:  # nothing was asked
            self.drop()
            return
        self._heard = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            letter, self._letter = self._letter, None
            self.drop()
            if letter:
                letter.failed(f"no HTTP: {error!r}")
            return
        if self._complete:
            self._settle()

    def connection_lost(self, error: Exception | None) -> None:
        """The other side hung up (asyncio.Protocol)."""
        self._transport = None
        letter, self._letter = self._letter, None
        self._pool.lost(self)
        if letter is None:
            return
        if self._status:  # an answer without a length ends with its connection
            letter.answered(self._status, perf_counter() - self._since)
        elif (
            self._post and self._used and not self._heard
        ):  # closed for idleness while we wrote: that was no attempt
            self._pool.first(_Again(letter, self._post))
        else:
            letter.failed(f"hung up on us: {error!r}")

    def on_headers_complete(self) -> None:
        """The status is known (httptools)."""
        self._status = self._parser.get_status_code()

    def on_message_complete(self) -> None:
        """The answer is whole (httptools); what only announces another is passed over."""
        if self._status >= 200:
            self._complete = True
            self._keep = self._parser.should_keep_alive()  # afterwards the parser has forgotten

    def _settle(self) -> None:
        letter, self._letter = self._letter, None
        now = perf_counter()
        seconds, self._since, self._used, self._complete = now - self._since, now, True, False
        if letter:
            letter.answered(self._status, seconds)
        if self._keep and self._transport and not self._transport.is_closing():
            self._pool.freed(self)
        else:
            self.drop()
