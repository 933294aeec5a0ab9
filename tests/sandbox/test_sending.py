"""Webhooks reach a receiver as each platform delivers them, and go astray exactly as the seed says."""

import asyncio
from dataclasses import replace

import pytest

from onhand.sandbox.mishaps import Fate, Mishaps, mishaps_of
from onhand.sandbox.policies import POLICIES
from onhand.sandbox.posting import request_bytes
from onhand.sandbox.wire import Post
from tests.sandbox.fix_sending import QUICK, PlainWire, Receiver, receiving, sending, settled

ONE = [("1", "here", 1)]


async def placed(mishaps: Mishaps, count: int, connections: int = 1) -> list[int]:
    """The order in which deliveries 1 to `count` arrive at a subscriber, under these mishaps."""
    async with receiving() as receiver, sending() as (book, subscriptions, sender):
        subscriptions.add("orders", receiver.url)
        sender.mishaps, sender.connections_max = mishaps, connections
        for _ in range(count):
            book.place(ONE)
        await settled(sender)
        return [int(body.split()[1]) - 449 for body in receiver.bodies]


async def test_posts_arrive_signed_over_one_connection_in_order() -> None:
    """Goal: deliveries go in the order of what happened, over a connection that stays open, with all headers."""
    async with receiving() as receiver, sending() as (book, subscriptions, sender):
        subscriptions.add("orders", receiver.url)
        sender.connections_max = 1
        order = book.place(ONE)
        book.ship(order.order_id)
        await settled(sender)
        book.refund(order.order_id, order.lines[0].line_id, 1, restock=True)
        await settled(sender)
        assert receiver.bodies == ["created 450 1", "shipped 450 1", "refunded 450 1"]
        assert receiver.connections == 1
        host = receiver.url.split("/")[2]
        opening = f"POST /webhooks/shop?a=1 HTTP/1.1\r\nHost: {host}\r\nX-Topic: orders\r\n"
        assert receiver.heads[0] == f"{opening}Content-Length: 13\r\n\r\n"
        stats = sender.stats()
        assert (stats["sent"], stats["delivered"], stats["failed"], stats["waiting"]) == (3, 3, 0, 0)
        assert stats["answer_ms"]["p99"] >= stats["answer_ms"]["p50"] > 0


async def test_level_changes_are_told_once_each() -> None:
    """Goal: a subscriber to levels hears every change with who made it, and nothing where a number stayed."""
    async with receiving() as receiver, sending() as (book, subscriptions, sender):
        subscriptions.add("levels", receiver.url)
        sender.connections_max = 1
        book.shop.set_level("1", "here", 1_000)
        book.shop.set_level("1", "here", 7)
        book.place(ONE)
        book.shop.edit("1", "here", 9)
        await settled(sender)
        assert receiver.bodies == ["1 7 api", "1 6 sale", "1 9 person"]


async def test_a_failed_delivery_is_tried_again_until_it_succeeds() -> None:
    """Goal: a retry sends the same bytes; a success forgives the failures before it."""
    async with receiving() as receiver, sending() as (book, subscriptions, sender):
        subscription = subscriptions.add("orders", receiver.url)
        receiver.status = lambda before: 503 if before < 3 else 200
        book.place(ONE)
        await settled(sender)
        assert receiver.bodies == ["created 450 1"] * 4
        stats = sender.stats()
        assert [stats[name] for name in ("sent", "failed", "retried", "delivered")] == [4, 3, 3, 1]
        assert subscription.failures == 0


@pytest.mark.parametrize(("deletes", "left"), [(True, []), (False, [False])])
async def test_a_subscription_ends_with_its_retries(deletes: bool, left: list[bool]) -> None:
    """Goal: after the last retry the platform deletes the subscription or switches it off, and sends no more."""
    async with receiving() as receiver, sending(replace(QUICK, deletes=deletes)) as parts:
        book, subscriptions, sender = parts
        subscriptions.add("orders", receiver.url)
        receiver.status = lambda _: 500
        book.place(ONE)
        await settled(sender)
        book.place(ONE)
        await settled(sender)
        assert len(receiver.bodies) == 4
        assert [each.active for each in subscriptions.by_id.values()] == left
        assert (sender.stats()["given_up"], sender.stats()["ended"]) == (1, 1)


