"""Quantities as sources write them: read exactly by configured marks, or refused; never guessed.

A number is read as text into an exact Decimal. What a spreadsheet, a report or a person may have
put there instead (a date, `1E+09`, `#N/A`, `>100`, `(5)`) is told apart, so that the message names it.
"""

import math
import re
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from functools import lru_cache

from onhand.domain.events import QUANTITY_MAX
from onhand.sources.base import FractionRule
from onhand.sources.codes import clean, is_sheet_error
from onhand.sources.problems import Problem, Refusal, shown

NUMBER_LENGTH_MAX = 40
"""Characters of a number. Longer ones are not stock, and int() of a million digits takes minutes."""

_MONTH = "jan|feb|m[aä]r|apr|ma[yi]|jun|jul|aug|sep|o[ck]t|nov|de[cz]"
_DATE = re.compile(
    r"[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}([T ].*)?"
    r"|[0-9]{1,2}[-/.][0-9]{1,2}[-/.]([0-9]{2}|[0-9]{4})([T ].*)?"
    rf"|[0-9]{{1,4}}[-/. ]*({_MONTH})[a-zé]*\.?([-/. ]*[0-9]{{2,4}})?"
    rf"|({_MONTH})[a-zé]*\.?[-/. ]*[0-9]{{1,4}}"
    r"|[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?",
    re.IGNORECASE,
)
_EXPONENT = re.compile(r"[+-]?[0-9]+([.,][0-9]*)?e[+-]?[0-9]+", re.IGNORECASE)
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)|∞", re.IGNORECASE)
_BOUND = re.compile(r"[<>≤≥~=]+ *[0-9].*|[0-9]+ *\+")
_MARKED = re.compile(r"[+-]?[0-9][0-9., '\u2019\u00a0\u202f]*")
_SPACES = "[ \u00a0\u202f\u2009]"
_APOSTROPHES = "['\u2019]"


@dataclass(frozen=True, slots=True)
class Marks:
    """How a source writes numbers: `decimal` is "." or ","; `thousands` "" (none), ",", ".", " " or "'".

    A space stands for the no-break spaces too that spreadsheets put there, an apostrophe for the curly one.
    """

    decimal: str = "."
    thousands: str = ""

    def __post_init__(self) -> None:
        if self.decimal not in (".", ","):
            raise ValueError(f'the decimal mark is "." or ",", not {shown(self.decimal)}')
        if self.thousands not in ("", ",", ".", " ", "'"):
            raise ValueError(
                f'the thousands mark is none, ",", ".", a space or an apostrophe, not {shown(self.thousands)}'
            )
        if self.decimal == self.thousands:
            raise ValueError(f"the decimal and the thousands mark are both {shown(self.decimal)}")

    def __str__(self) -> str:
        if not self.thousands:
            return f'decimal mark "{self.decimal}", no thousands mark'
        return f'decimal mark "{self.decimal}", thousands mark "{self.thousands}" before each third digit'


PLAIN_MARKS = Marks()
"""A point for decimals and nothing between thousands."""


def read_number(given: object, marks: Marks) -> Decimal | Refusal:
    """The number a cell (text) or a database column (any type) holds, exactly, or why it is none."""
    if given is None:
        return _blank()
    if isinstance(given, str):
        return _read_text(clean(given), marks)
    if isinstance(given, (date, time)):
        return _refused(Problem.DATE, f"{given.isoformat()} is a date or a time, not a number.")
    if isinstance(given, bool) or not isinstance(given, (int, float, Decimal)):
        return _not_a_number(str(given))
    # repr of a float is the shortest text that means it: 0.1 is read as 0.1, not as its binary neighbour.
    number = Decimal(repr(given) if isinstance(given, float) else given)
    return number if number.is_finite() else _not_finite(str(given))


def whole_units(number: Decimal, fraction: FractionRule) -> int | Refusal:
    """The number as units that can be sold.

    With `round_down` part of a unit is dropped toward minus infinity: 2.5 rolls on the shelf are 2
    that can be sold, and 2.5 missing (-2.5) take 3 to be whole again. Either way nothing is
    promised that is not there.
    """
    if abs(number) > QUANTITY_MAX:
        return _refused(
            Problem.TOO_LARGE, f"{number:f} is beyond {QUANTITY_MAX:,} units, the most that is accepted."
        )
    units = math.floor(number)
    if units != number and fraction == "refuse":
        return _refused(
            Problem.FRACTION,
            f"{number:f} is not a whole number of units; this SKU is sold in whole units only "
            '(its catalogue row may say fraction "round_down").',
        )
    return units


@lru_cache(maxsize=16)
def _pattern(marks: Marks) -> re.Pattern[str]:
    group = {"": "", " ": _SPACES, "'": _APOSTROPHES}.get(marks.thousands, re.escape(marks.thousands))
    whole = f"[0-9]{{1,3}}(?:{group}[0-9]{{3}})+|[0-9]+" if group else "[0-9]+"
    return re.compile(rf"([+-]?)({whole})(?:{re.escape(marks.decimal)}([0-9]+))?")


def _read_text(text: str, marks: Marks) -> Decimal | Refusal:
    if not text:
        return _blank()
    if len(text) > NUMBER_LENGTH_MAX:
        return _not_a_number(text)
    match = _pattern(marks).fullmatch(text)
    if match is None:
        return _explain(text, marks)
    sign, whole, decimals = match.groups()
    digits = "".join(mark for mark in whole if mark.isdigit())
    return Decimal(f"{sign}{digits}.{decimals}" if decimals else f"{sign}{digits}")


def _explain(text: str, marks: Marks) -> Refusal:
    if _NOT_FINITE.fullmatch(text):
        return _not_finite(text)
    if _EXPONENT.fullmatch(text):
        return _refused(
            Problem.EXPONENT,
            f"{shown(text)} is in exponent notation, which may have lost digits; write them all.",
        )
    if _DATE.fullmatch(text):
        return _refused(Problem.DATE, f"{shown(text)} is a date or a time, not a number.")
    if text.startswith("(") and text.endswith(")"):
        return _refused(
            Problem.PARENTHESES, f"{shown(text)} is in parentheses; write a negative number with a minus."
        )
    if _MARKED.fullmatch(text):
        return _refused(Problem.MARKS, f"{shown(text)} does not follow the configured marks ({marks}).")
    return _not_a_number(text)


def _not_a_number(text: str) -> Refusal:
    if is_sheet_error(text):
        return _refused(Problem.NOT_A_NUMBER, f"{shown(text)} is a spreadsheet's error value, not a number.")
    if _BOUND.fullmatch(text):
        return _refused(Problem.NOT_A_NUMBER, f"{shown(text)} is a bound; the exact number is needed.")
    return _refused(
        Problem.NOT_A_NUMBER,
        f"{shown(text)} is not a number; digits are accepted, with a minus in front if negative.",
    )


def _blank() -> Refusal:
    return _refused(Problem.BLANK_QUANTITY, "the quantity is blank; write 0 where there is no stock.")


def _not_finite(text: str) -> Refusal:
    return _refused(Problem.NOT_FINITE, f"{shown(text)} is not a finite number.")


def _refused(problem: Problem, why: str) -> Refusal:
    return Refusal(problem, why, "quantity")
