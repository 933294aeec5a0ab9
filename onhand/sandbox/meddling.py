"""What people, other programs and platforms do to a shop behind our back: levels, policies, tracking, subscriptions."""

from collections.abc import Callable, Iterable
from heapq import nsmallest
from typing import Any, TypeVar

from onhand.sandbox.draws import drawn
from onhand.sandbox.faults import ChangeLevels, Picking, PolicyFlip, Untrack
from onhand.sandbox.shop import Item, Shop
from onhand.sandbox.wire import Subscriptions

Change = dict[str, Any]
"""What was done, for whoever asked: the SKU, and what was before and after."""

Undo = Callable[[], None]
Picked = TypeVar("Picked")

ON_AT_ZERO = {"shopify": ("inventory_policy", "CONTINUE", "DENY"), "woocommerce": ("backorders", "yes", "no")}
"""By platform: the field by which an item sells on at zero, the value that says so, and what it is otherwise."""


class CannotError(ValueError):
    """The platform knows no such thing."""


def change_levels(shop: Shop, fault: ChangeLevels, turn: int = 0) -> list[Change]:
    """Set levels to other numbers; `turn` counts how often the fault did so before. Answers what was changed."""
    spots = [
        (item, place)
        for item in shop.items.values()
        if item.tracked and item.tracking != "none" and item.kind != "bundle"
        for place in item.levels
    ]
    picked = _picked(spots, fault, f"levels {turn}", lambda spot: f"{spot[0].item_id} {spot[1]}")
    return [_changed(shop, fault, item, place, turn) for item, place in picked]


def _changed(shop: Shop, fault: ChangeLevels, item: Item, place: str, turn: int) -> Change:
    before = shop.level(item.item_id, place) or 0
    after = _another(fault, before, f"{turn} {item.item_id} {place}")
    by = "person" if fault.by == "person" else "api"
    shop.edit(item.item_id, place, after, by=by, silent=fault.silent)
    return {"sku": item.sku, "place": place, "before": before, "after": after}


def _another(fault: ChangeLevels, before: int, what: str) -> int:
    """Another level, never below zero: up to `most` units more or less."""
    step = 1 + int(drawn(fault.seed, "step", what) * fault.most)
    less = drawn(fault.seed, "less", what) < 0.5 and before > 0
    return max(0, before - step) if less else before + step


def check_policy(platform: str, shop: Shop) -> None:
    """Raises CannotError where no item can be let sell on at zero."""
    if platform not in ON_AT_ZERO:
        raise CannotError(f"{shop.name} has no setting by which an item sells on at zero")


def flip_policy(platform: str, shop: Shop, fault: PolicyFlip) -> tuple[list[Change], Undo]:
    """Let items sell on at zero; answers what was changed, and how it is undone. Raises CannotError."""
    check_policy(platform, shop)
    name, on, off = ON_AT_ZERO[platform]
    found = [item for item in _stocked(shop) if item.values.get(name, off) != on]
    picked = list(_picked(found, fault, "policy", lambda item: item.item_id))
    before = [item.values.get(name, off) for item in picked]
    for item in picked:
        _put(shop, item, name, on)

    def undo() -> None:
        for item, value in zip(picked, before, strict=True):
            _put(shop, item, name, value)

    changes = [
        {"sku": item.sku, "before": value, "after": on} for item, value in zip(picked, before, strict=True)
    ]
    return changes, undo


def untrack(shop: Shop, fault: Untrack) -> tuple[list[Change], Undo]:
    """Stop keeping stock for items; answers which, and how it is undone. The levels they had come back with it."""
    found = [item for item in _stocked(shop) if item.tracked and item.tracking != "none"]
    picked = list(_picked(found, fault, "untrack", lambda item: item.item_id))
    before = [(item.tracking, dict(item.levels)) for item in picked]
    blanks = next(iter(shop.places)) == ""
    for item in picked:
        item.tracked, item.tracking = False, "none"
        if blanks:  # WooCommerce blanks the quantity of a product that does not manage its stock
            item.levels.clear()
        shop.changed.add(item.item_id)

    def undo() -> None:
        for item, (tracking, levels) in zip(picked, before, strict=True):
            item.tracked, item.tracking = True, tracking
            item.levels = {**levels, **item.levels}
            shop.changed.add(item.item_id)

    return [{"sku": item.sku, "before": "tracked", "after": "not tracked"} for item in picked], undo


def end_subscriptions(subscriptions: Subscriptions, *, delete: bool) -> list[Change]:
    """Delete every subscription, or switch it off; answers which."""
    done = "deleted" if delete else "switched off"
    found = [{"topic": each.topic, "url": each.url, "after": done} for each in subscriptions.by_id.values()]
    if delete:
        subscriptions.by_id.clear()
    for each in subscriptions.by_id.values():
        each.active, each.failures = False, max(1, each.failures)
    return found


def _stocked(shop: Shop) -> list[Item]:
    return [item for item in shop.items.values() if item.kind in ("simple", "variation")]


def _put(shop: Shop, item: Item, name: str, value: str) -> None:
    item.values[name] = value
    shop.changed.add(item.item_id)


def _picked(
    found: list[Picked], fault: Picking, what: str, name: Callable[[Picked], str]
) -> Iterable[Picked]:
    """The count (one, unless said) or share of them that the seed picks, the same whatever their order."""

    def draw(each: Picked) -> tuple[float, str]:
        return drawn(fault.seed, what, name(each)), name(each)

    if fault.share is not None:
        return nsmallest(max(1, round(fault.share * len(found))), found, key=draw)
    return nsmallest(fault.count or 1, found, key=draw)
