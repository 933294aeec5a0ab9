"""One catalogue for all sandbox shops: the same SKUs everywhere, under ids that each platform would give them.

Ids follow from a row's place in the catalogue alone, so that two runs agree.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onhand.sandbox.shop import Item, Shop

SHOPIFY_ITEMS_FROM = 5_000_000_000
SHOPIFY_VARIANTS_FROM = 4_000_000_000
SHOPIFY_PRODUCTS_FROM = 3_000_000_000
WOO_ITEMS_FROM = 100_000
WOO_PARENTS_FROM = 50_000_000
BIGCOMMERCE_PRODUCTS_FROM = 100_000
BIGCOMMERCE_VARIANTS_FROM = 50_000_000

ROWS_MAX = 2_000_000
VARIABLE_EVERY = 10
VARIATIONS = ("Small", "Medium", "Large")

COLOURS = ("Oak", "Slate", "Amber", "Moss", "Linen", "Copper", "Indigo", "Sand", "Cherry", "Chalk", "Fern")
THINGS = ("Lamp", "Mug", "Shelf", "Blanket", "Clock", "Chair", "Vase", "Basket", "Notebook", "Teapot")


@dataclass(frozen=True, slots=True)
class Row:
    """One SKU. Rows of one `product` number are its variations; `variation` is empty for a simple product."""

    sku: str
    title: str
    barcode: str
    product: int
    variation: str = ""
    level: int = 0


def generated(count: int, *, variations: bool = True, level: int = 0) -> Iterator[Row]:
    """`count` SKUs with plausible names; every tenth product has three variations unless they are not wanted."""
    at = product = 0
    while at < count:
        title = f"{COLOURS[product % len(COLOURS)]} {THINGS[product % len(THINGS)]} {product + 1}"
        variable = variations and product % VARIABLE_EVERY == VARIABLE_EVERY - 1
        for variation in VARIATIONS if variable else ("",):
            if at < count:
                yield Row(f"SKU-{at + 1:06}", title, barcode(at + 1), product, variation, level)
                at += 1
        product += 1


def barcode(number: int) -> str:
    """An EAN-13 of the range for use within a company, with its check digit."""
    digits = f"20{number:010}"
    weighted = sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(digits))
    return f"{digits}{-weighted % 10}"


def given(entries: Sequence[dict[str, Any]]) -> list[Row]:
    """Rows from JSON: `sku`, and if wanted `title`, `barcode`, `level`, and `product` and `variation` names."""
    products: dict[str, int] = {}
    rows = []
    for at, entry in enumerate(entries):
        sku = str(entry["sku"])
        product = products.setdefault(str(entry.get("product") or f"row {at}"), len(products))
        variation = str(entry.get("variation") or sku) if entry.get("product") else ""
        title = str(entry.get("title") or sku)
        rows.append(
            Row(sku, title, str(entry.get("barcode") or ""), product, variation, int(entry.get("level") or 0))
        )
    return rows


def from_csv(path: Path) -> list[Row]:
    """Rows from a CSV file with the columns sku, name and barcode."""
    with path.open(newline="", encoding="utf-8-sig") as lines:
        entries = [
            {"sku": line["sku"], "title": line.get("name"), "barcode": line.get("barcode")}
            for line in csv.DictReader(lines)
        ]
    return given(entries)


def fill(shops: dict[str, Shop], rows: Iterable[Row]) -> int:
    """Put the rows in place of whatever the shops hold; answers how many there are."""
    makers = {"shopify": _shopify_item, "woocommerce": _woo_item, "bigcommerce": _bigcommerce_item}
    for shop in shops.values():
        shop.clear()
    count = 0
    for at, row in enumerate(rows):
        count += 1
        _add_woo_parent(shops["woocommerce"], row)
        for name, shop in shops.items():
            shop.add(makers[name](at, row, list(shop.places)))
    return count


def _add_woo_parent(shop: Shop, row: Row) -> None:
    """WooCommerce lists a variable product beside its variations; it is not sold itself and has no stock."""
    number = str(WOO_PARENTS_FROM + row.product)
    if row.variation and number not in shop.items:
        shop.add(Item(number, "", row.title, kind="variable", tracked=False))


def _shopify_item(at: int, row: Row, places: list[str]) -> Item:
    values = {"variant_id": str(SHOPIFY_VARIANTS_FROM + at)}
    if row.variation:
        values["variant_title"] = row.variation
    return Item(
        str(SHOPIFY_ITEMS_FROM + at),
        row.sku,
        row.title,
        row.barcode,
        parent_id=str(SHOPIFY_PRODUCTS_FROM + row.product),
        levels=dict.fromkeys(places, row.level),
        values=values,
    )


def _woo_item(at: int, row: Row, places: list[str]) -> Item:
    return Item(
        str(WOO_ITEMS_FROM + at),
        row.sku,
        f"{row.title} - {row.variation}" if row.variation else row.title,
        row.barcode,
        parent_id=str(WOO_PARENTS_FROM + row.product) if row.variation else "",
        kind="variation" if row.variation else "simple",
        levels=dict.fromkeys(places, row.level),
    )


def _bigcommerce_item(at: int, row: Row, places: list[str]) -> Item:
    product = BIGCOMMERCE_PRODUCTS_FROM + row.product
    return Item(
        str(BIGCOMMERCE_VARIANTS_FROM + at) if row.variation else str(product),
        row.sku,
        row.title,
        row.barcode,
        parent_id=str(product) if row.variation else "",
        kind="variation" if row.variation else "simple",
        tracking="variant" if row.variation else "product",
        levels=dict.fromkeys(places, row.level),
    )