async def test_woocommerce_never_retries_and_disables_after_seven() -> None:
    """Goal: seven failures in a row switch the webhook off, and a success among them starts the count anew."""
    async with receiving() as receiver, sending(POLICIES["woocommerce"]) as (book, subscriptions, sender):
        subscription = subscriptions.add("orders", receiver.url)
        receiver.status = lambda before: 302 if before == 6 else 404
        for count in range(1, 20):
            book.place(ONE)
            await settled(sender)
            assert subscription.active == (count < 14)
        assert len(receiver.bodies) == 14
        assert sender.stats()["retried"] == 0


async def test_woocommerce_builds_payloads_late_and_coalesces() -> None:
    """Goal: what waits for the same order is not queued twice, and shows the order as it is when it is sent."""
    async with receiving() as receiver, sending(POLICIES["woocommerce"]) as (book, subscriptions, sender):
        subscriptions.add("orders", receiver.url)
        order = book.place([("1", "here", 5)])
        book.reduce(order.order_id, order.lines[0].line_id, 2)
        book.reduce(order.order_id, order.lines[0].line_id, 1)
        await settled(sender)
        assert receiver.bodies == ["created 450 2"]
        assert sender.stats()["coalesced"] == 2
        book.ship(order.order_id)
        await settled(sender)
        assert receiver.bodies[1:] == ["shipped 450 2"]


def test_retries_take_as_long_as_the_platforms_document() -> None:
    """Goal: Shopify tries 8 times over 4 hours at growing intervals, BigCommerce 11 times over about 48."""
    shopify, bigcommerce = POLICIES["shopify"].retry_seconds, POLICIES["bigcommerce"].retry_seconds
    assert (len(shopify), sum(shopify)) == (8, 4 * 3_600)
    assert list(shopify) == sorted(set(shopify))
    assert (len(bigcommerce), sum(bigcommerce)) == (11, 60 + 180 + 300 + 600 + 900 + 1_800 + 47 * 3_600)
    assert bigcommerce[:3] == (60, 180, 300)


async def test_nobody_there_is_a_failure_like_any_other() -> None:
    """Goal: a refused connection counts, is retried, and the subscription ends."""
    async with receiving() as receiver:
        url = receiver.url
    async with sending() as (book, subscriptions, sender):
        subscriptions.add("orders", url)
        book.place(ONE)
        await settled(sender)
        stats = sender.stats()
        assert [stats[name] for name in ("sent", "failed", "given_up")] == [4, 4, 1]
        assert subscriptions.by_id == {}


@pytest.mark.parametrize("first", [0, -1])
async def test_silence_and_hanging_up_are_failures(first: int) -> None:
    """Goal: an answer that does not come in time, or a receiver that hangs up, costs one attempt."""
    async with receiving() as receiver, sending(replace(QUICK, timeout_seconds=0.2)) as parts:
        book, subscriptions, sender = parts
        subscriptions.add("orders", receiver.url)
        receiver.status = lambda before: 200 if before else first
        book.place(ONE)
        await settled(sender)
        stats = sender.stats()
        assert [stats[name] for name in ("sent", "failed", "retried", "delivered")] == [2, 1, 1, 1]


async def test_a_connection_closed_meanwhile_costs_no_attempt() -> None:
    """Goal: a receiver that closes kept connections without an answer loses nobody a delivery: it is sent anew."""
    async with receiving() as receiver, sending(POLICIES["woocommerce"]) as (book, subscriptions, sender):
        subscriptions.add("orders", receiver.url)
        receiver.status = lambda before: -1 if before == 1 else 200
        for _ in range(2):
            book.place(ONE)
            await settled(sender)
        assert receiver.bodies == ["created 450 1", "created 451 1", "created 451 1"]
        assert receiver.connections == 2
        stats = sender.stats()
        assert [stats[name] for name in ("sent", "failed", "delivered")] == [2, 0, 2]


async def test_more_than_may_wait_is_dropped_and_counted() -> None:
    """Goal: a receiver that stands still costs bounded memory."""
    async with receiving() as receiver, sending() as (book, subscriptions, sender):
        subscriptions.add("orders", receiver.url)
        sender.waiting_max, sender.connections_max = 5, 1
        for _ in range(8):
            book.place(ONE)
        await settled(sender)
        assert len(receiver.bodies) == 5
        assert sender.stats()["overflowed"] == 3


async def test_losses_and_duplicates_are_exactly_those_of_the_seed() -> None:
    """Goal: what arrives follows from seed and number alone; method: drawn apart, and sent twice."""
    mishaps = Mishaps(duplicate=0.2, lose=0.3, seed=7)
    expected = [number for number in range(1, 101) for _ in mishaps.fate(number).delays]
    assert await placed(mishaps, 100) == expected
    assert await placed(mishaps, 100) == expected
    assert len(set(range(1, 101)) - set(expected)) == 28
    assert len(expected) - len(set(expected)) == 16
    assert await placed(replace(mishaps, seed=8), 100) != expected


