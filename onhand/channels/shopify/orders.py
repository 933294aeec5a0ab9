"""An order as Shopify tells it, by webhook or when asked, reduced to the pieces that are off the shelf.

Nothing else of it is looked at: no customer, address, e-mail, price or payment field is ever taken out.

Shopify states the last change in whole seconds, and several may happen in one. So a version is that second, in
microseconds, plus how far the order has come: each piece that was added, shipped, refunded or taken out, and the
cancellation, only ever add to that. (A fulfilment that is made and cancelled within one second is the exception: it
shows with the order's next change.)
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from onhand.channels.shopify.ids import place_gid, tail
from onhand.domain.sales import ChannelOrder, OrderRefusedError, SoldLine, version_of

RESTOCKED = frozenset(("cancel", "return", "legacy_restock"))
"""Restock types by which the shop itself has put the refunded pieces back on its available stock."""

SHIPPED = frozenset(("partial", "fulfilled", "PARTIALLY_FULFILLED", "FULFILLED"))
"""Fulfilment states of a whole order (webhook and API) in which something has left the house."""

RETURNED = "return"
"""The restock type of pieces that had left the house."""


class Refunded(NamedTuple):
    """Pieces of one line that refunds put back, and pieces they did not; by place, those put back that had left."""

    back: int = 0
    kept: int = 0
    returned: tuple[tuple[str, int], ...] = ()


NOTHING = Refunded()

SECOND = 1_000_000
"""Microseconds; how far an order has come stays below."""

Json = Mapping[str, Any]


def told_order(told: Any) -> ChannelOrder:
    """The order in a webhook's body. Raises OrderRefusedError with a sentence for an operator."""
    if not isinstance(told, dict) or type(told.get("id")) is not int:
        raise OrderRefusedError("an order is a JSON object with a number as its `id`; this is none")
    order_id = str(told["id"])
    updated_at = _moment(told.get("updated_at"), order_id, "updated_at")
    # Subscriptions that name their fields may leave `created_at` out; then the order is as old as its last change.
    placed_at = _moment(told["created_at"], order_id, "created_at") if told.get("created_at") else updated_at
    cancelled, shipped = told.get("cancelled_at") is not None, told.get("fulfillment_status") in SHIPPED
    place = place_gid(told["location_id"]) if told.get("location_id") else ""
    refunded = _refunded(_objects(told, "refunds", order_id), order_id)
    lines, come = [], int(cancelled)
    for told_line in _objects(told, "line_items", order_id):
        line, far = _told_line(told_line, order_id, refunded, cancelled, shipped, place)
        lines.append(line)
        come += far
    return ChannelOrder(order_id, _version(updated_at, come), placed_at, updated_at, tuple(lines))


def asked_order(node: Json, lines: Iterable[Json], refund_lines: Iterable[Json]) -> ChannelOrder:
    """The order in an answer of the API, with all of its lines, and those of its refunds."""
    order_id = tail(node["id"])
    updated_at = _moment(node["updatedAt"], order_id, "updatedAt")
    cancelled, shipped = node["cancelledAt"] is not None, node["displayFulfillmentStatus"] in SHIPPED
    place = node["retailLocation"]["id"] if node["retailLocation"] else ""
    refunded: dict[str, Refunded] = {}
    for line in refund_lines:
        place_of_line = line["location"]["id"] if line["location"] else ""
        _count(
            refunded,
            tail(line["lineItem"]["id"]),
            line["quantity"],
            line["restockType"].lower(),
            place_of_line,
        )
    sold, come = [], int(cancelled)
    for line in lines:
        line_id, variant = tail(line["id"]), line["variant"]
        numbers = line["quantity"], line["currentQuantity"], line["fulfillableQuantity"]
        back_and_kept = refunded.get(line_id, NOTHING)
        open_, fulfilled = pieces(*numbers, back_and_kept, cancelled=cancelled, shipped=shipped)
        come += _far(*numbers, back_and_kept)
        refs = (str(variant["legacyResourceId"]),) if variant else ()
        came_back = _came_back(back_and_kept, line["quantity"] - open_ - fulfilled, place)
        sold.append(SoldLine(line_id, refs, line["sku"] or "", open_, fulfilled, place, *came_back))
    placed_at = _moment(node["createdAt"], order_id, "createdAt")
    return ChannelOrder(order_id, _version(updated_at, come), placed_at, updated_at, tuple(sold))


