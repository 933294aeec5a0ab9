"""WooCommerce: what is sent, what is believed of an answer, what refusals mean; the conformance suite has the rest."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest
from starlette.applications import Starlette

from onhand.channels.base import (
    Finding,
    ItemRef,
    LevelKey,
    LevelWrite,
    Outcome,
    RemoteItem,
    ShownLevel,
    WriteResult,
)
from onhand.channels.errors import ChannelDown, ChannelError, CredentialsBad, RowRejected, SameKeyRetry
from onhand.channels.woocommerce import WooCommerce
from onhand.channels.woocommerce.rows import OPTION_ADVICE, PARENT_ADVICE, parse_quantity
from onhand.sandbox.orders import OrderBook
from onhand.sandbox.shop import Item, Shop
from onhand.sandbox.traffic import Traffic
from onhand.sandbox.wire import Subscriptions
from onhand.sandbox.woocommerce import WooOptions, routes
from tests.fix_channels import FakeClock, Wire

KEY, SECRET = "ck_unit_31ab", "cs_unit_77fe"
ROOT = "https://shop.test"
API = "/wp-json/wc/v3"
HTML = "<html><title>Just a moment...</title></html>"

Answer = Callable[[httpx.Request], httpx.Response]


def adapter(transport: httpx.AsyncBaseTransport, clock: FakeClock, **given: Any) -> WooCommerce:
    return WooCommerce(
        "woo", ROOT, KEY, SECRET, transport=transport, clock=clock.now, sleep=clock.sleep, **given
    )


class Script(httpx.AsyncBaseTransport):
    """A shop that answers each request by the next of its lines; the last line goes on for ever."""

    def __init__(self, *lines: Answer) -> None:
        self.lines = list(lines)
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        await asyncio.sleep(0)
        line = self.lines.pop(0) if len(self.lines) > 1 else self.lines[0]
        return line(request)

    def sizes(self) -> list[int]:
        """Rows of each batch sent."""
        return [len(updates(request)) for request in self.requests]


def updates(request: httpx.Request) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = orjson.loads(request.content)["update"]
    return found


def obey(request: httpx.Request) -> httpx.Response:
    """A healthy shop: every entry is applied and echoed."""
    return httpx.Response(200, json={"update": [{**entry, "type": "simple"} for entry in updates(request)]})


def echo(**changes: Any) -> Answer:
    """A shop that answers every entry of a batch with these fields changed."""
    return lambda request: httpx.Response(
        200, json={"update": [{**entry, **changes} for entry in updates(request)]}
    )


def says(status: int, code: str = "", *, message: str = "No.", **headers: str) -> Answer:
    """An error in WordPress' shape, or without a code a page of HTML."""
    if not code:
        return lambda _: httpx.Response(status, text=HTML, headers={"content-type": "text/html", **headers})
    return lambda _: httpx.Response(status, json={"code": code, "message": message}, headers=headers)