async def test_shuffled_deliveries_arrive_behind_those_that_overtake() -> None:
    """Goal: a delivery held back goes right after as many later ones as its fate says; the last ones go, too."""
    mishaps = Mishaps(shuffle=0.3, seed=3)
    behind = {number: mishaps.fate(number).behind for number in range(1, 61)}
    direct = [number for number in behind if not behind[number]]
    held = sorted((number + behind[number], number) for number in behind if behind[number])
    expected: list[int] = []
    for now in range(1, 61 + 8):
        expected += [number for number in direct if number == now]
        expected += [number for after, number in held if after == now]
    arrived = await placed(mishaps, 60)
    assert arrived == expected
    assert arrived != sorted(arrived)


async def test_delays_are_within_their_range() -> None:
    """Goal: each copy waits a time of its own within the range, and all arrive."""
    mishaps = Mishaps(delay_seconds=(1.0, 3.0), duplicate=1.0, seed=1)
    delays = [delay for number in range(1, 201) for delay in mishaps.fate(number).delays]
    assert len(set(delays)) == 400
    assert min(delays) >= 1.0
    assert max(delays) <= 3.0
    assert sorted(await placed(mishaps, 20)) == sorted([*range(1, 21)] * 2)


def test_mishaps_are_checked() -> None:
    """Goal: rates beyond one and times that run backwards are refused."""
    assert mishaps_of({}).fate(1) == Fate((0.0,), 0)
    for wrong in ({"lose": 1.1}, {"duplicate": -0.1}, {"delay_seconds": [3, 1]}):
        with pytest.raises(ValueError, match=r"shares|least"):
            mishaps_of(wrong)


def test_a_request_is_plain_http() -> None:
    """Goal: the bytes are those a platform would send: host, headers, length, body as signed."""
    post = Post("https://in.example:8443/hooks/a?b=1", {"X-A": "1"}, b'{"id":1}')
    head = b"POST /hooks/a?b=1 HTTP/1.1\r\nHost: in.example:8443\r\nX-A: 1\r\nContent-Length: 8\r\n\r\n"
    assert request_bytes(post) == head + b'{"id":1}'


async def test_a_reset_forgets_what_is_under_way() -> None:
    """Goal: after a clear nothing more is sent, and numbers begin anew, so that a run can be repeated."""
    async with receiving() as receiver, sending() as (book, subscriptions, sender):
        subscriptions.add("orders", receiver.url)
        sender.mishaps, sender.time_scale = Mishaps(delay_seconds=(0.05, 0.05)), 1.0
        book.place(ONE)
        sender.clear()
        await asyncio.sleep(0.1)
        assert receiver.bodies == []
        assert (sender.waiting, sender.stats()["numbered"]) == (0, 0)
        assert isinstance(receiver, Receiver)


class StampingWire(PlainWire):
    """Counts how often each request was stamped, in a header."""

    def stamped(self, post: Post) -> Post:
        return replace(post, headers={"X-Attempt": str(int(post.headers.get("X-Attempt", 0)) + 1)})


async def test_a_request_is_stamped_anew_for_each_attempt() -> None:
    """Goal: what tells the time of an attempt tells that of this one."""
    async with receiving() as receiver, sending() as (book, subscriptions, sender):
        receiver.status = lambda before: 500 if before < 2 else 200
        sender.wire = StampingWire()
        subscriptions.add("orders", receiver.url)
        book.place(ONE)
        await settled(sender)
        assert [
            line for head in receiver.heads for line in head.splitlines() if line.startswith("X-Attempt")
        ] == ["X-Attempt: 1", "X-Attempt: 2", "X-Attempt: 3"]


async def test_faults_meddle_with_the_fate_of_each_delivery() -> None:
    """Goal: what faults say goes on top of the mishaps, delivery by delivery, in their order."""
    async with receiving() as receiver, sending() as (book, subscriptions, sender):
        subscriptions.add("orders", receiver.url)
        seen: list[Fate] = []

        def meddle(fate: Fate) -> Fate:
            seen.append(fate)
            return Fate(()) if len(seen) == 2 else fate

        sender.meddle = meddle
        for _ in range(3):
            book.place(ONE)
        await settled(sender)
        assert receiver.bodies == ["created 450 1", "created 452 1"]
        assert seen == [Fate((0.0,), 0)] * 3
        assert sender.stats()["lost"] == 1
