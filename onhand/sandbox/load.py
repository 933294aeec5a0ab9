"""The load generator: a plan carried out at a rate, whether or not the shops and their subscribers keep up.

Open loop: at r orders a second the k-th (from 0) is due k/r seconds after the start. A late one is placed as soon as
it can be and counted as late; those after it are due when they were, so that a slow system is not spared.
"""

import asyncio
from collections import Counter
from time import perf_counter
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from onhand.sandbox.answering import Json, Unwilling, json_answer, posted
from onhand.sandbox.plan import LoadPlan, Step, steps
from onhand.sandbox.selling import Selling
from onhand.sandbox.world import World

TURN_ORDERS = 20
"""Orders that are due placed in one go, before everybody else has a turn."""

LATE_SECONDS = 0.01
"""From this an order counts as late; a sleep is no more exact than some milliseconds."""

REASONS_KEPT = 5
PLANNED = ("distribution", "exponent", "hot_share", "changes", "seed")
RANGES = ("lines", "quantity", "change_after")


class Load:
    """One run: its progress while it lasts, its totals afterwards. `rate` is orders a second."""

    def __init__(self, selling: Selling, plan: LoadPlan, rate: float, orders: int, *, force: bool) -> None:
        self.rate = rate
        self.orders = orders
        self.counts: Counter[str] = Counter()
        self.placed: Counter[str] = Counter()
        self.max_lateness = 0.0
        self.started_at = 0.0
        self.ended_at = 0.0
        self.reasons: list[str] = []
        self._selling = selling
        self._steps = steps(plan, orders, force=force)

    async def run(self) -> None:
        """Carry out the plan, to its end or until cancelled."""
        self.started_at = perf_counter()
        try:
            in_a_row = 0
            for step in self._steps:
                if step.places:
                    in_a_row = await self._until_due(step.number - 1, in_a_row)
                self._do(step)
        finally:
            self.ended_at = perf_counter()

    def stats(self) -> dict[str, Any]:
        """Orders due, placed and refused, changes made, how late at most, and seconds since the start."""
        now = perf_counter()
        seconds = (self.ended_at or now) - self.started_at if self.started_at else 0.0
        names = ("orders", "refused", "late", "ship", "cancel", "refund", "reduce", "changes_refused")
        return {
            "running": not self.ended_at,
            "rate": self.rate,
            "wanted": self.orders,
            "seconds": round(seconds, 3),
            "max_lateness_ms": round(self.max_lateness * 1_000, 3),
            "placed": dict(self.placed),
            **{name: self.counts[name] for name in names},
            "reasons": list(self.reasons),
        }

    async def _until_due(self, number: int, in_a_row: int) -> int:
        """Wait for an order's moment; answers how many were placed since anybody else had a turn."""
        due = self.started_at + number / self.rate
        ahead = due - perf_counter()
        if ahead > 0:
            await asyncio.sleep(ahead)
        elif in_a_row >= TURN_ORDERS:
            await asyncio.sleep(0)
        lateness = perf_counter() - due
        self.max_lateness = max(self.max_lateness, lateness)
        self.counts["late"] += lateness > LATE_SECONDS
        return 0 if ahead > 0 or in_a_row >= TURN_ORDERS else in_a_row + 1

    def _do(self, step: Step) -> None:
        what = step.body["what"]
        try:
            self._selling.act(step.body)
        except Unwilling as refusal:
            # A change of an order that was never placed, or that another change finished, is no news.
            self.counts["refused" if step.places else "changes_refused"] += 1
            if step.places and len(self.reasons) < REASONS_KEPT:
                self.reasons.append(str(refusal))
        else:
            self.counts["orders" if step.places else what] += 1
            if step.places:
                self.placed[step.body["platform"]] += 1


class LoadControl:
    """Starts, shows and stops the load of one world: one at a time."""

    def __init__(self, world: World, selling: Selling) -> None:
        self._world = world
        self._selling = selling
        self._load: Load | None = None
        self._task: asyncio.Task[None] | None = None

    def routes(self) -> list[BaseRoute]:
        """Its endpoints."""
        return [
            Route("/load", posted(self.start), methods=["POST"]),
            Route("/load", self.show, methods=["GET"]),
            Route("/load", self.end, methods=["DELETE"]),
        ]

    async def start(self, body: Json) -> Json:
        """Begin: `rate` orders a second for `seconds`, or so many `orders`, drawn as `LoadPlan` says.

        `platforms` are all unless given, and `skus` whatever all of them sell and track. `force` buys what is not
        shown, too. 409 while another runs.
        """
        if self._task and not self._task.done():
            raise Unwilling(409, "a load is running: DELETE /_sandbox/load stops it")
        rate = float(body["rate"])
        orders = int(body["orders"]) if "orders" in body else round(rate * float(body["seconds"]))
        if not (rate > 0 and orders > 0):
            raise Unwilling(400, "rate, and seconds or orders, are more than nothing")
        plan = self._plan(body)
        self._load = Load(self._selling, plan, rate, orders, force=bool(body.get("force")))
        self._task = asyncio.create_task(self._load.run())
        return {"orders": orders, "rate": rate, "skus": len(plan.skus), "platforms": list(plan.platforms)}

    async def show(self, request: Request) -> Response:
        """Progress, or the totals of the last one."""
        return json_answer(self._load.stats() if self._load else {"running": False})

    async def end(self, request: Request) -> Response:
        """Stop it; its totals so far."""
        await self.stop()
        return await self.show(request)

    async def stop(self) -> None:
        """End the running load, if there is one."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._load and not self._load.ended_at:  # it was stopped before its first step
            self._load.ended_at = perf_counter()

    def _plan(self, body: Json) -> LoadPlan:
        platforms = tuple(body.get("platforms") or self._world.shops)
        for name in platforms:
            if name not in self._world.shops:
                raise Unwilling(404, f"no platform {name!r}; there are {', '.join(self._world.shops)}")
        skus = tuple(str(sku) for sku in body["skus"]) if "skus" in body else self._sold_by_all(platforms)
        values: Json = {name: body[name] for name in PLANNED if name in body}
        for name in RANGES:
            if name in body:
                least, most = body[name]
                values[name] = (int(least), int(most))
        return LoadPlan(platforms, skus, **values)

    def _sold_by_all(self, platforms: tuple[str, ...]) -> tuple[str, ...]:
        """In the order of the first one's catalogue."""
        first, *others = (self._world.shops[name] for name in platforms)
        return tuple(
            item.sku
            for item in first.items.values()
            if item.sku and item.tracked and all(item.sku in other.by_sku for other in others)
        )
