"""A Postgres table as a source: full and incremental rounds, pages, resuming, twins, and what is wrong with it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from onhand.domain.counts import CountMeaning
from onhand.sources.base import SourceDown, SourceUnfit, StockRow
from onhand.sources.postgres import PostgresTable
from onhand.sources.postgres_queries import PostgresOptions
from tests.sources.fakes import Directory, bad, read, rows, stock

Connection = psycopg.AsyncConnection[Any]


def table(database: str, **options: Any) -> PostgresTable:
    """The source under test: no overlap and no safety, so that only what must be read again is."""
    given: dict[str, Any] = {"key_columns": ("id",), "overlap_seconds": 0.0, "safety_seconds": 0.0} | options
    return PostgresTable(PostgresOptions(dsn=database, relation="erp.stock_levels", **given))


async def put(erp: Connection, *levels: tuple[str, object], at: str = "2026-11-20 06:00+00") -> None:
    """Rows that say they were changed at that time."""
    async with erp.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO erp.stock_levels (sku, quantity, updated_at) VALUES (%s, %s, %s)",
            [(sku, quantity, at) for sku, quantity in levels],
        )


async def test_a_full_reading_gives_every_row_with_all_that_is_known_of_it(
    database: str, erp: Connection
) -> None:
    await put(erp, ("A-1", 5), ("A-2", -2))
    pages = await read(table(database))
    moment = datetime(2026, 11, 20, 6, tzinfo=UTC)
    assert stock(pages) == [
        StockRow("A-1", "leeds", 5, CountMeaning.AVAILABLE, moment, "erp.stock_levels key (1)"),
        StockRow("A-2", "leeds", -2, CountMeaning.AVAILABLE, moment, "erp.stock_levels key (2)"),
    ]
    assert [(page.progress.done, page.progress.total) for page in pages] == [(2, 2)]
    assert [notice.problem.value for notice in pages[0].notices] == ["negative"]
    assert sorted(pages[0].watermark) == ["table", "upper"]


@pytest.mark.parametrize("xid", [None, "xid"])
async def test_only_changes_come_after_a_watermark(database: str, erp: Connection, xid: str | None) -> None:
    await put(erp, *((f"A-{number}", number) for number in range(9)))
    mark = (await read(table(database, xid_column=xid)))[-1].watermark
    assert rows(await read(table(database, xid_column=xid), mark)) == []
    await erp.execute(
        "UPDATE erp.stock_levels SET quantity = 70, updated_at = now(), xid = pg_current_xact_id() WHERE sku = 'A-7'"
    )
    pages = await read(table(database, xid_column=xid), mark)
    assert rows(pages) == [("A-7", "leeds", 70)]
    assert pages[-1].watermark != mark


@pytest.mark.parametrize("xid", [None, "xid"])
async def test_ties_across_page_ends_lose_and_repeat_nothing(
    database: str, erp: Connection, xid: str | None
) -> None:
    """Goal: rows that share one time (one transaction) all come. Control: paging by the time alone loses most."""
    mark = (await read(table(database, xid_column=xid)))[-1].watermark
    await erp.execute(
        "INSERT INTO erp.stock_levels (sku, quantity) SELECT 'A-' || n, n FROM generate_series(1, 25) n"
    )
    wanted = [(f"A-{number}", "leeds", number) for number in range(1, 26)]
    pages = await read(table(database, xid_column=xid, page_rows=10), mark)
    assert rows(pages) == wanted
    assert [len(page.rows) for page in pages] == [10, 10, 5]

    naive: list[str] = []
    last = datetime(2020, 1, 1, tzinfo=UTC)
    statement = (
        "SELECT sku, updated_at FROM erp.stock_levels WHERE updated_at > %s ORDER BY updated_at, id LIMIT 10"
    )
    while page := await (await erp.execute(statement, (last,))).fetchall():
        naive.extend(sku for sku, _ in page)
        last = page[-1][1]
    assert len(naive) == 10, "the control: without keys the other 15 are lost"


async def test_a_full_reading_also_finds_rows_without_a_time(database: str, erp: Connection) -> None:
    await erp.execute("ALTER TABLE erp.stock_levels ALTER updated_at DROP NOT NULL")
    await erp.execute("INSERT INTO erp.stock_levels (sku, quantity, updated_at) VALUES ('A-1', 5, NULL)")
    assert bad(await read(table(database))) == [
        (
            "bad_time",
            'erp.stock_levels key (1), column "updated_at": the time is blank; it says which later sales the number '
            "cannot know of. The row was not taken.",
        )
    ]


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("xid", [None, "xid"])
async def test_a_round_goes_on_where_it_was_given_up(
    database: str, erp: Connection, xid: str | None, full: bool
) -> None:
    source = table(database, xid_column=xid, page_rows=10)
    mark = None if full else (await read(source))[-1].watermark
    await erp.execute(
        "INSERT INTO erp.stock_levels (sku, quantity) SELECT 'A-' || n, n FROM generate_series(1, 25) n"
    )
    pages = source.pages(mark, Directory(anything=True))
    first = await anext(pages)
    await pages.aclose()
    await erp.execute("INSERT INTO erp.stock_levels (sku, quantity) VALUES ('B-1', 1)")
    rest = await read(source, first.watermark)
    assert len(rows([first])) == 10
    assert [row for row in rows(rest) if row[0].startswith("A")] == [
        (f"A-{number}", "leeds", number) for number in range(11, 26)
    ]
    last = await read(source, rest[-1].watermark)
    assert ("B-1", "leeds", 1) in rows(rest) + rows(last), (
        "what came meanwhile is read by the next round at the latest"
    )


async def test_a_key_of_several_columns_of_several_types_pages_by_its_own_order(
    database: str, erp: Connection
) -> None:
    await erp.execute(
        "CREATE TABLE erp.bins (site int, sku text, quantity int, updated_at timestamptz, PRIMARY KEY (site, sku))"
    )
    await erp.execute(
        "INSERT INTO erp.bins SELECT n % 12, 'A-' || n, n, '2026-11-20 06:00+00' FROM generate_series(1, 100) n"
    )
    options = PostgresOptions(
        dsn=database,
        relation="erp.bins",
        location_column=None,
        location="london",
        key_columns=("site", "sku"),
        page_rows=7,
    )
    pages = await read(PostgresTable(options))
    assert sorted(row[2] for row in rows(pages)) == list(range(1, 101))
    assert stock(pages)[0].origin == "erp.bins key (0, A-12)"
    assert {row[1] for row in rows(pages)} == {"london"}


async def test_names_are_quoted_and_cannot_become_sql(database: str, erp: Connection) -> None:
    await erp.execute('CREATE TABLE erp."Lager; --" ("Artikel Nr" text, "Menge""x" int, stand timestamptz)')
    await erp.execute("INSERT INTO erp.\"Lager; --\" VALUES ('A-1', 5, '2026-11-20 06:00+00')")
    options = PostgresOptions(
        dsn=database,
        relation="erp.Lager; --",
        sku_column="Artikel Nr",
        quantity_column='Menge"x',
        location_column=None,
        location="leeds",
        updated_at_column="stand",
        key_columns=("Artikel Nr",),
    )
    assert rows(await read(PostgresTable(options))) == [("A-1", "leeds", 5)]


async def test_rows_go_through_the_same_rules_whatever_the_column_type(
    database: str, erp: Connection
) -> None:
    await put(erp, ("A-1", None), ("A-2", "NaN"), ("A-3", "2.5"), ("A-4", "2.00"), ("A-9", 1))
    known = Directory("A-1", "A-2", "A-3", "A-4")
    pages = await read(table(database), known=known)
    assert rows(pages) == [("A-4", "leeds", 2)]
    assert [kind for kind, _ in bad(pages)] == ["blank_quantity", "not_finite", "fraction", "unknown_sku"]
    assert pages[0].bad_rows[2].raw == (
        "sku=A-3, location=leeds, quantity=2.5, updated_at=2026-11-20 06:00:00+00"
    )
    await erp.execute("ALTER TABLE erp.stock_levels ALTER quantity TYPE float8")
    assert [kind for kind, _ in bad(await read(table(database), known=known))][1] == "not_finite"
    await erp.execute("ALTER TABLE erp.stock_levels ALTER quantity TYPE text")
    assert rows(await read(table(database), known=known)) == [("A-4", "leeds", 2)]
    await erp.execute("ALTER TABLE erp.stock_levels ALTER quantity TYPE date USING '2026-11-21'")
    assert bad(await read(table(database), known=known))[0] == (
        "date",
        'erp.stock_levels key (1), column "quantity": 2026-11-21 is a date or a time, not a number. '
        "The row was not taken.",
    )


async def test_a_time_without_zone_means_the_configured_one(database: str, erp: Connection) -> None:
    await erp.execute("ALTER TABLE erp.stock_levels ALTER updated_at TYPE timestamp USING '2026-07-01 06:00'")
    await erp.execute(
        "ALTER TABLE erp.stock_levels ALTER updated_at SET DEFAULT now() AT TIME ZONE 'Europe/Berlin'"
    )
    await put(erp, ("A-1", 5), at="2026-07-01 06:00")
    source = table(database, zone="Europe/Berlin")
    pages = await read(source)
    assert stock(pages)[0].as_of == datetime(2026, 7, 1, 4, tzinfo=UTC)
    await erp.execute("INSERT INTO erp.stock_levels (sku, quantity) VALUES ('A-2', 6)")
    assert rows(await read(source, pages[-1].watermark)) == [("A-2", "leeds", 6)]


async def test_with_an_xid_and_no_time_the_moment_is_that_of_the_reading(
    database: str, erp: Connection
) -> None:
    await put(erp, ("A-1", 5))
    pages = await read(table(database, xid_column="xid", updated_at_column=None))
    age = datetime.now(UTC) - stock(pages)[0].as_of
    assert timedelta(0) <= age < timedelta(seconds=30)


async def test_twins_far_apart_are_refused_all(database: str, erp: Connection) -> None:
    await put(erp, ("A-1", 5), ("B-1", 1), ("A-1", 6), ("c 1", 2), ("C1", 3))
    pages = await read(table(database, page_rows=2))
    assert rows(pages) == [("B-1", "leeds", 1)]
    view = (
        "Let Onhand read a view of erp.stock_levels with one row for each SKU and location: their sum(quantity), and "
        "the max(updated_at). The row was not taken."
    )
    said = [message for _, message in bad(pages)]
    assert said[0] == (
        f'erp.stock_levels key (1), column "sku": "A-1" stands in 2 rows of one location. {view}'
    )
    assert said[2].endswith(
        "differ only in case or spaces; which number is meant cannot be known. The row was not taken."
    )
    assert [kind for kind, _ in bad(pages)] == ["duplicate", "duplicate", "sku_conflict", "sku_conflict"]


async def test_a_table_of_bins_is_refused_as_a_whole(database: str, erp: Connection) -> None:
    await erp.execute(
        "INSERT INTO erp.stock_levels (sku, quantity) SELECT 'A-' || n % 1001, n FROM generate_series(1, 2002) n"
    )
    with pytest.raises(SourceUnfit) as caught:
        await read(table(database))
    assert caught.value.said == ("erp.stock_levels has more than 1,000 SKUs in several rows of one location.")


async def test_a_key_that_does_not_identify_a_row_is_refused_before_it_loses_one(
    database: str, erp: Connection
) -> None:
    """Control: with that key, rows of the second location vanish where a page ends between the two."""
    await put(erp, ("A-1", 5), ("A-2", 6))
    await erp.execute("INSERT INTO erp.stock_levels (sku, location, quantity) VALUES ('A-1', 'london', 7)")
    with pytest.raises(SourceUnfit) as caught:
        await read(table(database, key_columns=("sku",), page_rows=1))
    assert str(caught.value) == (
        "erp.stock_levels has several rows with the key (sku) = (A-1), so rows could be lost. Name columns in "
        "key_columns that together identify a row, for example the SKU and the location."
    )
    assert len(rows(await read(table(database, key_columns=("sku", "location"), page_rows=1)))) == 3
    pages = []
    last = ""
    statement = "SELECT sku FROM erp.stock_levels WHERE sku > %s ORDER BY sku LIMIT 1"
    while page := await (await erp.execute(statement, (last,))).fetchall():
        pages.append(last := page[0][0])
    assert pages == ["A-1", "A-2"], "the control: one of three rows is lost"


async def test_another_configuration_reads_in_full_and_says_so(database: str, erp: Connection) -> None:
    await put(erp, ("A-1", 5))
    mark = (await read(table(database)))[-1].watermark
    pages = await read(table(database, xid_column="xid"), mark)
    assert rows(pages) == [("A-1", "leeds", 5)]
    assert [finding.message for finding in pages[0].findings] == [
        "read in full: the configuration of the source changed"
    ]


@pytest.mark.parametrize(("xid", "upper"), [(None, "2099-01-01 00:00:00+00"), ("xid", "99999999")])
async def test_a_source_that_is_behind_the_watermark_was_restored_and_is_read_in_full(
    database: str, erp: Connection, xid: str | None, upper: str
) -> None:
    await put(erp, ("A-1", 5))
    mark = {**(await read(table(database, xid_column=xid)))[-1].watermark, "upper": upper}
    pages = await read(table(database, xid_column=xid), mark)
    assert rows(pages) == [("A-1", "leeds", 5)]
    assert [finding.message for finding in pages[0].findings] == [
        "read in full: the source is behind the last reading (restored, or its clock was set back)"
    ]
    assert pages[-1].watermark["upper"] < upper
    assert rows(await read(table(database, xid_column=xid), pages[-1].watermark)) == []


async def test_reading_writes_nothing_and_ends_at_the_time_limit(database: str, erp: Connection) -> None:
    await erp.execute(
        "CREATE VIEW erp.slow AS SELECT s.*, pg_sleep(5)::text AS slept FROM erp.stock_levels s"
    )
    await erp.execute(
        "CREATE FUNCTION erp.scribble() RETURNS text LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO erp.stock_levels (sku) VALUES ('X'); RETURN 'X'; END $$"
    )
    await erp.execute(
        "CREATE VIEW erp.writing AS SELECT id, erp.scribble() AS sku, location, quantity, updated_at "
        "FROM erp.stock_levels"
    )
    await put(erp, ("A-1", 5))
    slow = PostgresTable(
        PostgresOptions(
            dsn=database, relation="erp.slow", key_columns=("id", "slept"), statement_timeout_seconds=0.2
        )
    )
    with pytest.raises(SourceDown) as caught:
        await read(slow)
    assert str(caught.value) == ("erp.slow cannot be read now: canceling statement due to statement timeout.")
    writing = PostgresTable(PostgresOptions(dsn=database, relation="erp.writing", key_columns=("id",)))
    with pytest.raises(SourceUnfit) as refused:
        await read(writing)
    assert "cannot execute INSERT in a read-only transaction" in refused.value.said
    count = await (await erp.execute("SELECT count(*) FROM erp.stock_levels")).fetchone()
    assert count == (1,)


async def test_what_waiting_may_mend_and_what_it_will_not(database: str, erp: Connection) -> None:
    with pytest.raises(SourceUnfit) as caught:
        await read(table(database, sku_column="article"))
    assert caught.value.said == (
        "erp.stock_levels cannot be read as configured: column r.article does not exist."
    )
    assert caught.value.advice == (
        "Compare the configured names with the database, and the rights of the user it is read as."
    )
    with pytest.raises(SourceDown):
        await read(table("postgresql://nobody:hunter2@127.0.0.1:1/none"))
    with pytest.raises(SourceUnfit) as unreadable:
        table("postgresql//nobody:hunter2@")
    assert str(unreadable.value) == (
        "the source's DSN is not a connection string. Write it as postgresql://user@host:5432/name."
    )


def test_options_that_could_not_work_are_refused_and_the_dsn_is_not_shown() -> None:
    good: dict[str, Any] = {"dsn": "postgresql://u:hunter2@h/d", "relation": "stock"}
    assert "hunter2" not in repr(PostgresOptions(**good))
    with pytest.raises(ValueError, match="key_columns is empty"):
        PostgresOptions(**good, key_columns=())
    with pytest.raises(ValueError, match="give updated_at_column or xid_column"):
        PostgresOptions(**good, updated_at_column=None)
    with pytest.raises(ValueError, match="give location_column, or the one location"):
        PostgresOptions(**good, location_column=None)
