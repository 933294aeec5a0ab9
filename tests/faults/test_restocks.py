"""What each platform's shop restocks by itself after it shipped: sold on at once, or taken off until it is inspected.

Method: the sandbox's own book sells, ships, refunds; sweeps bring it in, and the publisher's own step tells the shop.
"""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from onhand import sweeping
from onhand.domain.listings import ChannelRules, RuleBook
from onhand.domain.returns import Outcome, ReturnStatement
from onhand.domain.rules import Rule
from onhand.intake import take
from onhand.ledger.returns import post_returns, waiting
from tests.faults.stage import SKUS, Stage

SKU = SKUS[0]
"""The one that is sold; the shop shows 5 of it at first."""


async def hear(stage: Stage, rules: ChannelRules) -> None:
    """Sweep the shop's orders and take them in."""
    stage.sandbox.clock.advance(60)
    await sweeping.sweep(stage.pool, stage.channel, datetime.fromtimestamp(stage.sandbox.clock.now(), UTC))
    while (await take(stage.pool, stage.channel, rules)).deliveries:
        continue


@pytest.mark.parametrize(("trusted", "shown"), [(True, 4), (False, 3)])
async def test_a_restocked_refund(stage: Stage, trusted: bool, shown: int) -> None:
    """Goal: of two sold one is refunded and put back, so the shop shows 4. Trusted, it goes on showing that; otherwise
    it is told 3 until the unit was found whole."""
    rules = ChannelRules(
        Rule(name=stage.name), {stage.place: ("leeds",)}, listens=True, trusts_returns=trusted
    )
    stage.rules = RuleBook({stage.name: rules})
    book = stage.sandbox.world.books[stage.name]
    order = book.place([(book.shop.by_sku[SKU][0], stage.place, 2)])
    await hear(stage, rules)
    stage.sandbox.clock.advance(60)
    book.ship(order.order_id)
    await hear(stage, rules)
    stage.sandbox.clock.advance(60)
    book.refund(order.order_id, order.lines[0].line_id, 1, restock=True)
    assert stage.truths()[0] == 4
    await hear(stage, rules)
    await hear(stage, rules)
    assert (await stage.books())[0] == 4, "what it did by itself is known"

    await stage.bring(skus=[SKU])
    assert stage.truths()[0] == shown
    assert (await stage.books())[0] == shown
    assert [(each.order_id, each.sku, each.units) for each in await waiting(stage.pool)] == (
        [] if trusted else [(order.order_id, SKU, 1)]
    )

    now = datetime.now(UTC)
    whole = ReturnStatement("wms", "i", SKU, "leeds", 1, now, Outcome.SELLABLE, stage.name, order.order_id)
    await post_returns(stage.pool, [replace(whole, external_id="r", outcome=None), whole])
    await stage.bring(skus=[SKU])
    assert stage.truths()[0] == 4
    assert await waiting(stage.pool) == []
