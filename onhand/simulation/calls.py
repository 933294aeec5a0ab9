"""What is said to a simulated channel, and what it answers."""

from dataclasses import dataclass
from enum import Enum, auto


class Kind(Enum):
    """What a call does."""

    SET = auto()
    CHANGE = auto()
    COMPARE = auto()
    READ = auto()


@dataclass(slots=True)
class Call:
    """One call. `amount`: the level to set, or the change; `expected`: what a compare expects to be shown.

    `epoch` is the life of the worker that sent it. The channel fills in `echo`, the level after the call took effect;
    `refused` where it answered 429, `stale` where a compare did not hold: then nothing was done.
    """

    channel: int
    kind: Kind
    amount: int
    sent_at: float
    epoch: int
    expected: int = 0
    echo: int = 0
    refused: bool = False
    stale: bool = False
