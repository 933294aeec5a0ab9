"""Authorities: who may say how many units a location has, and what counts when two of them disagree. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Statement:
    """`authority` stated at that moment that so many units of one SKU at one location can be sold."""

    authority: str
    quantity: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether a statement becomes a count, and the statement of another authority that it contradicts, if any."""

    counts: bool
    rival: Statement | None = None


def ruling(stated: Statement, available: int, before: Sequence[Statement], window: timedelta) -> Ruling:
    """What becomes of a statement, where `available` is what the ledger had at its moment and `before` what was stated.

    It contradicts the newest statement of another authority within the window that had another number, unless it says
    what the ledger has: that is the rival's number with all that moved since. Then the lower wins: it counts only where
    it is below what the ledger has. An authority that states the same number again, later and within the window, has
    confirmed it, and it counts. One that comes after a rival's newer word never does: that word knew more.
    """
    recent = [each for each in before if abs(stated.at - each.at) <= window]
    rivals = [e for e in recent if e.authority != stated.authority and e.quantity != stated.quantity]
    rival = max(rivals, key=lambda each: (each.at, each.authority), default=None)
    if rival is None or (stated.quantity == available and rival.at <= stated.at):
        return Ruling(counts=True)
    if rival.at > stated.at:
        return Ruling(counts=False, rival=rival)
    confirmed = any(
        e.authority == stated.authority and e.quantity == stated.quantity and e.at < stated.at for e in recent
    )
    return Ruling(confirmed or stated.quantity < available, rival)
