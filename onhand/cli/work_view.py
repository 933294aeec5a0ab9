"""How the work on a channel is told to people: what waits, and what keeps it from being done."""

from datetime import datetime

from rich.text import Text

from onhand.ledger.work import Hold
from onhand.wording import ago


def waits(number: int, oldest: datetime | None, now: datetime) -> str:
    """How many wait, and since when the oldest does."""
    return f"{number:,} since {ago(oldest, now)}" if oldest is not None else f"{number:,}"


def hold_text(hold: Hold, now: datetime) -> Text:
    """Why nothing is told to a channel at present; "publishing" where nothing is in the way."""
    if not hold.holds:
        return Text("publishing", style="green")
    return Text("; ".join(hold_reasons(hold, now)), style="yellow" if hold.paused_at else "bold red")


def hold_reasons(hold: Hold, now: datetime) -> list[str]:
    """The same as clauses, one for each reason; none where nothing is in the way."""
    reasons = []
    if hold.paused_at is not None:
        reasons.append(
            f"paused {ago(hold.paused_at, now)}" + (f": {hold.pause_note}" if hold.pause_note else "")
        )
    if hold.trouble:
        retry = "" if hold.retry_at is None else f", tried again {_soon(hold.retry_at, now)}"
        reasons.append(f"breaker open {ago(hold.trouble_since, now)}{retry}: {hold.trouble}")
    return reasons


def _soon(moment: datetime, now: datetime) -> str:
    return "now" if moment <= now else ago(moment, now)
