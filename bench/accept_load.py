"""The load for `accept`: `python -m bench.accept_load PORT COUNT CONNECTIONS FIRST` delivers so many orders.

Each connection sends its next request when the last one is answered. Prints one object: seconds, and the latencies in
milliseconds at the middle and at the 99th of a hundred. All requests are made before the clock starts; an answer is
looked at as bytes, so that the load costs a small part of what it measures.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from typing import cast

import uvloop

from bench.accept_orders import request

ACCEPTED = b"HTTP/1.1 200 "


class Connection(asyncio.Protocol):
    """One connection that is never idle until there is nothing left."""

    def __init__(self, requests: Iterator[bytes], latencies: list[float]) -> None:
        self._requests = requests
        self._latencies = latencies
        self._sent_at = 0.0
        self._transport: asyncio.WriteTransport | None = None
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for `begin`."""
        self._transport = cast(asyncio.WriteTransport, transport)

    def begin(self) -> None:
        """Send the next request, or end."""
        assert self._transport is not None
        following = next(self._requests, None)
        if following is None:
            self._transport.close()
            self.ended.set_result(None)
            return
        self._sent_at = time.perf_counter()
        self._transport.write(following)

    def data_received(self, data: bytes) -> None:
        """An answer without a body comes in one piece."""
        if not data.startswith(ACCEPTED) or not data.endswith(b"\r\n\r\n"):
            self.ended.set_exception(RuntimeError(f"an order was answered {data[:60]!r}"))
            return
        self._latencies.append(time.perf_counter() - self._sent_at)
        self.begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """The server went away."""
        if not self.ended.done():
            self.ended.set_exception(RuntimeError("the app closed a connection"))


async def deliver(port: int, count: int, connections: int, first: int) -> dict[str, float]:
    """Deliver, and answer the figures."""
    requests = iter([request(first + n) for n in range(count)])
    latencies: list[float] = []
    loop = asyncio.get_running_loop()
    made = [
        (await loop.create_connection(lambda: Connection(requests, latencies), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    began = time.perf_counter()
    for connection in made:
        connection.begin()
    await asyncio.gather(*(connection.ended for connection in made))
    seconds = time.perf_counter() - began
    latencies.sort()
    return {
        "seconds": seconds,
        "p50_ms": latencies[len(latencies) // 2] * 1_000,
        "p99_ms": latencies[min(len(latencies) - 1, len(latencies) * 99 // 100)] * 1_000,
    }


if __name__ == "__main__":
    print(json.dumps(uvloop.run(deliver(*map(int, sys.argv[1:])))))
