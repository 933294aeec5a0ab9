"""Which faults of one shop are on: since when, until when, what they have seen and struck."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from onhand.sandbox.draws import drawn
from onhand.sandbox.faults import AnyFault, Fault, Striking

ENDED_KEPT = 20
"""Faults that are over, and are still told of: the last ones."""


def nothing() -> None:
    """What ends with most faults."""


@dataclass(slots=True, eq=False)
class Raging:
    """One fault that is on. `since` is seconds since the epoch, `ends_at` of a clock that only grows; `at_end` undoes
    it."""

    fault: AnyFault
    since: float
    ends_at: float | None = None
    at_end: Callable[[], None] = nothing
    seen: int = 0
    """Calls, levels or deliveries it could have struck."""
    struck: int = 0
    notes: list[dict[str, Any]] = field(default_factory=list)
    """What it did, for the kinds that do something by themselves."""

    def strikes(self) -> bool:
        """Whether the next one is struck; counts it either way."""
        share = self.fault.share if isinstance(self.fault, Striking) else 1.0
        self.seen += 1
        hit = share >= 1 or drawn(self.fault.seed, self.fault.kind, self.seen) < share
        self.struck += hit
        return hit

    def told(self, seconds_left: float | None) -> dict[str, Any]:
        """As JSON."""
        counts = {"since": self.since, "seconds_left": seconds_left, "seen": self.seen, "struck": self.struck}
        return {**self.fault.model_dump(), **counts}


class Faults:
    """The faults of one shop, at most one of a kind. `clock` is seconds that only grow, `now` since the epoch."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, now: Callable[[], float] = time.time
    ) -> None:
        self._clock = clock
        self._now = now
        self._on: dict[type[Fault], Raging] = {}
        self._ended: deque[Raging] = deque(maxlen=ENDED_KEPT)

    def __bool__(self) -> bool:
        return bool(self._on)

    def switch_on(self, fault: AnyFault) -> Raging:
        """From now on, in place of one of its kind."""
        self.switch_off([type(fault)])
        ends_at = None if fault.seconds is None else self._clock() + fault.seconds
        raging = self._on[type(fault)] = Raging(fault, self._now(), ends_at)
        return raging

    def switch_off(self, kinds: Iterable[type[Fault]] | None = None) -> list[Raging]:
        """Those of the kinds (all) end; answers them."""
        over = [
            self._on.pop(kind) for kind in (list(self._on) if kinds is None else kinds) if kind in self._on
        ]
        for raging in over:
            self._ended.append(raging)
            raging.at_end()
        return over

    def on(self) -> list[Raging]:
        """Those that are on now, the oldest first."""
        if self._on:
            now = self._clock()
            self.switch_off([kind for kind, raging in list(self._on.items()) if _is_over(raging, now)])
        return list(self._on.values())

    def find(self, kind: type[Fault]) -> Raging | None:
        """The one of this kind, if it is on."""
        raging = self._on.get(kind)
        if raging is not None and _is_over(raging, self._clock()):
            self.switch_off([kind])
            return None
        return raging

    def striking(self, kind: type[Striking]) -> Raging | None:
        """The fault of this kind, if it is on and strikes the next one."""
        raging = self.find(kind)
        return raging if raging is not None and raging.strikes() else None

    def told(self) -> dict[str, Any]:
        """What is on, and what has ended, as JSON."""
        now = self._clock()
        on = [each.told(None if each.ends_at is None else max(0.0, each.ends_at - now)) for each in self.on()]
        return {"on": on, "ended": [each.told(0.0) for each in reversed(self._ended)]}


def _is_over(raging: Raging, now: float) -> bool:
    if raging.ends_at is not None and now >= raging.ends_at:
        return True
    fault = raging.fault
    return isinstance(fault, Striking) and fault.strikes is not None and raging.struck >= fault.strikes
