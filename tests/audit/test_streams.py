"""Streams side by side: every row once, in order, with no more in memory than one ahead."""

from collections.abc import AsyncIterator

import pytest

from onhand.audit.streams import Key, Sorted, keys_of


async def rows(*numbers: int) -> AsyncIterator[int]:
    """A stream."""
    for number in numbers:
        yield number


def key(number: int) -> Key:
    """The tens of it."""
    return (number // 10,)


async def merged(*streams: Sorted[int]) -> list[tuple[int, list[list[int]]]]:
    """Each key with the rows of each stream."""
    return [
        (at[0], [[row async for row in stream.take(at)] for stream in streams])
        async for at in keys_of(*streams)
    ]


async def test_two_streams_meet_at_their_keys() -> None:
    """Goal: nothing is left out or told twice, whichever stream has it. Method: keys of one, of the other, of both."""
    left, right = Sorted(rows(1, 2, 30, 51), key), Sorted(rows(11, 31, 39, 52, 60), key)
    assert await merged(left, right) == [
        (0, [[1, 2], []]),
        (1, [[], [11]]),
        (3, [[30], [31, 39]]),
        (5, [[51], [52]]),
        (6, [[], [60]]),
    ]


async def test_nothing_is_nothing() -> None:
    """Goal: an empty ledger is no special case."""
    assert await merged(Sorted(rows(), key), Sorted(rows(), key)) == []


async def test_rows_that_do_not_ascend_are_refused() -> None:
    """Goal: a fold never compares rows that do not belong together, should an order be another than it thinks."""
    with pytest.raises(ValueError, match=r"rows do not ascend: \(1,\) comes after \(3,\)"):
        await merged(Sorted(rows(30, 11), key))