def pieces(
    quantity: int, current: int, fulfillable: int, refunded: Refunded, *, cancelled: bool, shipped: bool
) -> tuple[int, int]:
    """Pieces of a line that are open, and pieces that are gone, by the shop's own numbers.

    `quantity` was ordered, `current` is that less what was refunded or taken out by an edit, `fulfillable` can still
    be shipped. What the shop has put back is in neither: pieces refunded with a restock; pieces an edit took out
    without any refund; and of an order that was cancelled before anything was `shipped`, all but those refunded
    without a restock. Those are gone: the shop did not put them back, so neither do we.
    """
    back, kept, _ = refunded
    back += max(0, quantity - current - back - kept)
    if cancelled and not shipped:
        back = max(back, quantity - kept)
    off_the_shelf = max(0, quantity - back)
    open_ = min(fulfillable, off_the_shelf)
    return (0 if cancelled else open_), off_the_shelf - open_


def _told_line(
    line: Json, order_id: str, refunded: Mapping[str, Refunded], cancelled: bool, shipped: bool, place: str
) -> tuple[SoldLine, int]:
    """The line, and how far it has come."""
    if type(line.get("id")) is not int:
        raise OrderRefusedError(f"order {order_id}: a line has a number as its `id`, and one has none")
    line_id = str(line["id"])
    quantity = _quantity(line, "quantity", order_id, line_id)
    found = refunded.get(line_id, NOTHING)
    back, kept, _ = found
    unedited = max(0, quantity - back - kept)
    current = (
        _quantity(line, "current_quantity", order_id, line_id) if "current_quantity" in line else unedited
    )
    fulfillable = _quantity(line, "fulfillable_quantity", order_id, line_id)
    open_, gone = pieces(quantity, current, fulfillable, found, cancelled=cancelled, shipped=shipped)
    variant, sku = line.get("variant_id"), line.get("sku")
    refs = (str(variant),) if variant else ()
    came_back = _came_back(found, quantity - open_ - gone, place)
    sold = SoldLine(line_id, refs, str(sku) if sku else "", open_, gone, place, *came_back)
    return sold, _far(quantity, current, fulfillable, found)


def _came_back(refunded: Refunded, most: int, place: str) -> tuple[int, tuple[tuple[str, int], ...]]:
    """Pieces that came back after they had left, at most so many, and of these those at other places than `place`."""
    here, elsewhere = 0, []
    for at, quantity in refunded.returned:
        pieces_back = min(quantity, most)
        most -= pieces_back
        if at in ("", place):
            here += pieces_back
        elif pieces_back:
            elsewhere.append((at, pieces_back))
    return here + sum(each for _, each in elsewhere), tuple(elsewhere)


def _far(quantity: int, current: int, fulfillable: int, refunded: Refunded) -> int:
    """How far a line has come: grows by at least one with every piece added, shipped, refunded or taken out."""
    return 3 * quantity - current - fulfillable + refunded.back + refunded.kept


def _version(updated_at: datetime, come: int) -> int:
    return version_of(updated_at) + min(max(come, 0), SECOND - 1)


def _refunded(refunds: list[Json], order_id: str) -> dict[str, Refunded]:
    """Pieces refunded, by line."""
    found: dict[str, Refunded] = {}
    for refund in refunds:
        for line in _objects(refund, "refund_line_items", order_id):
            line_id = str(line.get("line_item_id"))
            quantity = _quantity(line, "quantity", order_id, f"{line_id} of a refund")
            place = place_gid(line["location_id"]) if line.get("location_id") else ""
            _count(found, line_id, quantity, line.get("restock_type"), place)
    return found


def _count(found: dict[str, Refunded], line_id: str, quantity: int, restock_type: Any, place: str) -> None:
    """Add one refunded line; a restock type we do not know puts nothing back."""
    back, kept, returned = found.get(line_id, NOTHING)
    if restock_type == RETURNED:
        by_place = dict(returned)
        by_place[place] = by_place.get(place, 0) + quantity
        returned = tuple(sorted(by_place.items()))
    if restock_type in RESTOCKED:
        found[line_id] = Refunded(back + quantity, kept, returned)
    else:
        found[line_id] = Refunded(back, kept + quantity, returned)


def _quantity(line: Json, name: str, order_id: str, line_id: str) -> int:
    value = line.get(name)
    if type(value) is not int or value < 0:
        raise OrderRefusedError(
            f"order {order_id}, line {line_id}: `{name}` is a whole number of pieces from 0, "
            f"{str(value)[:40]!r} was given"
        )
    return value


def _objects(told: Json, name: str, order_id: str) -> list[Json]:
    """A list of JSON objects; what need not be there may be missing, the lines may not."""
    found = told.get(name)
    if found is None and name != "line_items":
        return []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise OrderRefusedError(f"order {order_id}: `{name}` is a list of JSON objects, and is not")
    return found


def _moment(value: Any, order_id: str, name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise OrderRefusedError(
            f"order {order_id}: `{name}` is a time with its zone, {str(value)[:40]!r} was given"
        )
    return moment.astimezone(UTC)
