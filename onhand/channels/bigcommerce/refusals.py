"""Which entries a refused request means: the platform names them only in the text of its title.

Known text (OpenAPI example): "[Item with variant_id 106 is tracked by product, please update stock by
product id]". Others were seen to say "Items with identity: [sku …]". A field's name under `errors`
may tell an entry's index ("items.3.quantity").
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import httpx
import orjson

from onhand.channels.bigcommerce.sorting import errors_of, said_by

REFUSED = (400, 413, 422)
"""Answers to a write which mean that something in it is not accepted; nothing of it was applied."""

_IDS = r"[ _](?:with[ _])?ids?\b[\s:=\[\"']*(\d{1,15}(?:\s*,\s*\d{1,15})*)"
VARIANTS = re.compile(rf"\bvariants?{_IDS}", re.IGNORECASE)
PRODUCTS = re.compile(rf"\bproducts?{_IDS}", re.IGNORECASE)
LOCATIONS = re.compile(rf"\blocations?{_IDS}", re.IGNORECASE)
SKUS = re.compile(r"\bskus?[\s:=\[\"']+([^\s,\]\"']+)", re.IGNORECASE)
INDEX = re.compile(r"^items?[.\[](\d{1,6})\b", re.IGNORECASE)


class Named(Protocol):
    """What of an entry a refusal may name."""

    @property
    def identity(self) -> str:
        """variant_id or product_id."""
        ...

    @property
    def number(self) -> int:
        """The id of that kind."""
        ...

    @property
    def location(self) -> int:
        """Where."""
        ...

    @property
    def sku(self) -> str:
        """Ours for it, which the store has, too."""
        ...


One = TypeVar("One", bound=Named)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused request: the platform's words, its status, and the names of the fields it objects to."""

    said: str
    status: int
    fields: tuple[str, ...] = ()


def refusal_in(response: httpx.Response) -> Refusal:
    """The refusal an answer holds; a body that is not JSON is quoted and names nothing."""
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        body = None
    return Refusal(said_by(response), response.status_code, tuple(errors_of(body)))


def named_in(refusal: Refusal, entries: Sequence[One]) -> list[One]:
    """The entries a refusal names, in their order; [] where it names none of them.

    A variant counts before a product ("variant_id 106 … update product_id 55" blames the variant), an
    item before a location; an item and a location together narrow each other where both are sent.
    """
    if indices := {int(found[1]) for field in refusal.fields if (found := INDEX.match(field))}:
        return [entry for index, entry in enumerate(entries) if index in indices]
    items = _items(refusal.said, entries)
    if not items and (VARIANTS.search(refusal.said) or PRODUCTS.search(refusal.said)):
        return []  # it blames an item that is not here: a location it also names says nothing of ours
    locations = _numbers(LOCATIONS, refusal.said)
    there = [entry for entry in items or entries if entry.location in locations]
    return there or items


def advice_for(refusal: Refusal) -> str:
    """What a person should do about a refused row."""
    text = refusal.said.lower()
    if "tracked by" in text or "tracking" in text:
        return (
            "The product's inventory tracking was changed: discover the channel again and map the SKU anew."
        )
    if LOCATIONS.search(refusal.said):
        return "Check that the location exists in the store and is one of the channel's places."
    return "Check that the item still exists in the store, discover the channel again and map the SKU anew."


def _items(said: str, entries: Sequence[One]) -> list[One]:
    for identity, pattern in (("variant_id", VARIANTS), ("product_id", PRODUCTS)):
        numbers = _numbers(pattern, said)
        if found := [each for each in entries if each.identity == identity and each.number in numbers]:
            return found
    skus = {found[1] for found in SKUS.finditer(said)}
    return [entry for entry in entries if entry.sku in skus]


def _numbers(pattern: re.Pattern[str], said: str) -> set[int]:
    return {int(number) for found in pattern.finditer(said) for number in found[1].split(",")}
