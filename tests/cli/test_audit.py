"""`onhand audit` as an operator and a script see it."""

import psycopg

from onhand.ledger.database import Pool
from tests.cli.conftest import Onhand


async def test_a_clean_ledger(store: Pool, onhand: Onhand) -> None:
    """Goal: all is well is said and exits 0. Method: one receipt."""
    assert (await onhand("stock", "receive", "A", "5", "-l", "leeds")).code == 0
    answer = await onhand("audit")
    assert answer.code == 0
    assert [line.split()[0] for line in answer.lines[2:18]] == ["ok"] * 16
    assert "1 event, 2 entries, 0 deliveries, 0 pushes" in answer.stdout
    document = (await onhand("audit", "--json")).json
    assert document["clean"] is True
    assert document["extent"] == {"events": 1, "entries": 2, "deliveries": 0, "pushes": 0, "based": 0}
    assert [each["breaches"] for each in document["invariants"]] == [[]] * 16


async def test_a_broken_one(store: Pool, onhand: Onhand, database: str) -> None:
    """Goal: what is wrong is told with its rows, and the exit code says so. Method: a balance edited by the owner."""
    assert (await onhand("stock", "receive", "A", "5", "-l", "leeds")).code == 0
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute("UPDATE balance SET available = 6")
    answer = await onhand("audit")
    assert answer.code == 1
    assert "a balance is the fold of its entries: it is not so" in answer.stdout
    assert "    sku A  location leeds  part available  balance 6  entries 5" in answer.stdout
    answer = await onhand("audit", "--json")
    assert answer.code == 1
    (wrong,) = (each for each in answer.json["invariants"] if not each["holds"])
    row = {"sku": "A", "location": "leeds", "part": "available", "balance": 6, "entries": 5}
    assert wrong["name"] == "balances"
    assert wrong["breaches"] == [{"by": by, "total": 1, "rows": [row]} for by in ("sql", "fold")]


async def test_nothing_to_look_at(onhand: Onhand, monkeypatch) -> None:
    """Goal: what could not be looked at is never told as clean. Method: a database that is not there."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    monkeypatch.setattr("onhand.ledger.database.CHECKOUT_TIMEOUT_SECONDS", 0.5)
    answer = await onhand("audit", "--json")
    assert (answer.code, answer.stdout) == (1, "")
    assert "the database could not be reached" in answer.stderr
