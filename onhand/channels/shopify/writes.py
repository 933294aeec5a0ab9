"""Levels set by compare-and-set, many in a call; whoever is flagged leaves the call, the rest goes again."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from onhand.channels.base import LevelWrite, Outcome, WriteResult
from onhand.channels.errors import NewKeyRetry, RowRejected
from onhand.channels.shopify import verdicts
from onhand.channels.shopify.admin import CALLS_AT_ONCE, Admin
from onhand.channels.shopify.documents import ACTIVATE, SET_QUANTITIES, TRACK
from onhand.channels.shopify.ids import malformed
from onhand.channels.shopify.reads import Reads
from onhand.channels.together import each

BULK_SIZE = 250
QUANTITY_MAX = 1_000_000_000
ROUNDS_MAX = 12
"""Calls that one `set_levels` makes at most; should the shop name one bad row at a time, those still in
question after that many are handed back as stale: looked at again, and sent in a call of their own."""
CONCURRENT_WAIT_SECONDS = 1.0

KEYS = uuid.UUID("5f0c6a52-6d0e-5b0a-9c52-0f6d3a1f9b71")
"""The name space of our idempotency keys."""


@dataclass(slots=True)
class Row:
    """One write under way. `shown` is the number to compare with."""

    at: int
    write: LevelWrite
    shown: int

    def pair(self) -> tuple[str, str]:
        """The item and the place."""
        return self.write.key.item.item_id, self.write.key.place


class Writes:
    """Writes levels for one shop."""

    def __init__(self, admin: Admin, reads: Reads) -> None:
        self._admin = admin
        self._reads = reads

    async def set_levels(self, writes: Sequence[LevelWrite], key: str) -> list[WriteResult]:
        """One result for each write, in the order given; see `Channel.set_levels`."""
        assert len(writes) <= BULK_SIZE, f"{len(writes)} levels in one call; Shopify takes {BULK_SIZE}"
        results: dict[int, WriteResult] = {}
        rows = await self._prepared(writes, results)
        attempt = 0
        for _ in range(ROUNDS_MAX):
            if not rows:
                break
            payload = await self._send(rows, key, attempt)
            errors = payload["userErrors"]
            if not errors:
                self._accept(rows, payload, results)
                rows = []
            elif await self._settle_flagged(rows, errors, results):
                attempt += 1
            else:
                attempt += await self._idempotency(errors, rows)
            rows = [row for row in rows if row.at not in results]
        for row in rows:
            results[row.at] = self._stale(row.write, "the shop kept refusing other levels of the same call")
        return [results[at] for at in range(len(writes))]

    async def _prepared(self, writes: Sequence[LevelWrite], results: dict[int, WriteResult]) -> list[Row]:
        """The rows that can be sent; the others get their result here, before anything is sent."""
        for at, write in enumerate(writes):
            if wrong := _wrong(write):
                results[at] = self._rejected(write, wrong, "Run discovery and map the SKU again.")
        shown = await self._tracked(writes, results)
        rows = []
        for at, write in enumerate(writes):
            believed = shown.get(at, write.shown)
            if at not in results and believed is not None:
                rows.append(Row(at, write, believed))
            elif at not in results:
                results[at] = self._stale(write, "the level that the shop shows now is not known")
        return rows

    async def _tracked(
        self, writes: Sequence[LevelWrite], results: dict[int, WriteResult]
    ) -> dict[int, int | None]:
        """Turn tracking on where it was seen off; the levels that hold from then on (before, they bound nobody)."""
        untracked = [at for at, write in enumerate(writes) if write.key.item.item_id in self._reads.untracked]
        refusals = await each([writes[at] for at in untracked], self._track, at_once=CALLS_AT_ONCE)
        places: dict[str, list[int]] = {}
        for at, refusal in zip(untracked, refusals, strict=True):
            if refusal:
                results[at] = self._rejected(writes[at], refusal, verdicts.ROW_ADVICE)
            else:
                places.setdefault(writes[at].key.place, []).append(at)
        shown: dict[int, int | None] = {}
        for place, rows in places.items():
            seen = await self._reads.by_id(place, [writes[at].key.item.item_id for at in rows])
            shown.update((at, seen[writes[at].key.item.item_id][0]) for at in rows)
        return shown

    async def _track(self, write: LevelWrite) -> str:
        """Turn tracking on; what the shop said against it, empty when it is on."""
        action = f"turn tracking on for {_name(write)}"
        data = await self._admin.run(TRACK, {"item": write.key.item.item_id}, action)
        errors = data["inventoryItemUpdate"]["userErrors"]
        return f"tracking cannot be turned on: {_words(errors)}" if errors else ""

    async def _send(self, rows: list[Row], key: str, attempt: int) -> dict[str, Any]:
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
        action = f"set {len(rows)} levels, {_name(rows[0].write)} to {_name(rows[-1].write)}"
        data = await self._admin.run(SET_QUANTITIES, {"input": given, "key": name}, action)
        payload: dict[str, Any] = data["inventorySetQuantities"]
        return payload

    def _accept(self, rows: list[Row], payload: dict[str, Any], results: dict[int, WriteResult]) -> None:
        """Nothing was refused; the changes the shop lists must add up to what was asked for."""
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
                stale = self._stale(
                    row.write, f"the answer says {echo} units, {row.write.quantity} were sent"
                )
                results[row.at] = replace(stale, echo=echo)

    async def _settle_flagged(
        self, rows: list[Row], errors: list[dict[str, Any]], results: dict[int, WriteResult]
    ) -> bool:
        """Give every row that an error points at its result, or bring it into order; False when none is pointed at."""
        flagged = False
        for error in errors:
            row = _pointed_at(rows, error)
            if row is None:
                continue
            flagged = True
            if error["code"] == verdicts.NOT_STOCKED_CODE:
                await self._activate(row, results)
                continue
            outcome, advice = verdicts.row_outcome(str(error["code"]))
            said = f"{error['code']}: {error['message']}"
            stale = outcome is Outcome.STALE
            results[row.at] = (
                self._stale(row.write, said) if stale else self._rejected(row.write, said, advice)
            )
        return flagged

    async def _activate(self, row: Row, results: dict[int, WriteResult]) -> None:
        """Make the location stock the item, at 0 units; the row goes again (versions up to 2026-07)."""
        item_id, place = row.pair()
        variables = {"item": item_id, "place": place, "key": str(uuid.uuid4())}
        action = f"activate {_name(row.write)} at {place}"
        payload = (await self._admin.run(ACTIVATE, variables, action))["inventoryActivate"]
        if payload["inventoryLevel"] is None:
            said = f"the location cannot stock it: {_words(payload['userErrors'])}"
            results[row.at] = self._rejected(row.write, said, verdicts.ROWS["INVALID_LOCATION"])

    async def _idempotency(self, errors: list[dict[str, Any]], rows: list[Row]) -> int:
        """How far the attempt counter moves when the shop refused the key and no row; raises for anything else."""
        codes = {str(error["code"]) for error in errors}
        if verdicts.CONCURRENT_CODE in codes:
            await self._admin.sleep(CONCURRENT_WAIT_SECONDS)
            return 0
        if verdicts.PREVIOUS_FAILED_CODE in codes:
            return 1
        verdict = verdicts.of_code(min(codes))
        action = f"set {len(rows)} levels, {_name(rows[0].write)} to {_name(rows[-1].write)}"
        raise verdict.error(
            self._admin.channel,
            action,
            _words(errors),
            advice=verdict.advice,
            retry_after_seconds=verdict.retry_after_seconds,
        )

    def _stale(self, write: LevelWrite, said: str) -> WriteResult:
        error = NewKeyRetry(self._admin.channel, _action(write), said)
        return WriteResult(write, Outcome.STALE, None, error)

    def _rejected(self, write: LevelWrite, said: str, advice: str) -> WriteResult:
        error = RowRejected(self._admin.channel, _action(write), said, advice=advice)
        return WriteResult(write, Outcome.REJECTED, None, error)


def idempotency_key(shop: str, key: str, quantities: list[dict[str, Any]], attempt: int) -> str:
    """The same for the same shop, caller's key, content and attempt; another for anything else.

    The scope of a key is not documented (per shop, or per app), so the shop is part of the name.
    """
    content = hashlib.sha256(repr([list(entry.values()) for entry in quantities]).encode()).hexdigest()
    return str(uuid.uuid5(KEYS, f"{shop}|{key}|{content}|{attempt}"))


def _echo(row: Row, delta: int | None) -> int | None:
    """The level after, by the answer. A change it does not list leaves the level as it was compared, if that is
    what was wanted; otherwise (a replay is answered from the state of now) it states nothing: read it back."""
    if delta is None:
        return row.shown if row.shown == row.write.quantity else None
    return row.shown + delta


def _pointed_at(rows: list[Row], error: dict[str, Any]) -> Row | None:
    """The row whose index stands in an error's path: ["input", "quantities", "3", "inventoryItemId"]."""
    path = error["field"] or []
    if len(path) < 3 or path[1] != "quantities" or not path[2].isdecimal():
        return None
    at = int(path[2])
    return rows[at] if at < len(rows) else None


def _wrong(write: LevelWrite) -> str:
    """Why a write must not be sent at all: one malformed entry makes the shop refuse the whole call unread."""
    if wrong := malformed(write.key):
        return wrong
    if not 0 <= write.quantity <= QUANTITY_MAX:
        return f"{write.quantity} units is no level that can be set (0 to {QUANTITY_MAX})"
    return ""


def _name(write: LevelWrite) -> str:
    return f"SKU {write.key.item.sku!r}"


def _action(write: LevelWrite) -> str:
    return f"set {_name(write)} to {write.quantity} at {write.key.place}"


def _words(errors: list[dict[str, Any]]) -> str:
    return "; ".join(f"{error.get('code') or 'no code'}: {error['message']}" for error in errors)
