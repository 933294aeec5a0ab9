"""The sandbox world on disk: a SQLite file that gets what changed, every second and at the end.

Items are read and written off the event loop. Killed between two saves, the sandbox comes back with
the state of at most a second before; a real platform never would, so tests of crashes leave it alive.
"""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import orjson

from onhand.sandbox.orders import Buyer, Line, Order, OrderBook
from onhand.sandbox.shop import Item, LevelChange, Shop
from onhand.sandbox.slack import Message
from onhand.sandbox.wire import Subscription
from onhand.sandbox.world import World

SAVE_EVERY_SECONDS = 1.0

SCHEMA = """
create table if not exists item (shop text, id text, body blob, primary key (shop, id));
create table if not exists purchase (shop text, number integer, body blob, primary key (shop, number));
create table if not exists rest (name text primary key, body blob);
"""
PUT_ITEM = "insert into item values (?, ?, ?) on conflict (shop, id) do update set body = excluded.body"
PUT_ORDER = (
    "insert into purchase values (?, ?, ?) on conflict (shop, number) do update set body = excluded.body"
)
ORDERS_KEPT = 20_000
"""Orders of each shop the file remembers: the newest."""

PUT_REST = "insert into rest values (?, ?) on conflict (name) do update set body = excluded.body"

Rest = dict[str, bytes]


class Store:
    """Keeps one world in `<folder>/sandbox.sqlite`."""

    def __init__(self, world: World, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._world = world
        self._path = folder / "sandbox.sqlite"
        self._saved: Rest = {}
        self._emptied = False
        self._saving = asyncio.Lock()

    def load(self) -> None:
        """Take up the state of the last run, if there was one."""
        with self._connected() as database:
            for name, shop in self._world.shops.items():
                query = "select body from item where shop = ? order by rowid"
                for (body,) in database.execute(query, (name,)):
                    _add(shop, orjson.loads(body))
                shop.changed.clear()
            placed = {name: _orders(database, name) for name in self._world.books}
            self._saved = dict(database.execute("select name, body from rest"))
        for name, body in self._saved.items():
            self._take_up(name, orjson.loads(body), placed.get(name, []))

    def emptied(self) -> None:
        """The world was emptied: the next save forgets what the file holds before it writes what there is."""
        self._emptied = True

    async def save(self) -> None:
        """Write what has changed since the last save."""
        async with self._saving:
            taken = [(name, shop, _take_changed(shop)) for name, shop in self._world.shops.items()]
            placed = [(name, book, _take_changed(book)) for name, book in self._world.books.items()]
            rest = {name: body for name, body in self._rest().items() if self._saved.get(name) != body}
            emptied, self._emptied = self._emptied, False
            if not (emptied or rest or any(changed for *_, changed in [*taken, *placed])):
                return
            try:
                await asyncio.to_thread(self._write, taken, placed, rest, emptied)
            except BaseException:
                self._emptied = emptied or self._emptied
                for _, shop, changed in taken:
                    shop.changed |= changed
                for _, book, changed in placed:
                    book.changed |= changed
                raise
            self._saved.update(rest)

    async def keep_saving(self) -> None:
        """Save every second, for ever."""
        while True:
            await asyncio.sleep(SAVE_EVERY_SECONDS)
            await self.save()

    def _write(
        self,
        items: list[tuple[str, Shop, set[str]]],
        orders: list[tuple[str, OrderBook, set[str]]],
        rest: Rest,
        emptied: bool,
    ) -> None:
        with self._connected() as database:
            if emptied:
                database.execute("delete from item")
                database.execute("delete from purchase")
            for name, shop, changed in items:
                ordered = sorted(changed, key=lambda number: (len(number), number))
                found = ((number, shop.items.get(number)) for number in ordered)
                database.executemany(
                    PUT_ITEM, ((name, number, orjson.dumps(item)) for number, item in found if item)
                )
            for name, book, changed in orders:
                _write_orders(database, name, book, changed)
            database.executemany(PUT_REST, rest.items())

    def _rest(self) -> Rest:
        rest: Rest = {"slack": orjson.dumps(list(self._world.slack.messages))}
        for name, shop in self._world.shops.items():
            parts = {
                "rejected": sorted(shop.rejected_items),
                "pending": shop.pending(),
                "history": list(shop.history),
                "numbers": self._world.books[name].numbers(),
                "subscriptions": self._world.subscriptions[name],
            }
            rest[name] = orjson.dumps(parts)
        return rest

    def _take_up(self, name: str, body: Any, orders: list[Order]) -> None:
        if name == "slack":
            self._world.slack.messages.extend(Message(**each) for each in body)
        elif name in self._world.shops:
            shop = self._world.shops[name]
            shop.rejected_items.update(body["rejected"])
            shop.restore_pending([(at, item, place, level) for at, item, place, level in body["pending"]])
            shop.history.extend(LevelChange(**each) for each in body["history"])
            if "numbers" in body:  # older files have none
                number, line, moment = body["numbers"]
                self._world.books[name].restore(orders, (number, line, moment))
                self._take_up_subscriptions(name, body["subscriptions"])

    def _take_up_subscriptions(self, name: str, body: dict[str, Any]) -> None:
        subscriptions = self._world.subscriptions[name]
        subscriptions.next_number = body["next_number"]
        subscriptions.by_id.update({key: Subscription(**each) for key, each in body["by_id"].items()})

    def _connected(self) -> "Connected":
        return Connected(self._path)


class Connected:
    """A connection for one transaction: committed and closed at the end."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path)

    def __enter__(self) -> sqlite3.Connection:
        self._database.execute("pragma journal_mode = wal")
        self._database.execute("pragma synchronous = off")
        self._database.executescript(SCHEMA)
        return self._database

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._database.commit()
        self._database.close()


def _add(shop: Shop, body: dict[str, Any]) -> None:
    updated_at = body.pop("updated_at")
    item = Item(**{**body, "closed": tuple(body.get("closed", ()))})
    shop.add(item)
    item.updated_at = updated_at


def _orders(database: sqlite3.Connection, shop: str) -> list[Order]:
    query = "select body from purchase where shop = ? order by number"
    return [_order(orjson.loads(body)) for (body,) in database.execute(query, (shop,))]


def _order(body: dict[str, Any]) -> Order:
    lines = [Line(**line) for line in body.pop("lines")]
    return Order(lines=lines, buyer=Buyer(**body.pop("buyer")), **body)


def _write_orders(database: sqlite3.Connection, shop: str, book: OrderBook, changed: set[str]) -> None:
    """The orders as they stand now; those that are too old go."""
    found = ((number, book.orders.get(number)) for number in changed)
    database.executemany(
        PUT_ORDER, ((shop, int(number), orjson.dumps(order)) for number, order in found if order)
    )
    oldest = book.numbers()[0] - ORDERS_KEPT
    database.execute("delete from purchase where shop = ? and number < ?", (shop, oldest))


def _take_changed(holder: Shop | OrderBook) -> set[str]:
    changed, holder.changed = holder.changed, set()
    return changed
