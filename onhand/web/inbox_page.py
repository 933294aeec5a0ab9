"""What the channels told us, as a page: the newest deliveries, and of each what became of it."""

from collections.abc import Sequence

from starlette.responses import HTMLResponse

from onhand.web.html import Content, Markup, ago, table, tag
from onhand.web.inbox_routes import WAITING, InboxDelivery
from onhand.web.pages import REFRESH_SECONDS, page, state

CHOICES = ("", WAITING, "poison", "posted", "unchanged", "stale", "echo", "noted", "dismissed")
"""What can be asked for; the first is all of it."""


def inbox_page(deliveries: Sequence[InboxDelivery], outcome: str, temporal_ui: str) -> HTMLResponse:
    """The newest deliveries, of one outcome or of any."""
    return page(
        "Inbox",
        tag("h1", "Inbox"),
        tag(
            "p",
            [[" · " if at else None, _choice(each, outcome)] for at, each in enumerate(CHOICES)],
            class_="soft",
        ),
        _listed(deliveries) if deliveries else tag("p", _empty(outcome), class_="soft"),
        temporal_ui=temporal_ui,
        refresh=REFRESH_SECONDS,
    )


def _empty(outcome: str) -> str:
    if outcome:
        return f"Nothing is {outcome}." if outcome in (WAITING, "poison") else f"Nothing was {outcome}."
    return "No channel has told us anything yet. Do they know where to? onhand webhooks check"


def _choice(name: str, chosen: str) -> Content:
    words = name or "all"
    if name == chosen:
        return tag("strong", words)
    return tag("a", words, href=f"/inbox?outcome={name}" if name else "/inbox")


def _listed(deliveries: Sequence[InboxDelivery]) -> Markup:
    return table(
        ("delivery", "channel", "received", "topic", "of", "outcome", "why"),
        [
            (
                str(each.id),
                each.channel,
                ago(each.received_at),
                each.topic,
                each.subject,
                state(each.outcome or WAITING),
                tag("div", _why(each), class_="why"),
            )
            for each in deliveries
        ],
    )


def _why(delivery: InboxDelivery) -> Content:
    lines: list[Content] = [delivery.reason] if delivery.reason else []
    if delivery.dismissed_by:
        lines.append(tag("div", f"Dismissed by {delivery.dismissed_by}: {delivery.dismissed_because}"))
    if delivery.outcome == "poison":
        unreadable = delivery.kind == "other"
        advice = f"dismiss {delivery.id} --note WHY" if unreadable else f"replay {delivery.id}"
        lines.append(tag("div", f"onhand inbox {advice}", class_="soft"))
    return lines
