"""Cycle counts: which differences between shelf and ledger are posted at once, and which wait for a second look. Pure.

A count is compared with what the ledger had on hand when the shelf was looked at (`onhand.domain.counts`). The
difference is graded; a large one, and one that movements or another count make doubtful, is not posted until another
count or a person confirms it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """How far a count is from the ledger."""

    EXACT = "exact"
    TOLERATED = "tolerated"
    """Off by no more than the tolerance: miscounting by so much is ordinary."""
    SMALL = "small"
    """Off by more, and by less than escalates. Posted, and watched in sum."""
    LARGE = "large"


class Doubt(StrEnum):
    """Why a count is not posted at once."""

    LARGE = "large"
    """It is far from the ledger, and the first to say so."""
    DISAGREES = "disagrees"
    """It is far from the ledger, and from every earlier count of the line, too."""
    MOVED = "moved"
    """What moved since the sheet was printed could explain it: it depends on when the shelf was looked at."""
    SUPERSEDED = "superseded"
    """Somebody else's count was posted since; the same units would be corrected twice."""


CONFIRMABLE = frozenset({Doubt.LARGE, Doubt.DISAGREES})
"""Doubts of a count that a later one may confirm."""


@dataclass(frozen=True, slots=True)
class CountRules:
    """What a difference may be. Units, and percent of what the ledger expected.

    Off by at most `tolerance_units` or `tolerance_percent`: tolerated. Off by `escalate_percent` or more, and by more
    than `tolerance_units`: large.
    """

    tolerance_units: int = 1
    tolerance_percent: float = 1.0
    escalate_percent: float = 5.0

    def grade(self, expected: int, difference: int) -> Grade:
        """How far a count is off that found `difference` units more than the `expected` ones.

        Of nothing expected, every unit is a hundred percent.
        """
        if difference == 0:
            return Grade.EXACT
        units = abs(difference)
        if units <= self.tolerance_units or 100 * units <= self.tolerance_percent * max(expected, 0):
            return Grade.TOLERATED
        return Grade.LARGE if 100 * units >= self.escalate_percent * max(expected, 0) else Grade.SMALL

    def agree(self, expected: int, one: int, other: int) -> bool:
        """Whether two counts, by their differences to the ledger, say the same of a shelf."""
        return self.grade(expected, one - other) in (Grade.EXACT, Grade.TOLERATED)


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a shelf. `expected`: units the ledger had on hand at its base, the version or moment it names.

    `moved`: net units on hand that moved after the base. `timed`: the moment of the look was stated, so that the base
    is that moment; otherwise it is the version the sheet was printed with, and the shelf was looked at some time later.
    `superseded`: somebody else's count was posted after the base.
    """

    quantity: int
    expected: int
    moved: int = 0
    timed: bool = False
    superseded: bool = False

    @property
    def difference(self) -> int:
        """Units counted less units expected."""
        return self.quantity - self.expected

    @property
    def could_have_moved(self) -> bool:
        """Whether the number is one the shelf may rightly have held between the base and now."""
        if self.timed or not self.moved:
            return False
        low, high = sorted((self.expected, self.expected + self.moved))
        return self.difference != 0 and low <= self.quantity <= high


@dataclass(frozen=True, slots=True)
class Finding:
    """The grade of a count, and why it is not posted; None: it is."""

    grade: Grade
    doubt: Doubt | None = None


def judge(look: Look, earlier: Sequence[int], rules: CountRules) -> Finding:
    """Whether a count is posted. `earlier` are the differences of the line's counts that wait to be confirmed.

    A large difference is posted once two counts agree on it. A later count that is near the ledger is posted as it is:
    then the first one was wrong.
    """
    grade = rules.grade(look.expected, look.difference)
    if look.superseded:
        return Finding(grade, Doubt.SUPERSEDED)
    if look.could_have_moved:
        return Finding(grade, Doubt.MOVED)
    if grade is not Grade.LARGE:
        return Finding(grade)
    if any(rules.agree(look.expected, look.difference, other) for other in earlier):
        return Finding(grade)
    return Finding(grade, Doubt.DISAGREES if earlier else Doubt.LARGE)


def confirmable(history: Sequence[tuple[int, Doubt | None]]) -> list[int]:
    """The differences that a new count may confirm, of a line's counts in their order.

    What was counted before another count superseded it says nothing any more.
    """
    found: list[int] = []
    for difference, doubt in history:
        if doubt is Doubt.SUPERSEDED:
            found.clear()
        elif doubt in CONFIRMABLE:
            found.append(difference)
    return found


def reason_of(look: Look, finding: Finding) -> str:
    """Why a count was escalated, in words for whoever has to see to it; empty where it was not."""
    counted = f"counted {look.quantity:,}, the ledger had {look.expected:,} on hand"
    match finding.doubt:
        case Doubt.LARGE:
            return f"{counted} ({look.difference:+,}): a second count, or an approval, posts it"
        case Doubt.DISAGREES:
            return f"{counted} ({look.difference:+,}), and no earlier count agrees: count again, or approve this one"
        case Doubt.MOVED:
            return f"{counted}, and {look.moved:+,} moved since the sheet was printed: count again, and say when (--at)"
        case Doubt.SUPERSEDED:
            return f"{counted}, and another count was posted since: count again"
        case _:
            return ""
