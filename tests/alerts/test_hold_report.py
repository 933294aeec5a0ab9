"""What people read of a hold, and how often."""

import pytest

from onhand.alerts.hold_report import hold_message, tell
from onhand.alerts.slack import Delivery, Slack
from onhand.domain.guard import Tally
from onhand.ledger import holds
from onhand.ledger.database import Pool
from tests.alerts.slack_double import SlackDouble, refusal, running
from tests.alerts.test_run_report import settings, texts

WHY = "it would empty 240 of 300 listings (80 %), and move 4,512 pieces in all; what empties more than 20 % is held"


async def test_an_alert_says_what_why_and_what_to_do_in_either_case(shop: Pool) -> None:
    """Goal: somebody woken at night knows from it whether to mend or to release."""
    await holds.save(shop, "web", "sync", "run-1", Tally(300, 240, 240, 4_512), WHY)
    (hold,) = await holds.of_channels(shop)
    message = hold_message("#alerts", hold)
    assert (message.channel, message.text) == (
        "#alerts",
        f"web is held: too much would change at once: {WHY}",
    )
    assert texts(message.blocks) == [
        ":raised_hand: web is held: too much would change at once",
        f"The sync would do too much: {WHY}. Nothing of it is sent.",
        "If that is *wrong*, mend the source or the settings: the next run that is not too much lifts the hold.\n"
        "If it is *right*, look at it and let it go: `onhand runs release --channel web`",
        "What is sold meanwhile is told to the channel all the same.",
    ]


async def test_each_hold_is_told_once_and_again_only_where_slack_did_not_take_it(
    shop: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: not every quarter of an hour; but until somebody has heard of it, and not of what was released."""
    monkeypatch.setenv("ONHAND_SLACK_TOKEN", "planted-slack-token-3")
    async with running(SlackDouble(refusal("is_archived"))) as double:
        configured = settings(double.base_url, channel="#stock", alert_channel="#alerts")
        slack = Slack.from_settings(configured.slack)
        await holds.save(shop, "web", "sync", "run-1", Tally(300, 240, 240, 4_512), WHY)
        assert [d.ok for d in await tell(slack, shop, configured)] == [False]
    async with running(SlackDouble()) as double:
        configured = settings(double.base_url, channel="#stock", alert_channel="#alerts")
        slack = Slack.from_settings(configured.slack)
        assert await tell(slack, shop, configured) == [Delivery(True)]
        await holds.save(shop, "web", "sync", "run-2", Tally(300, 241, 241, 4_513), WHY)
        assert await tell(slack, shop, configured) == []
        await holds.save(shop, "store", "reconciliation", "reconcile-1", Tally(9, 9, 0, 99), WHY)
        await holds.release(shop, "store", "reconciliation", "jo", Tally(9, 9, 0, 99))
        assert await tell(slack, shop, configured) == []
    assert [(m["channel"], m["text"].partition(":")[0]) for m in double.asked] == [("#alerts", "web is held")]