def time_out(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("60 s", request=request)


def product(number: int, sku: str = "") -> ItemRef:
    return ItemRef(number, sku or f"P-{number}", str(number))


def variation(number: int, parent: int) -> ItemRef:
    return ItemRef(number, f"V-{number}", str(number), str(parent))


def write(item: ItemRef, quantity: int = 5) -> LevelWrite:
    return LevelWrite(LevelKey(item, ""), quantity, None)


def many(count: int) -> list[LevelWrite]:
    return [write(product(1_000 + at), at) for at in range(count)]


def outcomes(results: list[WriteResult]) -> list[Outcome]:
    return [result.outcome for result in results]


class Sandbox:
    """A sandbox shop with a little of everything, and the adapter on it."""

    def __init__(self, clock: FakeClock, **options: Any) -> None:
        self.shop = Shop("woo", {"": "shop"}, clock=clock.now)
        self.traffic = Traffic("woocommerce")
        chosen = WooOptions(
            consumer_key=KEY,
            consumer_secret=SECRET,
            limits=False,
            clock=clock.now,
            sleep=clock.sleep,
            **options,
        )
        self.wire = Wire(
            Starlette(routes=routes(self.shop, chosen, self.traffic, OrderBook(self.shop), Subscriptions()))
        )
        self.channel = adapter(self.wire, clock)
        for item in (
            Item("11", "S-11", "Mug", barcode="4006381333931", levels={"": 4}),
            Item("12", "S-12", "Cap", tracked=False),
            Item("20", "", "Shirt", kind="variable", tracked=True, levels={"": 70}),
            Item("21", "V-21", "Shirt, S", parent_id="20", kind="variation", levels={"": 1}),
            Item("22", "V-22", "Shirt, M", parent_id="20", kind="variation", tracked=False),
            Item("30", "G-30", "Set", kind="grouped", tracked=False),
            Item("31", "E-31", "Elsewhere", kind="external", tracked=False),
            Item("40", "", "Sock", kind="variable", tracked=False),
            Item("41", "V-41", "Sock, 42", parent_id="40", kind="variation", levels={"": 8}),
        ):
            self.shop.add(item)

    def paths(self) -> list[str]:
        """What was asked, in order, without the query."""
        return [
            f"{exchange.request.method} {exchange.request.url.path.removeprefix(API)}"
            for exchange in self.wire.exchanges
        ]


@pytest.fixture
def sandbox(clock: FakeClock) -> Sandbox:
    return Sandbox(clock)


# What is sent


async def test_products_go_together_and_variations_by_parent(clock: FakeClock) -> None:
    shop = Script(obey)
    given = [product(11), variation(21, 20), product(12), variation(41, 40), variation(22, 20)]
    writes = [write(item, at) for at, item in enumerate(given)]
    results = await adapter(shop, clock).set_levels(writes, "k")
    assert outcomes(results) == [Outcome.ACCEPTED] * 5
    assert [result.write for result in results] == writes
    sent = {
        request.url.path.removeprefix(API): [
            (entry["id"], entry["stock_quantity"]) for entry in updates(request)
        ]
        for request in shop.requests
    }
    assert sent == {
        "/products/batch": [(11, 0), (12, 2)],
        "/products/20/variations/batch": [(21, 1), (22, 4)],
        "/products/40/variations/batch": [(41, 3)],
    }


async def test_every_entry_is_exactly_id_manage_stock_and_quantity(clock: FakeClock) -> None:
    shop = Script(obey)
    await adapter(shop, clock).set_levels([write(product(11), 8)], "k")
    assert shop.requests[0].content == b'{"update":[{"id":11,"manage_stock":true,"stock_quantity":8}]}'
    assert shop.requests[0].headers["content-type"] == "application/json"
    assert shop.requests[0].url.query == b""


async def test_the_key_travels_in_the_header_only(clock: FakeClock) -> None:
    shop = Script(lambda _: httpx.Response(200, json=[]))
    channel = adapter(shop, clock)
    for _ in range(2):
        await channel.read_levels([LevelKey(product(11), "")])
    first, second = shop.requests
    assert httpx.BasicAuth(KEY, SECRET)._auth_header == first.headers["authorization"]
    assert first.headers["cache-control"] == "no-cache"
    assert first.url.params["_"] != second.url.params["_"]
    assert not any(secret in str(first.url) for secret in (KEY, SECRET))


@pytest.mark.parametrize("item_id", ["", "gid://shopify/1", "-4", "0", "1.5", "٣"])
async def test_what_is_no_id_is_rejected_unsent(clock: FakeClock, item_id: str) -> None:
    shop = Script(obey)
    for bad in (ItemRef(1, "A-1", item_id), ItemRef(1, "A-1", "7", "x" + item_id)):
        (result,) = await adapter(shop, clock).set_levels([write(bad)], "k")
        assert result.outcome is Outcome.REJECTED
        assert isinstance(result.error, RowRejected)
        assert "A-1" in str(result.error)
    assert shop.requests == []


@pytest.mark.parametrize("quantity", [-1, 2.5, True, None])
async def test_what_is_no_level_is_rejected_unsent(clock: FakeClock, quantity: Any) -> None:
    shop = Script(obey)
    results = await adapter(shop, clock).set_levels(
        [write(product(11), quantity), write(product(12), 3)], "k"
    )
    assert outcomes(results) == [Outcome.REJECTED, Outcome.ACCEPTED]
    assert [entry["id"] for entry in updates(shop.requests[0])] == [12]


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://shop.example", "unencrypted"),
        ("http://127.0.0.1.shop.example", "unencrypted"),
        ("ftp://shop.example", "unencrypted"),
        ("https://ck:cs@shop.example", "site root"),
        ("https://shop.example/?consumer_key=ck", "site root"),
        ("shop.example", "site root"),
    ],
)
def test_an_address_that_would_give_the_key_away_is_refused(url: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        WooCommerce("woo", url, KEY, SECRET)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://shop.example/", "https://shop.example/wp-json/wc/v3/products"),
        ("https://shop.example/store", "https://shop.example/store/wp-json/wc/v3/products"),
        ("http://127.0.0.1:8080/woocommerce", "http://127.0.0.1:8080/woocommerce/wp-json/wc/v3/products"),
        ("http://[::1]:8080", "http://[::1]:8080/wp-json/wc/v3/products"),
        ("http://localhost:8080", "http://localhost:8080/wp-json/wc/v3/products"),
    ],
)
async def test_the_site_root_may_be_a_folder_and_loopback_may_be_plain(url: str, expected: str) -> None:
    shop = Script(lambda _: httpx.Response(200, json=[]))
    await WooCommerce("woo", url, KEY, SECRET, transport=shop).read_levels([LevelKey(product(1), "")])
    assert str(shop.requests[0].url.copy_with(query=None)) == expected


