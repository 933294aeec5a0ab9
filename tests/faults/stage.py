"""One sandbox shop that fails, its adapter, and a ledger that says what it should show."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count

import httpx

from onhand.channels.base import Channel, ItemRef, LevelKey, LevelWrite, WriteResult
from onhand.channels.bigcommerce import BigCommerce
from onhand.channels.errors import ChannelError
from onhand.channels.shopify import Shopify, StaticToken
from onhand.channels.woocommerce import WooCommerce
from onhand.domain.listings import ChannelRules, RuleBook
from onhand.domain.rules import Rule
from onhand.ledger import catalogue
from onhand.ledger.catalogue import CatalogueSku, NewListing
from onhand.ledger.database import Pool
from onhand.ledger.posting import post_events
from onhand.publish import Errand, bring_to_targets
from onhand.sandbox.faults import AnyFault, fault_of
from onhand.sandbox.raging import Raging
from tests.fix_channels import Wire
from tests.fix_ledger import sql
from tests.publish.shelves import ids_of, receipt
from tests.sandbox.fix_platforms import LEVEL, PLACES, Sandbox

SKUS = ("SKU-000001", "SKU-000002", "SKU-000003", "SKU-000004")
STOCK = (5, 6, 7, 8)
"""What is on the shelf of each; every shop shows 10 of each at first."""

_numbers = count(1)


class CutWire(Wire):
    """The way to the sandbox within this process; a connection that it cuts is one to the adapter, too."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass it on."""
        try:
            return await super().handle_async_request(request)
        except ConnectionAbortedError as error:
            raise httpx.ReadError("connection reset by peer", request=request) from error


@dataclass
class Stage:
    """Everything of one test."""

    name: str
    sandbox: Sandbox
    channel: Channel
    pool: Pool
    rules: RuleBook
    refs: list[ItemRef] = field(default_factory=list)
    set_with: int = 0
    """The last level that was sent before the test began."""

    @property
    def place(self) -> str:
        """Where levels are kept here."""
        return PLACES[self.name]

    def fails(self, kind: str, **parameters: object) -> Raging:
        """Switch a fault on."""
        fault: AnyFault = fault_of({"kind": kind, **parameters})
        return self.sandbox.world.troubles[self.name].switch_on(fault)

    def is_well(self) -> None:
        """Every fault ends."""
        self.sandbox.world.troubles[self.name].switch_off()

    def truths(self) -> tuple[int | None, ...]:
        """What the shop really has, after every delay."""
        self.sandbox.clock.advance(60)
        shop = self.sandbox.world.shops[self.name]
        return tuple(shop.level(shop.by_sku[sku][0], self.place) for sku in SKUS)

    def changes(self, sku: str = SKUS[0]) -> list[tuple[int, int]]:
        """How a level moved, from and to, the first move first."""
        shop = self.sandbox.world.shops[self.name]
        return [(each.before, each.after) for each in shop.history if each.sku == sku]

    def calls(self) -> int:
        """Requests that reached the shop, whatever became of them."""
        return self.channel.meter.reads + self.channel.meter.writes

    async def bring(self, errand: Errand | None = None, skus: Iterable[str] = SKUS) -> list[str]:
        """Make the shop show what the ledger says; the outcomes, sorted."""
        listings = await ids_of(self.pool, self.name, list(skus))
        done = await bring_to_targets(
            self.pool, self.channel, self.rules, listings, errand or Errand(), set()
        )
        return sorted(done.values())

    async def try_bring(self) -> None:
        """The same, while the shop may be failing as a whole."""
        with suppress(ChannelError):
            await self.bring()

    async def bring_fully(self) -> None:
        """Read everything back and make it right, of a shop that is well."""
        await self.bring(Errand(distrust=True))

    async def receive(self, sku: str, pieces: int) -> set[str]:
        """So many more of a SKU are on the shelf; who is to be signalled."""
        woken: set[str] = set()
        await post_events(self.pool, [receipt(f"more {next(_numbers)}", sku, pieces)], woken)
        return woken

    async def books(self) -> list[int | None]:
        """What the shop is believed to show."""
        rows = await sql(
            self.pool,
            """SELECT v.book FROM level v JOIN listing l ON l.id = v.listing_id JOIN sku s ON s.id = l.sku_id
                ORDER BY s.code""",
        )
        return [book for (book,) in rows]

    async def pushes(self) -> list[tuple[str, int]]:
        """How many levels were sent with which outcome since the stage was set."""
        statement = (
            f"SELECT outcome, count(*)::int FROM push WHERE id > {self.set_with} GROUP BY 1 ORDER BY 1"
        )
        return await sql(self.pool, statement)

    async def write(self, levels: list[int], key: str, shown: int = LEVEL) -> list[WriteResult]:
        """Set levels of the first SKUs through the adapter, past the ledger."""
        return await self.channel.set_levels(self.writes(levels, shown), key)

    def writes(self, levels: list[int], shown: int = LEVEL) -> list[LevelWrite]:
        """Writes of these levels to the first SKUs."""
        refs = self.refs[: len(levels)]
        return [
            LevelWrite(LevelKey(ref, self.place), level, shown)
            for ref, level in zip(refs, levels, strict=True)
        ]


