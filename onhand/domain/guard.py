"""How much of a channel one errand may change before a person has looked at it. Pure.

A source that broke says 0 for everything, or ten times what there is; so does a channel whose API broke when it is read
back. Both look like any other change, level by level. What gives them away is how many listings they move at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What one errand may do to one channel unasked.

    `share_percent` of the channel's listings may be changed, and as many emptied. Fewer listings than `listings_min`,
    or fewer pieces than `units_min` in all, are never too many, so that a small shop can be worked with.
    """

    share_percent: float = 20.0
    listings_min: int = 5
    units_min: int = 50
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Tally:
    """What an errand would do to a channel of so many `listings`.

    `changing` of them would show another number, `zeroing` of these would show nothing where something was to be had;
    `units` are the pieces by which what is shown would move, up and down, in all.
    """

    listings: int = 0
    changing: int = 0
    zeroing: int = 0
    units: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.listings + other.listings,
            self.changing + other.changing,
            self.zeroing + other.zeroing,
            self.units + other.units,
        )


def of_listing(levels: Iterable[tuple[int | None, int]]) -> Tally:
    """One listing, by what each of its levels is believed to show (None: not known) and what it should show.

    A level that was never read or written, or that is being written in this moment, is no change: there is nothing
    known that could be lost.
    """
    pairs = list(levels)
    known = [(book, target) for book, target in pairs if book is not None]
    units = sum(abs(target - book) for book, target in known)
    had = sum(max(0, book) for book, _ in known)
    emptied = units > 0 and had > 0 and all(target == 0 for _, target in pairs)
    return Tally(1, int(units > 0), int(emptied), units)


def may_be_too_much(listings: int, pending: int, limits: Limits) -> bool:
    """Whether `pending` listings that may change are enough to count exactly what would become of them."""
    return limits.enabled and _over(pending, listings, limits)


def reason(tally: Tally, limits: Limits) -> str | None:
    """Why an errand has to wait for a person, in words; None where it may go. Emptying is told before changing."""
    if not limits.enabled or tally.units < limits.units_min:
        return None
    share = f"{limits.share_percent:g} %"
    pieces = "1 piece" if tally.units == 1 else f"{tally.units:,} pieces"
    if _over(tally.zeroing, tally.listings, limits):
        return (
            f"it would empty {_part(tally.zeroing, tally.listings)}, and move {pieces} in all; "
            f"what empties more than {share} is held"
        )
    if _over(tally.changing, tally.listings, limits):
        return (
            f"it would change {_part(tally.changing, tally.listings)} by {pieces} in all; "
            f"what changes more than {share} is held"
        )
    return None


def is_within(tally: Tally, released: Tally, limits: Limits) -> bool:
    """Whether an errand wants no more than a person has let go.

    What was sold since is no reason to ask again, so it may be more by less than what is never held.
    """
    if tally.units - released.units >= max(1, limits.units_min):
        return False
    more = max(tally.changing - released.changing, tally.zeroing - released.zeroing)
    return more < max(1, limits.listings_min)


def _over(number: int, listings: int, limits: Limits) -> bool:
    return number >= max(1, limits.listings_min) and number * 100 > limits.share_percent * listings


def _part(number: int, listings: int) -> str:
    percent = 100 * number / listings if listings else 100.0
    return f"{number:,} of {listings:,} listings ({percent:.3g} %)"
