"""A sandbox WooCommerce that sells, with an adapter to it: what the tests of its orders and webhooks share."""

from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
from starlette.applications import Starlette

from onhand.channels.woocommerce import WooCommerce, WooCommerceReceiver
from onhand.sandbox.orders import Happening, OrderBook
from onhand.sandbox.shop import Item, Shop
from onhand.sandbox.traffic import Traffic
from onhand.sandbox.wire import Post, Subscriptions
from onhand.sandbox.woocommerce import WooOptions, routes, wire
from tests.channels.case_woocommerce import check_exchange, published
from tests.fix_channels import FakeClock, Wire

ROOT = "https://shop.test"
KEY, SECRET = "ck_unit_31ab", "cs_unit_77fe"
HOOK_SECRET = "4e1d2c7b9a"
VECTORS = Path(__file__).parents[2].parent / "shared" / "vectors" / "woocommerce.json"


class Dated(httpx.AsyncBaseTransport):
    """Dates every answer by the shop's clock, as web servers do."""

    def __init__(self, inner: httpx.AsyncBaseTransport, clock: FakeClock) -> None:
        self.inner = inner
        self.clock = clock

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self.inner.handle_async_request(request)
        moment = datetime.fromtimestamp(self.clock.now(), UTC)
        response.headers["date"] = format_datetime(moment, usegmt=True)
        return response


class Store:
    """The shop, its books, the way to it, and our adapter. Items 11 and 12 are simple, 21 is a variation of 20."""

    def __init__(self, clock: FakeClock, *, hook_secret: str = HOOK_SECRET, **given: Any) -> None:
        self.clock = clock
        self.shop = Shop("woo", {"": "shop"}, clock=clock.now)
        self.book = OrderBook(self.shop, clock.now)
        self.subscriptions = Subscriptions()
        self.heard: list[Happening] = []
        self.book.listeners.append(self.heard.append)
        self.options = WooOptions(KEY, SECRET, limits=False, clock=clock.now, sleep=clock.sleep, **given)
        parts = (Traffic("woocommerce"), self.book, self.subscriptions)
        self.exchanges = Wire(Starlette(routes=routes(self.shop, self.options, *parts)))
        self.wire = wire(self.shop, self.options, clock.now)
        self.channel = WooCommerce(
            "woo",
            ROOT,
            KEY,
            SECRET,
            webhook_secret=hook_secret,
            transport=Dated(self.exchanges, clock),
            clock=clock.now,
            sleep=clock.sleep,
        )
        self.receiver = WooCommerceReceiver([HOOK_SECRET])
        for item in (
            Item("11", "A-11", "Mug", levels={"": 40}),
            Item("12", "A-12", "Cap", levels={"": 40}),
            Item("20", "", "Shirt", kind="variable", tracked=False),
            Item("21", "V-21", "Shirt, S", parent_id="20", kind="variation", levels={"": 40}),
        ):
            self.shop.add(item)

    def posts(self, happening: Happening) -> list[Post]:
        """Every delivery the shop makes of a happening now."""
        made = (self.wire.post(happening, one) for one in self.subscriptions.wanting())
        return [post for post in made if post is not None]

    def asked(self) -> list[httpx.Request]:
        """What the adapter asked for."""
        return [exchange.request for exchange in self.exchanges.exchanges]

    def check(self) -> None:
        """Everything sent keeps to the published contract, where that is at hand."""
        definitions = published()
        for exchange in self.exchanges.exchanges if definitions else ():
            assert definitions is not None
            check_exchange(definitions, exchange)


def lower(headers: dict[str, str]) -> dict[str, str]:
    """Headers as the web app hands them on."""
    return {name.lower(): value for name, value in headers.items()}


def vectors() -> list[dict[str, Any]]:
    """Deliveries of a real shop, with what they were signed with; none where the file is not at hand."""
    if not VECTORS.exists():
        return []
    found: list[dict[str, Any]] = orjson.loads(VECTORS.read_bytes())["vectors"]
    return found
