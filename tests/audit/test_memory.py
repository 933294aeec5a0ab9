"""The audit's memory does not grow with the ledger."""

import tracemalloc

import psycopg

from onhand.audit import audit
from onhand.ledger import catalogue
from onhand.ledger.catalogue import CatalogueSku
from onhand.ledger.database import Pool

SHELVES = 10
EVENTS = 3_000
TIMES = 6
GROWTH_BYTES_MAX = 3_000_000
"""Whatever else the process does meanwhile; 30,000 more entries held at once would be twice as much."""

MORE = """
WITH posted AS (
    INSERT INTO event (source, external_id, kind, occurred_at, fingerprint)
    SELECT 'bulk', g::text, 'receipt', now(), 'x' FROM generate_series(%(first)s::int, %(last)s::int) g
    RETURNING id, external_id::int AS g
)
INSERT INTO entry (sku_id, location_id, version, event_id, state, quantity, balance_after)
SELECT s.id, l.id, 2 * ((p.g - 1) / %(shelves)s) + n, p.id, CASE n WHEN 1 THEN 'supplier' ELSE 'available' END,
       CASE n WHEN 1 THEN -1 ELSE 1 END, ((p.g - 1) / %(shelves)s + 1) * CASE n WHEN 1 THEN -1 ELSE 1 END
  FROM posted p
 CROSS JOIN (VALUES (1), (2)) AS lines(n)
  JOIN sku s ON s.code = 'S' || (p.g %% %(shelves)s)
  JOIN location l ON l.code = 'leeds'
"""
BALANCES = """
INSERT INTO balance (sku_id, location_id, version, available, supplier)
SELECT sku_id, location_id, count(*), count(*) / 2, -count(*) / 2 FROM entry GROUP BY sku_id, location_id
ON CONFLICT (sku_id, location_id) DO UPDATE SET
    version = excluded.version, available = excluded.available, supplier = excluded.supplier
"""


async def test_memory_is_flat(shop: Pool, database: str) -> None:
    """Goal: an audit fits, however much there is. Method: its peak on a ledger, and on one six times as large.

    The smaller one already fills what is fetched at once.
    """
    await catalogue.save_skus(shop, [CatalogueSku(f"S{n}") for n in range(SHELVES)])
    peaks = []
    for first, last in ((1, EVENTS), (EVENTS + 1, EVENTS * TIMES)):
        async with await psycopg.AsyncConnection.connect(database, autocommit=True) as owner:
            await owner.execute(MORE, {"first": first, "last": last, "shelves": SHELVES})
            await owner.execute(BALANCES)
            await owner.execute("ANALYZE")
        tracemalloc.start()
        report = await audit(shop)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert report.clean
        assert report.extent.entries == last * 2
    assert peaks[1] - peaks[0] < GROWTH_BYTES_MAX, peaks
