"""What people are told of spikes: what sells how much faster than usual, and what was done about it."""

from collections.abc import Sequence

from onhand.alerts.blocks import clip, code, context, header, listed, section
from onhand.alerts.slack import Delivery, Message, Slack
from onhand.ledger.spikes import SpikeRow

SKUS_SHOWN = 10


async def tell(slack: Slack, where: str, rows: Sequence[SpikeRow]) -> Delivery:
    """Say so in the Slack channel `where`."""
    return await slack.post(message(where, rows))


def message(where: str, rows: Sequence[SpikeRow]) -> Message:
    """One message for all that began since the last look, the largest first."""
    many = len(rows) > 1
    headline = (
        f"{len(rows):,} SKUs sell much faster than usual"
        if many
        else f"{rows[0].sku} sells much faster than usual"
    )
    largest = sorted(rows, key=lambda row: (-row.units, row.sku))
    lines = [
        f"• {code(row.sku)}{_named(row)}: {row.units:,} units in an hour, {row.usual:,.1f} are usual; "
        f"{row.held_back:,} held back on each listing"
        for row in largest
    ]
    done = "They are told to the channels first, and more is held back, until they calm; that is undone by itself."
    return Message(
        where,
        headline,
        [
            header(f":chart_with_upwards_trend: {headline}"),
            listed("*In the last hour*", lines[:SKUS_SHOWN], max(0, len(lines) - SKUS_SHOWN)),
            section(done),
            context(f"More: {code('onhand spikes list')}"),
        ],
    )


def _named(row: SpikeRow) -> str:
    return f" {clip(row.name, 100)}" if row.name else ""
