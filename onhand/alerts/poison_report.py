"""What people are told about deliveries that could not be taken: once for each, those of one moment together."""

from collections.abc import Sequence

from onhand.alerts.blocks import Block, clip, code, header, listed, section
from onhand.alerts.slack import Delivery, Message, Slack
from onhand.ledger.inbox import UNREADABLE, InboxRow

SHOWN_MAX = 10
AGAIN = "When it is mended, have it taken again:"
SEEN_TO = (
    "What could not even be read cannot be taken again; the order sweep reads orders itself. Once seen to:"
)


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
            section("Everything else goes on."),
            *_advice(AGAIN, "onhand inbox replay", [row for row in rows if row.kind != UNREADABLE]),
            *_advice(
                SEEN_TO,
                "onhand inbox dismiss",
                [row for row in rows if row.kind == UNREADABLE],
                " --note WHY",
            ),
            listed("*Reasons*", lines[:SHOWN_MAX], len(lines) - len(lines[:SHOWN_MAX])),
        ],
    )


def _advice(words: str, command: str, rows: Sequence[InboxRow], more: str = "") -> list[Block]:
    """What to do about these; nothing where there are none."""
    named = " ".join(str(row.inbox_id) for row in rows[:SHOWN_MAX])
    return [section(words), section(code(f"{command} {named}{more}"))] if rows else []
