"""The audit knows kits: their pushes by what could be packed, their orders by components, and no stock of their own."""

from collections.abc import Sequence

import psycopg
import pytest

from onhand.audit import audit
from onhand.ledger.database import Pool
from onhand.publish import Errand, bring_to_targets
from tests.audit.test_audit import broken
from tests.fix_kits import RULES
from tests.fix_ledger import sql
from tests.memory_channel import MemoryChannel
from tests.publish.shelves import ids_of, order


async def as_owner(dsn: str, statements: Sequence[str]) -> None:
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            assert (await connection.execute(statement)).rowcount != 0, statement


@pytest.fixture
async def told(kitted: Pool) -> Pool:
    """A kit was sold, and both channels were told all levels."""
    await order(kitted, "web", "7", 1, sku="K")
    for name in ("web", "store"):
        channel = MemoryChannel(name, places=name == "store")
        await bring_to_targets(kitted, channel, RULES, await ids_of(kitted, name), Errand(live=True), set())
    return kitted


async def test_what_was_told_of_kits_is_justified_by_their_components(told: Pool) -> None:
    """Goal: every push of a kit keeps its components' versions, and none is accused."""
    kept = await sql(
        told,
        "SELECT p.place, p.quantity, jsonb_array_length(p.basis -> 'components') FROM push p "
        "JOIN listing l ON l.id = p.listing_id JOIN sku s ON s.id = l.sku_id WHERE s.code = 'K' ORDER BY p.id",
    )
    assert kept == [("", 3, 2), ("L1", 2, 2), ("L2", 1, 2)]
    assert broken(await audit(told)) == {}


@pytest.mark.parametrize(("place", "units"), [("", 3), ("L1", 2), ("L2", 1)])
async def test_one_kit_more_than_could_be_packed_is_found(
    told: Pool, database: str, place: str, units: int
) -> None:
    """Goal: found by SQL and by the fold, at one location and over several: 5 A and 4 B in Leeds, 2 and 4 in London
    would make 3 kits and an A each way, and 7 A with 8 B in one place would wrongly make 3 as well."""
    await as_owner(
        database,
        [
            f"UPDATE push SET quantity = {units + 1} WHERE place = '{place}' AND basis ->> 'sku' = 'K'",
        ],
    )
    assert broken(await audit(told)) == {"justified": {"sql": 1, "fold": 1}}


async def test_stock_of_a_kit_is_found(told: Pool, database: str) -> None:
    await as_owner(
        database,
        [
            "INSERT INTO balance (sku_id, location_id, version, available) SELECT s.id, l.id, 1, 3 "
            "FROM sku s, location l WHERE s.code = 'K' AND l.code = 'leeds'",
        ],
    )
    assert broken(await audit(told))["kits"] == {"sql": 1}


async def test_an_order_line_that_forgot_its_composition_is_found(told: Pool, database: str) -> None:
    """Goal: remembered as one of K, but posted as two A and one B: three shelves differ."""
    await as_owner(database, ["UPDATE order_line SET composition = NULL"])
    assert broken(await audit(told)) == {"orders": {"sql": 3, "fold": 3}}
