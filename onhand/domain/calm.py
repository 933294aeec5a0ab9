"""Hot listings of channels that only set levels: told their share once, then left alone until they calm. Pure.

A blind set gives back whatever was sold since the number was decided on. Where more than one piece is sold during a
call, every set oversells; so a hot listing is given a share of what is left, which it sells by itself, and what it
shows is off the pool of the others for as long as it rests.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from enum import Enum
from math import ceil, floor, log, log2
from typing import TypeVar

HALF_LIFE_SECONDS = 10.0
"""Of the count of pieces heard to be sold: a burst is noticed, and forgotten, within seconds."""
CALL_SECONDS_MIN = 0.2
"""No call is reckoned shorter: what it takes to decide and to hear counts, too."""
HOT_PIECES = 1.0
"""A listing that sells more pieces during a call is hot."""
CALM_PIECES = 0.5
"""One that rests is calm again below this; less than what makes it hot, so that it does not flap."""
REST_SECONDS_MIN = 1.0
REST_SECONDS_MAX = 60.0

Key = TypeVar("Key", bound=Hashable)


class Course(Enum):
    """What to do with a level."""

    TELL = "tell"
    """As any other: it is brought to its target."""
    SHARE = "share"
    """Tell it its share, then let it rest."""
    REST = "rest"
    """Leave it alone."""


@dataclass(frozen=True, slots=True)
class Sight:
    """A level as it is seen when it is to be told something.

    `pace` is the decayed count of pieces heard to be sold there, as of now; `call_seconds` what a call to its channel
    takes; `book` what we believe it shows, `target` what it should show.
    """

    pace: float
    call_seconds: float
    resting: bool
    book: int | None
    target: int


def decayed(pace: float, seconds: float) -> float:
    """A count after so many seconds without a sale."""
    faded: float = pace * 0.5 ** (max(0.0, seconds) / HALF_LIFE_SECONDS)
    return faded


def expected_pieces(pace: float, call_seconds: float) -> float:
    """Pieces that will be sold during one call, if it goes on like this."""
    return pace * log(2) / HALF_LIFE_SECONDS * max(CALL_SECONDS_MIN, call_seconds)


def course_of(sight: Sight) -> Course:
    """What to do with a level.

    One that rests is told again, while hot, only where it shows more than there is by more than a call would give
    back: a count or another channel's sales have taken its share.
    """
    expected = expected_pieces(sight.pace, sight.call_seconds)
    if sight.resting:
        if expected < CALM_PIECES:
            return Course.TELL
        if sight.book is None:  # its share may never have arrived
            return Course.SHARE
        excess = sight.book - sight.target
        return Course.SHARE if excess > max(1, ceil(expected)) else Course.REST
    return Course.SHARE if expected > HOT_PIECES else Course.TELL


def rest_seconds(pace: float, call_seconds: float) -> float:
    """When to look at a resting level again: when it will be calm if nothing more is sold."""
    expected = expected_pieces(pace, call_seconds)
    seconds = HALF_LIFE_SECONDS * log2(expected / CALM_PIECES) if expected > CALM_PIECES else 0.0
    return min(REST_SECONDS_MAX, max(REST_SECONDS_MIN, seconds))


def shares(left: int, paces: Mapping[Key, float]) -> dict[Key, int]:
    """What is left, divided by recent pace with nothing left over (largest remainder; equal where nothing was sold).

    The earlier key wins a tie. Nothing left, nothing given.
    """
    units, total = max(0, left), sum(paces.values())
    weights = {key: pace / total if total > 0 else 1 / len(paces) for key, pace in paces.items()}
    given = {key: floor(units * weight) for key, weight in weights.items()}
    rest = sorted(weights, key=lambda key: given[key] - units * weights[key])
    for key in rest[: units - sum(given.values())]:
        given[key] += 1
    return given
