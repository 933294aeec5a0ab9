"""What people read about a run, block by block; and that no text breaks Slack's limits."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from onhand.alerts.run_report import RunRecord, alert_message, seconds_text, summary_message, tell
from onhand.alerts.slack import Delivery, Slack
from onhand.ledger import runs
from onhand.ledger.database import Pool
from onhand.ledger.runs import RunChannelRow, RunFailureRow, RunRow
from onhand.settings import Settings, SlackSettings
from tests.alerts.slack_double import SlackDouble, running

START = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)

RUN = RunRow(
    id="sync-run-2026-11-21T07:00:00Z",
    workflow_id="sync-run-2026-11-21T07:00:00Z",
    started_at=START,
    finished_at=START + timedelta(seconds=12.34),
    status="success",
    request={},
    summary="312 changed, 0 failed of 600 levels",
    rows_read=300,
    rows_posted=156,
    rows_unchanged=144,
    rows_refused=0,
)

SHOP = RunChannelRow(
    channel="shop",
    platform="shopify",
    status="success",
    started_at=START,
    finished_at=START + timedelta(seconds=8),
    levels=600,
    planned=312,
    changed=312,
    unchanged=288,
    skipped=2,
    failed=0,
    reads=1,
    writes=3,
    throttled=0,
    waited_seconds=0.0,
    message="",
)

FAILURE = RunFailureRow(
    channel="woo",
    sku="85123A",
    item_id="17",
    place="",
    failed_at=START,
    category="row is bad",
    message="the product <17> was deleted & is gone",
    advice="run onhand mapping discover --channel woo",
)


def texts(blocks: Any) -> list[str]:
    return [b["elements"][0]["text"] if b["type"] == "context" else b["text"]["text"] for b in blocks]


def test_the_summary_of_a_good_run() -> None:
    message = summary_message(RunRecord(RUN, [SHOP], []), "#stock")
    assert message.channel == "#stock"
    assert message.text == "Sync finished: 312 changed, 0 failed of 600 levels"
    assert list(message.blocks) == [
        {
            "type": "header",
            "text": {"type": "plain_text", "text": ":white_check_mark: Sync finished", "emoji": True},
        },
        {"type": "section", "text": {"type": "mrkdwn", "text": "312 changed, 0 failed of 600 levels"}},
        {
            "type": "section",
            "text": {
                "type": "mrkdwn",
                "text": "*shop* (shopify): success in 8.0 s\n"
                "312 changed, 288 unchanged, 2 skipped, 0 failed\n"
                "1 read and 3 write calls",
            },
        },
        {
            "type": "context",
            "elements": [
                {
                    "type": "mrkdwn",
                    "text": "Started 2026-11-21 07:00:00 UTC. Took 12.3 s. "
                    "Source: 300 rows read, 156 posted, 0 refused. "
                    "More: `onhand runs show sync-run-2026-11-21T07:00:00Z`",
                }
            ],
        },
    ]


def test_the_summary_of_a_partial_run_lists_failures_waits_and_messages() -> None:
    woo = replace(
        SHOP, channel="woo", status="partial", failed=14, changed=298, throttled=2, waited_seconds=61.2
    )
    woo = replace(woo, message="14 of 600 levels could not be set")
    failures = [replace(FAILURE, sku=f"SKU-{n}", place="1" if n == 0 else "") for n in range(12)]
    message = summary_message(RunRecord(replace(RUN, status="partial"), [woo], failures), "#stock")
    assert message.text == "Sync finished in part: 298 changed, 14 failed of 600 levels"
    lines = texts(message.blocks)
    assert lines[0] == ":warning: Sync finished in part"
    assert lines[2] == (
        "*woo* (shopify): partial in 8.0 s\n"
        "298 changed, 288 unchanged, 2 skipped, 14 failed\n"
        "1 read and 3 write calls, 2 throttled, waited 1 min 01 s on limits\n"
        "14 of 600 levels could not be set"
    )
    listed = lines[3].splitlines()
    reason = "the product &lt;17&gt; was deleted &amp; is gone _run onhand mapping discover --channel woo_"
    assert listed[:3] == [
        "*First failures*",
        f"• `SKU-0` on woo at `1`: {reason}",
        f"• `SKU-1` on woo: {reason}",
    ]
    assert len(listed) == 12
    assert listed[-1] == "and 4 more"


def test_what_the_summary_says_of_a_channel_is_not_said_again() -> None:
    """Goal: the whole message is there once, unless the summary is so long that it is cut."""
    said = "held: it would empty 9 & more of 10 listings"
    woo = replace(SHOP, channel="woo", status="held", message=f"{said}. Where it is right: release it")
    for more, told in (("", False), ("x" * 2_000, True)):
        run = replace(RUN, status="partial", summary=f"{more}woo {said}. Where it is right: release it.")
        lines = texts(summary_message(RunRecord(run, [woo], []), "#stock").blocks)[2].splitlines()
        assert (
            lines[-1] == "held: it would empty 9 &amp; more of 10 listings. Where it is right: release it"
        ) is told


def test_a_good_run_raises_no_alert() -> None:
    assert alert_message(RunRecord(RUN, [SHOP], []), "#alerts", 0.01) is None


@pytest.mark.parametrize(
    ("failed", "levels", "share", "alarming"),
    [
        (6, 600, 0.01, False),
        (7, 600, 0.01, True),
        (0, 600, 0.0, False),
        (1, 600, 0.0, True),
        (1, 0, 0.01, True),
        (600, 600, 1.0, False),
        (0, 0, 0.01, False),
    ],
)
def test_an_alert_is_sent_above_the_share_and_not_at_it(
    failed: int, levels: int, share: float, alarming: bool
) -> None:
    channel = replace(SHOP, status="partial", failed=failed, levels=levels)
    assert (alert_message(RunRecord(RUN, [SHOP, channel], []), "#alerts", share) is not None) is alarming


def test_the_alert_says_what_where_and_from_when_on() -> None:
    woo = replace(SHOP, channel="woo", status="partial", failed=15)
    message = alert_message(RunRecord(replace(RUN, status="partial"), [woo], [FAILURE]), "#alerts", 0.01)
    assert message is not None
    assert message.channel == "#alerts"
    assert message.text == "Stock is not right: 15 of 600 levels failed on woo (2.5 %)"
    assert texts(message.blocks) == [
        ":rotating_light: Stock is not right: 15 of 600 levels failed on woo (2.5 %)",
        "*What happened*\n• 15 of 600 levels failed on woo (2.5 %)",
        "An alert is sent above 1 % of a channel's levels: `sync.failure_alert_share`.",
        "*First failures*\n• `85123A` on woo: the product &lt;17&gt; was deleted &amp; is gone "
        "_run onhand mapping discover --channel woo_\nand 14 more",
        "Started 2026-11-21 07:00:00 UTC. Took 12.3 s. Source: 300 rows read, 156 posted, 0 refused. "
        "More: `onhand runs show sync-run-2026-11-21T07:00:00Z`",
    ]


def test_a_failed_run_and_a_failed_channel_are_alarms_whatever_the_share() -> None:
    run = replace(RUN, status="failed", summary="the source cannot be read")
    shop = replace(SHOP, status="failed", message="the token is revoked")
    message = alert_message(RunRecord(run, [shop], []), "#alerts", 1.0)
    assert message is not None
    assert message.text == "Stock is not right: the run failed: the source cannot be read (and 1 more)"
    assert texts(message.blocks)[1] == (
        "*What happened*\n• the run failed: the source cannot be read\n• shop failed: the token is revoked"
    )


def strings(value: Any) -> Iterator[tuple[str, str]]:
    match value:
        case {"type": "plain_text" | "mrkdwn" as kind, "text": str(text)}:
            yield kind, text
        case dict():
            for found in value.values():
                yield from strings(found)
        case list() | tuple():
            for found in value:
                yield from strings(found)


@pytest.mark.parametrize("character", ["<", "&", "`", "x", "é", "\n", "🙂"])
def test_no_text_however_long_breaks_slacks_limits(character: str) -> None:
    long = character * 5_000
    channels = [
        replace(SHOP, channel=f"{n}{long}", platform=long, message=long, status="failed") for n in range(70)
    ]
    failures = [
        replace(FAILURE, sku=long, place=long, message=long, advice=long, channel=long) for _ in range(10)
    ]
    record = RunRecord(replace(RUN, status="failed", summary=long, id=long), channels, failures)
    alert = alert_message(record, "#alerts", 0.01)
    assert alert is not None
    for message in (summary_message(record, "#stock"), alert):
        assert len(message.blocks) <= 50
        assert len(message.text) <= 4_000
        for kind, text in strings(list(message.blocks)):
            assert 0 < len(text) <= (150 if kind == "plain_text" else 3_000)
            if kind == "mrkdwn":
                assert text.replace("&lt;", "").replace("&gt;", "").replace("&amp;", "").count("&") == 0


def test_more_channels_than_blocks_are_counted() -> None:
    record = RunRecord(RUN, [replace(SHOP, channel=f"c{n}") for n in range(60)], [])
    assert texts(summary_message(record, "#stock").blocks)[-2] == "and 14 more channels"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (12.34, "12.3 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (245, "4 min 05 s"),
        (3_725, "1 h 02 min"),
    ],
)
def test_durations_as_people_say_them(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


def settings(base_url: str, **slack: str) -> Settings:
    return Settings.model_validate(
        {
            "locations": {"leeds": {}},
            "channels": {
                "web": {
                    "platform": "woocommerce",
                    "base_url": "http://127.0.0.1:1",
                    "key_env": "K",
                    "secret_env": "S",
                    "locations": ["leeds"],
                }
            },
            "slack": {"token_env": "ONHAND_SLACK_TOKEN", "base_url": base_url, **slack},
        }
    )


async def test_tell_reads_the_ledger_and_says_the_alert_first(
    shop: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONHAND_SLACK_TOKEN", "planted-slack-token-2")
    await runs.begin_run(shop, "run-1", "run-1", {})
    await runs.begin_channel(shop, "run-1", "web")
    await runs.start_channel(shop, "run-1", "web", None)
    await runs.finish_channel(shop, "run-1", "web", "failed", "the token is revoked")
    await runs.finish_run(shop, "run-1", "failed", "web failed")
    async with running(SlackDouble()) as double:
        configured = settings(double.base_url, channel="#stock", alert_channel="#alerts")
        deliveries = await tell(Slack.from_settings(configured.slack), shop, configured, "run-1")
    assert deliveries == [Delivery(True), Delivery(True)]
    assert [(m["channel"], m["text"]) for m in double.asked] == [
        ("#alerts", "Stock is not right: the run failed: web failed (and 1 more)"),
        ("#stock", "Sync failed: 0 changed, 0 failed of 0 levels"),
    ]
    assert texts(double.asked[1]["blocks"])[2].splitlines()[1:] == [
        "0 changed, 0 unchanged, 3 skipped, 0 failed",
        "0 read and 0 write calls",
        "the token is revoked",
    ]


async def test_a_run_that_is_not_recorded_is_not_told(shop: Pool) -> None:
    configured = settings("http://127.0.0.1:1/")
    assert await tell(Slack.from_settings(SlackSettings()), shop, configured, "run-9") == []
