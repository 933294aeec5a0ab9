"""Counts: absolute statements about a shelf, re-based on what moved since the shelf was looked at."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from onhand.domain.events import Entry, Event, EventKind, fingerprint
from onhand.domain.states import State


class CountMeaning(StrEnum):
    """What the counted number includes."""

    ON_HAND = "on_hand"
    """Everything on the shelf; open orders have not been taken off."""
    AVAILABLE = "available"
    """What can still be sold; open orders have been taken off."""


@dataclass(frozen=True, slots=True)
class Count:
    """`source` states that `sku` at `location` had `quantity` units, as seen `as_of` that moment.

    A negative quantity is kept as stated: an external system that oversold says so.
    `base_version`, where given, is the balance version the counter saw; it takes precedence over
    `as_of` in deciding which later movements the number cannot know of. By `lag` the number may be behind what
    happened: a sale made so shortly before `as_of` may be in it, or not.
    """

    source: str
    external_id: str
    sku: str
    location: str
    quantity: int
    meaning: CountMeaning
    as_of: datetime
    base_version: int | None = None
    reason: str = ""
    lag: timedelta = timedelta(0)

    @property
    def sure_of(self) -> datetime:
        """What happened until then is in the number for sure."""
        return self.as_of - self.lag


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the ledger knows of one SKU at one location, in the units of the count's meaning.

    `current` is the balance now; `moved_since` the net movement that the count cannot know of. `counted_as_of` is the
    moment of the latest count there was, None before the first.
    """

    version: int
    current: int
    moved_since: int
    counted_as_of: datetime | None = None


class CountConflictError(ValueError):
    """The count names a balance version the ledger has not reached, so it cannot be re-based."""


class StaleCountError(CountConflictError):
    """A count of a later moment was taken before: it knew all that this one knows, and more."""


def correction(count: Count, shelf: Shelf) -> int:
    """Units to add to (or, negative, to take from) `available` so that the ledger agrees with the count.

    The count is compared with the balance of its own moment, `current - moved_since`; what moved
    later stays moved, so a sale after the count is neither lost nor taken twice. Raises CountConflictError.
    """
    if count.base_version is not None and count.base_version > shelf.version:
        raise CountConflictError(
            f"the count of {count.sku} at {count.location} was made against balance version "
            f"{count.base_version}, but the ledger is at {shelf.version}; look at the stock and count again"
        )
    if count.base_version is None and shelf.counted_as_of is not None and count.as_of < shelf.counted_as_of:
        raise StaleCountError(
            f"the count of {count.sku} at {count.location} is of {count.as_of.isoformat()}, and one of "
            f"{shelf.counted_as_of.isoformat()} was taken before; nothing was changed"
        )
    return count.quantity - (shelf.current - shelf.moved_since)


def event_of(count: Count, change: int) -> Event:
    """The ledger event of a count that corrects `available` by `change` units (zero: nothing to correct)."""
    outside = State.FOUND if change > 0 else State.SHRINKAGE
    entries = (
        Entry(count.sku, count.location, outside, -change),
        Entry(count.sku, count.location, State.AVAILABLE, change),
    )
    return Event(
        source=count.source,
        external_id=count.external_id,
        kind=EventKind.COUNT,
        occurred_at=count.as_of,
        entries=entries if change else (),
        fingerprint=statement_of(count),
        detail=_detail(count),
    )


def statement_of(count: Count) -> bytes:
    """Fingerprint of what was stated, independent of what the ledger held at the time."""
    return fingerprint(
        EventKind.COUNT, count.sku, count.location, count.quantity, count.meaning, count.reason
    )


def _detail(count: Count) -> dict[str, str]:
    detail = {"counted": str(count.quantity), "meaning": count.meaning.value}
    if count.base_version is not None:
        detail["base_version"] = str(count.base_version)
    if count.reason:
        detail["reason"] = count.reason
    return detail
