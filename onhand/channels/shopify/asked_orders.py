"""A shop's orders when they are asked for: by id, and whatever was changed since a moment."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

from onhand.channels.errors import RowRejected
from onhand.channels.shopify.admin import CALLS_AT_ONCE, Admin
from onhand.channels.shopify.documents import Operation
from onhand.channels.shopify.ids import order_gid
from onhand.channels.shopify.order_documents import (
    MORE_LINES,
    MORE_REFUND_LINES,
    ORDERS_BY_ID,
    ORDERS_CHANGED,
    REFUNDS_BY_ID,
)
from onhand.channels.shopify.orders import asked_order
from onhand.channels.shopify.paging import CURSOR_OBJECTS_MAX
from onhand.channels.together import each
from onhand.domain.sales import ChannelOrder, OrderRefusedError

Json = dict[str, Any]

ORDERS_PER_CALL = 40
"""About 720 points; one query may cost 1,000."""
REFUNDED_PER_CALL = 5
PAGE_ORDERS = 100
PAGES_PER_CURSOR = CURSOR_OBJECTS_MAX // PAGE_ORDERS
LINE_PAGES_MAX = 100


class AskedOrders:
    """Reads orders of one shop; what it answers equals what a webhook of the same moment tells.

    Refunds are expensive to ask for and most orders have none, so they are asked for only of orders whose lines have
    fewer pieces than were ordered. The place is known only of orders sold in a shop of bricks: where an order is
    shipped from stands in its fulfilment orders, which no webhook of an order carries.
    """

    def __init__(self, admin: Admin) -> None:
        self._admin = admin

    async def read(self, order_ids: Sequence[str]) -> list[ChannelOrder]:
        """These orders as they now stand; one that is gone is left out. Goes before calls that are not urgent."""
        ids = [order_gid(order_id) for order_id in order_ids if order_id.isdecimal()]
        groups = [ids[at : at + ORDERS_PER_CALL] for at in range(0, len(ids), ORDERS_PER_CALL)]
        parts = await each(groups, self._read_group, at_once=CALLS_AT_ONCE)
        return [order for part in parts for order in part]

    async def changed(self, since: datetime) -> AsyncIterator[list[ChannelOrder]]:
        """Every order changed at or after `since`, oldest change first, past the depth that a cursor can reach."""
        after: str | None = None
        page_number = 0
        while True:
            page_number += 1
            moment = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            variables = {"after": after, "range": f"updated_at:>='{moment}'"}
            action = f"list orders changed since {moment}, page {page_number}"
            page = (await self._admin.run(ORDERS_CHANGED, variables, action))["orders"]
            orders = await self._reduced(page["nodes"], urgent=False)
            if orders:
                yield orders
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]
            if page_number % PAGES_PER_CURSOR == 0 and orders[-1].updated_at > since:
                since, after = orders[-1].updated_at, None

    async def _read_group(self, ids: Sequence[str]) -> list[ChannelOrder]:
        action = f"read {len(ids)} orders, {ids[0]} to {ids[-1]}"
        data = await self._admin.run(ORDERS_BY_ID, {"ids": list(ids)}, action, units=len(ids), urgent=True)
        return await self._reduced([node for node in data["nodes"] if node], urgent=True)

    async def _reduced(self, nodes: Sequence[Json], *, urgent: bool) -> list[ChannelOrder]:
        """The orders of an answer, in its order, with what the answer did not hold of them fetched."""
        lines = {node["id"]: await self._lines(node, urgent) for node in nodes}
        ids = [order_id for order_id, found in lines.items() if any(map(_has_less, found))]
        refunds: dict[str, list[Json]] = {}
        for at in range(0, len(ids), REFUNDED_PER_CALL):
            refunds |= await self._refund_lines(ids[at : at + REFUNDED_PER_CALL], urgent)
        return [self._order(node, lines[node["id"]], refunds.get(node["id"], [])) for node in nodes]

    def _order(self, node: Json, lines: list[Json], refund_lines: list[Json]) -> ChannelOrder:
        try:
            return asked_order(node, lines, refund_lines)
        except OrderRefusedError as error:
            raise RowRejected(self._admin.channel, f"read order {node['id']}", str(error)) from error

    async def _lines(self, node: Json, urgent: bool) -> list[Json]:
        """All lines of an order, of which the answer holds the first page."""
        return await self._all(node["lineItems"], MORE_LINES, node["id"], ("order", "lineItems"), urgent)

    async def _refund_lines(self, ids: Sequence[str], urgent: bool) -> dict[str, list[Json]]:
        """The refunded lines of these orders, by order."""
        action = f"read refunds of {len(ids)} orders, {ids[0]} to {ids[-1]}"
        data = await self._admin.run(REFUNDS_BY_ID, {"ids": list(ids)}, action, units=len(ids), urgent=urgent)
        found: dict[str, list[Json]] = {}
        for node in data["nodes"]:
            for refund in node["refunds"] if node else ():
                path = ("refund", "refundLineItems")
                lines = await self._all(
                    refund["refundLineItems"], MORE_REFUND_LINES, refund["id"], path, urgent
                )
                found.setdefault(node["id"], []).extend(lines)
        return found

    async def _all(
        self, page: Json, operation: Operation, gid: str, path: tuple[str, str], urgent: bool
    ) -> list[Json]:
        """The nodes of a connection from its first page on; `path` is where further pages stand in an answer."""
        nodes = list(page["nodes"])
        for _ in range(LINE_PAGES_MAX):
            if not page["pageInfo"]["hasNextPage"]:
                break
            variables = {"id": gid, "after": page["pageInfo"]["endCursor"]}
            data = await self._admin.run(operation, variables, f"read more lines of {gid}", urgent=urgent)
            if data[path[0]] is None:
                break
            page = data[path[0]][path[1]]
            nodes += page["nodes"]
        return nodes


def _has_less(line: Json) -> bool:
    """Whether pieces of a line were refunded or taken out by an edit."""
    return bool(min(line["refundableQuantity"], line["currentQuantity"]) < line["quantity"])
