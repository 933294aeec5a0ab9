"""What is particular to Shopify: compare-and-set, idempotency, tracking, activation, costs, versions, tokens."""

from typing import Any

import httpx
import orjson
import pytest
from graphql import parse, validate
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from onhand.channels.base import ItemRef, LevelKey, LevelWrite, Outcome
from onhand.channels.errors import ChannelDown, ChannelError, CredentialsBad, NewKeyRetry, SameKeyRetry
from onhand.channels.shopify import (
    ClientCredentials,
    Shopify,
    StaticToken,
    catalogue_documents,
    documents,
    order_documents,
)
from onhand.channels.shopify.rounds import ROUNDS_MAX, idempotency_key
from onhand.channels.shopify.verdicts import said_by
from onhand.sandbox.orders import OrderBook
from onhand.sandbox.shop import Item
from onhand.sandbox.shopify import ShopifyOptions, routes
from onhand.sandbox.traffic import Hook
from onhand.sandbox.wire import Subscriptions
from tests.channels.case_shopify import LEEDS, LONDON, case, fill, published_schema, the_published_schema
from tests.fix_channels import BASE_URL, ChannelCase, FakeClock, Wire, number_of


@pytest.fixture
def world(clock: FakeClock) -> ChannelCase:
    return case(clock)


@pytest.fixture
def shopify(world: ChannelCase) -> Shopify:
    adapter = world.make_adapter(base_url=BASE_URL, transport=Wire(world.app))
    assert isinstance(adapter, Shopify)
    return adapter


def write(ref: ItemRef, quantity: int, shown: int | None = 0, place: str = LEEDS) -> LevelWrite:
    return LevelWrite(LevelKey(ref, place), quantity, shown)


def adapter_for(
    world: ChannelCase, options: ShopifyOptions, version: str = "2026-10", **more: Any
) -> Shopify:
    """An adapter for the same shop behind other options."""
    app = Starlette(routes=routes(world.shop, options, world.traffic, OrderBook(world.shop), Subscriptions()))
    token = more.pop("token", StaticToken(options.access_token))
    places = more.pop("places", (LEEDS, LONDON))
    return Shopify(
        "shopify-test",
        BASE_URL,
        token,
        places,
        api_version=version,
        transport=Wire(app),
        clock=world.clock.now,
        sleep=world.clock.sleep,
        **more,
    )


def answers(*bodies: dict[str, Any], status: int = 200) -> Hook:
    """The first requests are answered by these bodies, one each."""
    left = list(bodies)

    async def hook(request: Request) -> Response | None:
        return JSONResponse(left.pop(0), status) if left else None

    return hook


def user_error(code: str, at: int | None = None) -> dict[str, Any]:
    path = None if at is None else ["input", "quantities", str(at), "inventoryItemId"]
    error = {"code": code, "field": path, "message": f"about {code}"}
    return {"data": {"inventorySetQuantities": {"inventoryAdjustmentGroup": None, "userErrors": [error]}}}


def sent_keys(wire: Wire) -> list[str]:
    bodies = [orjson.loads(exchange.request.content) for exchange in wire.exchanges]
    return [body["variables"]["key"] for body in bodies]


@pytest.mark.parametrize(
    "operation",
    [*documents.ALL, *order_documents.ALL, *catalogue_documents.ALL],
    ids=lambda operation: operation.name,
)
@pytest.mark.parametrize("version", ["2026-10", "2026-07"])
def test_every_document_is_valid(operation: documents.Operation, version: str) -> None:
    schema = published_schema(version)
    if schema is None:
        pytest.skip("no copy of Shopify's published schema at hand")
    assert validate(schema, parse(operation.text)) == []


def test_the_schema_for_the_validation_knows_the_directive() -> None:
    """The negative control: a field that does not exist is found out."""
    schema = the_published_schema()
    assert validate(schema, parse("{ shop { nonsense } }")) != []
    assert schema.get_directive("idempotent") is not None


