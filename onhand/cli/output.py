"""What commands print: JSON for scripts, tables for people, plain where nobody watches a terminal."""

import dataclasses
import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import IO, Any

from pydantic import BaseModel
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

PLAIN_WIDTH = 120
"""Columns of output that goes to a file or a pipe, unless COLUMNS says otherwise."""

STATUS_STYLES = {
    "success": "green",
    "clean": "green",
    "drift": "yellow",
    "held": "yellow",
    "accepted": "green",
    "partial": "yellow",
    "skipped": "yellow",
    "running": "cyan",
    "stale": "yellow",
    "unknown": "yellow",
    "failed": "bold red",
    "rejected": "red",
}


def out() -> Console:
    """Where answers go."""
    return _console(sys.stdout)


def err() -> Console:
    """Where errors, progress and remarks go, so that stdout stays an answer."""
    return _console(sys.stderr)


def _console(file: IO[str]) -> Console:
    # Made anew each time, as tests and pagers replace the streams. Rich itself honours NO_COLOR.
    width = None if file.isatty() else shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns
    if not file.isatty() and "COLUMNS" not in os.environ:
        width = PLAIN_WIDTH
    return Console(file=file, width=width, highlight=False, soft_wrap=False, emoji=False)


def print_json(document: object) -> None:
    """Print one JSON document to stdout. Records become objects, moments ISO 8601 in UTC."""
    json.dump(jsonable(document), sys.stdout, indent=2, ensure_ascii=False, allow_nan=False)
    sys.stdout.write("\n")


def jsonable(value: object) -> Any:
    """The same as plain JSON values."""
    match value:
        case Enum():
            return value.value
        case None | bool() | int() | float() | str():
            return value
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date() | Path() | Decimal():
            return str(value)
        case BaseModel():
            return value.model_dump(mode="json")
        case Mapping():
            return {str(jsonable(key)): jsonable(item) for key, item in value.items()}
        case AbstractSet():
            return sorted(jsonable(item) for item in value)
        case Iterable():
            return [jsonable(item) for item in value]
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {f.name: jsonable(getattr(value, f.name)) for f in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} has no place in a JSON answer")


def grid(*headings: str, right: Sequence[str] = ()) -> Table:
    """A table with a line under its headings and nothing else; columns named in `right` are numbers."""
    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold", collapse_padding=True
    )
    for heading in headings:
        if heading in right:
            table.add_column(heading, justify="right", no_wrap=True)
        else:
            table.add_column(heading, overflow="fold")
    return table


def status(word: str) -> Text:
    """The word of an outcome in its colour."""
    return Text(word, style=STATUS_STYLES.get(word, ""))


def mark(ok: bool) -> Text:
    """Whether a finding is well, readable without colours, too."""
    return Text("ok", style="green") if ok else Text("!!", style="bold red")
