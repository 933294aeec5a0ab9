"""One round of reading a table: its bounds, how far it has come, and how that is written down."""

import json
from dataclasses import dataclass, replace
from typing import Self

from onhand.sources.base import Watermark


@dataclass(frozen=True, slots=True)
class Round:
    """`lower` "" reads everything, else what changed from there up to `last`.

    `upper` is where the next round begins; it is never beyond the start of a transaction that was
    open when this round began. `position` is that of the last row handed out, () before the first.
    """

    table: str
    lower: str
    last: str
    upper: str
    position: tuple[str, ...] = ()

    @property
    def changes_only(self) -> bool:
        """Whether this round reads only what changed."""
        return self.lower != ""

    def parameters(self) -> list[str]:
        """What the page statement wants, in its order."""
        bounds = [self.lower, self.last] if self.changes_only else []
        return [*bounds, *self.position]

    def at(self, position: tuple[str, ...]) -> Self:
        """The same round, further on."""
        return replace(self, position=position)

    def watermark(self, finished: bool) -> Watermark:
        """Where to go on: with the next round once this one is finished, else in the middle of it."""
        if finished:
            return {"table": self.table, "upper": self.upper}
        return {
            "table": self.table,
            "upper": self.upper,
            "lower": self.lower,
            "last": self.last,
            "position": json.dumps(self.position),
        }

    @classmethod
    def resumed(cls, since: Watermark, table: str) -> Self | None:
        """The unfinished round of a watermark, None where it holds none or one of another table."""
        if since.get("table") != table or "position" not in since:
            return None
        position = tuple(json.loads(since["position"]))
        return cls(table, since["lower"], since["last"], since["upper"], position)
