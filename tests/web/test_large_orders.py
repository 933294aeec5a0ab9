"""The largest order of a real merchant, 1,114 lines, as each platform tells of it: it gets in whole.

It is invoice 573585 of the retail file beside the project; where that is not there, an order of 1,200 lines stands in.
"""

from collections import Counter
from collections.abc import AsyncIterator, Sequence

import httpx
import pytest
from temporalio.testing import WorkflowEnvironment

from bench.retail import PATH, RetailLine, read_invoices
from onhand.channels.bigcommerce.receiver import BigCommerceReceiver
from onhand.channels.inbound import Receiver
from onhand.channels.shopify.receiver import ShopifyReceiver
from onhand.channels.woocommerce.receiver import WooCommerceReceiver
from onhand.domain.listings import ChannelRules
from onhand.domain.rules import Rule
from onhand.domain.sales import LINES_MAX
from onhand.domain.states import State
from onhand.intake import take
from onhand.ledger import catalogue, stock
from onhand.ledger.catalogue import CatalogueSku
from onhand.ledger.database import Pool
from onhand.sandbox.catalogue import fill, given
from onhand.sandbox.orders import Order, OrderHappening
from onhand.sandbox.wire import Post, Subscription
from onhand.sandbox.world import World, WorldOptions
from onhand.settings import Settings
from onhand.web.app import create_app
from onhand.web.bodies import BODY_BYTES_MAX
from tests.fix_ledger import sql
from tests.memory_channel import MemoryChannel
from tests.web.conftest import doors_to, served

INVOICE, LINES = "573585", 1_114
WOO_SECRET = "planted-woo-secret"
BIGCOMMERCE_SECRET = "planted-bigcommerce-secret"
CHANNELS = {"shopify": "store", "woocommerce": "web", "bigcommerce": "mall"}
TOPICS = {
    "shopify": "ORDERS_UPDATED",
    "woocommerce": "order.updated",
    "bigcommerce": "store/order/updated",
}


def lines_of_the_order() -> Sequence[RetailLine]:
    """Code and pieces of each line."""
    if not PATH.is_file():
        return [RetailLine(f"SKU-{n:05}", n % 40 + 1) for n in range(1_200)]
    found = read_invoices()[INVOICE]
    assert len(found) == LINES
    return found


@pytest.fixture(scope="module")
def bought() -> Sequence[RetailLine]:
    return lines_of_the_order()


@pytest.fixture
def world(bought: Sequence[RetailLine]) -> World:
    """The sandbox shops with everything the order names."""
    world = World(WorldOptions())
    fill(
        world.shops,
        given([{"sku": code, "level": 10_000} for code in dict.fromkeys(each.code for each in bought)]),
    )
    return world


def place(world: World, platform: str, bought: Sequence[RetailLine]) -> Order:
    """Somebody buys all of it."""
    shop = world.shops[platform]
    where = next(iter(shop.places))
    return world.books[platform].place([(shop.by_sku[each.code][0], where, each.pieces) for each in bought])


def told(world: World, platform: str, order: Order, what: str = "updated") -> Post:
    """The webhook that tells of it."""
    secrets = {"woocommerce": WOO_SECRET, "bigcommerce": ""}
    headers = {"X-Onhand-Secret": BIGCOMMERCE_SECRET} if platform == "bigcommerce" else {}
    subscription = Subscription("1", TOPICS[platform], "http://here.test", secrets.get(platform, ""), headers)
    post = world.senders[platform].wire.post(OrderHappening(order, what), subscription)
    assert post is not None
    return post


def receivers(world: World) -> dict[str, Receiver]:
    """The real ways in, with the secrets of the sandbox."""
    options = world.options
    return {
        "store": ShopifyReceiver([options.shopify.client_secret]),
        "web": WooCommerceReceiver([WOO_SECRET]),
        "mall": BigCommerceReceiver([BIGCOMMERCE_SECRET]),
    }


@pytest.fixture
async def door(
    stocked: Pool, database: str, settings: Settings, temporal_env: WorkflowEnvironment, world: World
) -> AsyncIterator[httpx.AsyncClient]:
    """The app, with the platforms' own ways in."""
    await catalogue.save_places(stocked, {}, {"mall": "bigcommerce"})
    app = create_app(settings, doors=doors_to(database, temporal_env.client), receivers=receivers(world))
    async with served(app) as client:
        yield client


@pytest.mark.parametrize("platform", list(CHANNELS))
async def test_the_largest_order_gets_in_whole(
    door: httpx.AsyncClient, stocked: Pool, world: World, bought: Sequence[RetailLine], platform: str
) -> None:
    """Goal: placed, shipped, and one piece of each line refunded: each delivery is let in and kept, line by line."""
    channel = CHANNELS[platform]
    order = place(world, platform, bought)
    sizes = []
    for what in ("placed", "shipped", "refunded"):
        if what == "shipped":
            world.books[platform].ship(order.order_id)
        if what == "refunded":
            for line in order.lines:
                world.books[platform].refund(order.order_id, line.line_id, 1, restock=True)
        post = told(world, platform, order)
        sizes.append(len(post.body))
        answer = await door.post(f"/webhooks/{channel}", content=post.body, headers=post.headers)
        assert answer.status_code == 200, (what, sizes, answer.text)
    print(f"{platform}: {sizes} bytes placed, shipped, refunded")

    kept = await sql(
        stocked,
        "SELECT i.kind, i.outcome, jsonb_array_length(i.body -> 'lines') FROM inbox i JOIN channel c"
        " ON c.id = i.channel_id WHERE c.name = %s ORDER BY i.id",
        channel,
    )
    if platform == "bigcommerce":
        assert [(kind, outcome) for kind, outcome, _ in kept] == [("order_hint", None)] * len(kept)
        return
    assert kept == [("order", None, len(bought))] * 3, "also of what came back whole"
    assert platform != "shopify" or sizes[-1] > BODY_BYTES_MAX, "the common limit would have kept it out"


async def test_all_of_it_is_posted(
    door: httpx.AsyncClient, stocked: Pool, world: World, bought: Sequence[RetailLine]
) -> None:
    """Goal: the other end of the way: every line is in the ledger."""
    pieces = Counter[str]()
    for each in bought:
        pieces[each.code] += each.pieces
    await catalogue.save_skus(stocked, [CatalogueSku(code) for code in pieces])
    order = place(world, "shopify", bought)
    world.books["shopify"].ship(order.order_id)
    post = told(world, "shopify", order)
    assert (await door.post("/webhooks/store", content=post.body, headers=post.headers)).status_code == 200

    where = next(iter(world.shops["shopify"].places))
    rules = ChannelRules(Rule(), {where: ("leeds",)}, listens=True)
    taken = await take(stocked, MemoryChannel("store"), rules)

    assert (taken.posted, taken.poison) == (1, {})
    for code in list(pieces)[:: len(pieces) // 10]:
        (row,) = await stock.sku_balances(stocked, code)
        assert (row.units[State.AVAILABLE], row.units[State.CUSTOMER]) == (-pieces[code], pieces[code])


@pytest.mark.parametrize(("platform", "line_bytes"), [("shopify", 3 * 1_400), ("woocommerce", 1_024)])
def test_the_limit_fits_the_lines_we_take(world: World, platform: str, line_bytes: int) -> None:
    """Goal: no order is kept out by its size that its number of lines would let in."""
    limit = receivers(world)[CHANNELS[platform]].body_bytes_max
    assert LINES_MAX * line_bytes <= limit * 1.01
