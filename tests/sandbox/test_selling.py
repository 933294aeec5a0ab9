"""Orders at the sandbox shops by the control API, one by one and in bulk; the pages; what outlives a restart."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from onhand.sandbox.app import create_app
from onhand.sandbox.policies import POLICIES
from onhand.sandbox.sending import Sender
from onhand.sandbox.shop import Item
from onhand.sandbox.store import Store
from onhand.sandbox.world import World, WorldOptions
from tests.fix_channels import BASE_URL
from tests.sandbox.fix_sending import PlainWire, receiving, settled

LEEDS = "gid://shopify/Location/1001"
LONDON = "gid://shopify/Location/1002"


@pytest.fixture
def app() -> Starlette:
    return create_app(WorldOptions().without_limits())


@pytest.fixture
def world(app: Starlette) -> World:
    return app.state.world


@pytest.fixture
async def client(app: Starlette) -> httpx.AsyncClient:
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE_URL)
    await post(client, "catalogue", [{"sku": "MUG", "level": 5}, {"sku": "PEN", "level": 5}])
    return client


async def post(client: httpx.AsyncClient, name: str, body: Any, status: int = 200) -> Any:
    response = await client.post(f"/_sandbox/{name}", json=body)
    assert response.status_code == status, response.text
    return response.json()


def basket(*lines: tuple[str, int], **more: Any) -> dict[str, Any]:
    wanted = [{"sku": sku, "quantity": quantity} for sku, quantity in lines]
    return {"platform": "shopify", "lines": wanted, **more}


def level(world: World, sku: str, place: str = LEEDS) -> int | None:
    shop = world.shops["shopify"]
    return shop.level(shop.by_sku[sku][0], place)


async def test_an_order_and_what_becomes_of_it(client: httpx.AsyncClient, world: World) -> None:
    """Goal: an order takes its pieces off the shop's own levels; edits, cancellations and returns put them back."""
    order = await post(client, "order", basket(("MUG", 3), ("PEN", 1)))
    assert [(line["sku"], line["place"], line["open"]) for line in order["lines"]] == [
        ("MUG", LEEDS, 3),
        ("PEN", LEEDS, 1),
    ]
    assert (level(world, "MUG"), level(world, "PEN")) == (2, 4)
    told = {"platform": "shopify", "order": order["order"]}
    await post(client, "order/reduce", {**told, "sku": "MUG", "quantity": 1})
    assert level(world, "MUG") == 3
    await post(client, "order/ship", told)
    refunded = await post(client, "order/refund", {**told, "sku": "MUG", "quantity": 1})
    assert refunded["lines"][0]["restocked"] == 1
    await post(client, "order/refund", {**told, "sku": "MUG", "quantity": 1, "restock": False})
    assert level(world, "MUG") == 4
    for wrong in ("ship", "cancel", "reduce"):
        await post(client, f"order/{wrong}", told, status=409)
    await post(client, "order/refund", {**told, "sku": "MUG"}, status=409)
    other = await post(client, "order", basket(("PEN", 2), key="mine"))
    cancelled = await post(client, "order/cancel", {"platform": "shopify", "key": "mine"})
    assert (cancelled["order"], cancelled["cancelled"], level(world, "PEN")) == (other["order"], True, 4)


async def test_nobody_buys_what_is_not_shown(client: httpx.AsyncClient, world: World) -> None:
    """Goal: an order is sold whole or refused whole; `force` is a checkout that raced; untracked things never end."""
    assert "shows 5" in (await post(client, "order", basket(("PEN", 1), ("MUG", 6)), status=409))["error"]
    await post(client, "order", basket(("MUG", 3), ("MUG", 3)), status=409)
    assert (level(world, "PEN"), level(world, "MUG")) == (5, 5)
    assert (await post(client, "order", basket(("MUG", 6), force=True)))["order"] == "450"
    assert (level(world, "MUG"), level(world, "MUG", LONDON)) == (-1, 5)
    await post(client, "edit", {"platform": "shopify", "sku": "PEN", "tracked": False})
    await post(client, "order", basket(("PEN", 99)))
    assert level(world, "PEN") == 5


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (basket(("NONE", 1)), 404),
        (basket(("MUG", 1), platform="ebay"), 404),
        (basket(("MUG", 0)), 400),
        (basket(), 400),
        ({"platform": "shopify"}, 400),
        ({"platform": "shopify", "lines": [{"sku": "MUG", "place": "Mars"}]}, 404),
    ],
)
async def test_orders_that_make_no_sense(client: httpx.AsyncClient, body: Any, status: int) -> None:
    """Goal: the caller hears why."""
    assert "error" in await post(client, "order", body, status=status)


