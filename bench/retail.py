"""The real order lines of a merchant of giftware: where the file lies, and what it says, line by line.

The file stands beside the project, not in it; its README.md says where it comes from. Nothing is left out and
nothing is made good here: who reads decides what to do with negative pieces and odd codes.
"""

import csv
import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.figures import BenchFailed

PATH = Path(__file__).parent.parent.parent / "shared" / "data" / "online_retail.csv.gz"


@dataclass(frozen=True, slots=True)
class RetailLine:
    """One line of an invoice; `pieces` is negative where something went back, or was written off."""

    code: str
    pieces: int


Invoices = Mapping[str, list[RetailLine]]
"""Lines by invoice number, as they stand in the file; an invoice stands where its first line does."""


def read_invoices(share: float = 1.0, path: Path = PATH) -> Invoices:
    """The first share of all invoices. Raises BenchFailed where the file is not there or is another."""
    if not path.is_file():
        raise BenchFailed(f"the order stream {path.name} is not in ../shared/data beside the project")
    invoices: dict[str, list[RetailLine]] = {}
    for invoice, line in _lines(path):
        invoices.setdefault(invoice, []).append(line)
    wanted = max(1, min(len(invoices), round(len(invoices) * share)))
    return {number: invoices[number] for number in list(invoices)[:wanted]}


def _lines(path: Path) -> Iterator[tuple[str, RetailLine]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            pieces = float(row["Quantity"])
            if pieces != int(pieces):
                raise BenchFailed(f"invoice {row['InvoiceNo']} has {pieces} pieces of {row['StockCode']}")
            yield row["InvoiceNo"], RetailLine(row["StockCode"], int(pieces))
