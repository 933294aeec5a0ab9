"""Files of histories and of known totals: CSV with a header, or JSON lines (*.jsonl), either of them gzipped (*.gz)."""

import csv
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from onhand.domain.events import EventKind
from onhand.domain.states import State
from onhand.validation.lines import Fact, HistoryLine, LineRefusedError, read_fields, read_json, stated_of

ON_HAND = "on_hand"
"""Not a state of the ledger: the sum of those that stand on the shelf."""
KEY = ("kind", "source", "id", "at", "version", "placed_at", "reason")
"""Columns that rows of one order share; the others are of its lines."""


class FileUnfitError(Exception):
    """A file cannot be read at all; the message says which, where and why."""


@dataclass(frozen=True, slots=True)
class Read:
    """A line of a file with the number of its (first) row, counted from 1; `refused` says why it stands for nothing."""

    row: int
    stated: Fact | None = None
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Total:
    """What is known: so many units of a SKU in a state (or on_hand), at a location, or at all together (empty)."""

    sku: str
    location: str
    state: str
    quantity: int


def read_history(path: Path) -> Iterator[Read]:
    """Every event of a file, in its order. Raises FileUnfitError."""
    for row, parsed in _lines(path):
        try:
            line = parsed if isinstance(parsed, HistoryLine) else read_fields(parsed)
            yield Read(row, stated_of(line))
        except LineRefusedError as error:
            yield Read(row, refused=str(error))


def read_totals(path: Path) -> list[Total]:
    """The known totals; `state` is available unless it is said, and each may be named once. Raises FileUnfitError."""
    totals: dict[tuple[str, str, str], Total] = {}
    for row, fields in _rows(path):
        total = _total(path, row, fields)
        if totals.setdefault((total.sku, total.location, total.state), total) is not total:
            raise FileUnfitError(f"{path.name}:{row}: {total.sku} is named twice for {total.state}")
    if not totals:
        raise FileUnfitError(f"{path.name} names no total")
    return list(totals.values())


def _total(path: Path, row: int, fields: dict[str, Any]) -> Total:
    known = {*State, ON_HAND}
    state = fields.get("state", State.AVAILABLE.value)
    if unknown := fields.keys() - {"sku", "location", "state", "quantity"}:
        raise FileUnfitError(
            f"{path.name}:{row}: there is no column {sorted(unknown)[0]!r}; accepted: sku, location, state, quantity"
        )
    if state not in known:
        raise FileUnfitError(
            f"{path.name}:{row}: given the state {state!r}; accepted: {', '.join(sorted(known))}"
        )
    try:
        return Total(str(fields["sku"]), str(fields.get("location", "")), state, int(fields["quantity"]))
    except (KeyError, ValueError) as error:
        raise FileUnfitError(f"{path.name}:{row}: sku and a whole number as quantity are needed") from error


def _lines(path: Path) -> Iterator[tuple[int, HistoryLine | dict[str, Any]]]:
    if _is_json(path):
        with _opened(path) as text:
            for row, line in enumerate(text, 1):
                if line.strip():
                    try:
                        yield row, read_json(line)
                    except LineRefusedError:
                        yield row, _fields_of(line)
        return
    yield from _with_orders(_rows(path))


def _fields_of(line: str) -> dict[str, Any]:
    """A line that was refused, to be refused once more where the others are."""
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"line": line[:50]}


def _with_orders(rows: Iterator[tuple[int, dict[str, Any]]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows of a table, where those of one order that follow each other are one."""
    order: dict[str, Any] | None = None
    first = 0
    for row, fields in rows:
        is_order = fields.get("kind") == EventKind.ORDER
        head = {key: fields[key] for key in KEY if key in fields}
        if order is not None and (not is_order or head != {k: v for k, v in order.items() if k != "lines"}):
            yield first, order
            order = None
        if not is_order:
            yield row, fields
            continue
        if order is None:
            order, first = head | {"lines": []}, row
        line = {key: value for key, value in fields.items() if key not in KEY}
        order["lines"].append({"id": line.pop("line", str(len(order["lines"]) + 1)), **line})
    if order is not None:
        yield first, order


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The cells of each row by heading, without the empty ones; of JSON lines the fields."""
    with _opened(path) as text:
        if _is_json(path):
            for row, line in enumerate(text, 1):
                if line.strip():
                    yield row, _fields_of(line)
            return
        reader = csv.DictReader(text, strict=True)
        try:
            for fields in reader:
                if None in fields or None in fields.values():
                    raise FileUnfitError(
                        f"{path.name}:{reader.line_num}: it has not as many cells as the header"
                    )
                yield reader.line_num, {key: cell for key, cell in fields.items() if cell != ""}
        except (csv.Error, UnicodeDecodeError) as error:
            raise FileUnfitError(f"{path.name}:{reader.line_num}: {error}") from error


def _is_json(path: Path) -> bool:
    return path.name.removesuffix(".gz").endswith((".jsonl", ".ndjson"))


def _opened(path: Path) -> TextIO:
    try:
        if path.suffix == ".gz":
            return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
        return path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise FileUnfitError(f"{path} cannot be read: {error.strerror}") from error
