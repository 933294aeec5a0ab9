"""What people read of deliveries that could not be taken."""

from datetime import UTC, datetime

from onhand.alerts.poison_report import poison_message
from onhand.ledger.inbox import InboxRow
from tests.alerts.test_run_report import texts

AT = datetime(2026, 11, 26, 9, tzinfo=UTC)


def delivery(number: int, kind: str, reason: str) -> InboxRow:
    return InboxRow(number, "web", kind, "orders/create", "", AT, "poison", AT, reason)


def test_only_what_was_kept_is_to_be_replayed_and_the_rest_to_be_closed() -> None:
    """Goal: no command is advised that will be refused."""
    mended, unread = delivery(7, "order_hint", "no item"), delivery(8, "other", "no JSON")
    reasons = "*Reasons*\n• `7` orders/create: no item\n• `8` orders/create: no JSON"
    message = poison_message("#alerts", "web", [mended, unread])
    assert (message.channel, message.text) == ("#alerts", "2 deliveries of web cannot be taken")
    assert texts(message.blocks) == [
        ":warning: 2 deliveries of web cannot be taken",
        "Everything else goes on.",
        "When it is mended, have it taken again:",
        "`onhand inbox replay 7`",
        "What could not even be read cannot be taken again; the order sweep reads orders itself. Once seen to:",
        "`onhand inbox dismiss 8 --note WHY`",
        reasons,
    ]
    assert texts(poison_message("#alerts", "web", [mended]).blocks)[:5] == [
        ":warning: 1 delivery of web cannot be taken",
        "Everything else goes on.",
        "When it is mended, have it taken again:",
        "`onhand inbox replay 7`",
        "*Reasons*\n• `7` orders/create: no item",
    ]
