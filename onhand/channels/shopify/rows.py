"""The rows of one bulk call: which write each stands for, which one an error points at, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from onhand.channels.base import LevelWrite, Outcome, WriteResult
from onhand.channels.errors import NewKeyRetry, RowRejected
from onhand.channels.shopify.ids import malformed

QUANTITY_MAX = 1_000_000_000

Results = dict[int, WriteResult]
"""What became of each write, by its index."""

UserErrors = list[dict[str, Any]]
"""What a mutation's answer says against it."""


@dataclass(slots=True)
class Row:
    """One write under way. `shown` is the number to compare with, or to count from."""

    at: int
    write: LevelWrite
    shown: int

    def pair(self) -> tuple[str, str]:
        """The item and the place."""
        return self.write.key.item.item_id, self.write.key.place


def pointed_at(rows: Sequence[Row], error: dict[str, Any]) -> Row | None:
    """The row whose index stands in an error's path: ["input", "quantities", "3", "inventoryItemId"]."""
    path = error["field"] or []
    if len(path) < 3 or path[1] not in ("quantities", "changes") or not path[2].isdecimal():
        return None
    at = int(path[2])
    return rows[at] if at < len(rows) else None


def wrong(write: LevelWrite) -> str:
    """Why a write must not be sent at all: one malformed entry makes the shop refuse the whole call unread."""
    if found := malformed(write.key):
        return found
    if not 0 <= write.quantity <= QUANTITY_MAX:
        return f"{write.quantity} units is no level that can be set (0 to {QUANTITY_MAX})"
    return ""


def stale(channel: str, write: LevelWrite, said: str) -> WriteResult:
    """Not applied, and nobody's fault: look again, decide again."""
    return WriteResult(write, Outcome.STALE, None, NewKeyRetry(channel, _action(write), said))


def rejected(channel: str, write: LevelWrite, said: str, advice: str) -> WriteResult:
    """Not applied, and sending the same again will not help."""
    return WriteResult(
        write, Outcome.REJECTED, None, RowRejected(channel, _action(write), said, advice=advice)
    )


def name_of(write: LevelWrite) -> str:
    """How an error names what a write is about."""
    return f"SKU {write.key.item.sku!r}"


def span_of(rows: Sequence[Row]) -> str:
    """How an error names the rows of one call."""
    return f"{len(rows)} levels, {name_of(rows[0].write)} to {name_of(rows[-1].write)}"


def words(errors: UserErrors) -> str:
    """What the shop said, in its words."""
    return "; ".join(f"{error.get('code') or 'no code'}: {error['message']}" for error in errors)


def _action(write: LevelWrite) -> str:
    return f"set {name_of(write)} to {write.quantity} at {write.key.place}"
