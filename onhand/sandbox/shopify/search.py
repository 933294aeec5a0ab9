"""The small part of the platform's search syntax that the sandbox understands: `field:>=value` terms joined by AND."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from onhand.sandbox.shopify.problems import Problem

TERM = re.compile(r"(\w+):(>=|<=|>|<)?('[^']*'|\S+)")


@dataclass(slots=True)
class Bounds:
    """What a search admits: numbers and times from lowest to highest, both included; None leaves an end open."""

    lowest: int | None = None
    highest: int | None = None
    updated_from: float | None = None

    def number(self, operator: str, value: int) -> None:
        """Narrow the numbers by one term."""
        if operator in ("", ">", ">="):
            bottom = value + 1 if operator == ">" else value
            self.lowest = bottom if self.lowest is None else max(self.lowest, bottom)
        if operator in ("", "<", "<="):
            top = value - 1 if operator == "<" else value
            self.highest = top if self.highest is None else min(self.highest, top)


def bounds(query: str | None, number_field: str) -> Bounds:
    """The bounds a query sets; raises Problem for anything this sandbox would otherwise silently ignore."""
    found = Bounds()
    rest = query or ""
    for term in TERM.finditer(rest):
        name, operator, value = term[1], term[2] or "", term[3].strip("'")
        if name == number_field and value.isdecimal():
            found.number(operator, int(value))
        elif name == "updated_at" and operator in (">", ">="):
            found.updated_from = _seconds(value)
        else:
            raise Problem(f"the sandbox does not understand the search term {term[0]!r}", "badRequest")
    left = TERM.sub("", rest).replace("AND", "").strip()
    if left:
        raise Problem(f"the sandbox does not understand {left!r} in a search", "badRequest")
    return found


def _seconds(value: str) -> float:
    try:
        at = datetime.fromisoformat(value)
    except ValueError as error:
        raise Problem(f"{value!r} is not a time", "badRequest") from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
