"""Where the servers are, and how we speak to them."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from onhand.connect import connect_temporal
from onhand.settings import Settings


@asynccontextmanager
async def passed_on(target: str) -> AsyncIterator[str]:
    """An address that leads to the target while the body runs."""
    host, port = target.split(":")
    writers: list[asyncio.StreamWriter] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(host, int(port))
        writers.extend((writer, there_writer))
        await asyncio.gather(pump(reader, there_writer), pump(there_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in writers:
            writer.close()


async def test_what_the_sdks_core_says_goes_to_our_log(
    temporal_env: WorkflowEnvironment,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Goal: a Temporal that goes away spoils no answer on stdout. Method: cut the line and call, with retries."""
    settings = Settings.model_validate({"locations": {"leeds": {}}, "channels": {"woo": WOO}})
    async with passed_on(temporal_env.client.service_client.config.target_host) as address:
        monkeypatch.setenv("TEMPORAL_ADDRESS", address)
        client = await connect_temporal(settings)
    with caplog.at_level(logging.WARNING), pytest.raises(RPCError):
        await client.get_workflow_handle("none").describe(rpc_timeout=timedelta(seconds=6))
    assert capfd.readouterr() == ("", "")
    assert any(record.name.startswith("temporalio.core") for record in caplog.records)


WOO = {
    "platform": "woocommerce",
    "base_url": "http://127.0.0.1:1",
    "key_env": "UNUSED_KEY",
    "secret_env": "UNUSED_SECRET",
    "locations": ["leeds"],
}
