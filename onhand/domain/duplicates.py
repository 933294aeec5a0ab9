"""Duplicates: several listings of one SKU on one channel, and what each shows of what the channel has. Pure."""

from collections.abc import Sequence

from onhand.domain.rules import Duplicates


def part_of(duplicates: Duplicates, units: int, pieces: Sequence[int], turn: int) -> int:
    """Units of the SKU that listing number `turn` shows of `units`; `pieces` are units of one piece of each listing.

    Pieces are never broken: what a listing is given makes whole ones.
    """
    match duplicates:
        case Duplicates.EACH:
            return units
        case Duplicates.FIRST:
            return units if turn == 0 else 0
        case Duplicates.SPLIT:
            return split(units, pieces)[turn]


def split(units: int, pieces: Sequence[int]) -> list[int]:
    """Units for each listing, whole pieces that together take no more than there is, and as evenly as these allow.

    Each has the whole pieces of an equal part. Of what is left, listings take one more piece where it fits, those of
    large pieces first, then in turn; what is left then goes to those of the smallest pieces, and less than one of these
    is shown by nobody.
    """
    equal = units // len(pieces)
    given = [equal - equal % piece for piece in pieces]
    left = units - sum(given)
    turns = sorted(range(len(pieces)), key=lambda turn: (-pieces[turn], turn))
    for turn in turns:
        if pieces[turn] <= left:
            given[turn] += pieces[turn]
            left -= pieces[turn]
    smallest = min(range(len(pieces)), key=lambda turn: (pieces[turn], turn))
    given[smallest] += left - left % pieces[smallest]
    return given