async def test_without_a_believed_level_nothing_is_sent(shopify: Shopify, world: ChannelCase) -> None:
    (ref,) = world.fill(1)
    (result,) = await shopify.set_levels([write(ref, 5, shown=None)], "blind")
    assert result.outcome is Outcome.STALE
    assert isinstance(result.error, NewKeyRetry)
    assert world.traffic.calls == {}


@pytest.mark.parametrize("item_id", ["", "123", "gid://shopify/Product/1", "gid://shopify/InventoryItem/1x"])
async def test_a_malformed_id_is_rejected_before_it_spoils_the_call(
    shopify: Shopify, world: ChannelCase, item_id: str
) -> None:
    (ref,) = world.fill(1)
    results = await shopify.set_levels([write(ItemRef(9, "BAD", item_id), 5), write(ref, 6)], "malformed")
    assert [result.outcome for result in results] == [Outcome.REJECTED, Outcome.ACCEPTED]
    assert results[0].error is not None
    assert "'BAD'" in str(results[0].error)
    (shown,) = await shopify.read_levels([LevelKey(ItemRef(9, "BAD", item_id), LEEDS)])
    assert shown.quantity is None
    assert shown.problem


async def test_a_quantity_beyond_what_the_platform_takes(shopify: Shopify, world: ChannelCase) -> None:
    refs = world.fill(2)
    results = await shopify.set_levels([write(refs[0], 1_000_000_001), write(refs[1], 1_000_000_000)], "much")
    assert [result.outcome for result in results] == [Outcome.REJECTED, Outcome.ACCEPTED]


async def test_an_untracked_item_is_reported_then_tracked_by_the_next_write(
    shopify: Shopify, world: ChannelCase
) -> None:
    refs = world.fill(14)
    item = world.shop.items[number_of(refs[3])]
    item.tracked, item.levels[LEEDS] = False, 17
    shown = await shopify.read_levels([LevelKey(ref, LEEDS) for ref in refs])
    assert shown[3].quantity is None
    assert "not track" in shown[3].problem
    results = await shopify.set_levels([write(refs[3], 5, shown=None), write(refs[4], 6)], "track")
    assert [result.outcome for result in results] == [Outcome.ACCEPTED, Outcome.ACCEPTED]
    assert item.tracked
    assert item.levels[LEEDS] == 5
    await shopify.set_levels([write(refs[3], 4, shown=5)], "again")
    assert world.traffic.calls["inventoryItemUpdate"] == 1


async def test_discovery_learns_what_is_untracked(shopify: Shopify, world: ChannelCase) -> None:
    refs = world.fill(2)
    world.shop.items[number_of(refs[1])].tracked = False
    assert [item.writable for page in [page async for page in shopify.discover()] for item in page] == [
        True,
        True,
    ]
    await shopify.set_levels([write(refs[1], 5, shown=None)], "first")
    assert world.shop.items[number_of(refs[1])].tracked


async def test_a_place_that_does_not_stock_the_item_shows_zero_and_takes_a_level(
    shopify: Shopify, world: ChannelCase
) -> None:
    (ref,) = world.fill(1)
    del world.shop.items[number_of(ref)].levels[LONDON]
    (shown,) = await shopify.read_levels([LevelKey(ref, LONDON)])
    assert (shown.quantity, shown.problem) == (0, "")
    (result,) = await shopify.set_levels([write(ref, 7, shown=0, place=LONDON)], "new place")
    assert (result.outcome, result.echo) == (Outcome.ACCEPTED, 7)
    assert "inventoryActivate" not in world.traffic.calls


async def test_before_2026_10_a_place_is_activated_first(world: ChannelCase) -> None:
    shopify = adapter_for(world, ShopifyOptions(limits=False), "2026-07")
    refs = world.fill(3)
    del world.shop.items[number_of(refs[1])].levels[LEEDS]
    results = await shopify.set_levels([write(ref, at + 1) for at, ref in enumerate(refs)], "activate")
    assert [result.outcome for result in results] == [Outcome.ACCEPTED] * 3
    assert [world.truth(ref, LEEDS) for ref in refs] == [1, 2, 3]
    assert world.traffic.calls["inventoryActivate"] == 1


