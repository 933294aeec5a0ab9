"""What goes wrong between a platform and its subscribers: duplicates, disorder, delays, losses, at given rates.

Every decision follows from the seed and the delivery's number alone, so that a run can be repeated.
"""

from dataclasses import dataclass
from typing import Any

from onhand.sandbox.draws import drawn

BEHIND_MAX = 8
"""How many later deliveries may overtake one that is shuffled."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one delivery: `delays` has the seconds each of its copies waits, none where it is lost;
    `behind` is the number of later deliveries that go first."""

    delays: tuple[float, ...] = (0.0,)
    behind: int = 0


UNHARMED = Fate()


@dataclass(frozen=True, slots=True)
class Mishaps:
    """Rates are shares from 0 to 1; every copy waits somewhere within `delay_seconds`."""

    duplicate: float = 0.0
    shuffle: float = 0.0
    lose: float = 0.0
    delay_seconds: tuple[float, float] = (0.0, 0.0)
    seed: int = 0

    def fate(self, number: int) -> Fate:
        """What becomes of the delivery with this number."""
        if not (self.duplicate or self.shuffle or self.lose or self.delay_seconds[1]):
            return UNHARMED
        if self._drawn("lose", number) < self.lose:
            return Fate(())
        copies = 2 if self._drawn("duplicate", number) < self.duplicate else 1
        shuffled = self._drawn("shuffle", number) < self.shuffle
        behind = 1 + int(self._drawn("behind", number) * BEHIND_MAX) if shuffled else 0
        return Fate(tuple(self._delay(number, copy) for copy in range(copies)), behind)

    def _delay(self, number: int, copy: int) -> float:
        least, most = self.delay_seconds
        return least + (most - least) * self._drawn(f"delay {copy}", number) if most else 0.0

    def _drawn(self, what: str, number: int) -> float:
        return drawn(self.seed, what, number)


def mishaps_of(body: dict[str, Any]) -> Mishaps:
    """From JSON; what is not given is as if nothing went wrong. Raises ValueError."""
    least, most = (float(seconds) for seconds in body.get("delay_seconds", (0, 0)))
    rates = {name: float(body.get(name, 0)) for name in ("duplicate", "shuffle", "lose")}
    if not all(0 <= rate <= 1 for rate in rates.values()):
        raise ValueError(f"rates are shares from 0 to 1: {rates}")
    if not 0 <= least <= most:
        raise ValueError(f"delay_seconds is [least, most]: {[least, most]}")
    return Mishaps(**rates, delay_seconds=(least, most), seed=int(body.get("seed", 0)))
