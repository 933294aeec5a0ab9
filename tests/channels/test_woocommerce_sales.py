"""WooCommerce's orders and webhooks against the sandbox: read, swept, subscribed to, and told of by deliveries."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest

from onhand.channels.base import ItemRef, LevelKey, LevelWrite, Subscription
from onhand.channels.errors import ChannelDown, ChannelError, CredentialsBad, RowRejected
from onhand.channels.inbound import DeliveryKind, LevelNotice, SignatureRefusedError
from onhand.channels.registry import make_channel, make_receiver
from onhand.channels.woocommerce import WooCommerce
from onhand.channels.woocommerce.hooks import SECRET_ADVICE, TOPICS
from onhand.channels.woocommerce.order_versions import SETTLED
from onhand.domain.sales import ChannelOrder
from onhand.sandbox.orders import Buyer, LevelHappening
from onhand.sandbox.wire import Subscription as Wanted
from onhand.settings import WooCommerceSettings
from tests.channels.woo_store import HOOK_SECRET, KEY, ROOT, SECRET, Dated, Store, lower
from tests.fix_channels import FakeClock

URL = "https://onhand.test/webhooks/woo"
MARKED = Buyer("Marked Person", "marked@example.com", "+44 20 0000 0000", "1 Marked Road", "Markedham")


@pytest.fixture
def store(clock: FakeClock) -> Iterator[Store]:
    """A shop that sells; what our adapter sent it is held to the published contract at the end."""
    made = Store(clock)
    yield made
    made.check()


async def swept(store: Store, since: datetime) -> list[list[ChannelOrder]]:
    return [page async for page in store.channel.orders.changed(since)]


def now(clock: FakeClock) -> datetime:
    return datetime.fromtimestamp(clock.now(), UTC)


def counts(order: ChannelOrder) -> list[tuple[str, int, int]]:
    return [(line.refs[0], line.open, line.fulfilled) for line in order.lines]


def wanted(topic: str) -> Wanted:
    """A subscription to one topic, signed with our secret."""
    return Wanted("7", topic, URL, secret=HOOK_SECRET)


def delivered(store: Store) -> ChannelOrder:
    """The last thing that became of an order, told by its webhook and let in by our receiver."""
    post = store.wire.post(store.heard[-1], wanted("order.updated"))
    assert post is not None
    delivery = store.receiver.receive(lower(post.headers), post.body, now(store.clock))
    assert delivery.order is not None
    return delivery.order


# Orders


async def test_what_is_read_is_what_was_told(store: Store) -> None:
    """Goal: after every step of an order's life a webhook and a read tell the same, and the step is right."""
    order = store.book.place([("11", "", 3), ("21", "", 2)], MARKED)
    first, second = (line.line_id for line in order.lines)
    steps: list[tuple[Any, list[tuple[str, int, int]]]] = [
        (lambda: None, [("11", 3, 0), ("21", 2, 0)]),
        (lambda: store.book.reduce("450", first, 1), [("11", 2, 0), ("21", 2, 0)]),
        (lambda: store.book.ship("450"), [("11", 0, 2), ("21", 0, 2)]),
        (lambda: store.book.refund("450", first, 1, restock=True), [("11", 0, 1), ("21", 0, 2)]),
        (lambda: store.book.refund("450", second, 1, restock=False), [("11", 0, 1), ("21", 0, 2)]),
        (lambda: store.book.refund("450", second, 1, restock=True), [("11", 0, 1), ("21", 0, 1)]),
        (lambda: store.book.refund("450", first, 1, restock=True), [("11", 0, 0), ("21", 0, 1)]),
    ]
    for step, expected in steps:
        store.clock.advance(1)
        step()
        (read,) = await store.channel.orders.read(["450"])
        assert read == delivered(store)
        assert counts(read) == expected
    assert store.shop.level("11", "") == 40
    assert store.shop.level("21", "") == 39


