"""A proxy between one of our processes and a server, whose faults are switched while it runs.

Latency, a reset, a cut in the middle of a message, and a network that swallows everything: what a server that is
killed does not show, because then the kernel tells the other side at once.
"""

import asyncio
import socket
import struct
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from onhand.embedded.ports import LOOPBACK

CHUNK_BYTES = 65_536
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Fault:
    """What the network does to everything that goes through.

    `latency_seconds`: before each piece, in each direction. `refuse`: new connections are reset at once. `swallow`:
    nothing goes on, in either direction, until the fault ends; then everything does. `cut_after_bytes`: a connection
    that has carried so many from now on, both directions together, is reset after exactly these.
    """

    latency_seconds: float = 0.0
    refuse: bool = False
    swallow: bool = False
    cut_after_bytes: int | None = None


WELL = Fault()


class Proxy:
    """Listens on a port of loopback and carries everything to the port `target` of loopback, as `fault` lets it."""

    def __init__(self, target: int) -> None:
        self.target = target
        self._server: asyncio.Server | None = None
        self._links: set[_Link] = set()
        self._fault = WELL
        self._flows = asyncio.Event()
        self._flows.set()
        self.carried = 0
        """Connections that were made through it."""
        self.broken = 0
        """Connections that a fault ended."""

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None, "a proxy listens once it is entered"
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def fault(self) -> Fault:
        """What is wrong with the network at present."""
        return self._fault

    def set(self, fault: Fault) -> None:
        """Have this fault from now on, in place of the last one; connections that are open have it, too."""
        self._fault = fault
        if fault.swallow:
            self._flows.clear()
        else:
            self._flows.set()
        for link in self._links:
            link.carried_bytes = 0

    def reset(self) -> int:
        """Reset every connection now; answers how many there were."""
        links = list(self._links)
        for link in links:
            self._break(link)
        return len(links)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accepted, LOOPBACK, 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self._flows.set()
        self.reset()
        await self._server.wait_closed()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._fault.refuse:
            self.broken += 1
            _reset(writer)
            return
        try:
            await self._flows.wait()
            far_reader, far_writer = await asyncio.open_connection(LOOPBACK, self.target)
        except OSError:  # the server is not there: that is what the caller gets to see
            _reset(writer)
            return
        self.carried += 1
        link = _Link(writer, far_writer)
        self._links.add(link)
        try:
            await asyncio.gather(self._carry(link, reader, far_writer), self._carry(link, far_reader, writer))
        finally:
            self._links.discard(link)
            link.close()

    async def _carry(self, link: "_Link", source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """One direction, to its end."""
        try:
            while chunk := await source.read(CHUNK_BYTES):
                if self._fault.latency_seconds:
                    await asyncio.sleep(self._fault.latency_seconds)
                await self._flows.wait()
                room = self._room(link)
                target.write(chunk if room is None else chunk[:room])
                await target.drain()
                link.carried_bytes += len(chunk)
                if room is not None and len(chunk) >= room:
                    self._break(link)
                    return
            if target.can_write_eof():
                target.write_eof()
        except OSError:  # one side is gone: so is the other
            link.close()

    def _room(self, link: "_Link") -> int | None:
        most = self._fault.cut_after_bytes
        return None if most is None else max(0, most - link.carried_bytes)

    def _break(self, link: "_Link") -> None:
        self.broken += 1
        link.reset()


class _Link:
    """A connection through the proxy: both of its ends."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self._ends = (near, far)
        self.carried_bytes = 0

    def reset(self) -> None:
        for end in self._ends:
            _reset(end)

    def close(self) -> None:
        for end in self._ends:
            end.transport.abort()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close as a machine does that knows nothing of the connection: the other side is told at once, without an end."""
    found = writer.get_extra_info("socket")
    if found is not None and found.fileno() >= 0:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    writer.transport.abort()
