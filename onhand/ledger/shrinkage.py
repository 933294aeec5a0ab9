"""What was lost and found in a quarter, read from the ledger in one snapshot."""

from datetime import datetime, tzinfo

from onhand.domain.quarters import Movement, Quarter, ShrinkageReport, shrinkage_report
from onhand.ledger.database import Pool
from onhand.ledger.queries import query


async def of_quarter(pool: Pool, quarter: Quarter, zone: tzinfo, made_at: datetime) -> ShrinkageReport:
    """The numbers of a quarter, whose days begin as they do in `zone`."""
    span = {"begins": quarter.begins(zone), "ends": quarter.ends(zone)}
    async with pool.connection() as connection:
        await connection.execute(query("as_of_one_moment"))
        moved = await (await connection.execute(query("lost_and_found"), span)).fetchall()
        sold = await (await connection.execute(query("sold_in_span"), span)).fetchall()
    opening = sum(row[6] - row[5] for row in moved if row[8])
    return shrinkage_report(
        quarter,
        zone,
        made_at,
        [Movement(*row[:8]) for row in moved if not row[8]],
        opening,
        {(location, sku): units for location, sku, units in sold},
    )