async def test_a_cancelled_order_holds_nothing(store: Store) -> None:
    """Goal: what the shop put back is given back, and the cancellation is newer although it shares the second."""
    store.book.place([("11", "", 3)])
    placed = delivered(store)
    store.book.cancel("450")
    (read,) = await store.channel.orders.read(["450"])
    assert (read.lines, read.updated_at) == ((), placed.updated_at)
    assert read == delivered(store)
    assert read.version > placed.version


async def test_a_read_of_a_second_that_is_over_has_the_last_word(store: Store) -> None:
    """Goal: by the shop's own clock, two seconds after the last change; then the version is ahead of every delivery."""
    store.book.place([("11", "", 3)])
    told = delivered(store)
    store.clock.advance(1)
    assert await store.channel.orders.read(["450"]) == [told]
    store.clock.advance(1)
    assert await store.channel.orders.read(["450"]) == [replace(told, version=told.version + SETTLED)]


async def test_a_slow_answer_is_not_dated_by_its_end(store: Store) -> None:
    """Goal: what was read before the second was over is not settled by an answer that took long to arrive."""
    store.book.place([("11", "", 3)])
    told = delivered(store)

    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await store.exchanges.handle_async_request(request)
            store.clock.advance(30)
            return response

    slow = WooCommerce("woo", ROOT, KEY, SECRET, transport=Dated(Slow(), store.clock), clock=store.clock.now)
    assert await slow.orders.read(["450"]) == [told]
    undated = WooCommerce("woo", ROOT, KEY, SECRET, transport=store.exchanges, clock=store.clock.now)
    store.clock.advance(60)
    assert await undated.orders.read(["450"]) == [told]


async def test_orders_are_read_a_hundred_at_a_time(store: Store) -> None:
    """Goal: one call for a hundred ids; what is gone or is no id is left out; nothing asked for, nothing sent."""
    for _ in range(120):
        store.book.place([("11", "", 1)])
    ids = [str(number) for number in range(450, 570)]
    read = await store.channel.orders.read([*reversed(ids), "450", "999999", "gid://x", "-1"])
    assert sorted(order.order_id for order in read) == ids
    assert [len(request.url.params["include"].split(",")) for request in store.asked()] == [100, 21]
    assert await store.channel.orders.read([]) == []
    assert len(store.asked()) == 2


async def test_nobody_is_asked_about(store: Store) -> None:
    """Goal: no personal data even arrives at the adapter, by id or by the sweep."""
    store.book.place([("11", "", 1)], MARKED)
    await store.channel.orders.read(["450"])
    await swept(store, now(store.clock) - timedelta(hours=1))
    answers = [exchange.response.text for exchange in store.exchanges.exchanges]
    assert len(answers) == 2
    assert not any("arked" in answer for answer in answers)


async def test_a_sweep_tells_every_change_since_oldest_first(store: Store) -> None:
    """Goal: the moment itself is within, what was changed before is not, and a later change comes last."""
    start = now(store.clock)
    for _ in range(3):
        store.book.place([("11", "", 1)])
        store.clock.advance(10)
    store.book.ship("451")
    assert [[order.order_id for order in page] for page in await swept(store, start)] == [
        ["450", "452", "451"]
    ]
    since = start + timedelta(seconds=20, microseconds=999_999)
    assert [[order.order_id for order in page] for page in await swept(store, since)] == [["452", "451"]]
    assert await swept(store, start + timedelta(seconds=31)) == []


async def test_a_sweep_goes_over_pages_and_full_seconds(store: Store) -> None:
    """Goal: 250 orders of one second and 250 of another come once each."""
    start = now(store.clock)
    for _ in range(2):
        for _ in range(250):
            store.book.place([("11", "", 1)])
        store.clock.advance(60)
    pages = await swept(store, start)
    assert [order.order_id for page in pages for order in page] == [str(number) for number in range(450, 950)]


