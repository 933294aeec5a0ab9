"""What `onhand doctor` finds: one record for everything it looked at."""

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    GAP = "gap"
    """It works, and something is left out: a SKU without a listing, a paused schedule."""
    BROKEN = "broken"
    """It does not work until a person acts."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What was looked at, how it is, and what to do."""

    subject: str
    health: Health
    message: str
    advice: str = ""


def fine(subject: str, message: str) -> Examined:
    """Nothing to do."""
    return Examined(subject, Health.OK, message)


def gap(subject: str, message: str, advice: str) -> Examined:
    """Something is left out."""
    return Examined(subject, Health.GAP, message, advice)


def broken(subject: str, message: str, advice: str) -> Examined:
    """Something does not work."""
    return Examined(subject, Health.BROKEN, message, advice)
