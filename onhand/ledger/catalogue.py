"""Names, listings, watermarks and refused rows: what the ledger knows besides stock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from psycopg.types.json import Jsonb

from onhand.ledger.database import Pool
from onhand.ledger.queries import query

SkuStatus = Literal["active", "discontinued"]
FractionRule = Literal["refuse", "round_down"]
"""What becomes of part of a unit in a source: the row is refused, or the number is rounded down."""


@dataclass(frozen=True, slots=True)
class CatalogueSku:
    """One SKU as a catalogue states it."""

    code: str
    name: str = ""
    barcode: str = ""
    tags: tuple[str, ...] = ()
    status: SkuStatus = "active"
    fraction: FractionRule = "refuse"


@dataclass(frozen=True, slots=True)
class NewListing:
    """One SKU as a channel knows it, to be saved. `units`: units of the SKU one sold piece takes; `order_ref`: how its
    orders name it, where that is not by `item_id`."""

    sku: str
    item_id: str
    sort_key: str
    parent_id: str = ""
    tracking: str = ""
    units: int = 1
    order_ref: str = ""


@dataclass(frozen=True, slots=True)
class MappingState:
    """How a channel's mapping stands. `unmapped`: active SKUs it has no listing for."""

    channel: str
    mapped_at: datetime | None
    listings: int
    unmapped: int


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that was not taken: where it stood, its text, the kind of problem, and the message."""

    origin: str
    raw: str
    problem: str
    message: str


async def save_places(pool: Pool, locations: Mapping[str, str], channels: Mapping[str, str]) -> None:
    """Make the configured locations (code: name) and channels (name: platform) known."""
    async with pool.connection() as connection:
        await connection.execute(
            query("save_locations"), {"codes": list(locations), "names": list(locations.values())}
        )
        await connection.execute(
            query("save_channels"), {"names": list(channels), "platforms": list(channels.values())}
        )
        await connection.execute(query("save_channel_work"), {"channels": list(channels)})


async def save_skus(pool: Pool, skus: Sequence[CatalogueSku]) -> None:
    """Add SKUs or bring their names up to date; the codes of one call are distinct.

    Where a SKU is new, or a source's rows of it are now judged otherwise, every source is read whole by the next
    run: rows refused for an unknown SKU would else wait until their file or row changes.
    """
    named = {
        "codes": [sku.code for sku in skus],
        "names": [sku.name for sku in skus],
        "barcodes": [sku.barcode for sku in skus],
        "tags": [";".join(sku.tags) for sku in skus],
        "statuses": [sku.status for sku in skus],
        "fractions": [sku.fraction for sku in skus],
    }
    async with pool.connection() as connection:
        row = await (await connection.execute(query("skus_judged_otherwise"), named)).fetchone()
        assert row is not None
        await connection.execute(query("save_skus"), named)
        if row[0]:
            await connection.execute(query("forget_watermarks"))


async def sku_facts(pool: Pool, codes: Sequence[str]) -> dict[str, tuple[SkuStatus, FractionRule]]:
    """Status and fraction rule of those SKUs that are known."""
    async with pool.connection() as connection:
        cursor = await connection.execute(query("sku_facts"), {"codes": list(codes)})
        return {code: (status, fraction) async for code, status, fraction in cursor}


async def skus_by_identity(
    pool: Pool, codes: Sequence[str], barcodes: Sequence[str]
) -> list[tuple[str, str]]:
    """(code, barcode) of every SKU that has one of the codes or one of the barcodes."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            query("skus_by_identity"), {"codes": list(codes), "barcodes": [b for b in barcodes if b]}
        )
        return [(code, barcode) async for code, barcode in cursor]


async def save_listings(
    pool: Pool, channel: str, listings: Sequence[NewListing], places: Sequence[str]
) -> int:
    """Add or move listings of a channel, with a level row at each place; answers how many named a known SKU."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            query("save_listings"),
            {
                "channel": channel,
                "skus": [listing.sku for listing in listings],
                "items": [listing.item_id for listing in listings],
                "parents": [listing.parent_id for listing in listings],
                "trackings": [listing.tracking for listing in listings],
                "sort_keys": [listing.sort_key for listing in listings],
                "units": [listing.units for listing in listings],
                "order_refs": [listing.order_ref for listing in listings],
            },
        )
        saved = cursor.rowcount
        items = [listing.item_id for listing in listings]
        await connection.execute(
            query("save_levels"), {"channel": channel, "places": list(places), "items": items}
        )
        return saved


async def start_mapping(pool: Pool) -> datetime:
    """The moment a discovery starts, by the database's clock; `finish_mapping` wants it back."""
    async with pool.connection() as connection:
        row = await (await connection.execute(query("now"))).fetchone()
        assert row is not None
        moment: datetime = row[0]
        return moment