async def test_a_bundle_is_found_but_not_writable(shopify: Shopify, world: ChannelCase) -> None:
    (ref,) = world.fill(1)
    world.shop.items[number_of(ref)].kind = "bundle"
    ((found,),) = [page async for page in shopify.discover()]
    assert not found.writable
    assert "components" in found.problem
    (result,) = await shopify.set_levels([write(ref, 5)], "bundle")
    assert result.outcome is Outcome.REJECTED
    assert result.error is not None
    assert "NON_MUTABLE_INVENTORY_ITEM" in result.error.said


async def test_a_thousand_levels_are_read_in_four_calls(shopify: Shopify, world: ChannelCase) -> None:
    refs = world.fill(1_000)
    shown = await shopify.read_levels([LevelKey(ref, LEEDS) for ref in refs])
    assert [level.quantity for level in shown] == [0] * 1_000
    assert world.traffic.calls == {"location": 4}


async def test_foreign_items_between_are_paged_through_or_stepped_over(
    shopify: Shopify, world: ChannelCase
) -> None:
    """Every fifth item wanted: more pages. Every fiftieth: one page shows it does not pay, the rest goes by id."""
    refs = world.fill(2_500)
    fifth, fiftieth = refs[:1_250:5], refs[::50]
    assert {
        level.quantity for level in await shopify.read_levels([LevelKey(ref, LEEDS) for ref in fifth])
    } == {0}
    assert world.traffic.calls == {"location": 5}
    assert {
        level.quantity for level in await shopify.read_levels([LevelKey(ref, LEEDS) for ref in fiftieth])
    } == {0}
    assert world.traffic.calls == {"location": 6, "nodes": 1}


async def test_an_unknown_location(shopify: Shopify, world: ChannelCase) -> None:
    refs, place = world.fill(20), "gid://shopify/Location/404"
    for some in (refs, refs[:2]):
        shown = await shopify.read_levels([LevelKey(ref, place) for ref in some])
        assert {level.quantity for level in shown} == {None}
        assert "location" in shown[0].problem
    (result,) = await shopify.set_levels([write(refs[0], 1, place=place)], "nowhere")
    assert result.outcome is Outcome.REJECTED
    assert result.error is not None
    assert "places" in result.error.advice


async def test_duplicates_in_one_call_are_told_apart(shopify: Shopify, world: ChannelCase) -> None:
    (ref,) = world.fill(1)
    results = await shopify.set_levels([write(ref, 5), write(ref, 5)], "twice")
    assert [result.outcome for result in results] == [Outcome.ACCEPTED, Outcome.REJECTED]


def test_idempotency_keys_follow_shop_key_content_and_attempt() -> None:
    entry = {"inventoryItemId": "i", "locationId": "l", "quantity": 1, "changeFromQuantity": 0}
    base = idempotency_key("shop", "k", [entry], 0)
    assert base == idempotency_key("shop", "k", [dict(entry)], 0)
    others = {
        idempotency_key("other", "k", [entry], 0),
        idempotency_key("shop", "other", [entry], 0),
        idempotency_key("shop", "k", [{**entry, "quantity": 2}], 0),
        idempotency_key("shop", "k", [entry], 1),
    }
    assert len(others | {base}) == 5


async def test_a_concurrent_request_is_repeated_with_the_same_key(clock: FakeClock) -> None:
    world = case(clock)
    wire = Wire(world.app)
    shopify = world.make_adapter(base_url=BASE_URL, transport=wire)
    (ref,) = world.fill(1)
    world.traffic.hooks.append(answers(user_error("IDEMPOTENCY_CONCURRENT_REQUEST")))
    (result,) = await shopify.set_levels([write(ref, 5)], "concurrent")
    assert result.outcome is Outcome.ACCEPTED
    first, second = sent_keys(wire)
    assert first == second
    assert clock.slept == [1.0]


