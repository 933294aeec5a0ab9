"""Late commits: a row whose time is older than its becoming visible is found, and a naive reader loses it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from tests.sources.fakes import Directory, read, rows, stock
from tests.sources.test_postgres import Connection, table

INSERT = "INSERT INTO erp.stock_levels (sku, quantity) VALUES (%s, %s)"


@pytest.fixture
async def slow(database: str) -> AsyncIterator[Connection]:
    """A second writer, in a transaction until it commits."""
    async with await psycopg.AsyncConnection.connect(database) as connection:
        yield connection
        await connection.rollback()


class NaiveReader:
    """What almost everybody writes first: remember the greatest time seen, ask for what is newer."""

    def __init__(self) -> None:
        self._last = datetime(2020, 1, 1, tzinfo=UTC)

    async def read(self, erp: Connection) -> list[str]:
        """SKUs newer than the last time."""
        found = await (
            await erp.execute(
                "SELECT sku, updated_at FROM erp.stock_levels WHERE updated_at > %s", (self._last,)
            )
        ).fetchall()
        self._last = max([self._last, *(moment for _, moment in found)])
        return [sku for sku, _ in found]


async def test_control_a_naive_reader_loses_the_row_that_commits_late(
    erp: Connection, slow: Connection
) -> None:
    """The negative control: if this ever fails, the tests below prove nothing."""
    naive = NaiveReader()
    await slow.execute(INSERT, ("SLOW", 1))
    await erp.execute(INSERT, ("FAST", 2))
    assert await naive.read(erp) == ["FAST"]
    await slow.commit()
    assert await naive.read(erp) == []


@pytest.mark.parametrize("xid", [None, "xid"])
async def test_a_row_that_commits_late_is_found_by_the_next_round(
    database: str, erp: Connection, slow: Connection, xid: str | None
) -> None:
    """Method: no overlap at all, so the bound alone must not pass the open transaction."""
    source = table(database, xid_column=xid)
    start = (await read(source))[-1].watermark
    await slow.execute(INSERT, ("SLOW", 1))
    await erp.execute(INSERT, ("FAST", 2))
    first = await read(source, start)
    assert rows(first) == [("FAST", "leeds", 2)], (
        "what is visible is not held up by somebody's open transaction"
    )
    await slow.commit()
    second = await read(source, first[-1].watermark)
    assert sorted(rows(second)) == [("FAST", "leeds", 2), ("SLOW", "leeds", 1)]
    statements = {row.sku: row.statement for row in stock(second)}
    assert statements["FAST"] == stock(first)[0].statement, "a row read again is the same statement: a no-op"
    assert rows(await read(source, second[-1].watermark)) == []


@pytest.mark.parametrize("xid", [None, "xid"])
async def test_the_watermark_never_passes_an_open_transaction(
    database: str, erp: Connection, slow: Connection, xid: str | None
) -> None:
    source = table(database, xid_column=xid)
    mark = (await read(source))[-1].watermark
    column = "pg_current_xact_id()::text" if xid else "now()::text"
    started = await (await slow.execute(f"SELECT {column}")).fetchone()
    assert started is not None
    for number in range(3):
        await erp.execute(INSERT, (f"FAST-{number}", number))
        mark = (await read(source, mark))[-1].watermark
        assert ordered(mark["upper"]) <= ordered(started[0])
    await slow.commit()
    mark = (await read(source, mark))[-1].watermark
    assert ordered(mark["upper"]) > ordered(started[0])


async def test_a_transaction_that_has_written_nothing_yet_holds_the_time_back_too(
    database: str, erp: Connection, slow: Connection
) -> None:
    """Its now() is fixed although it has no xid; what it writes later carries that early time."""
    source = table(database)
    start = (await read(source))[-1].watermark
    await slow.execute("SELECT 1")
    await erp.execute(INSERT, ("FAST", 2))
    middle = (await read(source, start))[-1].watermark
    await slow.execute(INSERT, ("SLOW", 1))
    await slow.commit()
    assert sorted(rows(await read(source, middle))) == [("FAST", "leeds", 2), ("SLOW", "leeds", 1)]


async def test_a_full_reading_remembers_a_bound_that_late_commits_cannot_slip_under(
    database: str, erp: Connection, slow: Connection
) -> None:
    await slow.execute(INSERT, ("SLOW", 1))
    await erp.execute(INSERT, ("FAST", 2))
    mark = (await read(table(database)))[-1].watermark
    await slow.commit()
    assert ("SLOW", "leeds", 1) in rows(await read(table(database), mark))


async def test_the_overlap_catches_what_cannot_be_seen_coming(database: str, erp: Connection) -> None:
    """A writer whose clock is behind: its row appears below the bound. Control: without overlap it is lost."""
    mark = (await read(table(database)))[-1].watermark
    await erp.execute(
        "INSERT INTO erp.stock_levels (sku, quantity, updated_at) VALUES ('LATE', 1, now() - interval '60 seconds')"
    )
    assert rows(await read(table(database), mark)) == []
    assert rows(await read(table(database, overlap_seconds=300.0), mark)) == [("LATE", "leeds", 1)]


async def test_a_row_changed_between_two_pages_comes_in_this_round_or_the_next(
    database: str, erp: Connection
) -> None:
    source = table(database, page_rows=10)
    mark = (await read(source))[-1].watermark
    await erp.execute(
        "INSERT INTO erp.stock_levels (sku, quantity) SELECT 'A-' || n, n FROM generate_series(1, 25) n"
    )
    seen: dict[str, int] = {}
    changed = False
    async for page in source.pages(mark, Directory(anything=True)):
        seen.update({row.sku: row.quantity for row in page.rows})
        mark = page.watermark
        if not changed:
            await erp.execute(
                "UPDATE erp.stock_levels SET quantity = -id, updated_at = clock_timestamp() WHERE id % 2 = 0"
            )
            changed = True
    seen.update({row.sku: row.quantity for row in stock(await read(source, mark))})
    assert seen == {f"A-{number}": -number if number % 2 == 0 else number for number in range(1, 26)}


def ordered(bound: str) -> Any:
    """A bound as something that can be compared: a number or a moment."""
    return int(bound) if bound.isdigit() else datetime.fromisoformat(bound)
