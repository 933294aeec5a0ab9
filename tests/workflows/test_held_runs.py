"""Held runs on a real Temporal server: nothing is sent, people hear of it once, and what they let go is sent."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from onhand import guard
from onhand.alerts import hold_report
from onhand.alerts.slack import Delivery, Message
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.ledger import holds, runs
from onhand.ledger.orders import post_orders
from onhand.messages import SyncRequest, publish_id
from onhand.waking import wake_publishers
from tests.fix_ledger import sql
from tests.fix_workflows import MakeStage, Stage
from tests.memory_channel import MemoryChannel
from tests.publish.test_withheld import says
from tests.workflows.test_sync_run import stock

SKUS = [f"S{n:05}" for n in range(12)]
HELD = (
    "held: it would empty 12 of 12 listings (100 %), and move 240 pieces in all; "
    "what empties more than 20 % is held. "
    "Where that is wrong, mend the source: the next run that is not too much lifts the hold. Where it is right: "
)


@dataclass
class Shops:
    """Two channels that show 20 of each SKU, of which nothing is pending."""

    stage: Stage
    web: MemoryChannel
    store: MemoryChannel

    async def says(self, units: int, skus: Sequence[str] = SKUS) -> None:
        """The source has counted these."""
        await says(self.stage.pool, dict.fromkeys(skus, units))

    def calls(self) -> int:
        """Calls of both shops so far, reads and writes."""
        return len(self.web.calls) + len(self.store.calls)

    def shown(self, channel: MemoryChannel) -> set[int]:
        """The levels a shop shows, each once."""
        return set(channel.levels.values())

    def alerts(self) -> list[str]:
        """What people were alerted of, as notifications show it."""
        return [message.text for message in self.stage.slack.said if "is held:" in message.text]


async def opened(make_stage: MakeStage) -> Shops:
    web, store = MemoryChannel("web"), MemoryChannel("store")
    stage = await make_stage([web, store], len(SKUS))
    await stock(stage, dict.fromkeys(SKUS, 20))
    assert (await stage.run()).status == "success"
    shops = Shops(stage, web, store)
    assert (shops.shown(web), shops.shown(store)) == ({20}, {20}), (
        "a first sync changes everything, and is not held"
    )
    return shops


async def test_a_source_that_empties_everything_empties_no_shop(make_stage: MakeStage) -> None:
    """Goal: three runs, no call to any shop, the reason wherever people look, and one alert for each channel."""
    shops = await opened(make_stage)
    await shops.says(0)
    calls = shops.calls()

    async with shops.stage.workers():
        results = [await (await shops.stage.start()).result() for _ in range(3)]
        child = shops.stage.client.get_workflow_handle(f"{results[0].run_id}/{shops.web.name}")
        found = await child.describe()

    assert shops.calls() == calls
    for result in results:
        assert result.status == "partial"
        assert [(c.channel, c.status, c.changed, c.message) for c in result.channels] == [
            (name, "held", 0, f"{HELD}onhand runs release --channel {name}")
            for name in (shops.web.name, shops.store.name)
        ]
        rows = await runs.run_channels(shops.stage.pool, result.run_id)
        assert {row.status for row in rows} == {"held"}
    assert await sql(shops.stage.pool, "SELECT FROM run_plan") == []
    held = HELD.partition(". ")[0]
    assert results[0].summary.endswith(
        f"{shops.web.name} {held}; {shops.store.name} {HELD}onhand runs release --channel CHANNEL."
    )
    assert found.search_attributes["SyncStatus"] == ["held"]
    assert sorted(shops.alerts()) == sorted(
        f"{name} is held: too much would change at once: it would empty 12 of 12 listings (100 %), and move 240 "
        "pieces in all; what empties more than 20 % is held"
        for name in (shops.web.name, shops.store.name)
    )
    first, *_ = await holds.of_channels(shops.stage.pool)
    assert first.run_id == results[2].run_id


async def test_what_is_released_is_sent_and_the_next_broken_file_is_held_again(make_stage: MakeStage) -> None:
    """Goal: one channel let go sends what was held, the other still waits; the release is used up by that run."""
    shops = await opened(make_stage)
    await shops.says(0)
    await shops.stage.run()
    (hold,) = await holds.of_channels(shops.stage.pool, [shops.web.name])
    rules = shops.stage.settings.rule_book()
    tally, changes = await guard.biggest(shops.stage.pool, shops.web.name, rules, 50)
    assert {(change.before, change.after) for change in changes} == {(20, 0)}
    assert await guard.release(shops.stage.pool, hold, tally, by="jo")

    result = await shops.stage.run(SyncRequest(channels=[shops.web.name], trigger="operator"))

    assert [(c.status, c.changed, c.message) for c in result.channels] == [("success", 12, "released by jo")]
    assert (shops.shown(shops.web), shops.shown(shops.store)) == ({0}, {20})
    assert [each.channel for each in await holds.of_channels(shops.stage.pool)] == [shops.store.name]
    await shops.says(30)
    again = await shops.stage.run(SyncRequest(channels=[shops.web.name], trigger="operator"))
    assert [c.status for c in again.channels] == ["held"]
    assert shops.shown(shops.web) == {0}


async def test_a_source_that_got_worse_after_the_release_is_held_anew_and_told(make_stage: MakeStage) -> None:
    """Goal: a release is no blank cheque."""
    shops = await opened(make_stage)
    await shops.says(0, SKUS[:6])
    await shops.stage.run()
    (hold,) = await holds.of_channels(shops.stage.pool, [shops.web.name])
    await guard.release(shops.stage.pool, hold, hold.tally, by="jo")
    await shops.says(0, SKUS[6:])
    calls = shops.calls()

    result = await shops.stage.run(SyncRequest(channels=[shops.web.name], trigger="operator"))

    assert [c.status for c in result.channels] == ["held"]
    assert shops.calls() == calls
    assert len([text for text in shops.alerts() if shops.web.name in text]) == 2


async def test_a_mended_source_goes_on_by_itself_and_says_so(make_stage: MakeStage) -> None:
    """Goal: nobody has to release anything; what was right all along is not told again."""
    shops = await opened(make_stage)
    await shops.says(0)
    held = await shops.stage.run()
    await shops.says(20, SKUS[1:])
    await shops.says(19, SKUS[:1])

    result = await shops.stage.run()

    assert result.status == "success"
    assert [(c.status, c.changed, c.unchanged) for c in result.channels] == [("success", 1, 11)] * 2
    assert [c.message for c in result.channels] == [
        f"the hold of {held.run_id} is over: what is to be told to {name} is not too much any more"
        for name in (shops.web.name, shops.store.name)
    ]
    assert f"the hold of {held.run_id} is over" in result.summary
    assert (shops.shown(shops.web), shops.shown(shops.store)) == ({19, 20}, {19, 20})
    assert await holds.of_channels(shops.stage.pool) == []
    assert await sql(shops.stage.pool, "SELECT FROM outbox") == []


async def test_full_runs_are_held_and_named_skus_are_not(make_stage: MakeStage) -> None:
    """Goal: whoever reads everything back has not looked at anything; whoever names SKUs has."""
    shops = await opened(make_stage)
    await shops.says(0)
    calls = shops.calls()
    full = await shops.stage.run(SyncRequest(full=True, trigger="operator"))
    assert ([c.status for c in full.channels], shops.calls()) == (["held", "held"], calls)

    named = await shops.stage.run(SyncRequest(skus=SKUS[:8], trigger="operator"))

    assert [(c.status, c.changed) for c in named.channels] == [("success", 8)] * 2
    assert sorted(shops.web.levels.values()) == [0] * 8 + [20] * 4
    assert len(await holds.of_channels(shops.stage.pool)) == 2, "for the others it stands"


async def test_what_sells_is_told_while_the_rest_is_held(make_stage: MakeStage) -> None:
    """Goal: through a whole worker: a sale reaches the other shop as one fewer, and no other level moves."""
    shops = await opened(make_stage)
    await shops.says(0)
    await shops.stage.run()
    pool = shops.stage.pool
    (listing,) = (
        await sql(
            pool,
            "SELECT l.id FROM listing l JOIN channel c ON c.id = l.channel_id"
            f" WHERE c.name = '{shops.web.name}' AND l.item_id = 'S00003'",
        )
    )[0]

    async with shops.stage.workers():
        await sold(shops, listing)
        for _ in range(100):
            if shops.store.levels["S00003", ""] != 20:
                break
            await asyncio.sleep(0.05)
        result = await (await shops.stage.start()).result()
        for channel in (shops.web, shops.store):
            await shops.stage.client.get_workflow_handle(publish_id(channel.name)).terminate("seen")

    assert {sku: level for (sku, _), level in shops.store.levels.items() if level != 20} == {"S00003": 18}
    assert shops.shown(shops.web) == {20}
    assert [c.status for c in result.channels] == ["held", "held"]


async def sold(shops: Shops, listing: int) -> None:
    """Two pieces are bought in one shop; its order reaches the ledger, and whoever has to be is signalled."""
    woken: set[str] = set()
    now = datetime.now(UTC)
    line = OrderLine("1", "S00003", "leeds", 2, 0, listing)
    await post_orders(shops.stage.pool, [OrderSnapshot(shops.web.name, "1001", 1, now, (line,), now)], woken)
    await wake_publishers(shops.stage.client, woken)


async def test_a_hold_that_nobody_could_be_told_of_is_told_by_the_next_run(make_stage: MakeStage) -> None:
    """Goal: killed between the hold and the alert, or with Slack away, people hear of it all the same, once."""
    shops = await opened(make_stage)
    await shops.says(0)
    await shops.stage.run()
    pool, settings = shops.stage.pool, shops.stage.settings
    await sql(pool, "UPDATE hold SET told_at = NULL")  # as if it had died before
    shops.stage.slack.said.clear()

    class Away:
        """A Slack that takes nothing."""

        async def post(self, message: Message) -> Delivery:
            return Delivery(False, "away")

    assert [d.ok for d in await hold_report.tell(Away(), pool, settings)] == [False, False]
    await shops.stage.run()
    await shops.stage.run()
    assert len(shops.alerts()) == 2, "one for each channel"


async def test_a_guard_that_is_off_lets_everything_go(make_stage: MakeStage) -> None:
    """Goal: the negative control: without it a broken source does empty both shops."""
    shops = await opened(make_stage)
    off = shops.stage.settings.guard.model_copy(update={"enabled": False})
    shops.stage.settings = shops.stage.settings.model_copy(update={"guard": off})
    await shops.says(0)
    result = await shops.stage.run()
    assert [(c.status, c.changed) for c in result.channels] == [("success", 12)] * 2
    assert (shops.shown(shops.web), shops.shown(shops.store)) == ({0}, {0})
