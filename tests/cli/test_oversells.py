"""`onhand oversells`: what is oversold, whom it hits, and what to do."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from onhand.alerts.slack import Slack
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement, event_of
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.ledger.database import Pool
from onhand.ledger.orders import post_orders
from onhand.ledger.posting import post_events
from onhand.overselling import look_for_oversells
from onhand.settings import load_settings
from tests.cli.conftest import Onhand

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


async def sell(pool: Pool, channel: str, number: str, units: int, minutes: int) -> None:
    """An order of A, placed so many minutes after noon."""
    at = NOON + timedelta(minutes=minutes)
    line = OrderLine("1", "A", "leeds", units, 0)
    await post_orders(pool, [OrderSnapshot(channel, number, 1, at, (line,), at)])


async def receive(pool: Pool, units: int) -> None:
    """Units of A in Leeds."""
    await post_events(
        pool, [event_of(Movement("t", str(units), EventKind.RECEIPT, "A", "leeds", units, NOON))]
    )


@pytest.fixture
async def oversold(store: Pool, config: object) -> Pool:
    """5 of A, of which 4 and 3 were sold."""
    await receive(store, 5)
    await sell(store, "woo", "1001", 4, 1)
    await sell(store, "bigc", "7[1]", 3, 2)
    await look_for_oversells(store, load_settings(config), Slack(None))
    return store


async def test_nothing_is_oversold(store: Pool, onhand: Onhand) -> None:
    """Goal: a quiet answer and exit code 0."""
    answer = await onhand("oversells", "list")
    assert (answer.code, answer.lines) == (0, ["nothing is oversold"])
    never = await onhand("oversells", "show", "A")
    assert (never.code, never.stderr) == (
        2, "error: A was never oversold\nwhat to do: onhand oversells list --all\n"
    )  # fmt: skip
    assert (await onhand("oversells", "show", "Z")).code == 2


async def test_what_is_oversold_is_listed(oversold: Pool, onhand: Onhand) -> None:
    """Goal: one line each; the exit code tells a script."""
    answer = await onhand("oversells", "list")
    assert answer.code == 3
    assert answer.lines == [
        "sku  short now  at worst  orders  found     sold last on  over",
        "──────────────────────────────────────────────────────────────",
        "A            2         2       1  just now  bigc",
    ]
    (row,) = (await onhand("oversells", "list", "--json")).json
    assert (row["sku"], row["short_now"], row["orders"]) == (
        "A", 2, [{"channel": "bigc", "order_id": "7[1]", "units": 2}]
    )  # fmt: skip


async def test_one_is_shown_with_what_to_do(oversold: Pool, onhand: Onhand) -> None:
    """Goal: orders, who sold last, what is halted, and the playbook; no person is named."""
    answer = await onhand("oversells", "show", "A")
    assert answer.code == 3
    text = [re.sub(r"\d{4}-\d\d-\d\d [\d:]{8}", "WHEN", line) for line in answer.lines]
    assert text[:4] == [
        "SKU           A Apple",
        "oversold      2 units short",
        "found         WHEN (just now)",
        "sold last on  bigc",
    ]
    assert [line.split(":")[0] for line in text[4:6]] == ["halted        bigc 7", "              woo 101"]
    assert text[6:9] == [
        "order  channel  units it lacks",
        "──────────────────────────────",
        "7[1]   bigc                  2",
    ]
    assert text[9].startswith("what to do: 1. Look for the units:")
    document = (await onhand("oversells", "show", "A", "--json")).json
    assert {halt["channel"] for halt in document["halts"]} == {"woo", "bigc"}
    assert document["playbook"].startswith("1. Look")


async def test_one_that_is_over_is_shown_as_it_was(oversold: Pool, onhand: Onhand, config: object) -> None:
    """Goal: afterwards one can still see what happened."""
    await receive(oversold, 2)
    await look_for_oversells(oversold, load_settings(config), Slack(None))
    assert (await onhand("oversells", "list")).lines == ["nothing is oversold"]
    (row,) = (await onhand("oversells", "list", "--all", "--json")).json
    assert (row["short_now"], row["units_short"], row["resolution"]) == (0, 2, "nothing is short any more")
    answer = await onhand("oversells", "show", "A")
    assert answer.code == 0
    assert "over: nothing is short any more, 2 at worst" in answer.lines[1]
    assert "what to do" not in answer.stdout
