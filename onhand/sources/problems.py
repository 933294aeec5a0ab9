"""What can be wrong with a row, each with its own code, and how a given value is shown to a person."""

from dataclasses import dataclass
from enum import StrEnum

RAW_LENGTH_MAX = 500
"""Characters of a refused row that are kept, enough to find it again in the file."""
SHOWN_LENGTH_MAX = 60
"""Characters of a single cell that are repeated in a message."""


class Problem(StrEnum):
    """Why a row was refused, or (NEGATIVE, SUPERSEDED) what an operator should know of a row that was not."""

    UNKNOWN_SKU = "unknown_sku"
    DISCONTINUED_SKU = "discontinued_sku"
    BLANK_SKU = "blank_sku"
    MANGLED_SKU = "mangled_sku"
    UNREADABLE_SKU = "unreadable_sku"
    SKU_CONFLICT = "sku_conflict"
    DUPLICATE = "duplicate"
    UNKNOWN_LOCATION = "unknown_location"
    BLANK_QUANTITY = "blank_quantity"
    NOT_FINITE = "not_finite"
    EXPONENT = "exponent"
    DATE = "date"
    MARKS = "marks"
    PARENTHESES = "parentheses"
    NOT_A_NUMBER = "not_a_number"
    FRACTION = "fraction"
    TOO_LARGE = "too_large"
    BAD_TIME = "bad_time"
    RAGGED_ROW = "ragged_row"
    LONE_QUOTE = "lone_quote"
    BAD_VALUE = "bad_value"
    NEGATIVE = "negative"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a value or a row is not taken: what was given and what is accepted, in whole sentences.

    `field` names what is wrong (`sku`, `quantity`, ...), empty where it is the row as a whole; the
    reader of the row adds file, line and column.
    """

    problem: Problem
    why: str
    field: str = ""


def shown(text: str) -> str:
    """A given text in quotes, on one line and cut, so that it can stand in a message."""
    cut = text if len(text) <= SHOWN_LENGTH_MAX else text[: SHOWN_LENGTH_MAX - 3] + "..."
    return '"' + "".join(mark if mark.isprintable() else ascii(mark)[1:-1] for mark in cut) + '"'


def message(origin: str, label: str, refusal: Refusal, outcome: str = "The row was not taken.") -> str:
    """The sentence an operator reads: where, what was given, what is accepted, what became of the row."""
    place = f"{origin}, {label}" if label else origin
    return f"{place}: {refusal.why} {outcome}"
