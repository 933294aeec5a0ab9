"""The inbox over time: what is settled goes with its retention, what somebody still has to see to stays."""

from onhand.ledger import inbox
from onhand.ledger.database import Pool
from onhand.ledger.inbox import InboxOutcome, Received, Settled


async def test_settled_deliveries_go_and_poison_and_what_waits_stay(shop: Pool) -> None:
    """Goal: the inbox does not grow for ever, and what was not dealt with is not lost. Method: age all by a month."""
    told = [Received("web", name, name.encode(), "order", "t", name, {}) for name in ("done", "bad", "waits")]
    done, bad, _ = await inbox.accept(shop, told)
    assert done.inbox_id is not None
    assert bad.inbox_id is not None
    async with shop.connection() as connection:
        outcomes = [Settled(done.inbox_id, InboxOutcome.POSTED), Settled(bad.inbox_id, InboxOutcome.POISON)]
        await inbox.settle(connection, outcomes)
        await connection.execute("UPDATE inbox SET received_at = received_at - interval '30 days'")

    assert await inbox.forget_old(shop, 31) == 0
    assert await inbox.forget_old(shop, 29) == 1
    assert [row.subject for row in await inbox.listed(shop, "web", None, 10)] == ["waits", "bad"]
