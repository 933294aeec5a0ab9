"""Make the demo's catalogue and stock from a year of a real shop's order lines.

    python demo/make_sample.py ../shared/data/online_retail.csv.gz

The same input always gives the same files. See README.md here for the source and its licence.
"""

import argparse
import csv
import gzip
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

SKUS = 300
DAYS_OF_DEMAND = 28
LEEDS_PERCENT = 60
NEGATIVE_POSITION = 40
UNREADABLE_POSITION = 60
NOT_A_PRODUCT = "POST"

# Products are five digits, perhaps with letters for a colour; POST, DOT, M, BANK CHARGES and their like are not.
PRODUCT = re.compile(r"[0-9]{5}[A-Za-z]{0,2}")
# The shop's own notes stand in the same column, but in lower case: "damages", "wrongly marked", "?".
DESCRIPTION = re.compile(r"[A-Z0-9][^a-z?]{4,}")
TAG = re.compile(
    r"\b(BAG|BOX|BUNTING|CAKE|CANDLE|CARD|CHRISTMAS|CLOCK|GARDEN|GLASS|HEART|KITCHEN|LIGHT|METAL|MUG|PAPER|PINK"
    r"|RETROSPOT|SIGN|TIN|VINTAGE|WOODEN)S?\b"
)


@dataclass(slots=True)
class Sales:
    """What a year of order lines says of one stock code; `units` are those sold, cancellations left out."""

    units: int = 0
    descriptions: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Product:
    """One SKU of the sample; `demand` is the average of DAYS_OF_DEMAND days in units."""

    sku: str
    name: str
    demand: int


def read_sales(path: Path) -> tuple[dict[str, Sales], int]:
    """Sales by stock code, and the days they span."""
    sales: dict[str, Sales] = defaultdict(Sales)
    days: set[str] = set()
    with gzip.open(path, "rt", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            days.add(row["InvoiceDate"][:10])
            of_code = sales[row["StockCode"]]
            of_code.descriptions[row["Description"].strip()] += 1
            if not row["InvoiceNo"].startswith("C"):
                of_code.units += max(0, int(float(row["Quantity"])))
    span = datetime.fromisoformat(max(days)) - datetime.fromisoformat(min(days))
    return dict(sales), span.days + 1


def choose(sales: dict[str, Sales], days: int) -> list[Product]:
    """SKUS products spread evenly from the best to the least sold, in the order of their codes."""
    spellings = Counter(code.casefold() for code in sales)
    products = []
    for code, of_code in sales.items():
        name = _name(of_code)
        # Codes that also occur in another case would be refused as conflicts, as they should be.
        if PRODUCT.fullmatch(code) and spellings[code.casefold()] == 1 and name and of_code.units:
            products.append(Product(code, name, of_code.units * DAYS_OF_DEMAND // days))
    products.sort(key=lambda product: (-product.demand, product.sku))
    spread = [products[index * len(products) // SKUS] for index in range(SKUS)]
    return sorted(spread, key=lambda product: product.sku)


def catalogue_rows(products: Iterable[Product]) -> Iterator[list[str]]:
    """Header and rows of catalogue.csv."""
    yield ["sku", "name", "barcode", "tags"]
    for number, product in enumerate(products, start=1):
        tags = sorted({tag.lower() for tag in TAG.findall(product.name)})
        yield [product.sku, product.name, _barcode(number), ";".join(tags)]


def stock_rows(products: Iterable[Product], location: str) -> Iterator[list[str]]:
    """Header and rows of a location's file, with the three rows that show an operator a verdict."""
    yield ["sku", "location", "quantity"]
    for position, product in enumerate(products):
        leeds = product.demand * LEEDS_PERCENT // 100
        quantity = str(leeds if location == "leeds" else product.demand - leeds)
        if location == "london" and position == NEGATIVE_POSITION:
            quantity = "-3"
        if location == "leeds" and position == UNREADABLE_POSITION:
            quantity = "#N/A"
        yield [product.sku, location, quantity]
    if location == "london":
        yield [NOT_A_PRODUCT, location, "1"]


def make(source: Path, folder: Path) -> None:
    """Write catalogue.csv, stock/leeds.csv and stock/london.csv into the folder."""
    products = choose(*read_sales(source))
    _write(folder / "catalogue.csv", catalogue_rows(products))
    for location in ("leeds", "london"):
        _write(folder / "stock" / f"{location}.csv", stock_rows(products, location))


def main() -> None:
    """Read the arguments and make the sample."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("source", type=Path, help="online_retail.csv.gz")
    parser.add_argument("--into", type=Path, default=Path(__file__).parent, help="folder to write to")
    arguments = parser.parse_args()
    make(arguments.source, arguments.into)


def _name(of_code: Sales) -> str:
    names = [(-count, name) for name, count in of_code.descriptions.items() if DESCRIPTION.fullmatch(name)]
    return min(names)[1] if names else ""


def _barcode(number: int) -> str:
    """An EAN-13 from the range that GS1 leaves to each shop's own use (20 to 29)."""
    digits = f"200{number:09d}"
    total = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(digits))
    return f"{digits}{-total % 10}"


def _write(path: Path, rows: Iterable[list[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    main()
