"""The sandbox world on disk: a SQLite file that gets what changed, every second and at the end.

Items are read and written off the event loop. Killed between two saves, the sandbox comes back with
the state of at most a second before; a real platform never would, so tests of crashes leave it alive.
"""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import orjson

from onhand.sandbox.shop import Item, LevelChange, Shop
from onhand.sandbox.slack import Message
from onhand.sandbox.world import World

SAVE_EVERY_SECONDS = 1.0

SCHEMA = """
create table if not exists item (shop text, id text, body blob, primary key (shop, id));
create table if not exists rest (name text primary key, body blob);
"""
PUT_ITEM = "insert into item values (?, ?, ?) on conflict (shop, id) do update set body = excluded.body"
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
            self._saved = dict(database.execute("select name, body from rest"))
        for name, body in self._saved.items():
            self._take_up(name, orjson.loads(body))

    def emptied(self) -> None:
        """The world was emptied: the next save forgets what the file holds before it writes what there is."""
        self._emptied = True

    async def save(self) -> None:
        """Write what has changed since the last save."""
        async with self._saving:
            taken = [(name, shop, _take_changed(shop)) for name, shop in self._world.shops.items()]
            rest = {name: body for name, body in self._rest().items() if self._saved.get(name) != body}
            emptied, self._emptied = self._emptied, False
            if not emptied and not rest and not any(changed for _, _, changed in taken):
                return
            try:
                await asyncio.to_thread(self._write, taken, rest, emptied)
            except BaseException:
                self._emptied = emptied or self._emptied
                for _, shop, changed in taken:
                    shop.changed |= changed
                raise
            self._saved.update(rest)

    async def keep_saving(self) -> None:
        """Save every second, for ever."""
        while True:
            await asyncio.sleep(SAVE_EVERY_SECONDS)
            await self.save()

    def _write(self, items: list[tuple[str, Shop, set[str]]], rest: Rest, emptied: bool) -> None:
        with self._connected() as database:
            if emptied:
                database.execute("delete from item")
            for name, shop, changed in items:
                ordered = sorted(changed, key=lambda number: (len(number), number))
                found = ((number, shop.items.get(number)) for number in ordered)
                database.executemany(
                    PUT_ITEM, ((name, number, orjson.dumps(item)) for number, item in found if item)
                )
            database.executemany(PUT_REST, rest.items())

    def _rest(self) -> Rest:
        rest: Rest = {"slack": orjson.dumps(list(self._world.slack.messages))}
        for name, shop in self._world.shops.items():
            parts = {
                "rejected": sorted(shop.rejected_items),
                "pending": shop.pending(),
                "history": list(shop.history),
            }
            rest[name] = orjson.dumps(parts)
        return rest

    def _take_up(self, name: str, body: Any) -> None:
        if name == "slack":
            self._world.slack.messages.extend(Message(**each) for each in body)
        elif name in self._world.shops:
            shop = self._world.shops[name]
            shop.rejected_items.update(body["rejected"])
            shop.restore_pending([(at, item, place, level) for at, item, place, level in body["pending"]])
            shop.history.extend(LevelChange(**each) for each in body["history"])

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
    item = Item(**body)
    shop.add(item)
    item.updated_at = updated_at


def _take_changed(shop: Shop) -> set[str]:
    changed, shop.changed = shop.changed, set()
    return changed
