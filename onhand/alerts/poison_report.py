"""What people are told about deliveries that could not be taken: once for each, those of one moment together."""

from collections.abc import Sequence

from onhand.alerts.blocks import clip, code, header, listed, section
from onhand.alerts.slack import Delivery, Message, Slack
from onhand.ledger.inbox import InboxRow

SHOWN_MAX = 10


async def tell(slack: Slack, where: str, channel: str, rows: Sequence[InboxRow]) -> Delivery:
    """Alert people in the Slack channel `where`; not being heard is logged there and fails nothing."""
    return await slack.post(poison_message(where, channel, rows))


def poison_message(where: str, channel: str, rows: Sequence[InboxRow]) -> Message:
    """Which deliveries, why, and what to do."""
    count = "1 delivery" if len(rows) == 1 else f"{len(rows):,} deliveries"
    headline = f"{count} of {channel} cannot be taken"
    lines = [f"• {code(str(row.inbox_id))} {clip(row.topic, 80)}: {clip(row.reason, 240)}" for row in rows]
    return Message(
        where,
        headline,
        [
            header(f":warning: {headline}"),
            section("Everything else goes on. When it is mended, have them taken again:"),
            section(code("onhand inbox replay " + " ".join(str(r.inbox_id) for r in rows[:SHOWN_MAX]))),
            listed("*Reasons*", lines[:SHOWN_MAX], len(lines) - len(lines[:SHOWN_MAX])),
        ],
    )
