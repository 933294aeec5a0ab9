"""A sandbox Shopify shop with its orders and webhooks at hand, its adapter, and the receiver of its deliveries."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from starlette.applications import Starlette

from onhand.channels.base import ItemRef
from onhand.channels.inbound import Delivery
from onhand.channels.shopify import Shopify, ShopifyReceiver, StaticToken
from onhand.domain.sales import ChannelOrder
from onhand.sandbox.orders import Happening, OrderBook
from onhand.sandbox.shop import Shop
from onhand.sandbox.shopify import ShopifyOptions, routes, wire
from onhand.sandbox.traffic import Traffic
from onhand.sandbox.wire import Post, Subscription, Subscriptions
from tests.channels.case_shopify import LEEDS, LONDON, fill, validator
from tests.fix_channels import BASE_URL, FakeClock, Wire, number_of

DOMAIN = "onhand-sandbox.myshopify.com"
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@dataclass
class ShopifyWorld:
    """Everything of one shop. `happenings` is all that its orders have told of."""

    clock: FakeClock
    options: ShopifyOptions
    shop: Shop
    book: OrderBook
    subscriptions: Subscriptions
    traffic: Traffic
    transport: Wire
    adapter: Shopify
    receiver: ShopifyReceiver
    happenings: list[Happening] = field(default_factory=list)

    def fill(self, count: int, level: int = 10) -> list[ItemRef]:
        """Items with this level at both locations."""
        refs = fill(self.shop, count)
        for ref in refs:
            for place in (LEEDS, LONDON):
                self.shop.edit(number_of(ref), place, level)
        return refs

    def post(self, topic: str, happening: Happening | None = None) -> Post | None:
        """The webhook of a happening (the last one) under a topic."""
        maker = wire(self.shop, self.options)
        return maker.post(
            happening or self.happenings[-1], Subscription("1", topic, "https://example.com/in")
        )

    def delivery(self, topic: str, happening: Happening | None = None) -> Delivery:
        """What the receiver makes of it."""
        post = self.post(topic, happening)
        assert post is not None, f"{topic} does not tell of it"
        return self.receiver.receive(lower(post), post.body, NOW)

    def told(self, topic: str = "ORDERS_UPDATED") -> ChannelOrder:
        """The order in the webhook of the last happening."""
        order = self.delivery(topic).order
        assert order is not None
        return order


def lower(post: Post) -> dict[str, str]:
    """Headers as the web app hands them on."""
    return {name.lower(): value for name, value in post.headers.items()}


@pytest.fixture
def shopify_world(clock: FakeClock) -> Iterator[ShopifyWorld]:
    """A shop without limits; afterwards everything the adapter sent must keep to the published schema."""
    shop = Shop("Sandbox Shopify", {LEEDS: "Leeds", LONDON: "London"}, clock=clock.now)
    options = ShopifyOptions(limits=False, clock=clock.now, domain=DOMAIN)
    book, subscriptions, traffic = OrderBook(shop, clock.now), Subscriptions(), Traffic("shopify")
    transport = Wire(Starlette(routes=routes(shop, options, traffic, book, subscriptions)))
    adapter = Shopify(
        "shopify-test",
        BASE_URL,
        StaticToken(options.access_token),
        (LEEDS, LONDON),
        transport=transport,
        clock=clock.now,
        sleep=clock.sleep,
    )
    receiver = ShopifyReceiver([options.client_secret], shop_domain=DOMAIN)
    world = ShopifyWorld(clock, options, shop, book, subscriptions, traffic, transport, adapter, receiver)
    book.listeners.append(world.happenings.append)
    yield world
    check = validator()
    for exchange in transport.exchanges if check else ():
        check(exchange)
