"""What buyers and merchants will do, drawn from a seed alone: the same orders in the same order, every time."""

from bisect import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Any

DISTRIBUTIONS = ("uniform", "zipf", "hot")
CHANGES = ("ship", "cancel", "refund", "reduce")


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """What is drawn. Ranges are [least, most], both included.

    `distribution`: `uniform` over `skus`; `zipf`, where the SKU of rank k sells 1/k^`exponent` as often as the first;
    or `hot`, where a line is of the first SKU with the share `hot_share`, and uniform otherwise. `changes` is the
    share of orders that are shipped, cancelled, refunded (which ships them before) or reduced, in equal parts, once
    `change_after` further orders were placed.
    """

    platforms: tuple[str, ...]
    skus: tuple[str, ...]
    distribution: str = "uniform"
    exponent: float = 1.1
    hot_share: float = 1.0
    lines: tuple[int, int] = (1, 5)
    quantity: tuple[int, int] = (1, 3)
    changes: float = 0.0
    change_after: tuple[int, int] = (5, 50)
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.platforms or not self.skus:
            raise ValueError("a load needs platforms and SKUs")
        if self.distribution not in DISTRIBUTIONS:
            raise ValueError(f"distribution is one of {', '.join(DISTRIBUTIONS)}, not {self.distribution!r}")
        for name in ("lines", "quantity", "change_after"):
            least, most = getattr(self, name)
            if not 1 <= least <= most:
                raise ValueError(f"{name} is [least, most] from 1, not {[least, most]}")
        if not (0 <= self.changes <= 1 and 0 <= self.hot_share <= 1):
            raise ValueError("changes and hot_share are shares from 0 to 1")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing done: `body` is an entry of a bulk request; its `key` names the order by its `number` (from 1)."""

    number: int
    body: dict[str, Any]

    @property
    def places(self) -> bool:
        """Whether it is a new order; only these are paced."""
        return bool(self.body["what"] == "place")


def steps(plan: LoadPlan, orders: int | None, *, force: bool = False, name: str = "load") -> Iterator[Step]:
    """Everything that is done, in order; without end where `orders` is None. Changes due after the end come last."""
    random = Random(plan.seed)
    pick = _picker(plan, random)
    due: dict[int, list[Step]] = {}
    number = 0
    while orders is None or number < orders:
        number += 1
        body = {"what": "place", "key": f"{name}-{number}", "force": force, **_order(plan, random, pick)}
        yield Step(number, body)
        after = number + random.randint(*plan.change_after)
        if random.random() < plan.changes:
            whats = _change(random.choice(CHANGES))
            told = {"platform": body["platform"], "key": body["key"]}
            due.setdefault(after, []).extend(Step(number, {"what": what, **told}) for what in whats)
        yield from due.pop(number, ())
    for at in sorted(due):
        yield from due[at]


def _order(plan: LoadPlan, random: Random, pick: Callable[[], str]) -> dict[str, Any]:
    wanted: dict[str, int] = {}
    for _ in range(random.randint(*plan.lines)):
        wanted.setdefault(pick(), random.randint(*plan.quantity))
    lines = [{"sku": sku, "quantity": quantity} for sku, quantity in wanted.items()]
    return {"platform": random.choice(plan.platforms), "lines": lines}


def _change(what: str) -> tuple[str, ...]:
    """What is done to an order: a refund is of something shipped."""
    return ("ship", "refund") if what == "refund" else (what,)


def _picker(plan: LoadPlan, random: Random) -> Callable[[], str]:
    skus = plan.skus
    if plan.distribution == "zipf":
        sums = list(accumulate(rank**-plan.exponent for rank in range(1, len(skus) + 1)))
        return lambda: skus[min(bisect(sums, random.random() * sums[-1]), len(skus) - 1)]
    if plan.distribution == "hot":
        return lambda: skus[0] if random.random() < plan.hot_share else random.choice(skus)
    return lambda: random.choice(skus)