# What is believed of an answer


async def test_the_shop_option_off_is_a_false_success(clock: FakeClock) -> None:
    sandbox = Sandbox(clock, manage_stock_option=False)
    results = await sandbox.channel.set_levels([write(product(11), 9), write(variation(21, 20), 9)], "k")
    assert outcomes(results) == [Outcome.REJECTED] * 2
    for result in results:
        assert isinstance(result.error, RowRejected)
        assert result.error.advice == OPTION_ADVICE
        assert "manage_stock False" in str(result.error)
    assert sandbox.shop.level("11", "") == 4


@pytest.mark.parametrize(
    ("changes", "echoed", "told", "advice"),
    [
        ({"stock_quantity": 7}, 7, "stock_quantity 7 where 5 was sent", "Another plugin"),
        ({"stock_quantity": None}, None, "stock_quantity None where 5", "Another plugin"),
        ({"stock_quantity": "5"}, 5, "stock_quantity '5' where 5", "Another plugin"),
        ({"manage_stock": "parent"}, 5, "manage_stock 'parent'", PARENT_ADVICE),
        ({"manage_stock": False}, 5, "manage_stock False", OPTION_ADVICE),
        ({"manage_stock": 1}, 5, "manage_stock 1", OPTION_ADVICE),
        ({"manage_stock": False, "type": "external"}, 5, "manage_stock False", "sold by another shop"),
        ({"id": 99}, None, "answered for item 99", "map the other one"),
    ],
)
async def test_an_echo_that_is_not_what_was_sent_is_no_success(
    clock: FakeClock, changes: dict[str, Any], echoed: int | None, told: str, advice: str
) -> None:
    (result,) = await adapter(Script(echo(**changes)), clock).set_levels([write(product(11), 5)], "k")
    assert (result.outcome, result.echo) == (Outcome.REJECTED, echoed)
    assert isinstance(result.error, RowRejected)
    assert result.error.action == "setting SKU P-11 (product 11) to 5"
    assert told in result.error.said
    assert advice in result.error.advice


async def test_a_whole_number_may_come_as_a_float(clock: FakeClock) -> None:
    (result,) = await adapter(Script(echo(stock_quantity=5.0)), clock).set_levels(
        [write(product(11), 5)], "k"
    )
    assert (result.outcome, result.echo) == (Outcome.ACCEPTED, 5)


async def test_each_entry_stands_for_itself(sandbox: Sandbox) -> None:
    sandbox.shop.rejected_items.add("11")
    given = [
        product(11),
        product(99),
        product(21),
        product(30),
        product(12),
        variation(22, 20),
        variation(99, 20),
    ]
    results = await sandbox.channel.set_levels([write(item, 6) for item in given], "k")
    assert outcomes(results) == [Outcome.REJECTED] * 4 + [Outcome.ACCEPTED] * 2 + [Outcome.REJECTED]
    said = [result.error.said.partition(":")[0] if result.error else "" for result in results]
    assert said == [
        "woocommerce_rest_product_not_created",
        "woocommerce_rest_product_invalid_id",
        "woocommerce_rest_invalid_product_id",
        "it answered without an error, but manage_stock False and stock_quantity None where 6 was sent",
        "",
        "",
        "woocommerce_rest_product_variation_invalid_id",
    ]
    advice = [result.error.advice if result.error else "" for result in results]
    assert "plugin may have refused" in advice[0]
    assert "mend the mapping" in advice[1]
    assert "mapped without its parent" in advice[2]
    assert "grouped product keeps no stock" in advice[3]


