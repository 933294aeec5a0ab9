"""What ledger and shops have to hold, folded from the shops' own orders: shares nothing with the code under test.

A piece that is open is promised; one that was shipped is the buyer's, unless it was put back on the shelf; one that was
cancelled is back there, too. WooCommerce's orders name no place: they are taken from the first location, Leeds.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

PLATFORMS = ("shopify", "woocommerce", "bigcommerce")
LEEDS = {"shopify": "gid://shopify/Location/1001", "bigcommerce": "1"}
LONDON = {"shopify": "gid://shopify/Location/1002", "bigcommerce": "2"}
LOCATION = {
    **dict.fromkeys(LEEDS.values(), "leeds"),
    **dict.fromkeys(LONDON.values(), "london"),
    "": "leeds",
}
"""By the place that a line of an order names."""

Stock = Mapping[str, tuple[int, int]]
"""Units of each SKU in Leeds and in London."""

Levels = dict[tuple[str, str], int]
"""What a shop shows, by SKU and place."""

Place = tuple[str, str]
"""A SKU and a location."""


@dataclass
class Folded:
    """Units by SKU and location: taken off the shelf, promised, and with a buyer."""

    taken: Counter[Place] = field(default_factory=Counter)
    promised: Counter[Place] = field(default_factory=Counter)
    with_buyers: Counter[Place] = field(default_factory=Counter)

    def balances(self, opening: Stock) -> dict[Place, tuple[int, int, int]]:
        """Available, committed and sold units of each SKU at each location, from what was there at first."""
        return {
            at: (units - self.taken[at], self.promised[at], self.with_buyers[at])
            for sku, (leeds, london) in opening.items()
            for at, units in (((sku, "leeds"), leeds), ((sku, "london"), london))
        }

    def left(self, opening: Stock) -> Stock:
        """What is to be shown: the units that are available of what was there at first."""
        return {
            sku: (leeds - self.taken[sku, "leeds"], london - self.taken[sku, "london"])
            for sku, (leeds, london) in opening.items()
        }


def fold(orders: Iterable[Mapping[str, Any]]) -> Folded:
    """Every line of every order, as GET /_sandbox/orders shows them."""
    folded = Folded()
    for line in (line for order in orders for line in order["lines"]):
        at = (line["sku"], LOCATION[line["place"]])
        folded.promised[at] += line["quantity"] - line["cancelled"] - line["shipped"]
        folded.with_buyers[at] += line["shipped"] - line["restocked"]
        folded.taken[at] += line["quantity"] - line["cancelled"] - line["restocked"]
    return folded


def expected_levels(platform: str, stock: Stock) -> Levels:
    """What a shop shows when all is right: WooCommerce the sum, the others each location on its own."""
    if platform == "woocommerce":
        return {(sku, ""): leeds + london for sku, (leeds, london) in stock.items()}
    at_leeds = {(sku, LEEDS[platform]): leeds for sku, (leeds, _) in stock.items()}
    return at_leeds | {(sku, LONDON[platform]): london for sku, (_, london) in stock.items()}
