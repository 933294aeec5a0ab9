"""Slack, as a place to say things that must not fail anything.

The synchronous client of slack_sdk in a thread: its asynchronous one needs aiohttp, a second HTTP stack
for a message every fifteen minutes. A message may arrive twice (an answer that was lost is not told from
one that was never given), which is better than not at all.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry import HttpRequest, HttpResponse, RetryState
from slack_sdk.http_retry.builtin_handlers import (
    ConnectionErrorRetryHandler,
    RateLimitErrorRetryHandler,
    ServerErrorRetryHandler,
)

from onhand.alerts.blocks import Block
from onhand.settings import SlackSettings, secret

log = structlog.get_logger(__name__)

CALL_TIMEOUT_SECONDS = 10
POST_TIMEOUT_SECONDS = 60.0
"""For one message with its retries; a person can wait longer than a run should."""
RETRY_AFTER_MAX_SECONDS = 30

_ADVICE = {
    "channel_not_found": "check slack.channel and slack.alert_channel; a private one must have the app in it",
    "not_in_channel": "invite the app into the channel: /invite @<app>",
    "is_archived": "name another channel in slack.channel and slack.alert_channel",
    "invalid_auth": "the token is wrong: copy the bot token (xoxb-...) again",
    "not_authed": "the token is empty: set the variable that slack.token_env names",
    "account_inactive": "the app or its user was removed: install it again and copy the new token",
    "token_revoked": "the token was revoked: install the app again and copy the new token",
    "token_expired": "the token has expired: issue a new one",
    "missing_scope": "give the app the scope chat:write and install it again",
}


@dataclass(frozen=True, slots=True)
class Message:
    """What is said where. `text` is what notifications and screen readers get."""

    channel: str
    text: str
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True)
class Delivery:
    """Whether a message was taken; `error` says why not, and what to do."""

    ok: bool
    error: str = ""


NOT_CONFIGURED = Delivery(False, "slack.token_env is not set, so nothing is sent")


class Slack:
    """One workspace, or none: without a client nothing is sent."""

    def __init__(self, client: WebClient | None) -> None:
        self._client = client
        self._said_that_it_is_silent = False

    @classmethod
    def from_settings(
        cls, settings: SlackSettings, *, call_timeout_seconds: int = CALL_TIMEOUT_SECONDS
    ) -> Self:
        """As configured. Raises SettingsError when the token's variable is named and not set."""
        if settings.token_env is None:
            return cls(None)
        return cls(
            WebClient(
                token=secret(settings.token_env),
                base_url=settings.base_url,
                timeout=call_timeout_seconds,
                retry_handlers=[
                    _BriefRateLimit(max_retry_count=2),
                    ConnectionErrorRetryHandler(max_retry_count=1),
                    ServerErrorRetryHandler(max_retry_count=1),
                ],
            )
        )

    async def post(self, message: Message) -> Delivery:
        """Say it. Never raises: what became of it is logged and returned."""
        if self._client is None:
            return self._silent()
        delivery = await _delivered(self._client, message)
        if delivery.ok:
            log.info("told slack", slack_channel=message.channel, text=message.text)
        else:
            log.warning(
                "slack was not told", slack_channel=message.channel, text=message.text, error=delivery.error
            )
        return delivery

    def _silent(self) -> Delivery:
        if not self._said_that_it_is_silent:
            log.info("slack is not configured: set slack.token_env to have runs reported there")
            self._said_that_it_is_silent = True
        return NOT_CONFIGURED


async def _delivered(client: WebClient, message: Message) -> Delivery:
    try:
        async with asyncio.timeout(POST_TIMEOUT_SECONDS):
            await asyncio.to_thread(
                client.chat_postMessage,
                channel=message.channel,
                text=message.text,
                blocks=list(message.blocks),
                unfurl_links=False,
            )
    except SlackApiError as error:
        return Delivery(False, _refusal(error))
    except Exception as error:
        # Anything else is the network's or the SDK's trouble; a run must not fail for it.
        return Delivery(False, f"{type(error).__name__}: {error}"[:500])
    return Delivery(True)


def _refusal(error: SlackApiError) -> str:
    said = str(error.response.get("error", "no reason given"))[:300]
    metadata = error.response.get("response_metadata") or {}
    details = "; ".join(map(str, metadata.get("messages", ())))[:500]
    advice = _ADVICE.get(said, "")
    return "; ".join(part for part in (f"Slack said {said}", details, advice) if part)


class _BriefRateLimit(RateLimitErrorRetryHandler):
    """Waits as long as Slack asks, unless that is longer than a message is worth."""

    def _can_retry(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        if response is None or response.status_code != 429:
            return False
        asked = next((v for k, v in response.headers.items() if k.lower() == "retry-after"), ["1"])
        text = asked[0] if isinstance(asked, list) else asked
        return text.isdigit() and int(text) <= RETRY_AFTER_MAX_SECONDS
