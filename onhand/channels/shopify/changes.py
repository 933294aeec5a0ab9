"""Levels changed by a number of units, exactly once, with the level after in the answer.

What was sold in the meantime, and nobody told us of, stays sold: the change is added to whatever the shop shows, and
the level in the answer tells of it. One key stands for one content for good. Should the first use of a key have
failed, it is not known whether the rest was sent again under a later one, so nothing is sent a second time: the
levels are handed back as stale, to be read.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from onhand.channels.base import LevelWrite, Outcome, WriteResult
from onhand.channels.shopify import verdicts
from onhand.channels.shopify.admin import Admin
from onhand.channels.shopify.documents import Operation, adjust_quantities
from onhand.channels.shopify.rounds import Rounds, idempotency_key
from onhand.channels.shopify.rows import Results, Row, rejected, span_of

PLACES_MAX = 8
"""Places whose levels one answer states; a call with more is sent in parts."""

TWICE = "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR"

_operation = lru_cache(maxsize=PLACES_MAX)(adjust_quantities)


class AdjustQuantities:
    """The bulk call that changes levels."""

    repeatable = False

    def __init__(self, admin: Admin) -> None:
        self._admin = admin

    async def send(self, rows: Sequence[Row], key: str, attempt: int, *, urgent: bool) -> dict[str, Any]:
        """One call; see `BulkCall.send`."""
        changes = [
            {
                "inventoryItemId": row.write.key.item.item_id,
                "locationId": row.write.key.place,
                "delta": row.write.quantity - row.shown,
                "changeFromQuantity": None,
            }
            for row in rows
        ]
        name = idempotency_key(self._admin.shop, f"change|{key}", changes, attempt)
        given = {
            "name": "available",
            "reason": "correction",
            "referenceDocumentUri": f"gid://onhand/Push/{name}",
            "changes": changes,
        }
        places = _places(rows)
        named = {f"place{number}": place for number, place in enumerate(places)}
        operation: Operation = _operation(len(places))
        variables = {"input": given, "key": name, **named}
        data = await self._admin.run(operation, variables, f"change {span_of(rows)}", urgent=urgent)
        payload: dict[str, Any] = data["inventoryAdjustQuantities"]
        return payload

    def accept(self, rows: Sequence[Row], payload: dict[str, Any], results: Results) -> None:
        """The change is made, whatever the level is now; where the answer does not state it, it is read back."""
        group = payload["inventoryAdjustmentGroup"] or {"changes": []}
        aliases = {place: f"level{number}" for number, place in enumerate(_places(rows))}
        levels: dict[tuple[str, str], int | None] = {}
        for change in group["changes"]:
            item, location = change["item"], change["location"]
            if change["name"] == "available" and item and location and location["id"] in aliases:
                level = item[aliases[location["id"]]]
                stated = level["quantities"] if level else []
                after = stated[0]["quantity"] if stated else change["quantityAfterChange"]
                levels[item["id"], location["id"]] = after
        for row in rows:
            results[row.at] = WriteResult(row.write, Outcome.ACCEPTED, levels.get(row.pair()))


async def change_levels(
    admin: Admin, rounds: Rounds, writes: Sequence[LevelWrite], key: str, *, urgent: bool
) -> list[WriteResult]:
    """One result for each write, in the order given; see `Channel.change_levels`."""
    results = dict[int, WriteResult]()
    sent: list[int] = []
    seen: set[tuple[str, str]] = set()
    for at, write in enumerate(writes):
        pair = (write.key.item.item_id, write.key.place)
        if pair in seen:
            results[at] = rejected(
                admin.channel, write, "it is changed twice in one call", verdicts.ROWS[TWICE]
            )
        elif write.shown == write.quantity:
            results[at] = WriteResult(write, Outcome.ACCEPTED)
        else:
            sent.append(at)
        seen.add(pair)
    call = AdjustQuantities(admin)
    for part in _parts(writes, sent):
        given = [writes[at] for at in part]
        results.update(zip(part, await rounds.run(call, given, key, urgent=urgent), strict=True))
    return [results[at] for at in range(len(writes))]


def _parts(writes: Sequence[LevelWrite], sent: list[int]) -> Iterator[list[int]]:
    """The writes to send, so that no call is about more than `PLACES_MAX` places; nearly always a single part."""
    places = sorted({writes[at].key.place for at in sent})
    for start in range(0, len(places), PLACES_MAX):
        some = set(places[start : start + PLACES_MAX])
        yield [at for at in sent if writes[at].key.place in some]


def _places(rows: Sequence[Row]) -> list[str]:
    return sorted({row.write.key.place for row in rows})
