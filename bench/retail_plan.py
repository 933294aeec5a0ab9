"""What buyers and merchants do in the sandbox shops so that the invoices of the file come about there.

An invoice is an order in one of the shops. One in two is shipped once SHIP_AFTER further invoices have gone by. A line
of a cancellation takes pieces from the newest line with its code that still has as many: from an open order they are
taken out, from a shipped one they are refunded and put back. (The file names no customer to go by.)
"""

import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.retail import Invoices, RetailLine

SHIP_AFTER = 100
NO_GOODS = frozenset({"B", "AMAZONFEE", "BANK CHARGES", "CRUK", "D", "S"})
"""Bad debts, fees, gifts of money, discounts, samples: a shop can have them in an order, the ledger has no such SKU."""

NOT_SOLD = "no shop sells nothing or less (a write-off)"
NOT_BOUGHT = "cancels what no earlier invoice of the file sold"

Act = dict[str, Any]
"""One entry of the sandbox's bulk request."""


@dataclass(slots=True)
class _Bought:
    """A line of an order in a shop, and what is left of it."""

    order: "_Placed"
    position: int
    left: int


@dataclass(slots=True)
class _Placed:
    """An order in a shop; `left` is the pieces of all its lines."""

    shop: str
    invoice: str
    left: int
    shipped: bool = False


@dataclass(slots=True)
class Plan:
    """Turns invoices into acts, in their order, and counts what becomes of every line of the file."""

    shops: Mapping[str, str]
    """And of each the place its orders are taken from: the one that Onhand looks at."""
    placed: Counter[str] = field(default_factory=Counter)
    """Lines of goods in orders, by shop."""
    cancelled: int = 0
    """Lines of cancellations that took goods out of an order."""
    no_goods: int = 0
    """Lines of orders and of cancellations that reach Onhand, which has to refuse them."""
    odd_orders: set[tuple[str, str]] = field(default_factory=set)
    """Shop and invoice of the orders with such lines."""
    refused: Counter[str] = field(default_factory=Counter)
    """Lines that came into no shop, by reason."""
    _bought: dict[str, list[_Bought]] = field(default_factory=dict)

    def acts(self, invoices: Invoices) -> Iterator[Act]:
        """Everything that is done, in order."""
        orders: list[_Placed | None] = []
        for invoice, lines in invoices.items():
            if len(orders) >= SHIP_AFTER:
                yield from self._ship(orders[-SHIP_AFTER])
            if invoice.startswith("C"):
                orders.append(None)
                yield from (act for line in lines for act in self._cancel(line))
            else:
                order, act = self._place(invoice, lines)
                orders.append(order)
                yield from act

    def standing(self) -> Counter[str]:
        """Lines of goods with pieces left, by shop: what was undone before its webhook was built, nobody heard of."""
        return Counter(
            bought.order.shop
            for code, lines in self._bought.items()
            for bought in lines
            if bought.left and code not in NO_GOODS
        )

    def odd_standing(self) -> set[tuple[str, str]]:
        """Shop and invoice of the orders that still have a line Onhand has to refuse."""
        lines = (bought for code in NO_GOODS for bought in self._bought.get(code, []))
        return {(bought.order.shop, bought.order.invoice) for bought in lines if bought.left}

    def _place(self, invoice: str, lines: Sequence[RetailLine]) -> tuple[_Placed | None, list[Act]]:
        sold = [line for line in lines if line.pieces > 0]
        self.refused[NOT_SOLD] += len(lines) - len(sold)
        if not sold:
            return None, []
        shop, place = list(self.shops.items())[zlib.crc32(invoice.encode()) % len(self.shops)]
        order = _Placed(shop, invoice, sum(line.pieces for line in sold))
        for position, line in enumerate(sold):
            self._bought.setdefault(line.code, []).append(_Bought(order, position, line.pieces))
            self.placed[shop] += self._is_goods(order, line.code)
        wanted = [{"sku": line.code, "quantity": line.pieces, "place": place} for line in sold]
        return order, [{"platform": shop, "key": invoice, "force": True, "lines": wanted}]

    def _ship(self, order: _Placed | None) -> list[Act]:
        if order is None or not order.left or not is_shipped(order.invoice):
            return []
        order.shipped = True
        return [{"what": "ship", "platform": order.shop, "key": order.invoice}]

    def _cancel(self, line: RetailLine) -> list[Act]:
        pieces = -line.pieces
        newest = reversed(self._bought.get(line.code, []))
        bought = next((each for each in newest if each.left >= pieces), None)
        if bought is None or pieces <= 0:
            self.refused[NOT_BOUGHT] += 1
            return []
        order = bought.order
        bought.left -= pieces
        order.left -= pieces
        self.cancelled += self._is_goods(order, line.code)
        what = "refund" if order.shipped else "reduce"
        named = {"platform": order.shop, "key": order.invoice, "position": bought.position}
        return [{"what": what, **named, "quantity": pieces}]

    def _is_goods(self, order: _Placed, code: str) -> bool:
        if code not in NO_GOODS:
            return True
        self.no_goods += 1
        self.odd_orders.add((order.shop, order.invoice))
        return False


def is_shipped(invoice: str) -> bool:
    """Whether an invoice's order is one of those that are shipped."""
    return zlib.crc32(invoice.encode()) // 3 % 2 == 0
