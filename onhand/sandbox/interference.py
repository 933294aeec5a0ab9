"""What faults do to levels: writes that are not kept, items refused for once, reads that show what was."""

import time
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field

from onhand.sandbox.faults import LateVisibility, LostWrites, PartialBatch
from onhand.sandbox.raging import Faults

Spot = tuple[str, str]
"""An item and a place."""


@dataclass(slots=True)
class Call:
    """One API call under way. `pretended`: levels it believes to have written."""

    writes: bool
    pretended: dict[Spot, int] = field(default_factory=dict)


CALL: ContextVar[Call | None] = ContextVar("call", default=None)
"""The API call that this task answers; None for buyers, people and the control API, who see the truth."""


class Interference:
    """Stands between the API and the levels of one shop (see `shop.Interference`). `clock` only grows."""

    def __init__(self, faults: Faults, clock: Callable[[], float] = time.monotonic) -> None:
        self._faults = faults
        self._clock = clock
        self._old: dict[Spot, deque[tuple[float, int | None]]] = {}
        """By level: until when reads show which older one, the oldest first."""

    def loses(self, item_id: str, place: str, quantity: int) -> bool:
        """Whether this write is lost; its own answer states it nevertheless."""
        call = CALL.get()
        if call is None or self._faults.striking(LostWrites) is None:
            return False
        call.pretended[item_id, place] = quantity
        return True

    def refuses(self, item_id: str) -> bool:
        """Whether the item is refused, this time."""
        return CALL.get() is not None and self._faults.striking(PartialBatch) is not None

    def shown(self, item_id: str, place: str, level: int | None) -> int | None:
        """What whoever asks is shown of a level."""
        call = CALL.get()
        if call is None:
            return level
        if (item_id, place) in call.pretended:
            return call.pretended[item_id, place]
        return level if call.writes or not self._old else self._older(item_id, place, level)

    def changed(self, item_id: str, place: str, before: int | None) -> None:
        """A level became another."""
        raging = self._faults.find(LateVisibility)
        if raging is None or not isinstance(raging.fault, LateVisibility):
            return
        until = self._clock() + raging.fault.by_seconds
        self._old.setdefault((item_id, place), deque()).append((until, before))
        raging.seen += 1

    def _older(self, item_id: str, place: str, level: int | None) -> int | None:
        raging = self._faults.find(LateVisibility)
        if raging is None:
            self._old.clear()
            return level
        hidden = self._old.get((item_id, place), deque())
        while hidden and hidden[0][0] <= self._clock():
            hidden.popleft()
        if not hidden:
            self._old.pop((item_id, place), None)
            return level
        raging.struck += 1
        return hidden[0][1]
