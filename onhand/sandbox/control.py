"""The control API of the sandbox, for people's scripts and for tests: fill, sell, edit, refuse, look, start anew.

Everything is under `/_sandbox/`, answers JSON, and needs no credentials: bind the sandbox to loopback.
"""

import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from onhand.sandbox.answering import Json, Unwilling, best_place, item_of, json_answer, posted, shop_of
from onhand.sandbox.catalogue import ROWS_MAX, fill, generated, given
from onhand.sandbox.meddling import ON_AT_ZERO
from onhand.sandbox.shop import Item, Shop
from onhand.sandbox.world import World

LEVELS_PER_CHUNK = 2_000


class Control:
    """The control endpoints of one world. `emptied` is told whenever the shops lose their catalogue."""

    def __init__(self, world: World, emptied: Callable[[], None]) -> None:
        self._world = world
        self._emptied = emptied

    def routes(self) -> list[BaseRoute]:
        """All endpoints, under whatever they are mounted."""
        posts = {
            "catalogue": self.catalogue,
            "sell": self.sell,
            "edit": self.edit,
            "reject": self.reject,
            "reset": self.reset,
        }
        return [
            *(Route(f"/{name}", posted(handler), methods=["POST"]) for name, handler in posts.items()),
            Route("/stats", self.stats, methods=["GET"]),
            Route("/levels", self.levels, methods=["GET"]),
        ]

    async def catalogue(self, body: Any) -> Json:
        """Fill all shops in place of what they hold.

        A list of `{sku, title, barcode, level, product, variation}`, or `{"generate": N, "variations": true,
        "level": 0}` for N SKUs.
        """
        if isinstance(body, list):
            rows = given(body)
        else:
            wanted = int(body["generate"])
            if not 0 <= wanted <= ROWS_MAX:
                raise Unwilling(400, f"generate must be between 0 and {ROWS_MAX}")
            variations = bool(body.get("variations", True))
            rows = list(generated(wanted, variations=variations, level=int(body.get("level", 0))))
        self._emptied()
        for book in self._world.books.values():
            book.clear()
        return {"skus": fill(self._world.shops, rows)}

    async def sell(self, body: Json) -> Json:
        """A buyer takes `quantity` (1) of `sku` on `platform`, from `place` or the first that has enough.

        As on the real platforms nobody can buy what is not shown, unless the item is not tracked; `force` sells
        nevertheless (a till, a checkout that raced).
        """
        shop, item = item_of(self._world.shops, body)
        quantity = int(body.get("quantity", 1))
        place = str(body["place"]) if "place" in body else best_place(shop, item, quantity)
        before = shop.level(item.item_id, place)
        if shop.hidden(item, place) and not body.get("force"):
            raise Unwilling(409, f"{item.sku} is hidden from shoppers")
        if not item.tracked:
            return {"sku": item.sku, "place": place, "level": before}
        if (before or 0) < quantity and not item.oversells and not body.get("force"):
            raise Unwilling(409, f"{item.sku} shows {before or 0} at {place!r}, {quantity} are wanted")
        return {"sku": item.sku, "place": place, "level": shop.sell(item.item_id, place, quantity)}

    async def edit(self, body: Json) -> Json:
        """A person on the platform sets `sku` to `quantity` at `place` (the first), or switches `tracked`, `hidden`
        or `oversells`, the last where the platform has it."""
        shop, item = item_of(self._world.shops, body)
        place = str(body.get("place", next(iter(shop.places))))
        if "tracked" in body:
            item.tracked = bool(body["tracked"])
            shop.changed.add(item.item_id)
        if "hidden" in body:
            for number in _hidden_with(shop, str(body["platform"]), item):
                shop.hide(number, bool(body["hidden"]))
        if "oversells" in body:
            if (policy := ON_AT_ZERO.get(str(body["platform"]))) is None:
                raise Unwilling(400, f"{shop.name} never sells beyond zero")
            name, on, off = policy
            item.values[name] = on if body["oversells"] else off
            shop.changed.add(item.item_id)
        if "quantity" in body:
            shop.edit(item.item_id, place, int(body["quantity"]))
        told = {"tracked": item.tracked, "hidden": shop.hidden(item, place), "oversells": item.oversells}
        return {"sku": item.sku, "place": place, "level": item.levels.get(place), **told}

    async def reject(self, body: Json) -> Json:
        """Make `platform` refuse writes of `skus`, or of a `share` (0 to 1) of its items; either replaces the last."""
        shop = shop_of(self._world.shops, body)
        if "skus" in body:
            refused = {number for sku in body["skus"] for number in shop.by_sku.get(sku, [])}
        else:
            below = float(body["share"]) * 2**32
            refused = {number for number in shop.items if zlib.crc32(number.encode()) < below}
        shop.rejected_items.clear()
        shop.rejected_items.update(refused)
        return {"rejected": len(refused)}

    async def reset(self, body: Json) -> Json:
        """Empty every shop; forget counts and messages."""
        self._emptied()
        self._world.clear()
        return {"ok": True}

    async def stats(self, request: Request) -> Response:
        """Calls, refusals, sizes and deliveries of each platform since the start or the last reset."""
        world = self._world
        stats: dict[str, Json] = {name: {**traffic.stats()} for name, traffic in world.traffic.items()}
        for name, shop in world.shops.items():
            stats[name]["items"] = len(shop.items)
            stats[name]["orders"] = len(world.books[name].orders)
        for name, sender in world.senders.items():
            stats[name]["deliveries"] = sender.stats()
        return json_answer(stats)

    async def levels(self, request: Request) -> Response:
        """Every level of `platform` as the shop shows it: a JSON array of {sku, place, level}, streamed."""
        name = request.query_params.get("platform", "")
        if name not in self._world.shops:
            return json_answer({"error": f"no platform {name!r}"}, 404)
        return StreamingResponse(_level_chunks(self._world.shops[name]), media_type="application/json")


def _hidden_with(shop: Shop, platform: str, item: Item) -> list[str]:
    """What is hidden together with an item: on Shopify all variants of its product, elsewhere itself alone."""
    if platform != "shopify" or not item.parent_id:
        return [item.item_id]
    return [number for number, other in shop.items.items() if other.parent_id == item.parent_id]


async def _level_chunks(shop: Shop) -> AsyncIterator[bytes]:
    first = True
    rows: list[Json] = []
    for item in list(shop.items.values()):
        rows.extend(
            {"sku": item.sku, "place": place, "level": shop.level(item.item_id, place)}
            for place in item.levels
        )
        if len(rows) >= LEVELS_PER_CHUNK:
            yield (b"[" if first else b",") + orjson.dumps(rows)[1:-1]
            first, rows = False, []
    body = orjson.dumps(rows)[1:-1]
    yield (b"[" if first else b"," if body else b"") + body + b"]"
