"""Events: business facts that move stock, as entries that sum to zero per SKU."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from onhand.domain.states import State

QUANTITY_MAX = 1_000_000_000
"""Largest quantity of one entry, in units; Shopify's own limit, and far above any real shelf."""


class EventKind(StrEnum):
    """What happened. The name of the fact, not of the system that reported it."""

    ORDER = "order"
    CANCELLATION = "cancellation"
    FULFILMENT = "fulfilment"
    RETURN = "return"
    INSPECTION = "inspection"
    ADJUSTMENT = "adjustment"
    TRANSFER_OUT = "transfer_out"
    TRANSFER_IN = "transfer_in"
    WRITE_OFF = "write_off"
    COUNT = "count"
    RECEIPT = "receipt"
    PURCHASE_ORDER = "purchase_order"
    RESERVATION = "reservation"


class UnbalancedEventError(ValueError):
    """The entries of an event do not sum to zero for one of its SKUs, so stock would appear or vanish."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an event: `quantity` units (signed) of `sku` enter or leave `state` at `location`."""

    sku: str
    location: str
    state: State
    quantity: int


@dataclass(frozen=True, slots=True)
class Event:
    """One fact, reported by `source` under its own `external_id`; the pair is unique for ever.

    `fingerprint` covers what the source stated, so that the same id with other content is noticed.
    `occurred_at` is the time out there; the ledger adds the time it was written down.
    """

    source: str
    external_id: str
    kind: EventKind
    occurred_at: datetime
    entries: tuple[Entry, ...]
    fingerprint: bytes
    detail: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.occurred_at.tzinfo is not None, "an event without a time zone has no moment"
        require_balanced(self.entries)


def require_balanced(entries: Iterable[Entry]) -> None:
    """Raise UnbalancedEventError unless the entries sum to zero for every SKU."""
    sums: Counter[str] = Counter()
    for entry in entries:
        sums[entry.sku] += entry.quantity
    for sku, total in sums.items():
        if total != 0:
            raise UnbalancedEventError(f"the entries of SKU {sku} sum to {total:+d} units instead of zero")


def fingerprint(*stated: object) -> bytes:
    """A 16-byte digest of what a source stated; equal statements give equal digests on every machine."""
    digest = hashlib.blake2b(digest_size=16)
    for part in stated:
        text = part.astimezone(UTC).isoformat() if isinstance(part, datetime) else str(part)
        digest.update(f"{len(text)}:{text};".encode())
    return digest.digest()