async def test_a_failed_earlier_attempt_gets_a_new_key(clock: FakeClock) -> None:
    world = case(clock)
    wire = Wire(world.app)
    shopify = world.make_adapter(base_url=BASE_URL, transport=wire)
    (ref,) = world.fill(1)
    world.traffic.hooks.append(answers(user_error("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED")))
    (result,) = await shopify.set_levels([write(ref, 5)], "failed before")
    assert result.outcome is Outcome.ACCEPTED
    first, second = sent_keys(wire)
    assert first != second


async def test_a_key_used_for_other_content_is_our_bug(shopify: Shopify, world: ChannelCase) -> None:
    (ref,) = world.fill(1)
    world.traffic.hooks.append(answers(user_error("IDEMPOTENCY_KEY_PARAMETER_MISMATCH")))
    with pytest.raises(NewKeyRetry, match="report this"):
        await shopify.set_levels([write(ref, 5)], "mismatch")


async def test_a_wrong_reason_is_not_blamed_on_the_rows(shopify: Shopify, world: ChannelCase) -> None:
    (ref,) = world.fill(1)
    world.traffic.hooks.append(answers(user_error("INVALID_REASON")))
    with pytest.raises(ChannelDown, match="INVALID_REASON"):
        await shopify.set_levels([write(ref, 5)], "reason")


async def test_one_bad_row_named_at_a_time_ends_in_bounded_rounds(
    shopify: Shopify, world: ChannelCase
) -> None:
    refs = world.fill(ROUNDS_MAX + 2)
    world.traffic.hooks.append(answers(*[user_error("INVALID_INVENTORY_ITEM", 0)] * 100))
    results = await shopify.set_levels([write(ref, 5) for ref in refs], "endless")
    assert [result.outcome for result in results] == [Outcome.REJECTED] * ROUNDS_MAX + [Outcome.STALE] * 2


async def test_an_answer_that_does_not_add_up_is_not_accepted(shopify: Shopify, world: ChannelCase) -> None:
    (ref,) = world.fill(1)
    change = {"name": "available", "delta": 4, "item": {"id": ref.item_id}, "location": {"id": LEEDS}}
    group = {"id": "gid://shopify/InventoryAdjustmentGroup/1", "changes": [change]}
    body = {"data": {"inventorySetQuantities": {"inventoryAdjustmentGroup": group, "userErrors": []}}}
    world.traffic.hooks.append(answers(body))
    (result,) = await shopify.set_levels([write(ref, 5)], "odd")
    assert (result.outcome, result.echo) == (Outcome.STALE, 4)


async def test_an_answer_without_changes_proves_nothing(shopify: Shopify, world: ChannelCase) -> None:
    (ref,) = world.fill(1)
    body = {"data": {"inventorySetQuantities": {"inventoryAdjustmentGroup": None, "userErrors": []}}}
    world.traffic.hooks.append(answers(body))
    (result,) = await shopify.set_levels([write(ref, 5)], "silent")
    assert (result.outcome, result.echo) == (Outcome.ACCEPTED, None)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (402, ChannelDown),
        (403, CredentialsBad),
        (404, CredentialsBad),
        (408, SameKeyRetry),
        (422, ChannelDown),
        (423, ChannelDown),
        (430, ChannelDown),
        (500, SameKeyRetry),
        (301, ChannelDown),
    ],
)
async def test_every_status_is_sorted(
    shopify: Shopify, world: ChannelCase, status: int, kind: type[ChannelError]
) -> None:
    (ref,) = world.fill(1)
    world.traffic.hooks.append(answers({"errors": "as a plain string"}, status=status))
    with pytest.raises(kind) as failure:
        await shopify.set_levels([write(ref, 5)], "status")
    assert failure.value.status == status


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ACCESS_DENIED", CredentialsBad),
        ("SHOP_INACTIVE", ChannelDown),
        ("INTERNAL_SERVER_ERROR", SameKeyRetry),
        ("undefinedField", ChannelDown),
        ("INVALID_VARIABLE", ChannelDown),
        ("MAX_COST_EXCEEDED", ChannelDown),
    ],
)
async def test_every_code_is_sorted(
    shopify: Shopify, world: ChannelCase, code: str, kind: type[ChannelError]
) -> None:
    (ref,) = world.fill(1)
    error = {"message": "no", "extensions": {"code": code}}
    world.traffic.hooks.append(answers({"data": None, "errors": [error]}))
    with pytest.raises(kind, match=code):
        await shopify.set_levels([write(ref, 5)], "code")


