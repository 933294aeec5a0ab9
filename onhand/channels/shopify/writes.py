"""Levels set by compare-and-set: the number the shop must still show goes along with the number it is to show."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from onhand.channels.base import Outcome, WriteResult
from onhand.channels.shopify.admin import Admin
from onhand.channels.shopify.documents import SET_QUANTITIES
from onhand.channels.shopify.rounds import idempotency_key
from onhand.channels.shopify.rows import Results, Row, span_of, stale


class SetQuantities:
    """The bulk call that sets levels. What it sets is compared first."""

    repeatable = True

    def __init__(self, admin: Admin) -> None:
        self._admin = admin

    async def send(self, rows: Sequence[Row], key: str, attempt: int, *, urgent: bool) -> dict[str, Any]:
        """One call; see `BulkCall.send`."""
        quantities = [
            {
                "inventoryItemId": row.write.key.item.item_id,
                "locationId": row.write.key.place,
                "quantity": row.write.quantity,
                "changeFromQuantity": row.shown,
            }
            for row in rows
        ]
        name = idempotency_key(self._admin.shop, key, quantities, attempt)
        given = {
            "name": "available",
            "reason": "correction",
            "referenceDocumentUri": f"gid://onhand/Push/{name}",
            "quantities": quantities,
        }
        variables = {"input": given, "key": name}
        data = await self._admin.run(SET_QUANTITIES, variables, f"set {span_of(rows)}", urgent=urgent)
        payload: dict[str, Any] = data["inventorySetQuantities"]
        return payload

    def accept(self, rows: Sequence[Row], payload: dict[str, Any], results: Results) -> None:
        """The changes the shop lists must add up to what was asked for."""
        group = payload["inventoryAdjustmentGroup"] or {"changes": []}
        deltas = {
            (change["item"]["id"], change["location"]["id"]): change["delta"]
            for change in group["changes"]
            if change["name"] == "available" and change["item"] and change["location"]
        }
        for row in rows:
            echo = _echo(row, deltas.get(row.pair()))
            if echo is None or echo == row.write.quantity:
                results[row.at] = WriteResult(row.write, Outcome.ACCEPTED, echo)
            else:
                said = f"the answer says {echo} units, {row.write.quantity} were sent"
                results[row.at] = replace(stale(self._admin.channel, row.write, said), echo=echo)


def _echo(row: Row, delta: int | None) -> int | None:
    """The level after, by the answer. A change it does not list leaves the level as it was compared, if that is
    what was wanted; otherwise (a replay is answered from the state of now) it states nothing: read it back."""
    if delta is None:
        return row.shown if row.shown == row.write.quantity else None
    return row.shown + delta