async def test_an_unmanaged_product_and_an_inheriting_variation_are_brought_into_management(
    sandbox: Sandbox,
) -> None:
    keys = [LevelKey(item, "") for item in (product(12), variation(22, 20))]
    assert [level.quantity for level in await sandbox.channel.read_levels(keys)] == [None, None]
    await sandbox.channel.set_levels([write(product(12), 3), write(variation(22, 20), 0)], "k")
    assert await sandbox.channel.read_levels(keys) == [ShownLevel(keys[0], 3), ShownLevel(keys[1], 0)]


@pytest.mark.parametrize(
    ("body", "kind", "told"),
    [
        ([], ChannelDown, "no list of updates"),
        ({"create": []}, ChannelDown, "no list of updates"),
        ({"update": []}, SameKeyRetry, "1 updates were sent and 0 answered"),
        ({"update": [1, 2]}, SameKeyRetry, "1 updates were sent and 2 answered"),
    ],
)
async def test_an_answer_of_the_wrong_shape_is_none(
    clock: FakeClock, body: Any, kind: type[ChannelError], told: str
) -> None:
    shop = Script(lambda _: httpx.Response(200, json=body))
    with pytest.raises(kind, match=told):
        await adapter(shop, clock).set_levels([write(product(11))], "k")


async def test_an_entry_that_is_no_object_is_rejected(clock: FakeClock) -> None:
    shop = Script(lambda _: httpx.Response(200, json={"update": ["odd"]}))
    (result,) = await adapter(shop, clock).set_levels([write(product(11))], "k")
    assert (result.outcome, result.echo) == (Outcome.REJECTED, None)


# Batches of a size the shop bears


async def test_batches_double_while_the_shop_is_quick(clock: FakeClock) -> None:
    shop = Script(obey)
    channel = adapter(shop, clock)
    await channel.set_levels(many(100), "k")
    await channel.set_levels(many(100), "k")
    assert shop.sizes() == [25, 50, 25, 100]
    assert channel.meter.remaining == {"calls at once": 3.0, "rows in a call": 100.0}


async def test_a_smaller_limit_of_the_shop_is_found_and_kept(clock: FakeClock) -> None:
    sandbox = Sandbox(clock, batch_items_max=30)
    for at in range(100):
        sandbox.shop.add(Item(str(1_000 + at), f"P-{at}", "Thing", levels={"": 0}))
    for _ in range(2):
        results = await sandbox.channel.set_levels(many(100), "k")
        assert outcomes(results) == [Outcome.ACCEPTED] * 100
    sent = [len(updates(exchange.request)) for exchange in sandbox.wire.exchanges]
    assert sent == [25, 50, 25, 25, 25] + [25] * 4
    assert [sandbox.shop.level(str(1_000 + at), "") for at in range(100)] == list(range(100))


async def test_one_row_too_large_for_the_web_server_stops_the_channel(clock: FakeClock) -> None:
    shop = Script(says(413))
    with pytest.raises(ChannelDown, match="raise its limit on request bodies"):
        await adapter(shop, clock).set_levels(many(4), "k")
    assert shop.sizes() == [4, 2, 1]


async def test_a_time_out_halves_and_leaves_the_outcome_open(clock: FakeClock) -> None:
    shop = Script(time_out, obey)
    channel = adapter(shop, clock)
    with pytest.raises(SameKeyRetry) as failure:
        await channel.set_levels(many(100), "k")
    assert failure.value.action == "setting 25 SKUs (P-1000 to P-1024) by POST /products/batch"
    assert outcomes(await channel.set_levels(many(100), "k")) == [Outcome.ACCEPTED] * 100
    assert shop.sizes() == [25, 12, 24, 48, 16]


