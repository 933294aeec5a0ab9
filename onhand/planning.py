"""Reorder points, worked out anew once a day or so; what should be ordered by them; and the orders that follow.

Reorder points are worked out beside the order sweeps, as tiers are: a part at a time, so that no sweep takes long.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from math import ceil

import structlog

from onhand.domain.demand_history import weekly
from onhand.domain.forecast import forecast
from onhand.domain.purchase_orders import LINES_MAX, PurchaseOrder
from onhand.domain.reorder import DAYS_OF_PERIOD, LeadTime, Policy, daily, plan, position, to_order
from onhand.ledger import planning, purchase_orders
from onhand.ledger.database import Connection, Pool
from onhand.ledger.planning import Asked, Proposal, ReorderPoint
from onhand.ledger.posting import Posted, Verdict

SKUS_AT_ONCE = 1_000
"""SKUs of one part of a round; about a second."""
WEEKS_MIN = 2
"""Of a shorter past nothing can be said: such a SKU has no reorder point yet."""
BETWEEN = 50
"""SKUs after which whatever else this process does gets its turn."""

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Proposed:
    """What should be ordered; `orphans`: SKUs at their reorder point that no supplier is known of."""

    proposals: tuple[Proposal, ...]
    orphans: int


class NotProposedError(Exception):
    """What is to be approved is not proposed (any more); the message says what to do."""


async def refresh_if_due(pool: Pool, policy: Policy, now: datetime) -> int | None:
    """Work out a part of the reorder points where that is due; answers of how many SKUs, None where it was not.

    One process does it: the others find it being done, and go on.
    """
    async with pool.connection() as connection:
        after = await planning.lock_when_due(connection, now - policy.refresh)
        if after is None:
            return None
        skus = await planning.plannable(connection, after, SKUS_AT_ONCE)
        points = await _plan(connection, policy, skus, after, now)
    logger.info("reorder points worked out", skus=len(skus), points=points)
    return len(skus)


async def refresh(pool: Pool, policy: Policy, now: datetime) -> None:
    """Work all of them out, from the beginning."""
    after: int | None = 0
    while after is not None:
        async with pool.connection() as connection:
            await planning.lock(connection)
            skus = await planning.plannable(connection, after, SKUS_AT_ONCE)
            await _plan(connection, policy, skus, after, now)
        after = skus[-1] if len(skus) == SKUS_AT_ONCE else None


async def _plan(
    connection: Connection, policy: Policy, skus: Sequence[int], after: int, now: datetime
) -> int:
    days = policy.history_weeks * DAYS_OF_PERIOD
    found: list[ReorderPoint] = []
    for n, asked in enumerate(await planning.histories(connection, skus, days, now)):
        if (point := _point(asked, policy)) is not None:
            found.append(point)
        if n % BETWEEN == 0:
            await asyncio.sleep(0)
    last = skus[-1] if len(skus) == SKUS_AT_ONCE else None
    await planning.save_points(connection, found, now, after_sku=after, last_sku=last)
    await planning.note_round(connection, last or 0, now)
    return len(found)


def _point(asked: Asked, policy: Policy) -> ReorderPoint | None:
    series = weekly(asked.history, policy.history_weeks)
    if len(series) < WEEKS_MIN:
        return None
    told = forecast(series, policy.method)
    demand = daily(told)
    days, spread = asked.lead or (policy.lead.days, policy.lead.deviation)
    lead = LeadTime(days, spread, policy.lead.review_days)
    wanted = plan(demand, lead, policy.service, policy.cover_days, policy.costs(asked.unit_cost), policy.fill)
    return ReorderPoint(asked.sku_id, asked.location_id, wanted, demand, told, len(series), lead)


async def propose(pool: Pool, now: datetime) -> Proposed:
    """Say anew what should be ordered, from reorder points and stock as they are."""
    async with pool.connection() as connection:
        await planning.serialise_proposals(connection)
        due = await planning.due(connection, now.date())
        wanted = [
            (each, to_order(position(each.available, each.incoming, each.in_transit), each.plan, each.terms))
            for each in due
        ]
        await planning.replace_proposals(
            connection,
            [(each, units) for each, units in wanted if units and each.supplier_id is not None],
            now,
        )
        orphans = sum(units > 0 and each.supplier_id is None for each, units in wanted)
        return Proposed(tuple(await planning.proposals(connection)), orphans)


async def approve(
    pool: Pool, source: str, by: str, now: datetime, *, ids: Sequence[int] | None, supplier: str | None
) -> list[PurchaseOrder]:
    """Place purchase orders for what is proposed, one for each supplier and location; answers them.

    Raises NotProposedError where a number is not proposed (any more), or nothing is.
    """
    async with pool.connection() as connection:
        await planning.serialise_proposals(connection)
        chosen = await planning.proposals(connection, ids=ids, supplier=supplier)
        _require_all(chosen, ids, supplier)
        orders = _orders(chosen, source, now)
        posted = await purchase_orders.place_on(connection, [order for _, order in orders])
        _require_posted(posted)
        placed = [(number, order.code) for numbers, order in orders for number in numbers]
        await planning.approve(connection, placed, by, now)
    return [order for _, order in orders]


def _require_all(chosen: Sequence[Proposal], ids: Sequence[int] | None, supplier: str | None) -> None:
    missing = sorted(set(ids or ()) - {proposal.id for proposal in chosen})
    if missing:
        raise NotProposedError(
            f"{', '.join(map(str, missing))}: not proposed, or proposed anew since; nothing was ordered. "
            "See what is proposed now: onhand reorder propose"
        )
    if not chosen:
        whose = "" if supplier is None else f" from {supplier}"
        raise NotProposedError(f"nothing is proposed{whose}; see onhand reorder propose")


def _require_posted(posted: Sequence[Posted]) -> None:
    refused = [each.message for each in posted if each.verdict is not Verdict.POSTED]
    if refused:
        raise NotProposedError(f"nothing was ordered: {refused[0] or 'it is ordered already'}")


def _orders(chosen: Sequence[Proposal], source: str, now: datetime) -> list[tuple[list[int], PurchaseOrder]]:
    """One order for each supplier and location, of at most so many lines; named by its first proposal."""
    found = []
    for (supplier, location), group in groupby(chosen, key=lambda each: (each.supplier, each.location)):
        lines = list(group)
        for start in range(0, len(lines), LINES_MAX):
            part = lines[start : start + LINES_MAX]
            due = now.date() + timedelta(days=ceil(part[0].lead_days))
            order = PurchaseOrder(
                source, f"R-{min(each.id for each in part)}", supplier, location,
                tuple((each.sku, each.units) for each in part), now, due, due_stated=False,
            )  # fmt: skip
            found.append(([each.id for each in part], order))
    return found
