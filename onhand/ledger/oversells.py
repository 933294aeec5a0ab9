"""Oversells in the ledger: found, kept, resolved, and told of once."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from onhand.domain.oversell import Oversell, Promise, Unfilled
from onhand.ledger.database import Pool, execute, fetched

LINES_MAX = 2_000
"""Newest ledger lines of a SKU at a location that its open orders are looked for in."""
RESOLUTION = "nothing is short any more"


@dataclass(frozen=True, slots=True)
class OversellRow:
    """One oversell. `units_short` is the most it was short of, `short_now` what it is short of at present, in units.

    `last_channel`: where it was sold last, as of the last look; `orders` those that cannot be filled, newest first.
    """

    oversell_id: int
    sku: str
    name: str
    found_at: datetime
    units_short: int
    short_now: int
    last_channel: str | None
    orders: tuple[Unfilled, ...]
    resolved_at: datetime | None
    resolution: str


@dataclass(frozen=True, slots=True)
class ToHalt:
    """A listing that has to be halted for its SKU's oversell."""

    listing_id: int
    sku: str
    units_short: int


async def short_skus(pool: Pool) -> dict[int, int]:
    """SKUs (by number) whose available units sum up to less than nothing, and by how many units."""
    return {sku: int(short) for sku, short in await fetched(pool, "short_skus")}


async def promises(pool: Pool, skus: Sequence[int]) -> dict[int, list[Promise]]:
    """The open orders that hold units of these SKUs, newest first; those no open order is known of are missing."""
    found: dict[int, list[Promise]] = {}
    rows = await fetched(pool, "promises_of_skus", skus=list(skus), lines=LINES_MAX)
    for sku, channel, order, units, sold_at in rows:
        found.setdefault(sku, []).append(Promise(channel, order, int(units), sold_at))
    return found


async def keep(pool: Pool, found: Mapping[int, Oversell]) -> None:
    """Write down that these SKUs are short: opened where that is new, and with whom it hits now."""
    await execute(
        pool,
        "keep_oversells",
        skus=list(found),
        shorts=[oversell.units_short for oversell in found.values()],
        channels=[oversell.last_channel for oversell in found.values()],
        orders=[_as_json(oversell.orders) for oversell in found.values()],
    )


async def resolve(pool: Pool) -> int:
    """Close the oversells of SKUs that are not short any more; answers how many that were."""
    return await execute(pool, "resolve_oversells", resolution=RESOLUTION)


async def to_halt(pool: Pool, channels: Sequence[str], *, guarded: bool) -> list[ToHalt]:
    """Listings on these channels that an open oversell has not halted yet.

    `guarded`: what a source has said and no run was let through with is no reason to.
    """
    named = {"channels": list(channels), "guarded": guarded}
    return [ToHalt(*row) for row in await fetched(pool, "to_halt_for_oversells", **named)]


async def to_lift(pool: Pool) -> list[int]:
    """Listings that are halted for an oversell that is over."""
    return [listing for (listing,) in await fetched(pool, "halted_for_no_oversell")]


async def claim_untold(pool: Pool) -> dict[int, int]:
    """Oversells (by number) to tell people of, with the units short they know of; nobody else is given them."""
    return dict(await fetched(pool, "claim_untold"))


async def untell(pool: Pool, claimed: Mapping[int, int]) -> None:
    """Give back what `claim_untold` gave: nobody could be told."""
    await execute(pool, "untell", ids=list(claimed), tolds=list(claimed.values()))


async def listed(
    pool: Pool,
    *,
    ids: Sequence[int] | None = None,
    sku: str | None = None,
    resolved: bool = False,
    limit: int,
) -> list[OversellRow]:
    """Oversells, the newest first: of these numbers, of one SKU, or all; `resolved` ones only where asked for."""
    rows = await fetched(
        pool, "oversells", ids=None if ids is None else list(ids), sku=sku, all=resolved, limit=limit
    )
    return [_row(*row) for row in rows]


def _row(
    number: int, sku: str, name: str, found_at: datetime, short: int, short_now: Decimal, *others: Any
) -> OversellRow:
    last_channel, orders, resolved_at, resolution = others
    unfilled = tuple(_from_json(orders))
    return OversellRow(
        number, sku, name, found_at, short, int(short_now), last_channel, unfilled, resolved_at, resolution
    )


def _as_json(orders: Sequence[Unfilled]) -> str:
    told = [{"channel": o.channel, "order": o.order_id, "units": o.units} for o in orders]
    return json.dumps(told, separators=(",", ":"))


def _from_json(kept: Sequence[Mapping[str, Any]]) -> list[Unfilled]:
    return [Unfilled(each["channel"], each["order"], each["units"]) for each in kept]
