"""What people are told of oversells: how many units are short, whom it hits, who sold last, and what to do."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from onhand.alerts.blocks import Block, clip, code, context, header, listed, section
from onhand.alerts.slack import Delivery, Message, Slack
from onhand.ledger.oversells import OversellRow

ORDERS_SHOWN = 10
SKUS_SHOWN = 10


async def tell(
    slack: Slack, where: str, rows: Sequence[OversellRow], grown: AbstractSet[int], playbook: str
) -> Delivery:
    """Alert people in the Slack channel `where`: those in `grown` were told before, when they were smaller."""
    message = (
        one_message(where, rows[0], rows[0].oversell_id in grown, playbook)
        if len(rows) == 1
        else many_message(where, rows, playbook)
    )
    return await slack.post(message)


def one_message(where: str, row: OversellRow, grown: bool, playbook: str) -> Message:
    """One SKU with its orders."""
    how = "is oversold further" if grown else "is oversold"
    headline = f"{row.sku} {how}: {_units(row.short_now or row.units_short)} short"
    facts = [clip(row.name, 300)] if row.name else []
    facts.append(
        f"Sold last on *{clip(row.last_channel, 100)}*." if row.last_channel else "No open order holds it."
    )
    blocks = [header(f":rotating_light: {headline}"), section("\n".join(facts))]
    if row.orders:
        blocks.append(_orders(row))
    return Message(where, headline, [*blocks, *_what_to_do(playbook, f"onhand oversells show {row.sku}")])


def many_message(where: str, rows: Sequence[OversellRow], playbook: str) -> Message:
    """Several at once: one line each, so that a broken file does not fill a channel."""
    short = sum(row.short_now or row.units_short for row in rows)
    headline = f"{len(rows):,} SKUs are oversold: {_units(short)} short in all"
    worst = sorted(rows, key=lambda row: (-row.units_short, row.sku))
    lines = [
        f"• {code(row.sku)}: {_units(row.short_now or row.units_short)} short"
        + (f", sold last on {clip(row.last_channel, 100)}" if row.last_channel else "")
        for row in worst
    ]
    skus = listed("*The worst*", lines[:SKUS_SHOWN], max(0, len(lines) - SKUS_SHOWN))
    return Message(
        where,
        headline,
        [header(f":rotating_light: {headline}"), skus, *_what_to_do(playbook, "onhand oversells list")],
    )


def _orders(row: OversellRow) -> Block:
    lines = [f"• {clip(o.channel, 100)} order {code(o.order_id)}: {_units(o.units)}" for o in row.orders]
    return listed(
        "*Orders that cannot be filled, newest first*",
        lines[:ORDERS_SHOWN],
        max(0, len(lines) - ORDERS_SHOWN),
    )


def _what_to_do(playbook: str, command: str) -> list[Block]:
    said = [section(f"*What to do*\n{clip(playbook, 2_000)}")] if playbook else []
    return [*said, context(f"More: {code(command)}")]


def _units(number: int) -> str:
    return "1 unit" if number == 1 else f"{number:,} units"