async def test_a_sweep_misses_nothing_that_is_pushed_aside(store: Store) -> None:
    """Goal: orders that change while a sweep goes on move to its end, and draw none out of its sight."""
    start = now(store.clock)
    for _ in range(300):
        store.book.place([("11", "", 1)])
        store.clock.advance(1)
    seen: list[str] = []
    async for page in store.channel.orders.changed(start):
        if not seen:
            for number in range(450, 500):
                store.book.ship(str(number))
        seen += [order.order_id for order in page]
    assert seen == [str(number) for number in (*range(450, 750), *range(450, 500))]


async def test_an_order_that_makes_no_sense_stops_nothing_but_itself(store: Store) -> None:
    """Goal: a sweep gives all others first and then says which one is wrong; a read by id says so at once."""
    start = now(store.clock)
    for _ in range(3):
        store.book.place([("11", "", 1)])
        store.clock.advance(1)
    store.book.orders["451"].lines = []
    store.book.orders["451"].order_id = "-451"
    seen: list[str] = []
    with pytest.raises(RowRejected) as refusal:
        async for page in store.channel.orders.changed(start):
            seen += [order.order_id for order in page]
    assert seen == ["450", "452"]
    assert refusal.value.said == "an order has a positive number as its id, -451 was given"
    with pytest.raises(RowRejected, match=r"reading 2 orders \(450 to 451\)"):
        await store.channel.orders.read(["450", "451"])


async def test_a_bad_key_ends_a_sweep(clock: FakeClock) -> None:
    """Goal: errors are sorted as everywhere else."""
    store = Store(clock)
    channel = WooCommerce("woo", ROOT, KEY, "cs_wrong", transport=store.exchanges, clock=clock.now)
    with pytest.raises(CredentialsBad, match="orders changed since 2027-01-15T08:00:00Z by GET /orders"):
        _ = [page async for page in channel.orders.changed(now(clock))]
    with pytest.raises(CredentialsBad):
        await channel.orders.read(["450"])


# What is told of a product


async def test_a_level_is_told_as_it_stands(store: Store) -> None:
    """Goal: the delivery is built as it is sent, so it states the level of that moment."""
    happening = LevelHappening("11", "", 40, "sale", store.clock.now())
    store.shop.sell("11", "", 5)
    post = store.wire.post(happening, wanted("product.updated"))
    assert post is not None
    delivery = store.receiver.receive(lower(post.headers), post.body, now(store.clock))
    assert (delivery.kind, delivery.level) == (
        DeliveryKind.LEVEL,
        LevelNotice("11", "", 35, now(store.clock)),
    )
    assert store.wire.post(happening, wanted("order.updated")) is None


# Webhooks


async def test_webhooks_are_made_once(store: Store) -> None:
    """Goal: every topic, signed with our secret, at our address; a second time changes nothing."""
    hooks = store.channel.hooks
    assert await hooks.found() == []
    made = await hooks.ensure(URL)
    assert {one.topic for one in made} == set(TOPICS)
    assert made == [Subscription(str(at), topic, URL) for at, topic in enumerate(TOPICS, 1)]
    assert {one.secret for one in store.subscriptions.by_id.values()} == {HOOK_SECRET}
    assert await hooks.ensure(URL) == made
    assert await hooks.found() == made
    assert {request.method for request in store.asked()} == {"GET", "POST"}


async def test_what_is_switched_off_is_switched_on(store: Store) -> None:
    """Goal: webhooks the shop disabled or somebody paused are found, explained, and made active with our secret."""
    hooks = store.channel.hooks
    await hooks.ensure(URL)
    disabled, paused, other, *_ = store.subscriptions.by_id.values()
    disabled.active, disabled.failures, disabled.secret = False, 7, "another"
    paused.active = False
    other.secret = "another"
    assert [(one.active, one.problem) for one in await hooks.found()][:3] == [
        (False, "WooCommerce switched it off after several deliveries in a row failed"),
        (False, "somebody paused it in the shop"),
        (True, ""),
    ]
    assert [one.active for one in await hooks.ensure(URL)] == [True] * 5
    assert (disabled.failures, disabled.secret, other.secret) == (0, HOOK_SECRET, HOOK_SECRET)


