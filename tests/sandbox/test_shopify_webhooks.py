"""The sandbox's webhooks look as Shopify's do: topics, REST-shaped bodies, delivery headers, signature."""

import hmac
from base64 import b64encode
from typing import Any

import orjson
import pytest

from onhand.sandbox.orders import OrderHappening
from onhand.sandbox.shopify.webhooks import HEADER_TOPICS
from onhand.sandbox.wire import Post
from tests.channels.case_shopify import LEEDS, LONDON
from tests.fix_channels import number_of
from tests.fix_shopify import DOMAIN, ShopifyWorld


def posted(world: ShopifyWorld) -> dict[str, Post]:
    """What the last happening becomes under every topic that tells of it."""
    found = {word: world.post(topic) for topic, word in HEADER_TOPICS.items()}
    return {word: post for word, post in found.items() if post is not None}


def body(post: Post) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(post.body)
    return found


def placed(world: ShopifyWorld) -> str:
    """An order of three and of one, from both locations."""
    first, second = world.fill(2)
    wanted = [(number_of(first), LEEDS, 3), (number_of(second), LONDON, 1)]
    return world.book.place(wanted).order_id


def test_a_new_order(shopify_world: ShopifyWorld) -> None:
    """Goal: the body is what the platform sends, and nothing that we would like to see in it besides."""
    order_id = placed(shopify_world)
    posts = posted(shopify_world)
    assert set(posts) == {"orders/create", "orders/paid"}
    told = body(posts["orders/create"])
    assert (told["id"], told["cancelled_at"], told["fulfillment_status"]) == (int(order_id), None, None)
    assert told["created_at"] == told["updated_at"] == "2027-01-15T03:00:00-05:00"
    assert told["location_id"] is None
    assert (told["refunds"], told["fulfillments"]) == ([], [])
    numbers = ("quantity", "current_quantity", "fulfillable_quantity", "variant_id", "sku")
    assert [tuple(line[name] for name in numbers) for line in told["line_items"]] == [
        (3, 3, 3, 4_000_000_000, "SKU-000000"),
        (1, 1, 1, 4_000_000_001, "SKU-000001"),
    ]
    assert "inventory_item_id" not in posts["orders/create"].body.decode()
    assert told["customer"]["email"] == "ada.buyer@example.com"
    assert told["shipping_address"]["address1"] == "1 Example Street"


def test_headers_and_signature(shopify_world: ShopifyWorld) -> None:
    """Goal: every delivery has its own id, topics share the event, and the raw bytes are signed."""
    placed(shopify_world)
    posts = posted(shopify_world)
    created, paid = posts["orders/create"].headers, posts["orders/paid"].headers
    secret = shopify_world.options.client_secret.encode()
    expected = b64encode(hmac.digest(secret, posts["orders/create"].body, "sha256")).decode()
    assert created["X-Shopify-Hmac-Sha256"] == expected
    assert (created["X-Shopify-Topic"], created["X-Shopify-Shop-Domain"]) == ("orders/create", DOMAIN)
    assert created["X-Shopify-API-Version"] == "2026-10"
    assert created["X-Shopify-Triggered-At"].startswith("2027-01-15T08:00:00.")
    assert created["X-Shopify-Event-Id"] == paid["X-Shopify-Event-Id"]
    assert created["X-Shopify-Webhook-Id"] != paid["X-Shopify-Webhook-Id"]
    assert created["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("what", "topics"),
    [
        ("ship", {"orders/updated", "orders/fulfilled", "fulfillments/create"}),
        ("cancel", {"orders/updated", "orders/cancelled", "refunds/create"}),
        ("reduce", {"orders/updated", "orders/edited"}),
        ("refund", {"orders/updated", "refunds/create"}),
    ],
)
def test_what_becomes_of_an_order(shopify_world: ShopifyWorld, what: str, topics: set[str]) -> None:
    """Goal: each change is told under its topics, and the thin ones name the order as the platform does."""
    world = shopify_world
    order_id = placed(world)
    line_id = world.book.orders[order_id].lines[0].line_id
    if what == "refund":
        world.book.ship(order_id)
        world.book.refund(order_id, line_id, 1, restock=True)
    elif what == "reduce":
        world.book.reduce(order_id, line_id, 1)
    else:
        getattr(world.book, what)(order_id)
    posts = posted(world)
    assert set(posts) == topics
    for word, post in posts.items():
        told = body(post)
        number = (
            told["order_edit"]["order_id"] if word == "orders/edited" else told.get("order_id", told["id"])
        )
        assert number == int(order_id), word


def test_refunds_say_what_was_put_back(shopify_world: ShopifyWorld) -> None:
    """Goal: what came back, what the buyer kept, what was cancelled: each with its restock type and location."""
    world = shopify_world
    order_id = placed(world)
    line_id = world.book.orders[order_id].lines[0].line_id
    world.book.ship(order_id)
    world.book.refund(order_id, line_id, 1, restock=True)
    world.book.refund(order_id, line_id, 1, restock=False)
    assert refunded(body(posted(world)["orders/updated"])) == [("return", 1, 1001), ("no_restock", 1, None)]
    other = world.book.place([(world.book.orders[order_id].lines[1].item_id, LONDON, 2)]).order_id
    world.book.cancel(other)
    told = body(posted(world)["orders/cancelled"])
    assert refunded(told) == [("cancel", 2, 1002)]
    assert told["cancelled_at"] is not None
    assert [line["current_quantity"] for line in told["line_items"]] == [0]


def refunded(told: dict[str, Any]) -> list[tuple[str, int, int | None]]:
    lines = [line for refund in told["refunds"] for line in refund["refund_line_items"]]
    return [(line["restock_type"], line["quantity"], line["location_id"]) for line in lines]


def test_a_topic_that_tells_of_something_else_gets_nothing(shopify_world: ShopifyWorld) -> None:
    """Goal: a subscription to a topic this sandbox never sends is not served by mistake."""
    placed(shopify_world)
    happening = shopify_world.happenings[-1]
    assert isinstance(happening, OrderHappening)
    assert shopify_world.post("PRODUCTS_UPDATE", happening) is None