async def finish_mapping(pool: Pool, channel: str, complete_since: datetime | None) -> int:
    """Stamp a mapping as fresh; answers how many listings were retired.

    `complete_since` is given after a complete discovery: listings it did not save since then are gone
    from the channel and are retired (kept inactive, so that a return finds its history).
    """
    async with pool.connection() as connection:
        retired = 0
        if complete_since is not None:
            cursor = await connection.execute(
                query("retire_listings"), {"channel": channel, "started": complete_since}
            )
            retired = cursor.rowcount
        await connection.execute(query("mark_channel_mapped"), {"channel": channel})
        return retired


async def mapping_state(pool: Pool, channels: Sequence[str]) -> list[MappingState]:
    """How the mapping of each named channel stands."""
    async with pool.connection() as connection:
        cursor = await connection.execute(query("mapping_state"), {"channels": list(channels)})
        return [MappingState(*row) async for row in cursor]


async def unmapped_skus(pool: Pool, channel: str, limit: int) -> list[tuple[str, str]]:
    """(code, name) of active SKUs the channel has no listing for."""
    async with pool.connection() as connection:
        cursor = await connection.execute(query("unmapped_skus"), {"channel": channel, "limit": limit})
        return [(code, name) async for code, name in cursor]


async def shared_listings(pool: Pool, channel: str, limit: int) -> list[tuple[str, list[str]]]:
    """SKUs that the channel lists more than once, with the items."""
    async with pool.connection() as connection:
        cursor = await connection.execute(query("shared_listings"), {"channel": channel, "limit": limit})
        return [(code, items) async for code, items in cursor]


async def read_watermark(pool: Pool, source: str) -> dict[str, str] | None:
    """How far the source has been read; None before its first full read."""
    async with pool.connection() as connection:
        row = await (await connection.execute(query("read_watermark"), {"source": source})).fetchone()
        return None if row is None else row[0]


async def save_watermark(pool: Pool, source: str, watermark: Mapping[str, str]) -> None:
    """Remember how far the source has been read; call it only when everything before is posted."""
    async with pool.connection() as connection:
        await connection.execute(
            query("save_watermark"), {"source": source, "watermark": Jsonb(dict(watermark))}
        )


async def save_refused_rows(pool: Pool, source: str, run: str | None, rows: Sequence[RefusedRow]) -> None:
    """Keep rows that were not taken, so that an operator can list them."""
    async with pool.connection() as connection:
        await connection.execute(
            query("save_refused_rows"),
            {
                "source": source,
                "run": run,
                "origins": [row.origin for row in rows],
                "raws": [row.raw.replace("\0", "\N{REPLACEMENT CHARACTER}") for row in rows],
                "problems": [row.problem for row in rows],
                "messages": [row.message.replace("\0", "\N{REPLACEMENT CHARACTER}") for row in rows],
            },
        )


async def forget_refused_rows(pool: Pool, source: str, run: str) -> None:
    """Forget what an interrupted first try of this run had listed, before it is read again."""
    async with pool.connection() as connection:
        await connection.execute(query("forget_refused_rows"), {"source": source, "run": run})


async def forget_old_refused_rows(pool: Pool, days: int) -> int:
    """Drop refused rows older than the retention; answers how many."""
    async with pool.connection() as connection:
        return (await connection.execute(query("forget_old_refused_rows"), {"days": days})).rowcount


async def refused_rows(pool: Pool, run: str, limit: int) -> list[RefusedRow]:
    """What a run could not take from its source, in the order of the source."""
    async with pool.connection() as connection:
        cursor = await connection.execute(query("refused_rows"), {"run": run, "limit": limit})
        return [RefusedRow(*row) async for row in cursor]
