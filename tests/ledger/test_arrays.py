"""Lists written whole: Postgres reads back exactly what psycopg's own way of writing them gives."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onhand.ledger.database import Pool, one_statement

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
UGLY = ["", "NULL", "null", '"', "\\", "{a,b}", " a ", ",", "\n", "ä €", "'", "\\N", '\\"', "None"]


async def back(pool: Pool, values: list[Any], kind: str) -> Any:
    """What Postgres made of a list."""
    async with pool.connection() as connection:
        row = await (await connection.execute(f"SELECT %s::{kind}[]", (values,))).fetchone()
        assert row is not None
        return row[0]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([], "int"),
        ([], "text"),
        ([1, -2, 0, 2**31 - 1], "int"),
        ([2**62, -(2**62)], "bigint"),
        ([1, None], "int"),
        ([None, None], "int"),
        (UGLY, "text"),
        ([*UGLY, None], "text"),
        ([True, False], "bool"),
        ([True, None], "bool"),
        ([b"\0x", b"", b"NULL", bytes(range(256))], "bytea"),
        ([b"\\x00", None], "bytea"),
        ([datetime(2026, 11, 21, 8, tzinfo=UTC)], "timestamptz"),
        (
            [datetime(2026, 11, 21, 8, 0, 0, 123456, tzinfo=timezone(timedelta(hours=-5))), None],
            "timestamptz",
        ),
        ([1.5, None], "float8"),
        ([[1, 2], [3, 4]], "int"),
    ],
)
async def test_a_list_comes_back_as_it_was(ledger: Pool, values: list[Any], kind: str) -> None:
    assert await back(ledger, values, kind) == values


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.none() | TEXT))
async def test_any_texts_come_back_as_they_were(ledger: Pool, values: list[str | None]) -> None:
    assert await back(ledger, values, "text") == values


async def test_a_text_that_postgres_cannot_hold_is_refused_as_before(ledger: Pool) -> None:
    with pytest.raises(psycopg.DataError, match="NUL"):
        await back(ledger, ["a\0b"], "text")


async def test_a_single_statement_is_its_own_transaction_and_leaves_the_connection_as_it_was(
    ledger: Pool,
) -> None:
    async with one_statement(ledger) as connection:
        await connection.execute("INSERT INTO location (code, name) VALUES ('hull', 'Hull')")
        assert connection.autocommit is True
    async with ledger.connection() as connection:
        cursor = await connection.execute("SELECT count(*) FROM location WHERE code = 'hull'")
        assert await cursor.fetchone() == (1,)
        assert connection.autocommit is False


async def test_a_single_statement_that_fails_gives_the_connection_back_in_order(ledger: Pool) -> None:
    for _ in range(ledger.max_size + 1):
        with pytest.raises(psycopg.errors.UndefinedTable):
            async with one_statement(ledger) as connection:
                await connection.execute("SELECT * FROM nowhere")
    async with ledger.connection() as connection:
        assert connection.autocommit is False
