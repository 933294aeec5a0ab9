"""Lists as Postgres arrays, in one go: every bulk statement takes its rows as one list for each column.

psycopg writes an array element by element, with a search for special characters in each. Nearly all of ours are lists
of plain integers, texts, bytes, moments or truth values, which are written here as a whole, six times as fast and
more; all others are left to psycopg.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import NoneType
from typing import Any

from psycopg import DataError
from psycopg.abc import Buffer
from psycopg.adapt import PyFormat
from psycopg.types.array import ListDumper


def _quoted(text: str) -> str:
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _hexadecimal(data: bytes) -> str:
    return f'"\\\\x{data.hex()}"'


def _moment(moment: datetime) -> str:
    return f'"{moment.isoformat()}"'


_WRITERS: Mapping[type, Callable[[Any], str]] = {
    int: str,
    str: _quoted,
    bytes: _hexadecimal,
    datetime: _moment,
    bool: str,
}
"""How an element of each plain type is written within an array."""

_PLAIN = {frozenset(kinds): kinds[0] for kind in _WRITERS for kinds in ((kind,), (kind, NoneType))}


class PlainListDumper(ListDumper):
    """Dumps a list of one plain type, Nones among them. The server gets its type from the statement's cast."""

    def __init__(self, cls: type, context: Any = None) -> None:
        super().__init__(cls, context)
        self._kind: type | None = None

    def get_key(self, obj: list[Any], format: PyFormat) -> Any:
        """One dumper for each plain type, and psycopg's for each other element type."""
        kind = _kind(obj)
        return super().get_key(obj, format) if kind is None else (PlainListDumper, kind)

    def upgrade(self, obj: list[Any], format: PyFormat) -> Any:
        """The dumper for this list and those like it."""
        kind = _kind(obj)
        if kind is None:
            return super().upgrade(obj, format)
        dumper = PlainListDumper(self.cls)
        dumper._kind = kind
        return dumper

    def dump(self, obj: list[Any]) -> Buffer | None:
        """The array as text."""
        if self._kind is None:
            return super().dump(obj)
        write = _WRITERS[self._kind]
        text = ",".join(["NULL" if element is None else write(element) for element in obj])
        if self._kind is str and "\0" in text:
            raise DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
        return f"{{{text}}}".encode()


def _kind(obj: list[Any]) -> type | None:
    return _PLAIN.get(frozenset(map(type, obj)))
