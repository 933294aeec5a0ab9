"""The sandbox world: one shop on each platform, their traffic, and a Slack workspace."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from starlette.routing import BaseRoute

from onhand.sandbox import bigcommerce, shopify, woocommerce
from onhand.sandbox.bigcommerce import BigCommerceOptions
from onhand.sandbox.dripping import Sleep
from onhand.sandbox.orders import OrderBook
from onhand.sandbox.policies import POLICIES
from onhand.sandbox.sending import Sender
from onhand.sandbox.shop import Shop
from onhand.sandbox.shopify import ShopifyOptions
from onhand.sandbox.slack import Slack, SlackOptions
from onhand.sandbox.traffic import Traffic
from onhand.sandbox.trouble import Trouble
from onhand.sandbox.wire import Subscriptions, Wire
from onhand.sandbox.woocommerce import WooOptions
from onhand.sandbox.words import Words

SHOPIFY_PLACES = {"gid://shopify/Location/1001": "Leeds", "gid://shopify/Location/1002": "London"}
BIGCOMMERCE_PLACES = {"1": "Leeds", "2": "London"}
WOO_PLACES = {"": "Shop"}


@dataclass(frozen=True, slots=True)
class WorldOptions:
    """The options of each platform; the defaults are the documented standard plans."""

    shopify: ShopifyOptions = field(default_factory=ShopifyOptions)
    woocommerce: WooOptions = field(default_factory=WooOptions)
    bigcommerce: BigCommerceOptions = field(default_factory=BigCommerceOptions)
    slack: SlackOptions = field(default_factory=SlackOptions)

    def without_limits(self) -> "WorldOptions":
        """The same with every rate limit switched off, and accepted levels shown at once."""
        return replace(
            self,
            shopify=replace(self.shopify, limits=False),
            woocommerce=replace(self.woocommerce, limits=False),
            bigcommerce=replace(self.bigcommerce, limits=False, visible_after_seconds=0.0),
        )


class World:
    """Everything the sandbox holds in memory, by platform name.

    `now` is seconds since the epoch, `clock` seconds that only grow, `sleep` waits that many: tests give them.
    """

    def __init__(
        self,
        options: WorldOptions,
        *,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.options = options
        self._now = now
        self.shops = {
            "shopify": Shop("Shopify", SHOPIFY_PLACES, clock=now),
            "woocommerce": Shop("WooCommerce", WOO_PLACES, clock=now),
            "bigcommerce": Shop(
                "BigCommerce",
                BIGCOMMERCE_PLACES,
                visible_after_seconds=options.bigcommerce.visible_after_seconds,
                clock=now,
            ),
        }
        self.books = {name: OrderBook(shop, now) for name, shop in self.shops.items()}
        self.subscriptions = {name: Subscriptions() for name in self.shops}
        self.senders = {
            name: Sender(self.books[name], self.subscriptions[name], wire, POLICIES[name])
            for name, wire in self._wires().items()
        }
        self.traffic = {name: Traffic(name) for name in (*self.shops, "slack")}
        self.slack = Slack(options.slack, self.traffic["slack"])
        self.troubles = {
            name: Trouble(name, self.shops[name], self.subscriptions[name], words, clock=clock, sleep=sleep)
            for name, words in self._words().items()
        }
        for name, trouble in self.troubles.items():
            trouble.attach(self.traffic[name], self.senders[name])

    def platform_routes(self) -> dict[str, list[BaseRoute]]:
        """The platforms' own endpoints, by the name they are mounted under."""
        options = self.options
        makers: dict[str, Callable[[Shop, Traffic, OrderBook, Subscriptions], list[BaseRoute]]] = {
            "shopify": lambda shop, *parts: shopify.routes(shop, options.shopify, *parts),
            "woocommerce": lambda shop, *parts: woocommerce.routes(shop, options.woocommerce, *parts),
            "bigcommerce": lambda shop, *parts: bigcommerce.routes(shop, options.bigcommerce, *parts),
        }
        routes = {
            name: make(self.shops[name], self.traffic[name], self.books[name], self.subscriptions[name])
            for name, make in makers.items()
        }
        return {**routes, "slack": self.slack.routes()}

    def _wires(self) -> dict[str, Wire]:
        options, shops = self.options, self.shops
        return {
            "shopify": shopify.wire(shops["shopify"], options.shopify),
            "woocommerce": woocommerce.wire(shops["woocommerce"], options.woocommerce, self._now),
            "bigcommerce": bigcommerce.wire(shops["bigcommerce"], options.bigcommerce, self._now),
        }

    def _words(self) -> dict[str, Words]:
        options = self.options
        return {
            "shopify": shopify.words(options.shopify),
            "woocommerce": woocommerce.words(),
            "bigcommerce": bigcommerce.words(options.bigcommerce),
        }

    def close(self) -> None:
        """End the faults, and give up the deliveries that are under way."""
        for trouble in self.troubles.values():
            trouble.switch_off()
        for sender in self.senders.values():
            sender.close()

    def clear(self) -> None:
        """Empty every shop, and forget all orders, counts, messages and deliveries under way. Who subscribed stays,
        and what is wrong with the shops."""
        for shop in self.shops.values():
            shop.clear()
        for book in self.books.values():
            book.clear()
        for sender in self.senders.values():
            sender.clear()
        for traffic in self.traffic.values():
            traffic.clear()
        self.slack.messages.clear()
