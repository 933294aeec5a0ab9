"""What a table must be like to be read as stock: one row for each SKU and location, under a real key."""

from collections.abc import Mapping, Sequence
from typing import Any

from onhand.sources.base import SourceUnfit
from onhand.sources.codes import clean, fold
from onhand.sources.postgres_queries import TWINS_MAX
from onhand.sources.problems import Problem, Refusal, shown

Twins = Mapping[tuple[str, str], Refusal]
"""Why the rows of a (folded SKU, location) are refused, all of them."""


def twins_of(found: Sequence[tuple[Any, ...]], relation: str) -> Twins:
    """Refusals for the rows of the `twins` statement. Raises SourceUnfit when they are too many."""
    if len(found) > TWINS_MAX:
        raise SourceUnfit(
            f"{relation} has more than {TWINS_MAX:,} SKUs in several rows of one location.",
            _one_row_each(relation),
        )
    return {
        (fold(first), clean(place or "")): _twin(first, last, count, relation)
        for first, last, place, count in found
        if first is not None
    }


def repeated_key(relation: str, columns: Sequence[str], repeated: Sequence[object]) -> SourceUnfit:
    """The error for a key that stands in several rows: a page may end between them and lose the rest."""
    values = ", ".join(str(value) for value in repeated)
    return SourceUnfit(
        f"{relation} has several rows with the key ({', '.join(columns)}) = ({values}), so rows could be lost.",
        "Name columns in key_columns that together identify a row, for example the SKU and the location.",
    )


def _twin(first: str, last: str, count: int, relation: str) -> Refusal:
    if clean(first) != clean(last):
        names = f"{shown(first)} and {shown(last)}"
        why = f"{names} differ only in case or spaces; which number is meant cannot be known."
        return Refusal(Problem.SKU_CONFLICT, why, "sku")
    why = f"{shown(clean(first))} stands in {count} rows of one location. {_one_row_each(relation)}"
    return Refusal(Problem.DUPLICATE, why, "sku")


def _one_row_each(relation: str) -> str:
    return (
        f"Let Onhand read a view of {relation} with one row for each SKU and location: their sum(quantity), "
        "and the max(updated_at)."
    )
