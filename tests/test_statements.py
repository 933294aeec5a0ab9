"""How often the two ends of the way of an order ask Postgres: each question costs as much as a few hundred rows of one.

The number must not depend on how much there is to do, and whoever adds a statement says so here.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from onhand.domain.sales import ChannelOrder, SoldLine, as_json
from onhand.intake import take
from onhand.ledger import inbox, levels
from onhand.ledger.database import Pool
from onhand.ledger.inbox import Received
from onhand.ledger.queries import _all
from onhand.publish import Errand, bring_to_targets
from tests.fix_selling import Selling
from tests.publish.shelves import LIVE, adjust

INTAKE = [
    "waiting_deliveries",
    "sold_items",
    "begin_orders",
    "post_events",
    "remember_orders",
    "take_sales",
    "settle_deliveries",
    "COMMIT",
]
PUBLISH = [
    "pending_live",
    "listing_states",
    "claim_believed",
    "settle_listings",
    "book_levels",
    "COMMIT",
]


@contextmanager
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of the statements that are executed meanwhile; one that has none is there as it is."""
    names = {text: name for name, text in _all().items()}
    found: list[str] = []
    execute = psycopg.AsyncConnection.execute

    async def noted(self: Any, statement: str, *rest: Any, **named: Any) -> Any:
        found.append(names.get(statement, re.sub(r"\s+", " ", str(statement))))
        return await execute(self, statement, *rest, **named)

    with monkeypatch.context() as patched:
        patched.setattr(psycopg.AsyncConnection, "execute", noted)
        yield found


async def deliver(pool: Pool, orders: int) -> None:
    """So many orders of both SKUs are placed on `web`."""
    now = datetime.now(UTC)
    lines = tuple(SoldLine(sku, (f"web-{sku}",), sku, 1, 0) for sku in "AB")
    told = [ChannelOrder(f"{orders}-{n}", 1, now, now, lines) for n in range(orders)]
    await inbox.accept(
        pool,
        [Received("web", o.order_id, b"", "order", "orders", o.order_id, as_json(o)) for o in told],
    )


@pytest.mark.parametrize("orders", [1, 30])
async def test_a_batch_of_orders_asks_eight_times(
    selling: Selling, monkeypatch: pytest.MonkeyPatch, orders: int
) -> None:
    await deliver(selling.pool, orders)
    with asked(monkeypatch) as statements:
        taken = await take(selling.pool, selling.web, LIVE.channels["web"])

    assert (taken.posted, statements) == (orders, INTAKE)


@pytest.mark.parametrize("skus", ["A", "AB"])
async def test_telling_a_channel_asks_six_times(
    selling: Selling, monkeypatch: pytest.MonkeyPatch, skus: str
) -> None:
    for sku in skus:
        await adjust(selling.pool, f"shelf-{sku}", sku, -4)
    with asked(monkeypatch) as statements:
        listings = await levels.pending_live(selling.pool, "store", 10)
        done = await bring_to_targets(selling.pool, selling.store, LIVE, listings, Errand(live=True), set())

    assert (list(done.values()), statements) == (["changed"] * len(skus), PUBLISH)
