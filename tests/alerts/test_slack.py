"""Slack over real HTTP: what is sent, and that no trouble of Slack's is ever ours."""

import socket
import time

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response
from structlog.testing import capture_logs

from onhand.alerts import slack as module
from onhand.alerts.blocks import section
from onhand.alerts.slack import NOT_CONFIGURED, Delivery, Message, Slack
from onhand.settings import SettingsError, SlackSettings
from tests.alerts.slack_double import SlackDouble, refusal, running, slow_down

TOKEN = "planted-slack-token-1"
MESSAGE = Message("#stock", "Sync finished: 3 changed", [section("3 changed")])


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONHAND_SLACK_TOKEN", TOKEN)


def slack_at(base_url: str, *, timeout: int = 5) -> Slack:
    settings = SlackSettings(token_env="ONHAND_SLACK_TOKEN", base_url=base_url)
    return Slack.from_settings(settings, call_timeout_seconds=timeout)


async def posted(*answers: Response | float, timeout: int = 5) -> tuple[SlackDouble, Delivery]:
    async with running(SlackDouble(*answers)) as double:
        return double, await slack_at(double.base_url, timeout=timeout).post(MESSAGE)


async def test_a_message_arrives_as_it_was_written() -> None:
    with capture_logs() as lines:
        double, delivery = await posted()
    assert delivery == Delivery(True)
    assert double.asked == [
        {
            "channel": "#stock",
            "text": "Sync finished: 3 changed",
            "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "3 changed"}}],
            "unfurl_links": False,
        }
    ]
    assert double.tokens == [f"Bearer {TOKEN}"]
    assert lines == [
        {
            "event": "told slack",
            "slack_channel": "#stock",
            "text": "Sync finished: 3 changed",
            "log_level": "info",
        }
    ]


async def test_a_refused_message_says_what_slack_said_and_what_to_do() -> None:
    with capture_logs() as lines:
        double, delivery = await posted(refusal("not_in_channel"))
    assert delivery == Delivery(
        False, "Slack said not_in_channel; invite the app into the channel: /invite @<app>"
    )
    assert len(double.asked) == 1
    assert lines[0]["event"] == "slack was not told"
    assert lines[0]["error"] == delivery.error


async def test_invalid_blocks_carry_the_details() -> None:
    _, delivery = await posted(refusal("invalid_blocks", "[ERROR] must be less than 3001 characters"))
    assert delivery == Delivery(False, "Slack said invalid_blocks; [ERROR] must be less than 3001 characters")


async def test_a_rate_limit_is_waited_out() -> None:
    started = time.monotonic()
    double, delivery = await posted(slow_down("1"), JSONResponse({"ok": True}))
    assert delivery == Delivery(True)
    assert len(double.asked) == 2
    assert time.monotonic() - started >= 1.0


@pytest.mark.parametrize("asked", ["31", "3600", "soon"])
async def test_a_rate_limit_longer_than_a_message_is_worth_is_not(asked: str) -> None:
    double, delivery = await posted(slow_down(asked))
    assert delivery == Delivery(False, "Slack said ratelimited")
    assert len(double.asked) == 1


async def test_an_error_of_the_server_is_tried_once_more() -> None:
    double, delivery = await posted(PlainTextResponse("oops", 503), JSONResponse({"ok": True}))
    assert delivery == Delivery(True)
    assert len(double.asked) == 2


@pytest.mark.parametrize("body", ["<html>a proxy's login page</html>", "{broken", ""])
async def test_an_answer_that_is_not_slacks_is_a_failure_in_words(body: str) -> None:
    _, delivery = await posted(PlainTextResponse(body))
    assert delivery.ok is False
    assert delivery.error != ""


async def test_a_silent_slack_is_given_up_after_the_timeout() -> None:
    started = time.monotonic()
    double, delivery = await posted(2.0, timeout=1)
    assert delivery == Delivery(False, "TimeoutError: timed out")
    assert len(double.asked) == 1, "it may have been posted, so it is not sent again"
    assert time.monotonic() - started < 5


async def test_one_message_with_all_its_retries_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POST_TIMEOUT_SECONDS", 0.2)
    _, delivery = await posted(slow_down("1"))
    assert delivery.ok is False
    assert delivery.error.startswith("TimeoutError")


async def test_nobody_there_is_a_failure_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    delivery = await slack_at(f"http://127.0.0.1:{port}/api/").post(MESSAGE)
    assert delivery == Delivery(False, "URLError: <urlopen error [Errno 111] Connection refused>")


async def test_without_a_token_nothing_is_sent_and_that_is_said_once() -> None:
    slack = Slack.from_settings(SlackSettings())
    with capture_logs() as lines:
        assert await slack.post(MESSAGE) is NOT_CONFIGURED
        assert await slack.post(MESSAGE) is NOT_CONFIGURED
    assert [line["event"] for line in lines] == [
        "slack is not configured: set slack.token_env to have runs reported there"
    ]


def test_a_token_that_is_named_and_missing_is_told_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONHAND_SLACK_TOKEN")
    with pytest.raises(SettingsError, match="the environment variable ONHAND_SLACK_TOKEN is not set"):
        slack_at("http://127.0.0.1:1/")
