"""Webhooks that a shop doubles, shuffles, delays and loses: the ledger ends where the shop is.

Method: the sandbox's own deliveries, signed and sent to a port of this machine, are read by the platform's receiver and
taken into the ledger; the sweep brings what was lost. Nothing is pushed, so the shop's levels are the buyers' alone.
"""

import random
from datetime import UTC, datetime

from onhand import sweeping
from onhand.channels.bigcommerce import BigCommerceReceiver
from onhand.channels.inbound import Receiver
from onhand.channels.shopify import ShopifyReceiver
from onhand.channels.woocommerce import WooCommerceReceiver
from onhand.domain.listings import ChannelRules
from onhand.domain.rules import Rule
from onhand.intake import take
from onhand.ledger import inbox
from onhand.sandbox.fault_plan import plan
from onhand.web.keeping import row_of
from tests.faults.stage import SKUS, Stage
from tests.fix_ledger import sql
from tests.sandbox.fix_sending import Receiver as Port
from tests.sandbox.fix_sending import receiving, settled

SEED = 7
ORDERS = 40
SECRET = "a" * 32


def receiver_of(name: str) -> Receiver:
    """The way in of the platform."""
    if name == "shopify":
        return ShopifyReceiver(["sandbox-shopify-secret"], shop_domain="onhand-sandbox.myshopify.com")
    if name == "woocommerce":
        return WooCommerceReceiver([SECRET])
    return BigCommerceReceiver([SECRET], client_secret="sandbox-bc-client-secret", places=["1"])


def headers_in(head: str) -> dict[str, str]:
    """The headers of a request, as the web app hands them on."""
    lines = [line.partition(": ") for line in head.split("\r\n")[1:] if line]
    return {name.lower(): value for name, _, value in lines}


async def trade(stage: Stage) -> None:
    """Buyers buy; merchants ship, cancel and take back. The same for the same seed."""
    chance, book = random.Random(SEED), stage.sandbox.world.books[stage.name]
    shop = book.shop
    for _ in range(ORDERS):
        stage.sandbox.clock.advance(1)
        sku = chance.choice(SKUS)
        order = book.place([(shop.by_sku[sku][0], stage.place, chance.randint(1, 2))])
        what = chance.random()
        if what < 0.3:
            book.cancel(order.order_id)
        elif what < 0.6:
            book.ship(order.order_id)
            if what < 0.4:
                book.refund(order.order_id, order.lines[0].line_id, 1, restock=True)


async def keep(stage: Stage, port: Port) -> int:
    """Everything that arrived, made durable and taken; how many deliveries were new."""
    now = datetime.fromtimestamp(stage.sandbox.clock.now(), UTC)
    reader = receiver_of(stage.name)
    arrived = []
    for head, body in zip(port.heads, port.bodies, strict=True):
        delivery = reader.receive(headers_in(head), body.encode(), now)
        arrived.append(row_of(stage.name, delivery, "", body.encode()))
    accepted = await inbox.accept(stage.pool, arrived)
    await take_all(stage)
    return sum(each.inbox_id is not None for each in accepted)


async def take_all(stage: Stage) -> None:
    rules = ChannelRules(Rule(name=stage.name), {stage.place: ("leeds",)}, listens=True)
    while (await take(stage.pool, stage.channel, rules)).deliveries:
        continue


async def available(stage: Stage) -> tuple[int, ...]:
    """What the ledger says can be sold."""
    rows = await sql(
        stage.pool, "SELECT b.available FROM balance b JOIN sku s ON s.id = b.sku_id ORDER BY s.code"
    )
    return tuple(pieces for (pieces,) in rows)


async def test_whatever_becomes_of_webhooks_the_ledger_is_right_after_the_sweep(stage: Stage) -> None:
    """Goal: each fact once, however often and in which order it came; what was lost, too."""
    for sku in SKUS:
        await stage.receive(sku, 100)
    await stage.bring()
    stage.fails("webhooks_doubled", share=0.3, seed=SEED)
    stage.fails("webhooks_shuffled", share=0.3, seed=SEED)
    stage.fails("webhooks_late", share=0.5, seed=SEED, most_seconds=10)
    dropped = stage.fails("webhooks_dropped", share=0.3, seed=SEED)
    sender = stage.sandbox.world.senders[stage.name]
    sender.time_scale = 0.001
    async with receiving() as port:
        await stage.channel.hooks.ensure(port.url.partition("?")[0])
        await trade(stage)
        await settled(sender)
        assert dropped.struck > 0
        stats = sender.stats()
        assert (stats["lost"], stats["given_up"]) == (dropped.struck, 0)
        assert stats["duplicated"] > 0
        new = await keep(stage, port)
        assert 0 < new < len(port.bodies), "what came twice is kept once"
    assert await available(stage) != stage.truths(), "something was lost"
    swept = await sweeping.sweep(
        stage.pool, stage.channel, datetime.fromtimestamp(stage.sandbox.clock.now(), UTC)
    )
    assert swept.orders == ORDERS
    await take_all(stage)
    assert await available(stage) == stage.truths()
    await keep(stage, port)
    assert await available(stage) == stage.truths(), "all of it again changes nothing"
    counts = await sql(stage.pool, "SELECT count(*) FROM inbox")
    stage.sandbox.clock.advance(60)
    swept = await sweeping.sweep(
        stage.pool, stage.channel, datetime.fromtimestamp(stage.sandbox.clock.now(), UTC)
    )
    assert swept.orders > 0
    assert await sql(stage.pool, "SELECT count(*) FROM inbox") == counts, "nothing is swept in twice"


async def test_a_minute_of_a_bad_day_can_be_lived_through(stage: Stage) -> None:
    """Goal: the planned faults are such that levels are right soon after they end, without a person: twenty minutes of
    pushes into them, and one full look after each."""
    clock, trouble = stage.sandbox.clock, stage.sandbox.world.troubles[stage.name]
    for minute in range(20):
        for planned in plan(SEED, minute, platforms=[stage.name]):
            trouble.switch_on(planned.fault)
        stock = await available(stage)
        for sku in SKUS:
            await stage.receive(sku, 1)
        await stage.try_bring()
        clock.advance(60)
        await stage.try_bring()
        stage.is_well()
        clock.advance(60)
        await stage.bring_fully()
        assert stage.truths() == tuple(pieces + 1 for pieces in stock), f"minute {minute} of seed {SEED}"
