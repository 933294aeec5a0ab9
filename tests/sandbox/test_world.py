"""The sandbox as a whole: catalogue, control API, pages, Slack, and the state that outlives a restart."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from onhand.sandbox.app import create_app
from onhand.sandbox.catalogue import barcode, from_csv, generated
from onhand.sandbox.shop import Item
from onhand.sandbox.slack import block_problems
from onhand.sandbox.store import Store
from onhand.sandbox.world import World, WorldOptions
from tests.fix_channels import BASE_URL

LEEDS = "gid://shopify/Location/1001"
SLACK = {"Authorization": "Bearer sandbox-slack-token"}


@pytest.fixture
def app() -> Starlette:
    return create_app(WorldOptions().without_limits())


@pytest.fixture
def client(app: Starlette) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE_URL)


async def post(client: httpx.AsyncClient, name: str, body: Any = None, status: int = 200) -> Any:
    response = await client.post(f"/_sandbox/{name}", json=body if body is not None else {})
    assert response.status_code == status, response.text
    return response.json()


def test_a_generated_catalogue_is_the_same_every_time() -> None:
    rows = list(generated(25))
    assert rows == list(generated(25))
    assert len({row.sku for row in rows}) == 25
    assert [row.variation for row in rows[8:13]] == ["", "Small", "Medium", "Large", ""]
    assert {row.product for row in rows[9:12]} == {9}
    assert {row.variation for row in generated(25, variations=False)} == {""}


def test_barcodes_carry_their_check_digit() -> None:
    assert barcode(1) == "2000000000015"
    assert len({barcode(number) for number in range(100)}) == 100


def test_a_catalogue_from_csv(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.csv"
    path.write_text("sku,name,barcode\nMUG,Blue mug,2000000000015\nPEN,,\n")
    rows = from_csv(path)
    assert [(row.sku, row.title, row.barcode) for row in rows] == [
        ("MUG", "Blue mug", "2000000000015"),
        ("PEN", "PEN", ""),
    ]


async def test_all_shops_get_the_same_skus(app: Starlette, client: httpx.AsyncClient) -> None:
    assert await post(client, "catalogue", {"generate": 30, "level": 4}) == {"skus": 30}
    world: World = app.state.world
    for name, shop in world.shops.items():
        levels = (await client.get("/_sandbox/levels", params={"platform": name})).json()
        assert {level["sku"] for level in levels} == {f"SKU-{number:06}" for number in range(1, 31)}
        assert len(levels) == 30 * len(shop.places)
        assert {level["level"] for level in levels} == {4}
    assert await post(client, "catalogue", [{"sku": "A", "title": "Only"}]) == {"skus": 1}
    assert list(world.shops["shopify"].by_sku) == ["A"]


async def test_a_buyer_takes_what_is_there(client: httpx.AsyncClient) -> None:
    await post(client, "catalogue", [{"sku": "A", "level": 2}])
    sale = {"platform": "shopify", "sku": "A", "quantity": 2}
    assert (await post(client, "sell", sale))["level"] == 0
    assert (await post(client, "sell", sale))["place"] == "gid://shopify/Location/1002"
    assert "error" in await post(client, "sell", sale, status=409)
    assert (await post(client, "sell", {**sale, "force": True}))["level"] == -2
    assert "error" in await post(client, "sell", {**sale, "sku": "B"}, status=404)
    assert "error" in await post(client, "sell", {**sale, "platform": "ebay"}, status=404)
    assert "error" in await post(client, "sell", {**sale, "quantity": "many"}, status=400)


async def test_an_untracked_item_sells_without_limit(client: httpx.AsyncClient) -> None:
    await post(client, "catalogue", [{"sku": "A", "level": 1}])
    await post(client, "edit", {"platform": "shopify", "sku": "A", "tracked": False})
    sold = await post(client, "sell", {"platform": "shopify", "sku": "A", "quantity": 50, "place": LEEDS})
    assert sold["level"] == 1


async def test_rejections_by_sku_and_by_share(app: Starlette, client: httpx.AsyncClient) -> None:
    await post(client, "catalogue", {"generate": 1_000})
    assert await post(client, "reject", {"platform": "shopify", "skus": ["SKU-000007"]}) == {"rejected": 1}
    share = await post(client, "reject", {"platform": "shopify", "share": 0.1})
    assert 60 < share["rejected"] < 140
    assert await post(client, "reject", {"platform": "shopify", "share": 0}) == {"rejected": 0}


async def test_stats_and_reset(app: Starlette, client: httpx.AsyncClient) -> None:
    await post(client, "catalogue", {"generate": 10})
    headers = {"X-Shopify-Access-Token": "sandbox-shopify-token"}
    await client.post(
        "/shopify/admin/api/2026-10/graphql.json", json={"query": "{ shop { name } }"}, headers=headers
    )
    stats = (await client.get("/_sandbox/stats")).json()
    assert stats["shopify"]["calls"] == {"shop": 1}
    assert stats["shopify"]["items"] == 10
    await post(client, "reset")
    assert (await client.get("/_sandbox/stats")).json()["shopify"]["items"] == 0


async def test_an_empty_shop_has_no_levels(client: httpx.AsyncClient) -> None:
    assert (await client.get("/_sandbox/levels?platform=shopify")).json() == []
    assert (await client.get("/_sandbox/levels?platform=ebay")).status_code == 404


async def test_many_levels_are_streamed_as_one_array(client: httpx.AsyncClient) -> None:
    await post(client, "catalogue", {"generate": 2_500})
    assert len((await client.get("/_sandbox/levels?platform=shopify")).json()) == 5_000


async def test_pages_show_levels_and_changes(client: httpx.AsyncClient) -> None:
    entries = [
        {"sku": "A<b>", "title": "Mug & co", "level": 3},
        {"sku": "PEN", "title": "Pen", "barcode": "77"},
    ]
    await post(client, "catalogue", entries)
    await post(client, "sell", {"platform": "shopify", "sku": "A<b>", "quantity": 1})
    page = (await client.get("/shops/shopify")).text
    assert "A&lt;b&gt;" in page
    assert "Mug &amp; co" in page
    assert "A<b>" not in page
    assert "3 → 2" in page
    assert "a buyer" in page
    assert "http://" not in page.replace(BASE_URL, "")
    assert "PEN" not in (await client.get("/shops/shopify/part?q=mug")).text
    assert "PEN" in (await client.get("/shops/shopify/part?q=77")).text
    assert "Nothing matches" in (await client.get("/shops/shopify/part?q=nothing")).text
    assert "Shopify" in (await client.get("/")).text
    assert (await client.get("/shops/ebay")).status_code == 404


async def test_pages_of_a_long_catalogue(client: httpx.AsyncClient) -> None:
    await post(client, "catalogue", {"generate": 120})
    first = (await client.get("/shops/woocommerce/part")).text
    last = (await client.get("/shops/woocommerce/part?page=3")).text
    assert "Next" in first
    assert "Next" not in last
    assert "SKU-000120" in last


async def test_slack_takes_a_message_and_shows_it(client: httpx.AsyncClient) -> None:
    header = {"type": "header", "text": {"type": "plain_text", "text": "Sync <done>"}}
    body = {"channel": "stock", "text": "Sync done", "blocks": [header]}
    answer = (await client.post("/slack/api/chat.postMessage", json=body, headers=SLACK)).json()
    assert answer["ok"]
    assert answer["ts"]
    assert "Sync &lt;done&gt;" in (await client.get("/slack")).text


@pytest.mark.parametrize(
    ("body", "headers", "error"),
    [
        ({"channel": "c", "text": "t"}, {}, "not_authed"),
        ({"channel": "c", "text": "t"}, {"Authorization": "Bearer x"}, "invalid_auth"),
        ({"text": "t"}, SLACK, "channel_not_found"),
        ({"channel": "c"}, SLACK, "no_text"),
        ({"channel": "c", "text": "t" * 40_001}, SLACK, "msg_too_long"),
        ({"channel": "c", "blocks": [{"type": "nonsense"}]}, SLACK, "invalid_blocks"),
    ],
)
async def test_slack_refuses(
    client: httpx.AsyncClient, body: dict[str, Any], headers: dict[str, str], error: str
) -> None:
    answer = (await client.post("/slack/api/chat.postMessage", json=body, headers=headers)).json()
    assert (answer["ok"], answer["error"]) == (False, error)


def text_of(kind: str, length: int) -> dict[str, str]:
    return {"type": kind, "text": "x" * length}


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (
            {"type": "header", "text": text_of("plain_text", 150)},
            {"type": "header", "text": text_of("plain_text", 151)},
        ),
        (
            {"type": "section", "text": text_of("mrkdwn", 3_000)},
            {"type": "section", "text": text_of("mrkdwn", 3_001)},
        ),
        (
            {"type": "section", "fields": [text_of("mrkdwn", 2_000)] * 10},
            {"type": "section", "fields": [text_of("mrkdwn", 1)] * 11},
        ),
        (
            {"type": "context", "elements": [text_of("mrkdwn", 5)] * 10},
            {"type": "context", "elements": [text_of("mrkdwn", 5)] * 11},
        ),
        ({"type": "divider"}, {"type": "header", "text": text_of("mrkdwn", 5)}),
        (
            {"type": "section", "text": text_of("mrkdwn", 1)},
            {"type": "section", "text": text_of("mrkdwn", 0)},
        ),
    ],
)
def test_block_kit_limits(good: dict[str, Any], bad: dict[str, Any]) -> None:
    assert block_problems([good]) == []
    assert len(block_problems([bad])) == 1
    assert len(block_problems([good] * 51)) == 1


async def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    app = create_app(WorldOptions(), tmp_path)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE_URL) as client:
        await post(client, "catalogue", {"generate": 40, "level": 9})
        await client.post(
            "/slack/api/chat.postMessage", json={"channel": "c", "text": "hello"}, headers=SLACK
        )
        async with app.router.lifespan_context(app):
            await post(client, "sell", {"platform": "shopify", "sku": "SKU-000002", "quantity": 4})
            await post(client, "reject", {"platform": "bigcommerce", "skus": ["SKU-000003"]})
            app.state.world.shops["bigcommerce"].set_level("100004", "1", 33)
    again: World = create_app(WorldOptions(), tmp_path).state.world
    before: World = app.state.world
    for name, shop in again.shops.items():
        assert shop.items == before.shops[name].items
        assert shop.rejected_items == before.shops[name].rejected_items
        assert shop.pending() == before.shops[name].pending()
        assert list(shop.history) == list(before.shops[name].history)
    assert len(again.shops["bigcommerce"].pending()) == 1
    assert [message.text for message in again.slack.messages] == ["hello"]


async def test_an_emptied_world_stays_empty(tmp_path: Path) -> None:
    app = create_app(WorldOptions(), tmp_path)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE_URL) as client:
        async with app.router.lifespan_context(app):
            await post(client, "catalogue", {"generate": 20})
        async with app.router.lifespan_context(app):
            await post(client, "catalogue", {"generate": 5})
    again: World = create_app(WorldOptions(), tmp_path).state.world
    assert len(again.shops["shopify"].items) == 5


async def test_a_failed_save_is_made_up_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(WorldOptions())
    store = Store(world, tmp_path / "data")
    store.load()
    world.shops["shopify"].add(Item("1", "A", "Thing"))
    (tmp_path / "data").rename(tmp_path / "away")
    with pytest.raises(Exception, match="unable to open"):
        await store.save()
    (tmp_path / "away").rename(tmp_path / "data")
    await store.save()
    again = World(WorldOptions())
    Store(again, tmp_path / "data").load()
    assert list(again.shops["shopify"].items) == ["1"]