async def test_a_server_error_is_sent_once_more_in_halves(clock: FakeClock) -> None:
    shop = Script(says(500), obey)
    channel = adapter(shop, clock)
    assert outcomes(await channel.set_levels(many(100), "k")) == [Outcome.ACCEPTED] * 100
    assert shop.sizes() == [25, 12, 13, 24, 48, 3]
    assert clock.slept == [1.0]
    assert channel.meter.waited_seconds == 1.0


async def test_a_lasting_server_error_is_told(clock: FakeClock) -> None:
    shop = Script(says(502))
    with pytest.raises(SameKeyRetry) as failure:
        await adapter(shop, clock).set_levels(many(100), "k")
    assert failure.value.status == 502
    assert shop.sizes() == [25, 12]


async def test_a_batch_refused_for_one_row_is_halved_until_it_stands_alone(clock: FakeClock) -> None:
    def refuse_bad(request: httpx.Request) -> httpx.Response:
        if any(entry["id"] == 1_002 for entry in updates(request)):
            return says(400, "rest_invalid_param", message="Invalid parameter(s): update")(request)
        return obey(request)

    shop = Script(refuse_bad)
    results = await adapter(shop, clock).set_levels(many(5), "k")
    assert outcomes(results) == [Outcome.ACCEPTED] * 2 + [Outcome.REJECTED] + [Outcome.ACCEPTED] * 2
    assert results[2].error is not None
    assert str(results[2].error).startswith(
        "woo: setting SKU P-1002 (product 1002) to 2 failed (HTTP 400): rest_invalid"
    )
    assert shop.sizes() == [5, 2, 3, 1, 2]


async def test_after_a_failure_no_other_parent_is_begun(clock: FakeClock) -> None:
    shop = Script(says(401, "woocommerce_rest_authentication_error"))
    writes = [write(variation(100 + at, 10 + at)) for at in range(40)]
    with pytest.raises(CredentialsBad):
        await adapter(shop, clock, max_concurrency=3).set_levels(writes, "k")
    assert len(shop.requests) == 3


# Refusals, sorted


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "woocommerce_rest_authentication_error", CredentialsBad),
        (401, "woocommerce_rest_cannot_view", CredentialsBad),
        (401, "woocommerce_rest_cannot_edit", CredentialsBad),
        (401, "woocommerce_rest_cannot_batch", CredentialsBad),
        (401, "", CredentialsBad),
        (403, "rest_forbidden", CredentialsBad),
        (403, "", ChannelDown),
        (404, "rest_no_route", ChannelDown),
        (404, "", ChannelDown),
        (406, "", ChannelDown),
        (408, "", SameKeyRetry),
        (418, "", ChannelDown),
        (500, "internal_server_error", SameKeyRetry),
        (501, "", ChannelDown),
        (502, "", SameKeyRetry),
        (503, "", SameKeyRetry),
        (504, "", SameKeyRetry),
        (520, "", SameKeyRetry),
        (524, "", SameKeyRetry),
        (200, "", SameKeyRetry),
    ],
)
async def test_refusals_are_sorted(
    clock: FakeClock, status: int, code: str, kind: type[ChannelError]
) -> None:
    with pytest.raises(ChannelError) as failure:
        await adapter(Script(says(status, code)), clock).set_levels([write(product(11))], "k")
    assert type(failure.value) is kind
    assert failure.value.status == status
    assert failure.value.advice
    assert (code or "Just a moment") in failure.value.said


async def test_a_challenge_page_slows_us_down(clock: FakeClock) -> None:
    shop = Script(obey)
    channel = adapter(shop, clock)
    await channel.set_levels(many(100), "k")
    clock.advance(1)
    shop.lines = [says(200)]
    with pytest.raises(SameKeyRetry, match=r"the answer is not JSON \(text/html\)"):
        await channel.set_levels(many(1), "k")
    shop.lines = [obey]
    await channel.set_levels(many(1), "k")
    assert channel.meter.remaining["calls at once"] == 2.0


async def test_a_shop_that_moved_says_where(clock: FakeClock) -> None:
    moved = Script(
        lambda _: httpx.Response(301, headers={"location": "https://www.shop.test/wp-json/wc/v3?k=v"})
    )
    with pytest.raises(ChannelDown) as failure:
        await adapter(moved, clock).set_levels([write(product(11))], "k")
    assert failure.value.said == "moved to https://www.shop.test/wp-json/wc/v3"
    assert "set base_url" in failure.value.advice


