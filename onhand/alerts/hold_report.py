"""What people are told of a hold: once for each, however many runs it holds back."""

from onhand.alerts.blocks import clip, code, context, header, section
from onhand.alerts.slack import Delivery, Message, Slack
from onhand.ledger import holds
from onhand.ledger.database import Pool
from onhand.ledger.holds import HeldRun
from onhand.settings import Settings

_WHAT = {"sync": "The sync", "reconciliation": "The repair of what was read back"}


async def tell(slack: Slack, pool: Pool, settings: Settings) -> list[Delivery]:
    """Alert people of every hold they have not heard of yet. One that Slack did not take is told by the next run."""
    where = settings.slack.alert_channel or settings.slack.channel
    deliveries = []
    for hold in await holds.of_channels(pool):
        if hold.stands and hold.told_at is None:
            deliveries.append(await slack.post(hold_message(where, hold)))
            if deliveries[-1].ok:
                await holds.note_told(pool, hold)
    return deliveries


def hold_message(where: str, hold: HeldRun) -> Message:
    """What was held, why, and what to do in either case."""
    headline = f"{hold.channel} is held: too much would change at once"
    return Message(
        where,
        f"{headline}: {clip(hold.reason, 500)}",
        [
            header(f":raised_hand: {headline}"),
            section(
                f"{_WHAT[hold.kind]} would do too much: {clip(hold.reason, 800)}. Nothing of it is sent."
            ),
            section(
                "If that is *wrong*, mend the source or the settings: the next run that is not too much lifts "
                "the hold.\n"
                f"If it is *right*, look at it and let it go: {code(f'onhand runs release --channel {hold.channel}')}"
            ),
            context("What is sold meanwhile is told to the channel all the same."),
        ],
    )
