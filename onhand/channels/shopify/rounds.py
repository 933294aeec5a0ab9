"""Rounds of one bulk call: whoever is flagged leaves it, the rest goes again, until nobody is in question."""

import hashlib
import uuid
from collections.abc import Sequence
from typing import Any, Protocol

from onhand.channels.base import LevelWrite, Outcome, WriteResult
from onhand.channels.shopify import verdicts
from onhand.channels.shopify.admin import Admin
from onhand.channels.shopify.documents import ACTIVATE
from onhand.channels.shopify.preparing import Preparing
from onhand.channels.shopify.reads import Reads
from onhand.channels.shopify.rows import (
    Results,
    Row,
    UserErrors,
    name_of,
    pointed_at,
    rejected,
    span_of,
    stale,
    words,
)

BULK_SIZE = 250
ROUNDS_MAX = 12
"""Calls that one bulk call makes at most; should the shop name one bad row at a time, those still in
question after that many are handed back as stale: looked at again, and sent in a call of their own."""
CONCURRENT_WAIT_SECONDS = 1.0

KEYS = uuid.UUID("5f0c6a52-6d0e-5b0a-9c52-0f6d3a1f9b71")
"""The name space of our idempotency keys."""


class BulkCall(Protocol):
    """One kind of bulk mutation.

    `repeatable`: whether it does no harm to send a level once more under another key, or counted from another number:
    true of a call that compares first.
    """

    repeatable: bool

    async def send(self, rows: Sequence[Row], key: str, attempt: int, *, urgent: bool) -> dict[str, Any]:
        """Send the rows; the answer's payload. The same rows, key and attempt have the same effect only once."""
        ...

    def accept(self, rows: Sequence[Row], payload: dict[str, Any], results: Results) -> None:
        """Nothing was refused: give every row its result by what the payload states."""
        ...


class Rounds:
    """Brings writes through bulk calls, for one shop."""

    def __init__(self, admin: Admin, reads: Reads) -> None:
        self._admin = admin
        self._preparing = Preparing(admin, reads)

    async def run(
        self, call: BulkCall, writes: Sequence[LevelWrite], key: str, *, urgent: bool
    ) -> list[WriteResult]:
        """One result for each write, in the order given."""
        assert len(writes) <= BULK_SIZE, f"{len(writes)} levels in one call; Shopify takes {BULK_SIZE}"
        results: Results = {}
        rows = await self._preparing.rows(writes, results, recount=call.repeatable, urgent=urgent)
        attempt = 0
        for _ in range(ROUNDS_MAX):
            if not rows:
                break
            payload = await call.send(rows, key, attempt, urgent=urgent)
            errors: UserErrors = payload["userErrors"]
            if not errors:
                call.accept(rows, payload, results)
            elif await self._settle_flagged(rows, errors, results, urgent):
                attempt += 1
            else:
                attempt += await self._idempotency(call, errors, rows, results)
            rows = [row for row in rows if row.at not in results]
        for row in rows:
            said = "the shop kept refusing other levels of the same call"
            results[row.at] = stale(self._admin.channel, row.write, said)
        return [results[at] for at in range(len(writes))]

    async def _settle_flagged(
        self, rows: Sequence[Row], errors: UserErrors, results: Results, urgent: bool
    ) -> bool:
        """Give every row that an error points at its result, or bring it into order; False when none is pointed at."""
        channel, flagged = self._admin.channel, False
        for error in errors:
            row = pointed_at(rows, error)
            if row is None:
                continue
            flagged = True
            if error["code"] == verdicts.NOT_STOCKED_CODE:
                await self._activate(row, results, urgent)
                continue
            outcome, advice = verdicts.row_outcome(str(error["code"]))
            said = f"{error['code']}: {error['message']}"
            if outcome is Outcome.STALE:
                results[row.at] = stale(channel, row.write, said)
            else:
                results[row.at] = rejected(channel, row.write, said, advice)
        return flagged

    async def _activate(self, row: Row, results: Results, urgent: bool) -> None:
        """Make the location stock the item, at 0 units; the row goes again (versions up to 2026-07)."""
        item_id, place = row.pair()
        variables = {"item": item_id, "place": place, "key": str(uuid.uuid4())}
        action = f"activate {name_of(row.write)} at {place}"
        payload = (await self._admin.run(ACTIVATE, variables, action, urgent=urgent))["inventoryActivate"]
        if payload["inventoryLevel"] is None:
            said = f"the location cannot stock it: {words(payload['userErrors'])}"
            advice = verdicts.ROWS["INVALID_LOCATION"]
            results[row.at] = rejected(self._admin.channel, row.write, said, advice)

    async def _idempotency(
        self, call: BulkCall, errors: UserErrors, rows: Sequence[Row], results: Results
    ) -> int:
        """How far the attempt counter moves when the shop refused the key and no row; raises for anything else."""
        codes = {str(error["code"]) for error in errors}
        if verdicts.CONCURRENT_CODE in codes:
            await self._admin.sleep(CONCURRENT_WAIT_SECONDS)
            return 0
        if verdicts.PREVIOUS_FAILED_CODE in codes:
            if not call.repeatable:
                said = "an earlier attempt failed, and what became of its other levels is not known"
                results.update((row.at, stale(self._admin.channel, row.write, said)) for row in rows)
            return 1
        verdict = verdicts.of_code(min(codes))
        raise verdict.error(
            self._admin.channel,
            f"set {span_of(rows)}",
            words(errors),
            advice=verdict.advice,
            retry_after_seconds=verdict.retry_after_seconds,
        )


def idempotency_key(shop: str, key: str, entries: list[dict[str, Any]], attempt: int) -> str:
    """The same for the same shop, caller's key, content and attempt; another for anything else.

    The scope of a key is not documented (per shop, or per app), so the shop is part of the name.
    """
    content = hashlib.sha256(repr([list(entry.values()) for entry in entries]).encode()).hexdigest()
    return str(uuid.uuid5(KEYS, f"{shop}|{key}|{content}|{attempt}"))
