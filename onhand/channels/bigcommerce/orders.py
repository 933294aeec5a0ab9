"""From BigCommerce's order to what stock needs: one function, and the rules it goes by.

- *Who takes nothing*: Incomplete (an abandoned checkout), Cancelled and Declined orders; and Refunded ones, as all
  of their pieces were given back.
- *Refunded pieces* are given back by those not shipped first. Of shipped ones the store puts them back on its shelf
  only where it is set so (`refund_order_stock_adjustment`); else they stay gone until somebody counts or returns them.
- *When the store takes pieces off* is a setting (`update_stock_behavior`). They are demand from the moment they are
  ordered, whatever it says: another channel must not sell them. Where it is "order_completed_or_shipped",
  `ChannelOrder.deducted` says that the level shown has not fallen for them yet.
- *Bundles*: what leaves the shelf are the children, lines with `parent_order_product_id`; a parent with children is
  left out. A parent whose children are not told counts itself.
- *A location* is told only for pieces that are picked up there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from onhand.domain.sales import ChannelOrder, SoldLine, version_of

INCOMPLETE, SHIPPED, REFUNDED, CANCELLED, DECLINED, COMPLETED = 0, 2, 4, 5, 6, 10
GIVEN_BACK = frozenset((INCOMPLETE, REFUNDED, CANCELLED, DECLINED))

LATE = "order_completed_or_shipped"

SUB_SECOND = 1_000_000
HALF = SUB_SECOND // 2
"""The fetch's place within the version: milliseconds, counted from 500 seconds before the last change."""


@dataclass(frozen=True, slots=True)
class StockSettings:
    """What the store was told about stock and orders. `late`: it takes pieces off when they are completed or shipped.

    `restocks`: it puts refunded and cancelled pieces back.
    """

    late: bool
    restocks: bool


def order_of(
    order: Mapping[str, Any],
    lines: list[tuple[str, dict[str, Any]]],
    settings: StockSettings,
    fetched_ms: int,
) -> ChannelOrder:
    """The order as it stood when it was fetched; `lines` with the place each is taken from, "" where it is not told.

    `fetched_ms` (milliseconds since 1970) is when the request was about to be sent. Raises KeyError, TypeError or
    ValueError where the order has another shape than documented, OrderRefusedError where it makes no sense.
    """
    updated_at = parsedate_to_datetime(order["date_modified"] or order["date_created"])
    given_back = order["status_id"] in GIVEN_BACK
    parents = {line.get("parent_order_product_id") for _, line in lines}
    sold = (
        _sold(line, place, given_back, settings)
        for place, line in sorted(lines, key=lambda placed: int(placed[1]["id"]))
        if line["id"] not in parents and _stocked(line)
    )
    return ChannelOrder(
        order_id=str(int(order["id"])),
        version=version_at(updated_at, fetched_ms),
        placed_at=parsedate_to_datetime(order["date_created"]),
        updated_at=updated_at,
        lines=tuple(sold),
        deducted=not settings.late or _left(order["status_id"], lines),
    )


def version_at(updated_at: datetime, fetched_ms: int) -> int:
    """The version of an order that was changed at `updated_at` (whole seconds) and fetched at `fetched_ms`.

    BigCommerce counts changes in whole seconds, so several have the same time: Incomplete and Awaiting Fulfillment
    often do. An order is always fetched, and what is fetched holds every change made before the request was sent. So
    the second of the last change decides, and within it the later request. Every change makes the platform tell
    us, which makes us fetch after it: the highest version is the last state, in whatever order answers come.

    The later request is told apart by milliseconds, between 500 s before and after the last change; that much our
    clock and the store's may differ. Later ones have the same version: the second is long over and they hold the same.
    """
    past = fetched_ms - int(updated_at.timestamp()) * 1_000
    return version_of(updated_at) + min(max(past + HALF, 0), SUB_SECOND - 1)


def lines_in(order: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]] | None:
    """Every line of the order with its place, from the consignments that were asked for; None where they are not
    all there, and `/products` has to be asked: the list within may end at 50 lines, as that of `/products` does."""
    consignments = order.get("consignments")
    if not isinstance(consignments, dict) or "url" in consignments:
        return None
    lines = list(_consigned(consignments))
    if len(lines) >= LISTED_MAX or any("quantity" not in line for _, line in lines):
        return None
    pieces = sum(line["quantity"] for _, line in lines)
    return lines if pieces >= int(order.get("items_total") or 0) else None


LISTED_MAX = 50
"""Lines of an order that come without being asked for page by page (OpenAPI: "Lists 50 order products")."""


def places_in(order: Mapping[str, Any]) -> dict[int, str]:
    """The place of each line that is picked up, as far as the order's consignments tell."""
    consignments = order.get("consignments")
    if not isinstance(consignments, dict):
        return {}
    return {line["id"]: place for place, line in _consigned(consignments) if place and "id" in line}


def _consigned(consignments: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for pickup in consignments.get("pickups") or ():
        place = (pickup.get("location") or {}).get("id")
        yield from ((str(place or ""), line) for line in _listed(pickup))
    certificates = (consignments.get("email") or {}).get("gift_certificates") or ()
    for parts in (consignments.get("shipping") or (), consignments.get("downloads") or (), certificates):
        for part in parts:
            yield from (("", line) for line in _listed(part))


def _listed(consignment: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Its lines; a link in their place, as some examples show for downloads, counts as one that says nothing."""
    lines = consignment.get("line_items") or []
    return lines if isinstance(lines, list) else [lines]


def _sold(line: Mapping[str, Any], place: str, given_back: bool, settings: StockSettings) -> SoldLine:
    quantity = _pieces(line["quantity"])
    shipped = min(_pieces(line["quantity_shipped"]), quantity)
    back = quantity if given_back else min(_pieces(line["quantity_refunded"]), quantity)
    back_open = min(back, quantity - shipped)
    back_shipped = back - back_open if settings.restocks else 0
    return SoldLine(
        line_id=str(int(line["id"])),
        refs=tuple(_refs(line)),
        sku=line.get("sku") or "",
        open=quantity - shipped - back_open,
        fulfilled=shipped - back_shipped,
        place=place,
        returned=back_shipped,
    )


def _stocked(line: Mapping[str, Any]) -> bool:
    """Whether the line can be something on a shelf: a gift certificate, or what has no name at all, is not."""
    return line.get("type") != "giftcertificate" and bool(line.get("sku") or any(_refs(line)))


def _refs(line: Mapping[str, Any]) -> Iterator[str]:
    """The variant and the product: stock is tracked by one of them. A custom product is neither."""
    for letter, name in (("v", "variant_id"), ("p", "product_id")):
        if line.get(name):
            yield f"{letter}{int(line[name])}"


def _pieces(number: Any) -> int:
    return max(0, int(number or 0))


def _left(status: int, lines: list[tuple[str, dict[str, Any]]]) -> bool:
    """Whether a store that takes pieces off late has done so."""
    if status in (SHIPPED, COMPLETED):
        return True
    return all(_pieces(line["quantity_shipped"]) >= _pieces(line["quantity"]) for _, line in lines)
