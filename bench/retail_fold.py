"""What the file of order lines comes to, SKU by SKU: worked out from the file, without anything of Onhand.

Written apart from what is measured, and the other way round: not invoice by invoice but code by code, from what is left
of each line in the end. Shares the wording of the rules with retail_plan.py and none of its code.
"""

import csv
import gzip
import zlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Balance:
    """Of one SKU, in units: to be sold, promised, gone to buyers."""

    available: int
    committed: int
    customer: int


def fold(path: Path, invoices: int, opening: int, ship_after: int) -> dict[str, Balance]:
    """Balances by code after the first so many invoices, where `opening` units of each were there at first.

    The invoice at turn t is shipped at turn t + `ship_after`, if it is one of those that are, and the file goes so far.
    """
    turns: dict[str, int] = {}
    moves: dict[str, list[tuple[int, str, int]]] = defaultdict(list)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
        for number, code, _, quantity, *_ in list(csv.reader(text))[1:]:
            turn = turns.setdefault(number, len(turns))
            if turn < invoices:
                moves[code].append((turn, number, int(float(quantity))))
    return {code: _balance(rows, invoices, opening, ship_after) for code, rows in moves.items()}


def _balance(rows: Iterable[tuple[int, str, int]], invoices: int, opening: int, ship_after: int) -> Balance:
    """The rows of one code: what was bought, less what was cancelled."""
    kept: list[list[int]] = []  # turn of the shipment (or one never reached), pieces
    for turn, number, quantity in sorted(rows, key=lambda row: row[0]):
        if quantity > 0 and number[0] != "C":
            odd = (zlib.crc32(number.encode()) // 3) & 1
            kept.append([invoices if odd else turn + ship_after, quantity])
        elif quantity < 0 and number[0] == "C":
            for line in kept[::-1]:
                if line[1] + quantity >= 0:
                    line[1] += quantity
                    break
    gone = sum(pieces for shipped_at, pieces in kept if shipped_at < invoices)
    left = sum(pieces for shipped_at, pieces in kept if shipped_at >= invoices)
    return Balance(opening - gone - left, left, gone)
