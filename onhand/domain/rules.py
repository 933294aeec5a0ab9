"""Rules: what an operator configures about how much of the stock a channel shows."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

PERCENT_PARTS = 10_000
"""Parts of one percent: percentages are exact to four decimal places and kept as integers."""
WHOLE_PARTS = 100 * PERCENT_PARTS
"""Parts of the whole, 100 %."""


class Mode(StrEnum):
    """How the channels that draw on the same stock share it."""

    POOLED = "pooled"
    """Every channel sees the pool: sells most, and a burst on two channels can oversell."""
    PARTITIONED = "partitioned"
    """Every channel has a part of its own: cannot oversell, and may leave units on the wrong channel."""
    ADAPTIVE = "adaptive"
    """Pooled while there is plenty; parts of their own, by recent demand, while there is not."""


class Duplicates(StrEnum):
    """How several listings of one SKU on one channel share what the channel has of it."""

    EACH = "each"
    """Each shows all of it."""
    SPLIT = "split"
    """Each shows a part: together they show no more than there is."""
    FIRST = "first"
    """The one that was listed first shows all of it, the others nothing."""


class BufferTake(StrEnum):
    """How the two parts of a safety buffer combine where both are given."""

    LESSER = "lesser"
    GREATER = "greater"
    SUM = "sum"


class RuleRefusedError(ValueError):
    """A rule cannot be used; the message says which key, what was given and what is accepted."""


@dataclass(frozen=True, slots=True)
class Buffer:
    """Units of a pool that nobody is shown: a number of `units`, a `percent` of the pool, or both.

    None is an absent part: the other one decides alone, whatever `take` says. Zero is a part like any
    other: the lesser of 0 units and 10 % is nothing. `velocity`: besides, each level holds back what others sell until
    its channel shows a change (`onhand.domain.velocity.VelocityBuffer`). Raises RuleRefusedError.
    """

    units: int | None = None
    percent: Decimal | None = None
    take: BufferTake = BufferTake.GREATER
    velocity: bool = False
    parts: int | None = field(init=False, repr=False, compare=False)
    """`percent` in integer parts, for arithmetic that is exact and fast."""

    def __post_init__(self) -> None:
        if self.units is not None:
            _require_units("buffer.units", self.units)
        parts = None if self.percent is None else _parts("buffer.percent", self.percent)
        object.__setattr__(self, "parts", parts)

    def held_back(self, pool: int) -> int:
        """Units held back from a pool of `pool` units; never more than it has.

        A percentage is rounded up: a buffer errs on the side of holding back.
        """
        if pool <= 0:
            return 0
        if self.parts is None:
            return min(pool, self.units or 0)
        by_percent = -(-pool * self.parts // WHOLE_PARTS)
        return min(pool, by_percent if self.units is None else self._taken(self.units, by_percent))

    def _taken(self, by_units: int, by_percent: int) -> int:
        if self.take is BufferTake.SUM:
            return by_units + by_percent
        choose = min if self.take is BufferTake.LESSER else max
        return choose(by_units, by_percent)

    @property
    def exists(self) -> bool:
        """Whether any part is given."""
        return self.units is not None or self.percent is not None

    def __str__(self) -> str:
        units = "" if self.units is None else units_text(self.units)
        percent = "" if self.percent is None else f"{percent_text(self.percent)} %"
        if not (units and percent):
            return units or percent or "none"
        if self.take is BufferTake.SUM:
            return f"sum of {percent} and {units}"
        return f"{self.take} of {percent} and {units}"


NO_BUFFER = Buffer()


@dataclass(frozen=True, slots=True)
class Rule:
    """How much of a SKU's pool one listing shows, in the order in which it is applied.

    `buffer` comes off the pool; `share` is the percentage of what remains, 0 to 100 with at most four
    decimal places; `reserve` is held back from it, `cap` is the most that is given (both in units of the
    SKU). What is given makes so many pieces of the listing, and fewer than `minimum_to_show` pieces are
    shown as 0. Where at most `last_units` units are left that `last_channel` draws on, they are for that channel alone
    (0: no such rule). `pickup`: it is for a shop whose buyers fetch what they buy (`for_pickup`). `duplicates` divides
    what the channel has among several listings of the SKU. `name` is the key an
    operator finds the rule under. Raises RuleRefusedError.
    """

    mode: Mode = Mode.POOLED
    share: Decimal = Decimal(100)
    reserve: int = 0
    cap: int | None = None
    minimum_to_show: int = 0
    buffer: Buffer = NO_BUFFER
    name: str = "default"
    last_units: int = 0
    last_channel: str = ""
    pickup: bool = False
    duplicates: Duplicates = Duplicates.EACH
    share_parts: int = field(init=False, repr=False, compare=False)
    """`share` in integer parts, for arithmetic that is exact and fast."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "share_parts", _parts(f"{self.name}.share", self.share))
        _require_units(f"{self.name}.reserve", self.reserve)
        _require_units(f"{self.name}.minimum_to_show", self.minimum_to_show)
        _require_units(f"{self.name}.last_units", self.last_units)
        if self.cap is not None:
            _require_units(f"{self.name}.cap", self.cap)
        if self.last_units and not self.last_channel:
            raise RuleRefusedError(
                f"{self.name}.last_channel is not given; accepted beside last_units is the channel they are for"
            )


@lru_cache(maxsize=10_000)
def for_pickup(rule: Rule, buffer_units: int) -> Rule:
    """The rule at a place whose buyers fetch what they buy: it shows what it holds itself, less a buffer of its own.

    No share and no reserve bears on it, since nobody can fetch there what lies elsewhere. The rest of the rule stays.
    """
    buffer = Buffer(units=buffer_units) if buffer_units else NO_BUFFER
    return replace(rule, mode=Mode.POOLED, share=Decimal(100), reserve=0, buffer=buffer, pickup=True)


def percent_text(percent: Decimal) -> str:
    """A percentage as people write it: no exponent, no trailing zeros."""
    return f"{percent.normalize():f}"


def units_text(units: int) -> str:
    """A number of units in words: "1 unit", "5 units"."""
    return f"{units} unit{'' if units == 1 else 's'}"


def _parts(key: str, percent: Decimal) -> int:
    # as_integer_ratio is exact where Decimal arithmetic would round to the precision of its context.
    if percent.is_finite() and 0 <= percent <= 100:
        numerator, denominator = percent.as_integer_ratio()
        parts, rest = divmod(numerator * PERCENT_PARTS, denominator)
        if rest == 0:
            return parts
    raise RuleRefusedError(
        f"{key} is {percent}; accepted is a percentage from 0 to 100 with at most four decimal places"
    )


def _require_units(key: str, units: int) -> None:
    if units < 0:
        raise RuleRefusedError(f"{key} is {units}; accepted is a number of units from 0 upwards")
