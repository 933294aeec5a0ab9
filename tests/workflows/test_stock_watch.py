"""What runs beside sweeps and read-backs, on a real Temporal: hiding at zero, low stock, counts that wait."""

import asyncio
from datetime import UTC, datetime

from onhand import reconciliations
from onhand.domain.cycle_counts import CountRules
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement, event_of
from onhand.ledger import count_sheets, cycle_counts
from onhand.ledger.count_comparing import Entered
from onhand.ledger.posting import post_events
from onhand.messages import SYNC_TASK_QUEUE, ReconcileRequest, SweepRequest, sweep_id
from onhand.settings import ReconcileSettings
from onhand.settings_stock import LowStockSettings
from onhand.waking import wake_publishers
from tests.fix_live import LONG, named, nothing_pending, until
from tests.fix_workflows import Stage


def configured(stage: Stage, **changes: object) -> None:
    """Every channel with these settings, SKUs low at 5, read-backs that do not wait."""
    channels = {name: each.model_copy(update=changes) for name, each in stage.settings.channels.items()}
    sections = {
        "channels": channels,
        "low_stock": LowStockSettings(units=5),
        "reconcile": ReconcileSettings(after_sync=False, settle_seconds=0.1),
    }
    stage.settings = stage.settings.model_copy(update=sections)


async def move(stage: Stage, number: str, units: int) -> None:
    """Units of S00003 more or fewer, told to the channels at once."""
    moved = Movement("test", number, EventKind.ADJUSTMENT, "S00003", "leeds", units, datetime.now(UTC))
    await post_events(stage.pool, [event_of(moved)], set())
    await wake_publishers(stage.client, stage.channels)
    await until(lambda: nothing_pending(stage))


async def sweep(stage: Stage, channel: str, which: str) -> None:
    """One order sweep, to its end."""
    done = stage.client.execute_workflow(
        "OrderSweep",
        SweepRequest(channel=channel),
        id=f"{sweep_id(channel)}-{which}",
        task_queue=SYNC_TASK_QUEUE,
    )
    await asyncio.wait_for(done, LONG)


async def test_a_sweep_hides_what_ran_out_and_tells_people_once(shops: Stage) -> None:
    """Goal: sold out, out of sight with the next sweep and told; restocked, in sight with the one after it."""
    web, mall = named(shops, "web"), named(shops, "mall")
    configured(shops, hide_at_zero=True)
    async with shops.workers():
        await move(shops, "out", -100)
        await sweep(shops, web.name, "1")
        assert (web.hidden, mall.hidden) == ({"S00003"}, set())
        await move(shops, "in", 50)
        await sweep(shops, web.name, "2")
    assert web.hidden == set()
    assert [message.text for message in shops.slack.said] == ["S00003 is out of stock"]


async def test_a_read_back_does_it_where_orders_are_ignored(shops: Stage) -> None:
    """Goal: such a channel has no sweeps; also a count that waits is told of after the read-back."""
    web = named(shops, "web")
    configured(shops, hide_at_zero=True, orders="ignore")
    async with shops.workers():
        await move(shops, "out", -100)
        sheet = await count_sheets.start(shops.pool, "leeds", ["S00004"], by="ann", note="")
        await cycle_counts.enter(shops.pool, sheet.sheet_id, [Entered("S00004", 50)], CountRules(), by="ann")
        started = await reconciliations.start(shops.client, ReconcileRequest(trigger="operator"))
        await asyncio.wait_for(started.result(), LONG)
    assert web.hidden == {"S00003"}
    assert sorted(message.text for message in shops.slack.said) == [
        "S00003 is out of stock",
        "S00004: counted 50 at leeds, expected 100",
    ]


async def test_where_it_is_not_wanted_nothing_is_hidden(shops: Stage) -> None:
    """Goal: the setting is off unless it is switched on, and then no call is made."""
    web = named(shops, "web")
    configured(shops)
    async with shops.workers():
        await move(shops, "out", -100)
        web.calls.clear()
        await sweep(shops, web.name, "1")
    assert (web.hidden, web.calls) == (set(), [])
