"""Quarters of a year, and what was lost and found in one: the record behind the shrinkage report."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo

from onhand.domain.events import EventKind

MONTHS = 3
_WRITTEN = re.compile(r"(\d{4})-?Q([1-4])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Quarter:
    """Three months of a year, the first of four being 1."""

    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year}Q{self.number}"

    @classmethod
    def of(cls, day: date) -> "Quarter":
        """The one that a day is in."""
        return cls(day.year, (day.month - 1) // MONTHS + 1)

    @classmethod
    def parse(cls, text: str) -> "Quarter":
        """From "2026Q4". Raises ValueError."""
        written = _WRITTEN.fullmatch(text.strip())
        if written is None:
            raise ValueError(f"{text!r} is no quarter; accepted: 2026Q4")
        return cls(int(written[1]), int(written[2]))

    @property
    def following(self) -> "Quarter":
        """The next one."""
        return Quarter(self.year + self.number // 4, self.number % 4 + 1)

    def begins(self, zone: tzinfo) -> datetime:
        """Its first moment, where `zone` is."""
        return datetime.combine(date(self.year, MONTHS * (self.number - 1) + 1, 1), time(), zone)

    def ends(self, zone: tzinfo) -> datetime:
        """The first moment after it."""
        return self.following.begins(zone)


@dataclass(frozen=True, slots=True)
class Movement:
    """Units of a SKU that were lost or found at a location, by one kind of event for one reason ("": none was stated).

    `by_source`: a source or a file said so, which also brings what was received and sold elsewhere.
    """

    kind: str
    reason: str
    location: str
    sku: str
    name: str
    lost: int
    found: int
    by_source: bool = False

    @property
    def net(self) -> int:
        """Units that are gone; negative: more was found than lost."""
        return self.lost - self.found


@dataclass(frozen=True, slots=True)
class Part:
    """What was lost and found of one reason, kind, location or SKU. `sold`: units sold there, where that is known."""

    name: str
    lost: int
    found: int
    sold: int | None = None

    @property
    def net(self) -> int:
        """Units that are gone."""
        return self.lost - self.found

    @property
    def share_percent(self) -> float | None:
        """Of the units sold; None where nothing was."""
        return 100 * self.net / self.sold if self.sold else None


@dataclass(frozen=True, slots=True)
class ShrinkageReport:
    """A quarter. `movements` are those of people and programs; `corrections` those of sources and files, in sum.

    `opening`: units that the first entry of a shelf brought in: stock that was there before. `sold`: units sold, less
    cancellations, by (location, SKU).
    """

    quarter: Quarter
    begins: datetime
    ends: datetime
    made_at: datetime
    movements: tuple[Movement, ...]
    corrections: Part
    opening: int
    sold: dict[tuple[str, str], int]

    @property
    def whole(self) -> bool:
        """Whether the quarter was over when it was made."""
        return self.made_at >= self.ends

    @property
    def total(self) -> Part:
        """All of it."""
        return _sum("in all", self.movements, sum(self.sold.values()))

    def by_reason(self) -> list[Part]:
        """By the reason that was stated, the largest loss first."""
        return _parts(self.movements, lambda each: each.reason)

    def by_kind(self) -> list[Part]:
        """By what kind of event it was."""
        return _parts(self.movements, lambda each: each.kind)

    def by_location(self) -> list[Part]:
        """By location, with the units sold there."""
        sold: dict[str, int] = {}
        for (location, _), units in self.sold.items():
            sold[location] = sold.get(location, 0) + units
        return _parts(self.movements, lambda each: each.location, sold)

    def by_sku(self) -> list[Part]:
        """By SKU, with the units of it sold."""
        sold: dict[str, int] = {}
        for (_, sku), units in self.sold.items():
            sold[sku] = sold.get(sku, 0) + units
        return _parts(self.movements, lambda each: each.sku, sold)


def _sum(name: str, movements: Sequence[Movement], sold: int | None) -> Part:
    lost, found = sum(each.lost for each in movements), sum(each.found for each in movements)
    return Part(name, lost, found, sold)


def _parts(
    movements: Iterable[Movement], key: Callable[[Movement], str], sold: dict[str, int] | None = None
) -> list[Part]:
    grouped: dict[str, list[Movement]] = {}
    for each in movements:
        grouped.setdefault(key(each), []).append(each)
    parts = [
        _sum(name, those, None if sold is None else sold.get(name, 0)) for name, those in grouped.items()
    ]
    return sorted(parts, key=lambda part: (-part.net, -part.lost, part.name))


def shrinkage_report(
    quarter: Quarter,
    zone: tzinfo,
    made_at: datetime,
    movements: Sequence[Movement],
    opening: int,
    sold: dict[tuple[str, str], int],
) -> ShrinkageReport:
    """Put it together: what people and programs said, beside what sources and files did."""
    ours = tuple(each for each in movements if not each.by_source)
    theirs = [each for each in movements if each.by_source]
    return ShrinkageReport(
        quarter,
        quarter.begins(zone),
        quarter.ends(zone),
        made_at,
        ours,
        _sum("", theirs, None),
        opening,
        sold,
    )


def kind_words(kind: str) -> str:
    """What a kind of event is called: "write off", "count"."""
    return EventKind(kind).value.replace("_", " ") if kind in set(EventKind) else kind.replace("_", " ")
