"""The proxy does to a connection what it is told, when it is told, and nothing else."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest

from bench.chaos.proxy import WELL, Fault, Proxy
from onhand.embedded.ports import LOOPBACK
from onhand.embedded.postgres import EmbeddedPostgres
from tests.fix_embedded import dsn_of

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def echoing() -> AsyncIterator[Proxy]:
    """A proxy before a server that answers with whatever it is told."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while told := await reader.read(65_536):
                writer.write(told)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, LOOPBACK, 0)
    async with server, Proxy(server.sockets[0].getsockname()[1]) as proxy:
        yield proxy


OPENED: list[asyncio.StreamWriter] = []


@pytest.fixture(autouse=True)
async def closed() -> AsyncIterator[None]:
    """Every connection that a test made is closed after it."""
    yield
    while OPENED:
        OPENED.pop().close()
    await asyncio.sleep(0.01)


async def connected(proxy: Proxy) -> Streams:
    """A connection through the proxy."""
    reader, writer = await asyncio.open_connection(LOOPBACK, proxy.port)
    OPENED.append(writer)
    return reader, writer


async def asked(streams: Streams, told: bytes) -> bytes:
    """What comes back, to the last byte of it."""
    reader, writer = streams
    writer.write(told)
    return await asyncio.wait_for(reader.readexactly(len(told)), 5)


async def test_it_carries_both_ways() -> None:
    """Goal: well, it is not noticed. Method: more than fits into one piece comes back whole, and then the end."""
    async with echoing() as proxy:
        reader, writer = streams = await connected(proxy)
        told = bytes(range(256)) * 2_000
        assert await asked(streams, told) == told
        writer.write_eof()
        assert await reader.read() == b""
        assert (proxy.carried, proxy.broken) == (1, 0)


async def test_latency() -> None:
    """Goal: a slow network. Method: a round trip takes twice the latency, and none of it once it is over."""
    async with echoing() as proxy:
        streams = await connected(proxy)
        for fault, least, most in ((Fault(latency_seconds=0.1), 0.2, 1.0), (WELL, 0.0, 0.1)):
            proxy.set(fault)
            began = time.monotonic()
            assert await asked(streams, b"x") == b"x"
            assert least <= time.monotonic() - began < most


async def test_reset() -> None:
    """Goal: connections end without an end. Method: one is reset, a new one goes through; refused, none does."""
    async with echoing() as proxy:
        streams = await connected(proxy)
        assert await asked(streams, b"x") == b"x"
        assert proxy.reset() == 1
        with pytest.raises(ConnectionResetError):
            await streams[0].read(1)
        assert await asked(await connected(proxy), b"y") == b"y"
        proxy.set(Fault(refuse=True))
        refused = await connected(proxy)
        with pytest.raises(ConnectionResetError):
            await refused[0].read(1)
        assert proxy.broken == 2


async def test_cut_in_the_middle() -> None:
    """Goal: half an answer. Method: of 10 bytes each way 13 go through: all there, three back, then a reset."""
    async with echoing() as proxy:
        reader, writer = streams = await connected(proxy)
        assert await asked(streams, b"before") == b"before"
        proxy.set(Fault(cut_after_bytes=13))
        writer.write(b"0123456789")
        heard = b""
        with pytest.raises(ConnectionResetError):
            while True:
                heard += await reader.readexactly(1)
        assert heard == b"012"


async def test_swallowed() -> None:
    """Goal: a partition: nobody is told anything, and nothing is lost when it heals. Method: ask, wait, heal."""
    async with echoing() as proxy:
        streams = await connected(proxy)
        proxy.set(Fault(swallow=True))
        asking = asyncio.create_task(asked(streams, b"x"))
        new = asyncio.create_task(connected(proxy))
        done, _ = await asyncio.wait({asking}, timeout=0.3)
        assert done == set()
        proxy.set(WELL)
        assert await asking == b"x"
        assert await asked(await new, b"y") == b"y"


async def test_a_server_that_is_not_there() -> None:
    """Goal: the proxy is no server of its own. Method: nobody listens behind it."""
    async with echoing() as proxy:
        nobody = proxy.port
    async with Proxy(nobody) as proxy:
        reader, _ = await connected(proxy)
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        assert proxy.carried == 0


async def test_postgres_through_it(postgres_server: EmbeddedPostgres, database: str) -> None:
    """Goal: what it is for. Method: a statement through it; cut, the next fails; the commit before is there."""
    name = database.rsplit("/", 1)[1]
    async with Proxy(postgres_server.port) as proxy:
        dsn = database.replace(f":{postgres_server.port}/", f":{proxy.port}/")
        connection = await psycopg.AsyncConnection.connect(dsn, autocommit=True)
        await connection.execute("CREATE TABLE seen AS SELECT 1 AS n")
        proxy.set(Fault(cut_after_bytes=1))
        with pytest.raises(psycopg.OperationalError):
            await connection.execute("INSERT INTO seen VALUES (2)")
        assert proxy.broken == 1
    direct = await psycopg.AsyncConnection.connect(dsn_of(postgres_server, name))
    async with direct:
        assert await (await direct.execute("SELECT n FROM seen")).fetchall() == [(1,)]
