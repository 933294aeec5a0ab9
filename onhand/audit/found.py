"""What was found to be wrong: rows by invariant, as many as are told, and how many there are in all."""

from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]


@dataclass(slots=True)
class Found:
    """Collects rows that break invariants; of each invariant the first `limit` are kept."""

    limit: int
    rows: dict[str, list[Row]] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)

    def add(self, invariant: str, **row: Any) -> None:
        """One row that breaks an invariant."""
        kept = self.rows.setdefault(invariant, [])
        self.totals[invariant] = self.totals.get(invariant, 0) + 1
        if len(kept) < self.limit:
            kept.append(row)
