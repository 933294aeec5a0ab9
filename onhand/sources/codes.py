"""SKU and location codes as text: cleaned of what cannot be seen, never changed otherwise."""

import re

from onhand.sources.problems import Problem, Refusal, shown

SKU_LENGTH_MAX = 200
"""Characters of a SKU; the ledger's own limit."""

# Excel shows a long number typed as a SKU as 3.60E+10 and saves just that. Its form is always one
# digit, perhaps decimals, E, a sign and two digits; a SKU such as 12E5 is not that form and stays.
_MANGLED = re.compile(r"[0-9]([.,][0-9]+)?E[+-][0-9]{2,3}", re.IGNORECASE)
_SHEET_ERROR = re.compile(r"#(N/A|REF!|NAME\?|VALUE!|DIV/0!|NULL!|NUM!|NV|SPILL!|CALC!)", re.IGNORECASE)
_UNSEEN = "\ufeff\u200b\u2060"
_EDGES = re.compile(rf"^[\s{_UNSEEN}]+|[\s{_UNSEEN}]+$")
_ANYWHERE = re.compile(rf"[\s{_UNSEEN}]+")


def clean(text: str) -> str:
    """The text without white space, no-break spaces and byte order marks at its ends."""
    return text.strip() if text.isascii() else _EDGES.sub("", text)


def fold(code: str) -> str:
    """The code without case and white space: two codes that fold to the same are one typing error apart."""
    return _ANYWHERE.sub("", code).casefold()


def is_sheet_error(text: str) -> bool:
    """Whether a spreadsheet wrote an error value such as #N/A in place of the content."""
    return _SHEET_ERROR.fullmatch(text) is not None


def is_mangled(text: str) -> bool:
    """Whether a spreadsheet made 3.60E+10 of a long number, whose digits are lost with that."""
    return _MANGLED.fullmatch(text) is not None


def refuse_sku(sku: str) -> Refusal | None:
    """Why a cleaned SKU cannot be one; None where it can."""
    if not sku:
        return _refused(Problem.BLANK_SKU, "the SKU is blank; every row needs one.")
    if is_mangled(sku):
        return _refused(
            Problem.MANGLED_SKU,
            f"{shown(sku)} is what a spreadsheet makes of a long number; the SKU's digits are lost. "
            "Export again with the column formatted as text.",
        )
    if is_sheet_error(sku):
        return _refused(Problem.MANGLED_SKU, f"{shown(sku)} is a spreadsheet's error value, not a SKU.")
    if len(sku) > SKU_LENGTH_MAX:
        return _refused(
            Problem.UNREADABLE_SKU,
            f"{shown(sku)} has {len(sku):,} characters; a SKU has at most {SKU_LENGTH_MAX}.",
        )
    if not sku.isprintable():
        return _refused(
            Problem.UNREADABLE_SKU, f"{shown(sku)} holds a line break or another mark that cannot be printed."
        )
    return None


def _refused(problem: Problem, why: str) -> Refusal:
    return Refusal(problem, why, "sku")
