"""A receiver of webhooks on a port of its own, and a wire that says what happened in plain words."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from onhand.sandbox.orders import Happening, OrderBook, OrderHappening
from onhand.sandbox.policies import Policy
from onhand.sandbox.sending import Sender
from onhand.sandbox.shop import Item, Shop
from onhand.sandbox.wire import Post, Subscription, Subscriptions

QUICK = Policy(timeout_seconds=5.0, retry_seconds=(1, 2, 4), failures_max=4, deletes=True)


@dataclass
class Receiver:
    """Keeps every body; answers with `status(how many came before)`, or not at all where that is 0, or hangs up
    where it is -1."""

    url: str = ""
    bodies: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    connections: int = 0
    status: Callable[[int], int] = lambda _: 200

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
                self.heads.append(head)
                body = (await reader.readexactly(length)).decode()
                status = self.status(len(self.bodies))
                self.bodies.append(body)
                if status < 0:
                    return
                if status:
                    writer.write(f"HTTP/1.1 {status} Word\r\ncontent-length: 2\r\n\r\nok".encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver that answers 200 until told otherwise."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/webhooks/shop?a=1"
    try:
        yield receiver
    finally:
        server.close()


class PlainWire:
    """Topics `orders` and `levels`; the body is what happened, as it stands when asked."""

    def post(self, happening: Happening, subscription: Subscription) -> Post | None:
        if isinstance(happening, OrderHappening):
            order = happening.order
            pieces = sum(line.quantity - line.cancelled for line in order.lines)
            topic, body = "orders", f"{happening.what} {order.order_id} {pieces}"
        else:
            topic, body = "levels", f"{happening.item_id} {happening.quantity} {happening.by}"
        if topic != subscription.topic:
            return None
        return Post(subscription.url, {"X-Topic": topic}, body.encode())

    def stamped(self, post: Post) -> Post:
        return post


def shop_of_one() -> Shop:
    """A shop with one item that has many pieces at its one place."""
    shop = Shop("Test", {"here": "Here"})
    shop.add(Item("1", "MUG", "Mug", levels={"here": 1_000}))
    return shop


@asynccontextmanager
async def sending(policy: Policy = QUICK) -> AsyncIterator[tuple[OrderBook, Subscriptions, Sender]]:
    """A book whose happenings are sent, a thousand times quicker than the policy says."""
    book, subscriptions = OrderBook(shop_of_one()), Subscriptions()
    sender = Sender(book, subscriptions, PlainWire(), policy)
    sender.time_scale = 0.001
    try:
        yield book, subscriptions, sender
    finally:
        sender.close()


async def settled(sender: Sender) -> None:
    """Wait until nothing is under way any more."""
    async with asyncio.timeout(10):
        while sender.waiting:
            await asyncio.sleep(0.002)
