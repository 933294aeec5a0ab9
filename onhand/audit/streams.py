"""Rows that come in an order: looked at one ahead, group by group, and several streams side by side."""

from collections.abc import AsyncIterator, Callable
from typing import Any, Generic, TypeVar

Row = TypeVar("Row")
Key = tuple[Any, ...]


class Sorted(Generic[Row]):
    """Rows that ascend by a key, one looked at ahead. Raises ValueError where they do not ascend."""

    def __init__(self, rows: AsyncIterator[Row], key: Callable[[Row], Key]) -> None:
        self._rows = rows
        self._key = key
        self._ahead: Row | None = None
        self._began = False

    async def next_key(self) -> Key | None:
        """The key of the row that comes next; None at the end."""
        if not self._began:
            self._began = True
            await self._advance()
        return None if self._ahead is None else self._key(self._ahead)

    async def take(self, key: Key) -> AsyncIterator[Row]:
        """The rows of this key, as they come; they must be taken to their end."""
        while await self.next_key() == key:
            row = self._ahead
            assert row is not None, "a key is of a row"
            await self._advance()
            yield row

    async def _advance(self) -> None:
        before = self._ahead
        self._ahead = await anext(self._rows, None)
        if before is not None and self._ahead is not None and self._key(self._ahead) < self._key(before):
            raise ValueError(f"rows do not ascend: {self._key(self._ahead)} comes after {self._key(before)}")


async def keys_of(*streams: Sorted[Any]) -> AsyncIterator[Key]:
    """Every key of any of the streams, ascending; whoever asks for the next has taken all rows of the last."""
    while True:
        ahead = [key for stream in streams if (key := await stream.next_key()) is not None]
        if not ahead:
            return
        yield min(ahead)