async def test_429_honours_retry_after(shopify: Shopify, world: ChannelCase) -> None:
    (ref,) = world.fill(1)
    left = [2]

    async def hook(request: Request) -> Response | None:
        left[0] -= 1
        return Response(status_code=429, headers={"Retry-After": "2.5"}) if left[0] >= 0 else None

    world.traffic.hooks.append(hook)
    (result,) = await shopify.set_levels([write(ref, 5)], "429")
    assert result.outcome is Outcome.ACCEPTED
    assert shopify.meter.throttled == 2
    assert [seconds for seconds in world.clock.slept if seconds == 2.5] == [2.5, 2.5]


@pytest.mark.parametrize(("seconds", "waits"), [("3600", 0), ("25", 2), ("1", 5)])
async def test_who_is_sent_away_for_long_is_told_and_does_not_sit_it_out(
    shopify: Shopify, world: ChannelCase, seconds: str, waits: int
) -> None:
    """Goal: one call waits a minute at most, and says for how long the shop wants nobody: the breaker keeps to it."""
    (ref,) = world.fill(1)

    async def hook(request: Request) -> Response:
        return Response(status_code=429, headers={"Retry-After": seconds})

    world.traffic.hooks.append(hook)
    with pytest.raises(SameKeyRetry, match=f"throttled {waits + 1} times in a row") as failure:
        await shopify.set_levels([write(ref, 5)], "429")
    assert world.clock.slept == [float(seconds)] * waits
    assert failure.value.retry_after_seconds == float(seconds)


async def test_a_granted_token_is_renewed_when_it_ends(world: ChannelCase) -> None:
    options = ShopifyOptions(limits=False, clock=world.clock.now, token_seconds=3_600)
    app = Starlette(routes=routes(world.shop, options, world.traffic, OrderBook(world.shop), Subscriptions()))
    token = ClientCredentials(
        "shopify-test",
        BASE_URL,
        options.client_id,
        options.client_secret,
        transport=httpx.ASGITransport(app=app),
        clock=world.clock.now,
    )
    first = await token()
    assert await token() == first
    world.clock.advance(3_600)
    second = await token()
    assert second != first
    assert await token(refused=second) != second
    assert options.client_secret not in repr(token)
    await token.aclose()


async def test_a_refused_token_is_renewed_once(world: ChannelCase) -> None:
    class Rotating:
        def __init__(self) -> None:
            self.asked: list[str | None] = []

        async def __call__(self, refused: str | None = None) -> str:
            self.asked.append(refused)
            return "sandbox-shopify-token" if refused else "revoked"

        async def aclose(self) -> None: ...

    token = Rotating()
    shopify = adapter_for(world, ShopifyOptions(limits=False), token=token)
    (ref,) = world.fill(1)
    (result,) = await shopify.set_levels([write(ref, 5)], "rotated")
    assert result.outcome is Outcome.ACCEPTED
    assert token.asked == [None, "revoked"]


