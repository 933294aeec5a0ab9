"""What the ledger has to hold, folded from the shops' own orders: shares nothing with the code under test.

A piece that is open is promised; one that was shipped is the buyer's, unless it was put back on the shelf; one that was
cancelled is back there, too. WooCommerce's orders name no place: they are taken from the first location, Leeds.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

LOCATION = {
    "gid://shopify/Location/1001": "leeds",
    "gid://shopify/Location/1002": "london",
    "1": "leeds",
    "2": "london",
    "": "leeds",
}
"""By the place that a line of an order names."""

Place = tuple[str, str]
"""A SKU and a location."""


@dataclass
class Folded:
    """Units by SKU and location: taken off the shelf, promised, and with a buyer."""

    taken: Counter[Place] = field(default_factory=Counter)
    promised: Counter[Place] = field(default_factory=Counter)
    with_buyers: Counter[Place] = field(default_factory=Counter)

    def balances(self, opening: Mapping[str, tuple[int, int]]) -> dict[Place, tuple[int, int, int]]:
        """Available, committed and sold units of each SKU at each location, from what was there at first."""
        return {
            at: (units - self.taken[at], self.promised[at], self.with_buyers[at])
            for sku, (leeds, london) in opening.items()
            for at, units in (((sku, "leeds"), leeds), ((sku, "london"), london))
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
