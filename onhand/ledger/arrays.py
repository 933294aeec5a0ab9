"""Lists as Postgres arrays, in one go: every bulk statement takes its rows as one list for each column.

psycopg writes an array element by element, with a search for special characters in each. Nearly all of ours are lists
of plain integers or of texts, which are written here as a whole, six times as fast; all others are left to psycopg.
"""

from types import NoneType
from typing import Any

from psycopg import DataError
from psycopg.abc import Buffer
from psycopg.adapt import PyFormat
from psycopg.types.array import ListDumper

_PLAIN = {frozenset(kinds): kinds[0] for kinds in ((int,), (int, NoneType), (str,), (str, NoneType))}


class PlainListDumper(ListDumper):
    """Dumps a list of integers or of texts, Nones among them. The server gets its type from the statement's cast."""

    def __init__(self, cls: type, context: Any = None) -> None:
        super().__init__(cls, context)
        self._kind: type | None = None

    def get_key(self, obj: list[Any], format: PyFormat) -> Any:
        """One dumper for integers, one for texts, and psycopg's for each other element type."""
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
        if self._kind is int:
            return f"{{{','.join(map(str, obj))}}}".replace("None", "NULL").encode()
        if self._kind is str:
            text = f"{{{','.join(map(_quoted, obj))}}}"
            if "\0" in text:
                raise DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
            return text.encode()
        return super().dump(obj)


def _kind(obj: list[Any]) -> type | None:
    return _PLAIN.get(frozenset(map(type, obj)))


def _quoted(text: str | None) -> str:
    if text is None:
        return "NULL"
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
