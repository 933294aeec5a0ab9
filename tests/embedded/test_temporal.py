"""The embedded Temporal: what it keeps, and what it comes back from."""

import os
import signal
import socket
import stat
import urllib.request
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client, WorkflowExecutionStatus

from onhand.embedded.errors import StartFailed
from onhand.embedded.temporal import EmbeddedTemporal


def server(data_dir: Path) -> EmbeddedTemporal:
    return EmbeddedTemporal(data_dir, port=57_233, ui_port=58_233, metrics_port=59_233)


async def start_waiting(temporal: EmbeddedTemporal) -> None:
    """A workflow that no worker has taken yet."""
    client = await Client.connect(temporal.address)
    await client.start_workflow("Waiting", id="waiting", task_queue="nobody")


async def status(temporal: EmbeddedTemporal) -> WorkflowExecutionStatus | None:
    client = await Client.connect(temporal.address)
    return (await client.get_workflow_handle("waiting").describe()).status


async def test_a_workflow_outlives_a_stop_and_a_kill(data_dir: Path) -> None:
    async with server(data_dir) as temporal:
        await start_waiting(temporal)
        address = temporal.address
        assert temporal.pid is not None
        os.kill(temporal.pid, signal.SIGKILL)
        assert await temporal.wait() == -signal.SIGKILL
        await temporal.start()
        assert temporal.address == address
        assert stat.S_IMODE((data_dir / "temporal.db").stat().st_mode) == 0o600
        assert await status(temporal) == WorkflowExecutionStatus.RUNNING
    async with server(data_dir) as again:
        assert again.address == address
        assert await status(again) == WorkflowExecutionStatus.RUNNING


async def test_search_attributes_ui_and_metrics_are_there(data_dir: Path) -> None:
    async with server(data_dir) as temporal:
        client = await Client.connect(temporal.address)
        registered = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace="default")
        )
        keyword, number = (
            IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
            IndexedValueType.INDEXED_VALUE_TYPE_INT,
        )
        assert {
            n: registered.custom_attributes[n] for n in ("Channel", "Sku", "SyncRunId", "SyncStatus")
        } == (dict.fromkeys(("Channel", "Sku", "SyncRunId", "SyncStatus"), keyword))
        assert registered.custom_attributes["FailedSkus"] == number
        for url in (temporal.ui_url, temporal.metrics_url):
            with urllib.request.urlopen(url, timeout=5) as answer:
                assert answer.status == 200


async def test_a_server_whose_parent_was_killed_is_stopped_and_replaced(data_dir: Path) -> None:
    orphaned = server(data_dir)
    await orphaned.start()
    await start_waiting(orphaned)
    async with server(data_dir) as temporal:
        assert temporal.pid != orphaned.pid
        assert temporal.address == orphaned.address
        assert await orphaned.wait() == 0, "it was shut down, not killed"
        assert await status(temporal) == WorkflowExecutionStatus.RUNNING


async def test_taken_ports_are_left_to_their_owners(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        async with EmbeddedTemporal(data_dir, port=taken, ui_port=taken, metrics_port=taken) as temporal:
            ports = {int(url.rstrip("/metrics").rsplit(":")[-1]) for url in (
                temporal.address, temporal.ui_url, temporal.metrics_url)}  # fmt: skip
            assert len(ports) == 3
            assert taken not in ports


async def test_a_server_that_cannot_start_says_why_and_leaves_nothing(data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "temporal.db").write_text(
        "this is no database, and longer than the header of one would be " * 20
    )
    broken = server(data_dir)
    with pytest.raises(StartFailed, match="file is not a database") as caught:
        await broken.start()
    assert str(broken.log_file) in str(caught.value)
    assert broken.pid is None
