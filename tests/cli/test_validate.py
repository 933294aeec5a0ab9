"""`onhand validate`: proven or not, by which events, and never in the live ledger."""

from pathlib import Path

import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from onhand.embedded.postgres import EmbeddedPostgres
from onhand.ledger.database import Pool
from tests.cli.conftest import Onhand
from tests.fix_ledger import sql

HISTORY = """kind,id,at,source,sku,location,quantity,meaning,line,ordered,fulfilled
receipt,r-1,2026-11-01T08:00:00Z,wms,MUG,leeds,10,,,,
order,1001,2026-11-01T09:00:00Z,shop,MUG,leeds,,,1,3,0
order,1001,2026-11-02T09:00:00Z,shop,MUG,leeds,,,1,3,3
write_off,w-1,2026-11-02T10:00:00Z,wms,MUG,leeds,1,,,,
receipt,r-2,2026-11-03T08:00:00Z,wms,CUP,leeds,5,,,,
count,c-1,2026-11-04T08:00:00Z,wms,CUP,leeds,4,on_hand,,,
"""
KNOWN = "sku,location,state,quantity\nMUG,leeds,available,6\nMUG,leeds,customer,3\nCUP,,on_hand,4\n"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    history, known = tmp_path / "history.csv", tmp_path / "known.csv"
    history.write_text(HISTORY)
    known.write_text(KNOWN)
    return history, known


async def _databases(pool: Pool) -> list[str]:
    return [
        name
        for (name,) in await sql(
            pool, "SELECT datname FROM pg_database WHERE datname LIKE 'onhand_scratch%%'"
        )
    ]


async def test_a_history_that_ends_at_the_totals_is_proven(
    store: Pool, onhand: Onhand, files: tuple[Path, Path]
) -> None:
    """Goal: exit 0; the live ledger has nothing of it, and no database is left."""
    answer = await onhand("validate", "--events", files[0], "--expect", files[1])

    assert answer.code == 0, answer.stderr
    assert answer.lines[-1] == "proven: the ledger ends at all 3 known totals"
    assert answer.lines[0].endswith("6 posted")
    assert await sql(store, "SELECT count(*) FROM event") == [(0,)]
    assert await sql(store, "SELECT count(*) FROM sku WHERE code = 'MUG'") == [(0,)]
    assert await _databases(store) == []


async def test_a_total_that_differs_is_told_with_the_events_behind_it(
    store: Pool, onhand: Onhand, files: tuple[Path, Path]
) -> None:
    files[1].write_text(KNOWN.replace("MUG,leeds,available,6", "MUG,leeds,available,7"))

    answer = await onhand("validate", "--events", files[0], "--expect", files[1])
    document = (await onhand("validate", "--events", files[0], "--expect", files[1], "--json")).json

    assert answer.code == 1
    assert answer.lines[1] == "MUG at leeds: 6 available, known are 7 (-1)"
    assert [line.split()[2:] for line in answer.lines[4:7]] == [
        ["write", "off", "wms", "w-1", "leeds", "available", "-1"],
        ["order", "channel/shop", "1001@1793523600000000/order", "leeds", "available", "-3"],
        ["receipt", "wms", "r-1", "leeds", "available", "+10"],
    ]
    assert answer.lines[-1] == "not proven: 1 of 3 known totals differs, 0 rows refused"
    (difference,) = document["differences"]
    assert (document["proven"], difference["found"], difference["lines_in_all"]) == (False, 6, 3)


async def test_what_is_not_named_is_known_to_be_nothing_when_the_totals_are_complete(
    store: Pool, onhand: Onhand, files: tuple[Path, Path]
) -> None:
    files[1].write_text("sku,quantity\nMUG,6\n")

    part = await onhand("validate", "--events", files[0], "--expect", files[1])
    whole = await onhand("validate", "--events", files[0], "--expect", files[1], "--complete")

    assert (part.code, whole.code) == (0, 1)
    assert whole.lines[1] == "CUP at leeds: 4 available, known are 0 (+4)"


async def test_a_row_that_cannot_be_taken_leaves_nothing_proven(
    store: Pool, onhand: Onhand, files: tuple[Path, Path]
) -> None:
    """Goal: refused by its row with a reason; the totals agreeing is not enough."""
    files[0].write_text(HISTORY + "receipt,r-3,yesterday,wms,CUP,leeds,5,,,,\n")

    answer = await onhand("validate", "--events", files[0], "--expect", files[1])

    assert answer.code == 1
    assert answer.lines[3].split(maxsplit=1) == [
        "8",
        "at: accepted: a moment with its time zone, for example 2026-11-26T17:30:00Z",
    ]
    assert answer.lines[-1] == "not proven: 0 of 3 known totals differ, 1 row refused"


async def test_a_file_that_cannot_be_read_is_wrong_usage(
    store: Pool, onhand: Onhand, files: tuple[Path, Path]
) -> None:
    files[1].write_text("sku,amount\nMUG,1\n")

    answer = await onhand("validate", "--events", files[0], "--expect", files[1])

    assert answer.code == 2
    assert "known.csv:2: there is no column 'amount'" in " ".join(answer.stderr.split())
    assert await _databases(store) == []


async def test_a_user_that_may_not_make_databases_is_told_what_to_do(
    store: Pool,
    onhand: Onhand,
    files: tuple[Path, Path],
    postgres_server: EmbeddedPostgres,
    monkeypatch: pytest.MonkeyPatch,
    database: str,
) -> None:
    async with await AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute("CREATE ROLE plain_user LOGIN PASSWORD 'plain'")
    try:
        monkeypatch.setenv("DATABASE_URL", make_conninfo(database, user="plain_user", password="plain"))
        answer = await onhand("validate", "--events", files[0], "--expect", files[1])
    finally:
        async with await AsyncConnection.connect(database, autocommit=True) as connection:
            await connection.execute("DROP ROLE plain_user")

    assert answer.code == 1
    assert "may not make a database to validate in" in answer.stderr
