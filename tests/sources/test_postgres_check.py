"""What an operator is told before the first reading: each way in which a table would lose rows."""

from typing import Any

import psycopg
import pytest

from onhand.sources.base import Finding
from onhand.sources.postgres import PostgresTable
from onhand.sources.postgres_queries import PostgresOptions
from tests.sources.test_postgres import Connection, put, table


async def test_a_table_that_fits_is_well_in_every_respect(database: str, erp: Connection) -> None:
    await put(erp, ("A-1", 5))
    await erp.execute("CREATE INDEX ON erp.stock_levels (updated_at, id)")
    assert await table(database).check() == [
        Finding("column updated_at", True, "is of type timestamptz"),
        Finding("columns id and the time or xid of change", True, "hold no NULL"),
        Finding("key (id)", True, "identifies each row"),
        Finding("index on updated_at", True, "is there, or its use is up to a view"),
        Finding("open transactions beside erp.stock_levels", True, "are seen"),
    ]
    assert [finding.ok for finding in await table(database, xid_column="xid").check()] == [True] * 4


@pytest.mark.parametrize(
    ("change", "options", "finding"),
    [
        (
            "ALTER TABLE erp.stock_levels ALTER updated_at TYPE timestamp",
            {},
            Finding(
                "column updated_at",
                True,
                "is of type timestamp",
                "Better timestamptz; a time without zone repeats an hour each autumn.",
            ),
        ),
        (
            "ALTER TABLE erp.stock_levels ALTER updated_at TYPE date",
            {},
            Finding(
                "column updated_at",
                False,
                "is of type date",
                "Better timestamptz; a time without zone repeats an hour each autumn.",
            ),
        ),
        (
            "ALTER TABLE erp.stock_levels ALTER xid DROP DEFAULT, ALTER xid TYPE text",
            {"xid_column": "xid"},
            Finding(
                "column xid",
                False,
                "is of type text",
                "Declare it as xid8 DEFAULT pg_current_xact_id(), kept by a trigger.",
            ),
        ),
        (
            "ALTER TABLE erp.stock_levels ALTER updated_at DROP NOT NULL;"
            "UPDATE erp.stock_levels SET updated_at = NULL WHERE sku = 'A-1'",
            {},
            Finding(
                "columns id and the time or xid of change",
                False,
                "hold NULL in some rows",
                "Fill them and declare them NOT NULL; such rows are seen in full readings only, or never.",
            ),
        ),
        (
            "SELECT",
            {},
            Finding(
                "index on updated_at",
                True,
                "is not there; reading works, but sorts the table for each page",
                "CREATE INDEX ON erp.stock_levels (updated_at, id)",
            ),
        ),
        (
            "SELECT",
            {"key_columns": ("location",)},
            Finding(
                "key (location)",
                False,
                "(leeds) stands in several rows",
                "Name columns in key_columns that together identify a row; rows may be lost between two pages.",
            ),
        ),
    ],
)
async def test_each_way_to_lose_rows_is_named(
    database: str, erp: Connection, change: str, options: dict[str, Any], finding: Finding
) -> None:
    await put(erp, ("A-1", 5), ("A-2", 6))
    for statement in change.split(";"):
        await erp.execute(statement.encode())
    assert finding in await table(database, **options).check()


async def test_missing_names_rights_and_servers_are_findings_not_errors(
    database: str, erp: Connection
) -> None:
    assert await table(database, quantity_column="units").check() == [
        Finding(
            "erp.stock_levels",
            False,
            "column r.units does not exist",
            "Correct the configured names, or grant SELECT on it.",
        )
    ]
    gone = PostgresTable(PostgresOptions(dsn=database, relation="erp.gone"))
    assert [finding.message for finding in await gone.check()] == ['relation "erp.gone" does not exist']
    (down,) = await table("postgresql://127.0.0.1:1/none").check()
    assert (down.subject, down.ok) == ("erp.stock_levels", False)
    assert down.message.startswith("erp.stock_levels cannot be read now: ")


async def test_a_user_who_cannot_see_open_transactions_is_told(database: str, erp: Connection) -> None:
    user = f"reader_{erp.info.backend_pid}"
    name = psycopg.sql.Identifier(user)
    await erp.execute(psycopg.sql.SQL("CREATE ROLE {} LOGIN").format(name))
    try:
        await erp.execute(psycopg.sql.SQL("GRANT USAGE ON SCHEMA erp TO {}").format(name))
        await erp.execute(psycopg.sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA erp TO {}").format(name))
        dsn = psycopg.conninfo.make_conninfo(database, options=f"-c role={user}")
        assert (await table(dsn).check())[-1] == Finding(
            "open transactions beside erp.stock_levels",
            False,
            "those of other users cannot be seen",
            "GRANT pg_read_all_stats, or set overlap_seconds beyond the longest writing transaction.",
        )
    finally:
        await erp.execute(psycopg.sql.SQL("DROP OWNED BY {}").format(name))
        await erp.execute(psycopg.sql.SQL("DROP ROLE {}").format(name))
