"""Has the supply side happen while orders come in: straight into the ledger, as warehouse systems state it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import psycopg
from temporalio.client import Client

from bench.figures import BenchFailed
from bench.retail_supply import Act, Came, Ordered, Stock, Went
from bench.shops import LOCATION
from onhand.domain.events import Entry, Event, EventKind, fingerprint
from onhand.domain.purchase_orders import Closing, Delivery, PurchaseOrder
from onhand.domain.states import State
from onhand.ledger import catalogue, purchase_orders, suppliers
from onhand.ledger.database import Pool
from onhand.ledger.posting import Verdict, post_events
from onhand.ledger.suppliers import Supplier
from onhand.waking import wake_publishers

SECOND = "london"
"""Where goods are sent on to; no shop shows it."""
SOURCE = "bench/supply"

KINDS = {
    (State.AVAILABLE, State.IN_TRANSIT): EventKind.TRANSFER_OUT,
    (State.IN_TRANSIT, State.AVAILABLE): EventKind.TRANSFER_IN,
    (State.CUSTOMER, State.QUALITY_CONTROL): EventKind.RETURN,
}

STOCK = """
SELECT sku.code, sum(incoming) FILTER (WHERE here), sum(quality_control) FILTER (WHERE here),
       sum(damaged) FILTER (WHERE here), coalesce(sum(available) FILTER (WHERE NOT here), 0),
       coalesce(sum(in_transit) FILTER (WHERE NOT here), 0)
  FROM (SELECT b.*, l.code = %s AS here FROM balance b JOIN location l ON l.id = b.location_id) b
  JOIN sku ON sku.id = b.sku_id
 GROUP BY sku.code
"""


class SupplySide:
    """The acts of the supply side that have not happened yet."""

    def __init__(self, acts: Sequence[tuple[float, Act]]) -> None:
        self._ahead = list(acts)
        self.count = len(acts)

    async def begin(self, pool: Pool) -> None:
        """Make the second location and the suppliers known."""
        await catalogue.save_places(pool, {SECOND: "London"}, {})
        names = {act.supplier for _, act in self._ahead if isinstance(act, Ordered)}
        await suppliers.save_suppliers(pool, [Supplier(name, 14.0) for name in sorted(names)])

    async def until(self, moment: float, pool: Pool, client: Client) -> None:
        """Everything up to a moment happens: 0 is the first order of the file, 1 the last."""
        due = [act for at, act in self._ahead if at <= moment]
        self._ahead = self._ahead[len(due) :]
        woken: set[str] = set()
        for kind, acts in groupby(due, key=type):
            if kind is Went:
                await _go(pool, [act for act in acts if isinstance(act, Went)], woken)
                continue
            for act in acts:
                await _order(pool, act, woken)
        await wake_publishers(client, sorted(woken))


async def _go(pool: Pool, acts: Sequence[Went], woken: set[str]) -> None:
    for posted in await post_events(pool, [_event(act) for act in acts], woken):
        _require(posted.verdict, posted.message)


def _event(act: Went) -> Event:
    kind = KINDS.get((act.origin, act.target), EventKind.INSPECTION)
    at_second = State.IN_TRANSIT in (act.origin, act.target)
    here = SECOND if at_second and act.origin is State.IN_TRANSIT else LOCATION
    there = SECOND if at_second else LOCATION
    entries = (Entry(act.code, here, act.origin, -act.units), Entry(act.code, there, act.target, act.units))
    return Event(SOURCE, str(act.number), kind, datetime.now(UTC), entries, fingerprint(act))


async def _order(pool: Pool, act: Act, woken: set[str]) -> None:
    now = datetime.now(UTC)
    if isinstance(act, Ordered):
        order = PurchaseOrder(
            SOURCE, act.order, act.supplier, LOCATION, act.lines, now, now.date() + timedelta(days=14)
        )
        (posted,) = await purchase_orders.place(pool, [order])
        _require(posted.verdict, posted.message)
    elif isinstance(act, Came):
        stated = await purchase_orders.receive(
            pool, Delivery(SOURCE, str(act.number), act.order, act.lines, now)
        )
        _require(stated.posted.verdict, stated.posted.message)
        woken |= stated.woken
        if act.last:
            await purchase_orders.close(pool, Closing(SOURCE, "end", act.order, now, "did not come"))


def _require(verdict: Verdict, message: str) -> None:
    if verdict is not Verdict.POSTED:
        raise BenchFailed(f"the supply side was answered {verdict}: {message}")


async def supply_mismatches(
    connection: psycopg.AsyncConnection[Any], expected: Mapping[str, Stock]
) -> list[str]:
    """Codes whose stock is not what the supply side comes to, in the states that orders do not touch."""
    rows = await (await connection.execute(STOCK, (LOCATION,))).fetchall()
    found = {code: tuple(map(int, states)) for code, *states in rows}
    nothing = (0, 0, 0, 0, 0)
    wanted = {
        code: (s.incoming, s.quality_control, s.damaged, s.available_there, s.in_transit_there)
        for code, s in expected.items()
    }
    return [
        f"{code}: {found.get(code)}, not {wanted.get(code, nothing)}"
        for code in sorted(found.keys() | wanted.keys())
        if found.get(code, nothing) != wanted.get(code, nothing)
    ]