def channel_of(name: str, sandbox: Sandbox) -> Channel:
    """The platform's adapter, whose time is the sandbox's."""
    clock, transport = sandbox.clock, CutWire(sandbox.app)
    times = {"clock": clock.now, "sleep": clock.sleep}
    place = [PLACES[name]]
    if name == "shopify":
        token = StaticToken("sandbox-shopify-token")
        return Shopify(name, "http://sandbox.test/shopify", token, place, transport=transport, **times)
    if name == "woocommerce":
        address, secrets = "https://sandbox.test/woocommerce", ("ck_sandbox", "cs_sandbox")
        return WooCommerce(name, address, *secrets, webhook_secret="a" * 32, transport=transport, **times)
    channel = BigCommerce(
        name,
        "http://sandbox.test/bigcommerce/stores/sandbox",
        "sandbox-bc-token",
        place,
        webhook_secrets=["a" * 32],
        transport=transport,
        now=clock.now,
        **times,
    )
    channel.capabilities = replace(
        channel.capabilities, visible_after_seconds=0.0, visible_within_seconds=0.0
    )
    return channel


async def stage_of(name: str, sandbox: Sandbox, pool: Pool) -> Stage:
    """Four SKUs listed, known and told: the shop shows 5, 6, 7 and 8."""
    channel = channel_of(name, sandbox)
    rules = RuleBook({name: ChannelRules(Rule(name=name), {PLACES[name]: ("leeds",)})})
    await catalogue.save_places(pool, {"leeds": "Leeds"}, {name: name})
    await catalogue.save_skus(pool, [CatalogueSku(sku) for sku in SKUS])
    found = {item.sku: item async for page in channel.discover() for item in page}
    listings = [
        NewListing(sku, item.item_id, item.sort_key, item.parent_id, item.tracking, order_ref=item.order_ref)
        for sku, item in ((sku, found[sku]) for sku in SKUS)
    ]
    await catalogue.save_listings(pool, name, listings, [PLACES[name]])
    await post_events(pool, [receipt(sku, sku, pieces) for sku, pieces in zip(SKUS, STOCK, strict=True)])
    refs = [
        ItemRef(number, each.sku, each.item_id, each.parent_id, each.tracking)
        for number, each in enumerate(listings, 1)
    ]
    stage = Stage(name, sandbox, channel, pool, rules, refs)
    await stage.bring()
    channel.meter.take()
    sandbox.world.shops[name].history.clear()
    ((stage.set_with,),) = await sql(pool, "SELECT max(id) FROM push")
    return stage
