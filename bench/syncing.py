"""One sync run from the outside: its times, the calls the shops counted, its histories, and whether it did its work."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from temporalio.client import Client

from bench.figures import BenchFailed, tell
from bench.shops import SHOPS
from bench.world import World
from onhand import runs
from onhand.embedded.services import CommandService
from onhand.ledger.database import open_pool
from onhand.ledger.runs import RunChannelRow
from onhand.messages import SyncRequest

WRITES = {
    "shopify": ("inventorySetQuantities",),
    "woocommerce": ("products/batch",),
    "bigcommerce": ("put-absolute-adjustment",),
}
"""What the sandbox calls the operations that change a level."""


@dataclass(frozen=True, slots=True)
class History:
    """One workflow run's history: how many events, how many bytes."""

    workflow: str
    events: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class SyncMeasure:
    """One run: seconds as recorded, of the whole and of each channel; calls by shop and operation; histories.

    `began` is when each channel's part began, in seconds since the epoch.
    """

    seconds: float
    channels: Mapping[str, float]
    began: Mapping[str, float]
    changed: int
    unchanged: int
    calls: Mapping[str, Mapping[str, int]]
    histories: tuple[History, ...]

    @property
    def over_slowest(self) -> float:
        """The run's time over that of its slowest channel."""
        return self.seconds / max(self.channels.values())

    def writes(self, channel: str | None = None) -> int:
        """Write calls that one shop counted, or all of them."""
        return sum(
            self.calls[name].get(operation, 0)
            for name, operations in WRITES.items()
            if channel in (None, name)
            for operation in operations
        )


async def sync(
    world: World, dsn: str, worker: CommandService, what: str, channels: Sequence[str] | None = None
) -> SyncMeasure:
    """Run once over all channels, or some, and measure it. Raises BenchFailed when any of it did not succeed."""
    before = await world.calls()
    request = SyncRequest(channels=None if channels is None else list(channels), trigger="operator")
    handle = await runs.start(world.client, request)
    await _until_done(asyncio.create_task(handle.result()), worker)
    async with open_pool(dsn, size=1) as pool:
        found = await runs.look(pool, handle.id)
    if found.run is None or found.run.finished_at is None or found.run.status != "success":
        raise BenchFailed(f"{what}: the run did not succeed: {found.run and found.run.summary}")
    calls = {name: _less(counts, before.get(name, {})) for name, counts in (await world.calls()).items()}
    measure = SyncMeasure(
        (found.run.finished_at - found.run.started_at).total_seconds(),
        {channel.channel: _seconds(channel) for channel in found.channels},
        {channel.channel: channel.started_at.timestamp() for channel in found.channels},
        sum(channel.changed for channel in found.channels),
        sum(channel.unchanged for channel in found.channels),
        calls,
        await _histories(world.client, handle.id, [channel.channel for channel in found.channels]),
    )
    walls = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in measure.channels.items())
    tell(f"  {what}: {measure.seconds:.1f} s ({walls}), {measure.changed} changed, {measure.writes()} writes")
    return measure


async def require_shown(world: World, skus: int, level: int) -> None:
    """Raise BenchFailed unless every shop shows `level` for every SKU: what was measured was really done."""
    for shop in SHOPS:
        shown = await world.shown(shop.name, shop.place)
        wrong = sum(1 for quantity in shown.values() if quantity != level)
        if wrong or len(shown) != skus:
            raise BenchFailed(
                f"{shop.name} shows {wrong} of {len(shown)} levels wrong ({skus} expected at {level})"
            )


async def require_alike(world: World) -> None:
    """Raise BenchFailed unless every shop shows the same of every SKU, and less than at first of some."""
    shown = [await world.shown(shop.name, shop.place) for shop in SHOPS]
    wrong = [sku for sku in shown[0] if len({each.get(sku) for each in shown}) > 1]
    if wrong or not shown[0]:
        raise BenchFailed(
            f"the shops disagree on {len(wrong)} of {len(shown[0])} SKUs, {wrong[:3]} among them"
        )


async def _until_done(result: "asyncio.Task[object]", worker: CommandService) -> None:
    """Wait for the run's end, or for the worker's, which must not come first."""
    died = asyncio.create_task(worker.wait())
    try:
        await asyncio.wait([result, died], return_when=asyncio.FIRST_COMPLETED)
        if not result.done():
            raise BenchFailed(
                f"the worker ended ({died.result()}) in the middle of a run; see {worker.log_file}"
            )
        result.result()
    finally:
        for task in (result, died):
            task.cancel()
        await asyncio.gather(result, died, return_exceptions=True)


def _seconds(channel: RunChannelRow) -> float:
    if channel.finished_at is None or channel.status != "success":
        raise BenchFailed(f"{channel.channel} ended {channel.status}: {channel.message}")
    return (channel.finished_at - channel.started_at).total_seconds()


def _less(now: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    return {name: count - before.get(name, 0) for name, count in now.items()}


async def _histories(client: Client, run_id: str, channels: Sequence[str]) -> tuple[History, ...]:
    """Every execution of the run and its channels, those that continued as new included."""
    found = []
    for workflow_id in (run_id, *(f"{run_id}/{channel}" for channel in channels)):
        run: str | None = (await client.get_workflow_handle(workflow_id).describe()).run_id
        while run:
            handle = client.get_workflow_handle(workflow_id, run_id=run)
            info = (await handle.describe()).raw_description.workflow_execution_info
            found.append(History(workflow_id, info.history_length, info.history_size_bytes))
            run = await _run_before(client, workflow_id, run)
    return tuple(found)


async def _run_before(client: Client, workflow_id: str, run: str) -> str | None:
    """The execution that continued as this one, by the first event of its history."""
    handle = client.get_workflow_handle(workflow_id, run_id=run)
    async for event in handle.fetch_history_events(page_size=1):
        return event.workflow_execution_started_event_attributes.continued_execution_run_id or None
    return None