async def test_orders_are_listed_newest_first(client: httpx.AsyncClient) -> None:
    """Goal: what was sold can be looked at, without who bought it."""
    for _ in range(3):
        await post(client, "order", basket(("MUG", 1), buyer={"name": "Grace Marked"}))
    answer = await client.get("/_sandbox/orders?platform=shopify&limit=2")
    assert [order["order"] for order in answer.json()["orders"]] == ["452", "451"]
    assert "Marked" not in answer.text
    assert (await client.get("/_sandbox/orders?platform=ebay")).status_code == 404


async def test_orders_in_bulk(client: httpx.AsyncClient, world: World) -> None:
    """Goal: a list is done in its order, each entry with its verdict; keys name orders of the same list."""
    told = {"platform": "shopify", "key": "A1"}
    entries = [
        basket(("MUG", 2), key="A1"),
        basket(("MUG", 9)),
        {"what": "reduce", **told},
        {"what": "cancel", **told},
        {"what": "cancel", **told},
        {"what": "burn", **told},
        basket(("PEN", -4)),
    ]
    answer = await post(client, "orders/bulk", {"orders": entries})
    assert answer["orders"] == ["450", None, "450", "450", None, None, None]
    assert [each["index"] for each in answer["refused"]] == [1, 4, 5, 6]
    assert "nothing open" in answer["refused"][1]["error"]
    assert level(world, "MUG") == 5


async def test_deliveries_are_switched_and_counted(client: httpx.AsyncClient, world: World) -> None:
    """Goal: faults are set while the sandbox runs, and statistics tell what became of the deliveries."""
    subscriptions = world.subscriptions["shopify"]
    sender = Sender(world.books["shopify"], subscriptions, PlainWire(), POLICIES["shopify"])
    world.senders = {"shopify": sender}
    async with receiving() as receiver:
        subscriptions.add("orders", receiver.url)
        body = {"platform": "shopify", "duplicate": 1, "seed": 7, "time_scale": 0.001, "connections": 2}
        shown = (await post(client, "deliveries", body))["shopify"]
        assert (shown["duplicate"], shown["lose"], shown["connections"]) == (1.0, 0.0, 2)
        await post(client, "order", basket(("MUG", 1)))
        await settled(sender)
        await post(client, "deliveries", {"lose": 1})
        await post(client, "order", basket(("MUG", 1)))
        assert receiver.bodies == ["created 450 1"] * 2
        counts = (await client.get("/_sandbox/stats")).json()["shopify"]["deliveries"]
        assert [counts[name] for name in ("numbered", "sent", "delivered", "duplicated", "lost")] == [
            *(2, 2, 2, 1, 1)
        ]
        assert "2 delivered" in (await client.get("/shops/shopify")).text
        assert (await client.get("/_sandbox/deliveries")).json()["shopify"]["time_scale"] == 0.001
        await post(client, "deliveries", {"platform": "ebay"}, status=404)
        await post(client, "deliveries", {"lose": 2}, status=400)
        await post(client, "reset", {})
        assert (await client.get("/_sandbox/stats")).json()["shopify"]["deliveries"]["numbered"] == 0
    world.close()


