"""How long the other shops take to show a sale: from the order to the write that takes it off the last of them.

It trusts nobody: levels are seen where they are written. A shop shows an order once a write through its API leaves no
more than was there at first less everything sold anywhere up to and including it. So it holds for SKUs whose whole pool
every shop shows, which nobody else restocks while it runs.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from onhand.sandbox.answering import Json, json_answer, posted
from onhand.sandbox.orders import Happening, OrderHappening
from onhand.sandbox.world import World

MEASURED_MAX = 2_000_000
"""Times that are kept; those after them are counted only."""


@dataclass(slots=True)
class Running:
    """An order that is not shown everywhere yet: when it was placed, and how many (SKU, shop) still miss it."""

    began: float
    missing: int


@dataclass(slots=True)
class Sku:
    """One SKU: pieces sold anywhere, what each shop showed at first, and who waits for what to be shown where."""

    sold: int = 0
    at_first: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, deque[tuple[int, Running]]] = field(default_factory=dict)


class Stopwatch:
    """Runs from the first `start` on. `clock` is seconds that only grow."""

    def __init__(self, world: World, clock: Callable[[], float] = perf_counter) -> None:
        self._world = world
        self._clock = clock
        self._skus: dict[str, Sku] = {}
        self._times: list[float] = []
        self._orders = 0
        self._shown = 0
        self._listening = False

    def routes(self) -> list[BaseRoute]:
        """Its endpoints."""
        return [
            Route("/stopwatch", posted(self.start), methods=["POST"]),
            Route("/stopwatch", self.show, methods=["GET"]),
        ]

    async def start(self, body: Json) -> Json:
        """Begin anew: forget what was measured, and what is still on its way."""
        self._skus.clear()
        self._times.clear()
        self._orders = self._shown = 0
        if not self._listening:
            self._listening = True
            for name, book in self._world.books.items():
                book.listeners.append(partial(self._happened, name))
                self._world.shops[name].listeners.append(partial(self._written, name))
        return {"ok": True}

    async def show(self, request: Request) -> Response:
        """Orders placed, those that are shown everywhere, and how long that took, in milliseconds."""
        return json_answer(self.stats())

    def stats(self) -> dict[str, Any]:
        """The same as plain data; percentiles by nearest rank, null before anything is shown."""
        times = sorted(self._times)

        def at(share: float) -> float | None:
            return round(times[min(len(times) - 1, int(share * len(times)))] * 1_000, 3) if times else None

        return {
            "orders": self._orders,
            "shown": self._shown,
            "p50_ms": at(0.5),
            "p90_ms": at(0.9),
            "p99_ms": at(0.99),
            "max_ms": at(1.0),
        }

    def _happened(self, shop: str, happening: Happening) -> None:
        if not isinstance(happening, OrderHappening) or happening.what != "created":
            return
        pieces: dict[str, int] = {}
        for line in happening.order.lines:
            pieces[line.sku] = pieces.get(line.sku, 0) + line.quantity
        others = [name for name in self._world.shops if name != shop]
        running = Running(self._clock(), len(pieces) * len(others))
        self._orders += 1
        for code, quantity in pieces.items():
            sku = self._known(code, shop, quantity)
            sku.sold += quantity
            for other in others:
                sku.waiting[other].append((sku.sold, running))

    def _known(self, code: str, shop: str, quantity: int) -> Sku:
        """The SKU, as the shops showed it before the first sale; the selling shop has taken its own off already."""
        if code not in self._skus:
            at_first = {name: self._level(name, code) for name in self._world.shops}
            at_first[shop] += quantity
            self._skus[code] = Sku(0, at_first, {name: deque() for name in self._world.shops})
        return self._skus[code]

    def _level(self, shop: str, code: str) -> int:
        found = self._world.shops[shop]
        return sum(found.items[found.by_sku[code][0]].levels.values())

    def _written(self, shop: str, item_id: str, place: str, quantity: int, by: str, at: float) -> None:
        if by != "api":
            return
        item = self._world.shops[shop].items[item_id]
        sku = self._skus.get(item.sku)
        if sku is None:
            return
        taken = sku.at_first[shop] - sum(item.levels.values())
        waiting = sku.waiting[shop]
        while waiting and waiting[0][0] <= taken:
            self._is_shown(waiting.popleft()[1])

    def _is_shown(self, running: Running) -> None:
        running.missing -= 1
        if running.missing == 0:
            self._shown += 1
            if len(self._times) < MEASURED_MAX:
                self._times.append(self._clock() - running.began)