async def test_an_empty_answer_is_called_so(clock: FakeClock) -> None:
    with pytest.raises(SameKeyRetry) as failure:
        await adapter(Script(lambda _: httpx.Response(502)), clock).read_levels([LevelKey(product(11), "")])
    assert failure.value.said == "an empty answer"


@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "Mon, 02 Nov 2026 10:00:30 GMT", "date": "Mon, 02 Nov 2026 10:00:00 GMT"}, 30.0),
        ({"retry-after": "Mon, 02 Nov 2026 10:00:30 GMT"}, 1.0),
        ({"retry-after": "soon"}, 1.0),
        ({"retry-after": "0"}, 1.0),
        ({}, 1.0),
    ],
)
async def test_waits_as_long_as_the_host_asks(
    clock: FakeClock, headers: dict[str, str], waited: float
) -> None:
    shop = Script(says(429, **headers), obey)
    channel = adapter(shop, clock)
    assert outcomes(await channel.set_levels([write(product(11))], "k")) == [Outcome.ACCEPTED]
    assert clock.slept == [waited]
    assert (channel.meter.throttled, channel.meter.waited_seconds) == (1, waited)


async def test_waits_longer_each_time_the_host_does_not_say(clock: FakeClock) -> None:
    shop = Script(*[says(429)] * 5, obey)
    await adapter(shop, clock).set_levels([write(product(11))], "k")
    assert clock.slept == [1.0, 2.0, 4.0, 8.0, 16.0]


async def test_maintenance_is_waited_for_when_it_is_short(clock: FakeClock) -> None:
    shop = Script(says(503, **{"retry-after": "60"}), obey)
    await adapter(shop, clock).set_levels([write(product(11))], "k")
    assert clock.slept == [60.0]


async def test_a_shop_that_asks_for_no_wait_is_given_up_in_bounded_time(clock: FakeClock) -> None:
    for status in (429, 503):
        shop = Script(says(status, **{"retry-after": "0"}))
        with pytest.raises(SameKeyRetry):
            await adapter(shop, clock).read_levels([LevelKey(product(11), "")])
        assert len(shop.requests) == 6


async def test_maintenance_is_told_when_it_is_long(clock: FakeClock) -> None:
    shop = Script(says(503, **{"retry-after": "3600"}))
    with pytest.raises(SameKeyRetry) as failure:
        await adapter(shop, clock).read_levels([LevelKey(product(11), "")])
    assert failure.value.retry_after_seconds == 3600.0
    assert clock.slept == []


# What is read


async def test_variations_are_read_over_all_parents_where_the_shop_can(sandbox: Sandbox) -> None:
    keys = [LevelKey(item, "") for item in (variation(41, 40), product(11), variation(21, 20))]
    for _ in range(2):
        assert [level.quantity for level in await sandbox.channel.read_levels(keys)] == [8, 4, 1]
    assert sorted(sandbox.paths()[:3]) == ["GET /products", "GET /variations", "GET /variations"]
    assert sorted(sandbox.paths()[3:]) == ["GET /products", "GET /variations"]


async def test_an_older_shop_is_read_parent_by_parent_and_probed_once(clock: FakeClock) -> None:
    sandbox = Sandbox(clock, has_variations_route=False, version="9.4.1")
    keys = [LevelKey(item, "") for item in (variation(41, 40), variation(21, 20), variation(77, 70))]
    for _ in range(2):
        assert [level.quantity for level in await sandbox.channel.read_levels(keys)] == [8, 1, None]
    by_parent = [f"GET /products/{parent}/variations" for parent in (20, 40, 70)]
    assert sandbox.paths()[0] == "GET /variations"
    assert sorted(sandbox.paths()[1:]) == sorted(by_parent * 2)