async def test_only_what_delivers_to_us_is_touched(store: Store) -> None:
    """Goal: somebody else's webhooks stay, ours for another address too; doubles go, and a person's are taken over."""
    hooks = store.channel.hooks
    theirs = store.subscriptions.add("order.updated", "https://erp.test", secret="theirs")
    by_hand = store.subscriptions.add("order.updated", URL, secret="by hand")
    moved = await hooks.ensure("https://old.test/webhooks/woo")
    await hooks.ensure(URL)
    double = {"name": "Onhand order.created", "topic": "order.created", "delivery_url": URL, "secret": "x"}
    async with httpx.AsyncClient(transport=store.exchanges, base_url=ROOT, auth=(KEY, SECRET)) as merchant:
        assert (
            await merchant.post("/wp-json/wc/v3/webhooks/batch", json={"create": [double]})
        ).status_code == 200
    assert len(await hooks.found()) == 10
    assert len(await hooks.ensure(URL)) == 5
    assert by_hand.secret == HOOK_SECRET
    assert await hooks.remove(URL) == 5
    assert await hooks.remove(URL) == 0
    assert await hooks.found() == moved
    assert theirs.secret == "theirs"
    assert "1" in store.subscriptions.by_id


@pytest.mark.parametrize("secret", ["", "with-hyphen", "a&amp;b", "ümlaut", "space d"])
async def test_a_secret_that_would_sign_differently_is_refused(clock: FakeClock, secret: str) -> None:
    """Goal: WooCommerce decodes secrets as HTML, so only letters and digits are surely the same on both sides."""
    store = Store(clock, hook_secret=secret)
    with pytest.raises(CredentialsBad) as refusal:
        await store.channel.hooks.ensure(URL)
    assert refusal.value.advice == SECRET_ADVICE
    assert not secret or secret not in str(refusal.value)
    assert store.asked() == []
    assert await store.channel.hooks.remove(URL) == 0


async def test_an_address_the_shop_refuses(store: Store) -> None:
    """Goal: the shop's words reach the operator, and nothing was made."""
    with pytest.raises(RowRejected, match="Webhook delivery URL must be a valid URL"):
        await store.channel.hooks.ensure("onhand.test")
    assert store.subscriptions.by_id == {}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"create": [{"id": 0, "error": {"code": "no", "message": f"sent {HOOK_SECRET}"}}]}, RowRejected),
        ({"create": [f"sent {HOOK_SECRET}"]}, RowRejected),
        ({"said": f"sent {HOOK_SECRET}"}, ChannelDown),
        ([f"sent {HOOK_SECRET}"], ChannelDown),
    ],
)
async def test_a_shop_that_repeats_the_secret(
    clock: FakeClock, answer: Any, kind: type[ChannelError]
) -> None:
    """Goal: no error holds what deliveries are signed with."""

    def say(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=[] if request.method == "GET" else answer)

    transport = httpx.MockTransport(say)
    channel = WooCommerce(
        "woo", ROOT, KEY, SECRET, webhook_secret=HOOK_SECRET, transport=transport, clock=clock.now
    )
    with pytest.raises(kind, match="hidden") as failure:
        await channel.hooks.ensure(URL)
    assert HOOK_SECRET not in f"{failure.value!r} {failure.value.said} {vars(channel)!r}"


async def test_many_webhooks_are_listed_in_pages(store: Store) -> None:
    """Goal: a shop with hundreds of webhooks hides none of ours."""
    for _ in range(130):
        store.subscriptions.add("order.updated", "https://elsewhere.test")
    await store.channel.hooks.ensure(URL)
    assert [request.url.params["page"] for request in store.asked() if request.method == "GET"] == list(
        "1212"
    )