async def test_a_wrong_client_secret(world: ChannelCase) -> None:
    app = Starlette(
        routes=routes(world.shop, ShopifyOptions(), world.traffic, OrderBook(world.shop), Subscriptions())
    )
    transport = httpx.ASGITransport(app=app)
    token = ClientCredentials("shopify-test", BASE_URL, "id", "not the secret", transport=transport)
    with pytest.raises(CredentialsBad) as failure:
        await token()
    assert "not the secret" not in str(failure.value)
    assert "invalid_client" in failure.value.said


async def test_check_tells_what_is_wrong(world: ChannelCase) -> None:
    options = ShopifyOptions(
        limits=False,
        scopes=("write_inventory", "read_products"),
        service_places=frozenset((LEEDS,)),
        inactive_places=frozenset((LONDON,)),
    )
    places = (LEEDS, LONDON, "gid://shopify/Location/404")
    findings = await adapter_for(world, options, places=places).check()
    assert [finding.ok for finding in findings] == [True, True, False, False, False, False]
    assert findings[2].message == "missing: read_locations, read_orders"
    assert "fulfilment service" in findings[3].message
    assert "deactivated" in findings[4].message
    assert "no such location" in findings[5].message
    assert all(finding.advice for finding in findings if not finding.ok)


async def test_check_notices_a_retired_version(shopify: Shopify, world: ChannelCase) -> None:
    data = {
        "shop": {"name": "S"},
        "currentAppInstallation": {"accessScopes": []},
        "locations": {"nodes": []},
    }

    async def hook(request: Request) -> Response | None:
        return JSONResponse({"data": data}, headers={"X-Shopify-API-Version": "2027-10"})

    world.traffic.hooks.append(hook)
    findings = await shopify.check()
    assert not findings[1].ok
    assert "2027-10" in findings[1].message


async def test_discovery_goes_on_where_a_cursor_ends(shopify: Shopify, world: ChannelCase) -> None:
    world.fill(25_300)
    pages = [page async for page in shopify.discover()]
    assert sum(len(page) for page in pages) == 25_300
    assert len({item.item_id for page in pages for item in page}) == 25_300


async def test_a_variation_carries_its_name(shopify: Shopify, world: ChannelCase) -> None:
    values = {"variant_id": "77", "variant_title": "Large"}
    world.shop.add(Item("501", "MUG-L", "Mug", barcode="2000000000015", parent_id="9", values=values))
    ((found,),) = [page async for page in shopify.discover()]
    assert (found.title, found.sku, found.barcode) == ("Mug: Large", "MUG-L", "2000000000015")
    assert found.parent_id == "gid://shopify/Product/9"
    assert found.sort_key == "00000000000000000501"


async def test_both_locations_are_read_in_one_go(shopify: Shopify, world: ChannelCase) -> None:
    refs = fill(world.shop, 20)
    keys = [LevelKey(ref, place) for place in (LEEDS, LONDON) for ref in refs]
    world.shop.edit(number_of(refs[0]), LONDON, 9)
    shown = await shopify.read_levels(keys)
    assert [level.quantity for level in shown] == [0] * 20 + [9] + [0] * 19


async def test_the_first_failed_read_ends_the_others(shopify: Shopify, world: ChannelCase) -> None:
    refs = world.fill(2_500)
    world.traffic.hooks.append(answers(*[{}] * 100, status=500))
    with pytest.raises(SameKeyRetry):
        await shopify.read_levels([LevelKey(ref, LEEDS) for ref in refs])
    assert shopify.meter.reads <= 4


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"errors": "[API] Invalid API key"}', "[API] Invalid API key"),
        (b'{"errors": {"query": "Required"}}', '{"errors": {"query": "Required"}}'),
        (b"<html><title>Sign in</title></html>", "Sign in"),
        (b"", "Unauthorized"),
    ],
)
def test_a_refusal_is_told_in_its_words(body: bytes, said: str) -> None:
    """Goal: people read on the overview what Shopify says, and not the JSON around it."""
    assert said_by(httpx.Response(401, content=body)) == said