async def test_a_listing_that_cannot_be_had_says_why(sandbox: Sandbox) -> None:
    given = {
        "unmanaged": product(12),
        "inherits": variation(22, 20),
        "grouped": product(30),
        "external": product(31),
        "gone": product(99),
        "variation gone": variation(99, 20),
        "moved": variation(41, 20),
        "no parent known": ItemRef(1, "X", "21"),
        "no id": ItemRef(1, "X", "gid://1"),
    }
    shown = await sandbox.channel.read_levels([LevelKey(item, "") for item in given.values()])
    assert {level.quantity for level in shown} == {None}
    assert dict(zip(given, (level.problem for level in shown), strict=True)) == {
        "unmanaged": "the shop does not manage its stock (stock status instock)",
        "inherits": "the parent product keeps its stock (70 units for all of them)",
        "grouped": "a grouped product keeps no stock: its members do",
        "external": "an external product is sold by another shop",
        "gone": "the shop has no product 99 (deleted, or in the trash): discover the channel again",
        "variation gone": "the shop has no variation 99 (deleted, or in the trash): discover the channel again",
        "moved": "variation 41 belongs to product 40, not to 20: discover the channel again",
        "no parent known": "the shop has no product 21 (deleted, or in the trash): discover the channel again",
        "no id": "the shop has no product gid://1 (deleted, or in the trash): discover the channel again",
    }


@pytest.mark.parametrize(
    ("value", "quantity", "problem"),
    [
        (8, 8, ""),
        (0, 0, ""),
        (-3, -3, ""),
        (8.0, 8, ""),
        ("8.000", 8, ""),
        (3.5, 3, "the shop states 3.5 units, not a whole number; rounded down"),
        (-0.5, -1, "the shop states -0.5 units, not a whole number; rounded down"),
        (None, None, "the shop states no quantity"),
        ("many", None, "the shop states the quantity 'many', which is no number"),
        ("NaN", None, "the shop states the quantity 'NaN', which is no number"),
        ("Infinity", None, "the shop states the quantity 'Infinity', which is no number"),
    ],
)
def test_quantities_are_taken_as_they_come(value: Any, quantity: int | None, problem: str) -> None:
    assert parse_quantity(value) == (quantity, problem)


async def test_a_listing_of_the_wrong_shape_is_no_answer(clock: FakeClock) -> None:
    for body in ({"products": []}, [1, 2]):
        shop = Script(lambda _, body=body: httpx.Response(200, json=body))
        with pytest.raises(SameKeyRetry, match="a list of objects was expected"):
            await adapter(shop, clock).read_levels([LevelKey(product(11), "")])


# What is discovered


def discovered(items: list[RemoteItem]) -> dict[str, tuple[str, str, bool]]:
    return {item.item_id: (item.sort_key, item.parent_id, item.writable) for item in items}


@pytest.mark.parametrize("has_route", [True, False])
async def test_discovers_products_and_variations(clock: FakeClock, has_route: bool) -> None:
    sandbox = Sandbox(clock, has_variations_route=has_route)
    sandbox.shop.items["41"].values["backorders"] = "notify"
    found = [item async for page in sandbox.channel.discover() for item in page]
    assert discovered(found) == {
        "11": ("p/000000000000011", "", True),
        "12": ("p/000000000000012", "", True),
        "20": ("p/000000000000020", "", False),
        "21": ("v/000000000000020/000000000000021", "20", True),
        "22": ("v/000000000000020/000000000000022", "20", True),
        "30": ("p/000000000000030", "", False),
        "31": ("p/000000000000031", "", False),
        "40": ("p/000000000000040", "", False),
        "41": ("v/000000000000040/000000000000041", "40", True),
    }
    by_id = {item.item_id: item for item in found}
    assert (by_id["11"].sku, by_id["11"].barcode, by_id["11"].title) == ("S-11", "4006381333931", "Mug")
    assert {number: item.problem for number, item in by_id.items() if item.problem} == {
        "20": "a variable product is sold through its variations: push to those",
        "22": "the parent product keeps its stock now: the first push makes the variation keep its own",
        "30": "a grouped product keeps no stock: its members do",
        "31": "an external product is sold by another shop",
        "40": "a variable product is sold through its variations: push to those",
        "41": "backorders are allowed: a level of zero does not stop its sales",
    }


async def test_a_short_page_is_not_the_last_where_the_shop_says_so(clock: FakeClock) -> None:
    def page(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get("page", "1"))
        rows = (
            []
            if "/variations" in request.url.path
            else [{"id": number, "type": "simple", "sku": f"A-{number}"}]
        )
        return httpx.Response(200, json=rows, headers={"x-wp-total": "300", "x-wp-totalpages": "3"})

    found = [item.sku async for items in adapter(Script(page), clock).discover() for item in items]
    assert found == ["A-1", "A-2", "A-3"]


