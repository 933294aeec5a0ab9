"""What a shop's row says of its stock, judged: an entry of a batch's answer, and a row that was read."""

from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any

from onhand.channels.base import LevelKey, LevelWrite, Outcome, ShownLevel, WriteResult
from onhand.channels.errors import RowRejected
from onhand.channels.woocommerce.verdicts import row_refusal

Row = dict[str, Any]
"""A product or a variation as the shop answers it."""

OPTION_ADVICE = (
    "Switch on stock management in the shop: WooCommerce > Settings > Products > Inventory "
    "(option woocommerce_manage_stock)."
)
PARENT_ADVICE = (
    "Its stock is kept by the parent product: let the variation manage its own stock, or map the parent."
)
STOCKLESS_TYPES = {
    "grouped": "a grouped product keeps no stock: its members do",
    "external": "an external product is sold by another shop",
}
"""Types WooCommerce forces to be unmanaged, and why nothing can be pushed to them."""


def is_number(item_id: str) -> bool:
    """Whether a text is an id as WooCommerce has them: a positive integer."""
    return item_id.isascii() and item_id.isdecimal() and int(item_id) > 0


def unsendable(channel: str, write: LevelWrite) -> WriteResult | None:
    """The rejection of a write that must not even be sent: items of a batch are coerced there, not validated."""
    item = write.key.item
    if not is_number(item.item_id) or not (item.parent_id == "" or is_number(item.parent_id)):
        said = f"item {item.item_id!r} of parent {item.parent_id!r} is no WooCommerce id"
        return _rejected(channel, write, said, "Discover the channel again and mend the mapping.", None)
    if isinstance(write.quantity, bool) or not isinstance(write.quantity, int) or write.quantity < 0:
        return _rejected(
            channel, write, f"a level of {write.quantity!r} units is none", "This is our mistake.", None
        )
    return None


def judge(channel: str, write: LevelWrite, entry: Any) -> WriteResult:
    """One entry of a batch's answer: accepted only where the shop states exactly what was sent.

    A 200 without an error is no proof: WooCommerce says so too when it has ignored the quantity.
    """
    if not isinstance(entry, dict):
        return _rejected(
            channel, write, f"an entry that is no object: {entry!r}", "See what answers there.", None
        )
    if entry.get("error") is not None:
        return WriteResult(write, Outcome.REJECTED, None, row_refusal(channel, action(write), entry["error"]))
    echo, _ = parse_quantity(entry.get("stock_quantity"))
    if str(entry.get("id")) != write.key.item.item_id:
        said = f"it answered for item {entry.get('id')!r}"
        return _rejected(channel, write, said, "A plugin redirects the product; map the other one.", None)
    if entry.get("manage_stock") is True and entry.get("stock_quantity") == write.quantity:
        return WriteResult(write, Outcome.ACCEPTED, echo)
    said = (
        f"it answered without an error, but manage_stock {entry.get('manage_stock')!r} "
        f"and stock_quantity {entry.get('stock_quantity')!r} where {write.quantity} was sent"
    )
    return _rejected(channel, write, said, _advice(entry), echo)


def shown_level(key: LevelKey, row: Row | None) -> ShownLevel:
    """What a row that was read says of a listing's level; None where the shop lists no such row."""
    item = key.item
    if row is None:
        what = f"variation {item.item_id}" if item.parent_id else f"product {item.item_id}"
        return ShownLevel(key, None, f"the shop has no {what} (deleted, or in the trash): {_DISCOVER}")
    parent = row.get("parent_id")
    if item.parent_id and parent and str(parent) != item.parent_id:
        # A write under the wrong parent would move the variation there, silently.
        problem = (
            f"variation {item.item_id} belongs to product {parent}, not to {item.parent_id}: {_DISCOVER}"
        )
        return ShownLevel(key, None, problem)
    return ShownLevel(key, *level_of(row))


def level_of(row: Row) -> tuple[int | None, str]:
    """The level that a row states as its own, and what is odd about it; None where it keeps none, and why."""
    if row.get("manage_stock") is not True:
        return None, _why_unmanaged(row)
    return parse_quantity(row.get("stock_quantity"))


_DISCOVER = "discover the channel again"


def parse_quantity(value: Any) -> tuple[int | None, str]:
    """A stock quantity as whole units, and what is odd about it.

    It may be null (not managed), negative (sold on backorder), and with some plugins a fraction or a text;
    a fraction is rounded down, for what cannot be sold whole must not be promised.
    """
    if value is None:
        return None, "the shop states no quantity"
    try:
        exact = Decimal(str(value))
        whole = int(exact.to_integral_value(ROUND_FLOOR))
    except (InvalidOperation, OverflowError, ValueError):
        return None, f"the shop states the quantity {value!r}, which is no number"
    if whole != exact:
        return whole, f"the shop states {exact} units, not a whole number; rounded down"
    return whole, ""


def action(write: LevelWrite) -> str:
    """What was attempted with one write, for an error."""
    item = write.key.item
    where = (
        f"variation {item.item_id} of product {item.parent_id}"
        if item.parent_id
        else f"product {item.item_id}"
    )
    return f"setting SKU {item.sku} ({where}) to {write.quantity}"


def _why_unmanaged(row: Row) -> str:
    kind = str(row.get("type", ""))
    if kind in STOCKLESS_TYPES:
        return STOCKLESS_TYPES[kind]
    if row.get("manage_stock") == "parent":
        return f"the parent product keeps its stock ({row.get('stock_quantity')} units for all of them)"
    return f"the shop does not manage its stock (stock status {row.get('stock_status', 'unknown')})"


def _advice(entry: Row) -> str:
    kind = str(entry.get("type", ""))
    if kind in STOCKLESS_TYPES:
        return f"Take it out of the mapping: {STOCKLESS_TYPES[kind]}."
    if entry.get("manage_stock") == "parent":
        return PARENT_ADVICE
    if entry.get("manage_stock") is not True:
        return OPTION_ADVICE
    return "Another plugin changes the stock as it is saved (point of sale, bundles, dropshipping): find it."


def _rejected(channel: str, write: LevelWrite, said: str, advice: str, echo: int | None) -> WriteResult:
    error = RowRejected(channel, action(write), said, advice=advice)
    return WriteResult(write, Outcome.REJECTED, echo, error)
