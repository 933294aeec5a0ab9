"""What is said to a simulated channel, and what it answers."""

from dataclasses import dataclass
from enum import Enum, auto


class Kind(Enum):
    """What a call does."""

    SET = auto()
    CHANGE = auto()
    READ = auto()


@dataclass(slots=True)
class Call:
    """One call. `amount`: the level to set, or the change.

    `epoch` is the life of the worker that sent it. The channel fills in `echo`, the level after the call took effect,
    and `refused` where it answered 429: then nothing was done.
    """

    channel: int
    kind: Kind
    amount: int
    sent_at: float
    epoch: int
    echo: int = 0
    refused: bool = False