async def test_a_person_buys_on_the_page(client: httpx.AsyncClient, world: World) -> None:
    """Goal: the page's buttons buy, ship and cancel, come back to where one was, and say what is in the way."""
    assert "<button>Buy</button>" in (await client.get("/shops/shopify")).text
    bought = await client.post("/shops/shopify/buy?q=mug&page=1", data={"sku": "MUG"})
    assert (bought.status_code, bought.headers["location"]) == (303, "/shops/shopify?q=mug&page=1")
    assert level(world, "MUG") == 4
    page = (await client.get("/shops/shopify")).text
    assert "1 × MUG" in page
    assert "<button>Ship</button>" in page
    assert (await client.post("/shops/shopify/ship", data={"order": "450"})).status_code == 303
    assert "<button>Ship</button>" not in (await client.get("/shops/shopify/part")).text
    refused = await client.post("/shops/shopify/cancel", data={"order": "450"}, follow_redirects=True)
    assert "order 450 has nothing open" in refused.text


async def test_orders_and_subscriptions_outlive_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: orders (the newest), their numbers and who subscribed are there again; an emptied world stays empty."""
    monkeypatch.setattr("onhand.sandbox.store.ORDERS_KEPT", 3)
    app = create_app(WorldOptions(), tmp_path)
    before: World = app.state.world
    transport = httpx.ASGITransport(app=app)
    async with (
        httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client,
        app.router.lifespan_context(app),
    ):
        await post(client, "catalogue", [{"sku": "MUG", "level": 9}])
        before.subscriptions["shopify"].add("orders", "http://there.example/", secret="s")
        for _ in range(5):
            await post(client, "order", basket(("MUG", 1)))
        await post(client, "order/ship", {"platform": "shopify", "order": "454"})
    again = World(WorldOptions())
    Store(again, tmp_path).load()
    book, kept = before.books["shopify"], again.books["shopify"]
    assert list(kept.orders) == ["452", "453", "454"]
    assert kept.orders["454"] == book.orders["454"]
    assert kept.numbers() == book.numbers()
    assert again.subscriptions == before.subscriptions
    again.clear()
    store = Store(again, tmp_path)
    store.emptied()
    await store.save()
    third = World(WorldOptions())
    Store(third, tmp_path).load()
    assert third.books["shopify"].orders == {}
    assert third.books["shopify"].numbers() == book.numbers()


async def test_each_platform_s_own_webhooks_reach_a_subscriber() -> None:
    """Goal: the platforms' own wires are in the senders: an order is told with the platform's signature header."""
    world = World(WorldOptions().without_limits())
    topics = {"shopify": "ORDERS_UPDATED", "woocommerce": "order.updated", "bigcommerce": "store/order/*"}
    signed = {
        "shopify": "x-shopify-hmac-sha256",
        "woocommerce": "x-wc-webhook-signature",
        "bigcommerce": "webhook-signature",
    }
    async with receiving() as receiver:
        for name, topic in topics.items():
            book, sender = world.books[name], world.senders[name]
            book.shop.add(Item("100001", "MUG", "Mug", levels=dict.fromkeys(book.shop.places, 5)))
            world.subscriptions[name].add(topic, receiver.url, secret="s3cret")
            order = book.place([("100001", next(iter(book.shop.places)), 2)])
            book.ship(order.order_id)
            await settled(sender)
            assert sender.stats()["delivered"] >= 1
            assert signed[name] in receiver.heads[-1].lower()
            assert '"id":450' in receiver.bodies[-1]
    world.close()


async def test_orders_are_thrown_away_where_there_is_a_trash(client: httpx.AsyncClient, world: World) -> None:
    """Goal: WooCommerce's trash by the control API, once each way, and no other shop's."""
    order = await post(client, "order", {**basket(("MUG", 2)), "platform": "woocommerce"})
    told = {"platform": "woocommerce", "order": order["order"]}
    await post(client, "order/trash", told)
    assert world.books["woocommerce"].orders[order["order"]].trashed
    assert "in the trash already" in (await post(client, "order/trash", told, 409))["error"]
    await post(client, "order/untrash", told)
    assert "is not in the trash" in (await post(client, "order/untrash", told, 409))["error"]
    other = await post(client, "order", basket(("MUG", 1)))
    refused = await post(client, "order/trash", {"platform": "shopify", "order": other["order"]}, 400)
    assert refused["error"] == "Shopify has no trash for orders"