# From the configuration


SECTION = WooCommerceSettings(
    platform="woocommerce",
    base_url=ROOT,
    key_env="WOO_KEY",
    secret_env="WOO_SECRET",
    locations=["leeds"],
    webhook_secret_envs=["WOO_NEW", "WOO_OLD"],
)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"WOO_KEY": KEY, "WOO_SECRET": SECRET, "WOO_NEW": HOOK_SECRET, "WOO_OLD": "old-1"}
    for variable, value in values.items():
        monkeypatch.setenv(variable, value)


@pytest.mark.usefixtures("environment")
async def test_the_newest_secret_signs_and_all_are_taken(store: Store) -> None:
    """Goal: webhooks are made with the first secret, and deliveries signed with any of them are let in."""
    store.book.place([("11", "", 1)])
    receiver = make_receiver("woo", SECTION)
    for secret in (HOOK_SECRET, "old-1"):
        post = store.wire.post(store.heard[-1], replace(wanted("order.created"), secret=secret))
        assert post is not None
        assert receiver.receive(lower(post.headers), post.body, now(store.clock)).subject == "450"
    turned = SECTION.model_copy(update={"webhook_secret_envs": ["WOO_OLD", "WOO_NEW"]})
    channel = make_channel("woo", turned)
    with pytest.raises(CredentialsBad, match="other characters than letters and digits"):
        await channel.hooks.ensure(URL)
    await channel.aclose()


@pytest.mark.usefixtures("environment")
async def test_webhooks_are_not_obligatory() -> None:
    """Goal: a channel without webhook secrets works as before, and lets nothing in."""
    section = SECTION.model_copy(update={"webhook_secret_envs": []})
    with pytest.raises(SignatureRefusedError):
        make_receiver("woo", section).receive({}, b"{}", datetime.now(UTC))
    channel = make_channel("woo", section)
    with pytest.raises(CredentialsBad, match="no webhook secret is configured"):
        await channel.hooks.ensure(URL)
    await channel.aclose()


# Urgent calls


class Slots(httpx.AsyncBaseTransport):
    """A shop that answers when it is told to; notes which item or order each call is about."""

    def __init__(self) -> None:
        self.entered: list[str] = []
        self.go = asyncio.Semaphore(0)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = orjson.loads(request.content) if request.content else {}
        given = body.get("update", [])
        self.entered.append(str(given[0]["id"]) if given else request.url.params["include"])
        await self.go.acquire()
        return httpx.Response(200, json={"update": given} if given else [])


async def test_a_sale_goes_before_what_waits(clock: FakeClock) -> None:
    """Goal: urgent levels and orders pass all calls that wait for the gate, in the order they came, and no others."""
    shop = Slots()
    channel = WooCommerce(
        "woo", ROOT, KEY, SECRET, max_concurrency=1, transport=shop, clock=clock.now, sleep=clock.sleep
    )

    async def write(item: int, *, urgent: bool) -> None:
        key = LevelKey(ItemRef(item, f"A-{item}", str(item)), "")
        await channel.set_levels([LevelWrite(key, 1, None)], "k", urgent=urgent)

    calls = []
    for call in (
        write(1, urgent=False),
        write(2, urgent=False),
        write(3, urgent=True),
        write(4, urgent=False),
        channel.orders.read(["450"]),
        write(5, urgent=True),
    ):
        calls.append(asyncio.create_task(call))
        await asyncio.sleep(0.01)
    for _ in calls:
        shop.go.release()
        await asyncio.sleep(0.01)
    await asyncio.gather(*calls)
    assert shop.entered == ["1", "3", "450", "5", "2", "4"]


async def test_there_is_no_relative_change(store: Store) -> None:
    """Goal: a change that could be applied twice is never made, not even by mistake."""
    assert store.channel.capabilities.changes is False
    with pytest.raises(AssertionError, match="exactly once"):
        await store.channel.change_levels([], "k")
