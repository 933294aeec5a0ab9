"""From an order as its channel tells it to one as the ledger posts it: SKUs, locations, units."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from onhand.domain.listings import ChannelRules
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.domain.sales import ChannelOrder, SoldLine
from onhand.ledger import inbox
from onhand.ledger.database import Pool
from onhand.ledger.inbox import SoldItem


@dataclass(frozen=True, slots=True)
class Resolved:
    """An order the ledger can post, and what of it nobody knows: then only the rest of it is posted.

    `problem` is for an operator, empty where everything is known.
    """

    snapshot: OrderSnapshot
    problem: str = ""


class Resolver:
    """Knows what the lines of a batch of orders stand for."""

    def __init__(
        self,
        channel: str,
        rules: ChannelRules,
        items: Mapping[str, SoldItem],
        skus: Mapping[str, SoldItem],
    ) -> None:
        self._channel = channel
        self._rules = rules
        self._items = items
        self._skus = skus

    @classmethod
    async def of(
        cls, pool: Pool, channel: str, rules: ChannelRules, orders: Sequence[ChannelOrder]
    ) -> "Resolver":
        """Look up everything these orders name, by one query or two."""
        lines = [line for order in orders for line in order.lines]
        refs = {ref for line in lines for ref in line.refs}
        items = await inbox.sold_items(pool, channel, sorted(refs))
        unnamed = {line.sku for line in lines if line.sku and not any(ref in items for ref in line.refs)}
        return cls(channel, rules, items, await inbox.sold_skus(pool, channel, sorted(unnamed)))

    def resolve(self, order: ChannelOrder) -> Resolved:
        """The order in the ledger's words.

        One with lines nobody knows counts as a little older than it is, so that it is taken again, whole, once the
        mapping is mended and the delivery replayed.
        """
        lines, unknown = [], []
        for line in order.lines:
            item = self._item(line)
            if item is not None:
                lines += self._line(line, item, deducted=order.deducted)
                continue
            # What was posted of it stays: its product was deleted, or its mapping. Where nothing was, one that names
            # nothing is no goods (a tip, a gift wrap typed in by hand).
            lines.append(self._unknown(line))
            back_only = line.returned and not line.open and not line.fulfilled
            if (line.refs or line.sku) and not back_only:
                unknown.append(line)
        snapshot = OrderSnapshot(
            self._channel,
            order.order_id,
            order.version - 1 if unknown else order.version,
            order.updated_at,
            tuple(lines),
            order.placed_at,
            self._rules.partner,
        )
        return Resolved(snapshot, self._problem(order, unknown))

    def _item(self, line: SoldLine) -> SoldItem | None:
        named = (self._items[ref] for ref in line.refs if ref in self._items)
        return next(named, None) or self._skus.get(line.sku)

    def _unknown(self, line: SoldLine) -> OrderLine:
        """In pieces, of no SKU."""
        elsewhere, away = self._elsewhere(line, 1)
        back = line.returned - away
        return OrderLine(
            line.line_id, "", "", line.open, line.fulfilled + away, guessed=True, returned=back,
            elsewhere=elsewhere, trusted=self._rules.trusts_returns,
        )  # fmt: skip

    def _elsewhere(self, line: SoldLine, units: int) -> tuple[tuple[tuple[str, str, int], ...], int]:
        """What came back at other places of ours, and pieces at none of ours: for us these stay gone."""
        places = self._rules.places
        known = tuple((at, places[at][0], pieces * units) for at, pieces in line.elsewhere if at in places)
        return known, sum(pieces for at, pieces in line.elsewhere if at not in places)

    def _line(self, line: SoldLine, item: SoldItem, *, deducted: bool) -> list[OrderLine]:
        """Demand counts from the moment of the order; the channel's own level only falls once it has deducted it."""
        places = self._rules.places
        if line.place and line.place not in places:
            return []  # taken from a location of the channel that is none of ours
        place = line.place or next(iter(places))
        elsewhere, away = self._elsewhere(line, item.units)
        return [
            OrderLine(
                line.line_id,
                item.sku,
                places[place][0],
                line.open * item.units,
                (line.fulfilled + away) * item.units,
                item.listing_id if deducted else None,
                place,
                item.units,
                guessed=not line.place and len(places) > 1,
                returned=(line.returned - away) * item.units,
                elsewhere=elsewhere,
                trusted=self._rules.trusts_returns,
            )
        ]

    def _problem(self, order: ChannelOrder, unknown: Iterable[SoldLine]) -> str:
        named = [
            f"line {line.line_id} (SKU {line.sku!r}, item {' or '.join(line.refs) or 'not named'})"
            for line in unknown
        ]
        if not named:
            return ""
        others = " Its other lines are posted." if len(order.lines) > len(named) else ""
        return (
            f"order {order.order_id} of {self._channel} sells what is mapped to no SKU: {', '.join(named)}.{others} "
            "Map it (onhand mapping discover, or onhand import mapping)."
        )