async def test_without_totals_a_short_page_is_the_last(clock: FakeClock) -> None:
    shop = Script(
        lambda request: httpx.Response(200, json=[{"id": 1}] if "products" in request.url.path else [])
    )
    assert len([items async for items in adapter(shop, clock).discover()]) == 1


async def test_a_variation_without_its_parent_is_not_writable(clock: FakeClock) -> None:
    shop = Script(
        lambda request: httpx.Response(200, json=[{"id": 5}] if "variations" in request.url.path else [])
    )
    (items,) = [items async for items in adapter(shop, clock).discover()]
    assert (items[0].writable, items[0].problem) == (False, "a variation without its parent product")


# What check finds


def wrong(findings: list[Finding]) -> dict[str, str]:
    return {finding.subject: finding.message for finding in findings if not finding.ok}


async def test_check_writes_nothing(sandbox: Sandbox) -> None:
    assert wrong(await sandbox.channel.check()) == {}
    assert sandbox.paths() == [
        "GET /products",
        "GET /products",
        "POST /products/batch",
        "GET /settings/products/woocommerce_manage_stock",
        "GET /system_status",
    ]
    assert orjson.loads(sandbox.wire.exchanges[2].request.content) == {"update": []}
    assert not sandbox.shop.history


async def test_check_finds_a_key_that_may_only_read(clock: FakeClock) -> None:
    found = wrong(await Sandbox(clock, permissions="read").channel.check())
    assert found.keys() == {"permission"}
    assert "does not have write permissions" in found["permission"]


async def test_check_finds_the_shop_option_off(clock: FakeClock) -> None:
    findings = await Sandbox(clock, manage_stock_option=False).channel.check()
    assert wrong(findings).keys() == {"stock management"}
    (finding,) = (finding for finding in findings if not finding.ok)
    assert finding.advice == OPTION_ADVICE


@pytest.mark.parametrize(
    ("version", "ok", "told"),
    [
        ("11.2.0", True, "WooCommerce 11.2.0"),
        ("9.9.5", True, "one call for each variable product"),
        ("7.1.0", False, "WooCommerce 7.1.0"),
        ("", False, "of unknown version"),
    ],
)
async def test_check_tells_the_version(clock: FakeClock, version: str, ok: bool, told: str) -> None:
    findings = await Sandbox(clock, version=version).channel.check()
    (finding,) = (finding for finding in findings if finding.subject == "version")
    assert finding.ok is ok
    assert told in finding.message


@pytest.mark.parametrize(
    ("headers", "ok"),
    [
        ({"age": "30"}, False),
        ({"x-cache": "HIT from edge"}, False),
        ({"cf-cache-status": "HIT"}, False),
        ({"age": "0", "x-cache": "MISS", "cf-cache-status": "DYNAMIC"}, True),
    ],
)
async def test_check_finds_a_page_cache(clock: FakeClock, headers: dict[str, str], ok: bool) -> None:
    shop = Script(lambda _: httpx.Response(200, json=[], headers=headers))
    findings = await adapter(shop, clock).check()
    (finding,) = (finding for finding in findings if finding.subject == "caching")
    assert finding.ok is ok


@pytest.mark.parametrize(
    ("line", "subject"),
    [
        (says(404, "rest_no_route"), "permalinks"),
        (says(401, "woocommerce_rest_cannot_view"), "credentials"),
        (says(403), "reachable"),
        (says(500), "reachable"),
    ],
)
async def test_check_stops_where_nothing_answers(clock: FakeClock, line: Answer, subject: str) -> None:
    (finding,) = await adapter(Script(line), clock).check()
    assert (finding.subject, finding.ok) == (subject, False)
    assert finding.advice


async def test_check_goes_on_where_one_thing_cannot_be_read(clock: FakeClock) -> None:
    listing = httpx.Response(200, json=[])
    shop = Script(lambda _: listing, lambda _: listing, says(403, "woocommerce_rest_cannot_view"))
    assert wrong(await adapter(shop, clock).check()).keys() == {"permission", "stock management", "version"}
