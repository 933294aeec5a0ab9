"""The doctor on what is outside: secrets, channels, the source, Slack."""

import asyncio
import os
from collections.abc import AsyncIterator

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from onhand.cli.channels import check_channels, without_advice
from onhand.cli.examined import Examined, Health, broken, fine, gap
from onhand.settings import PostgresSource, Settings, SettingsError, SlackSettings, secret
from onhand.sources.base import SourceError
from onhand.sources.registry import make_source

SLACK_TIMEOUT_SECONDS = 10


def secrets(settings: Settings) -> list[Examined]:
    """Whether every secret the configuration names is in the environment. Names only, never a value."""
    named: dict[str, str] = {}
    for channel in settings.enabled_channels():
        section = settings.channels[channel]
        named |= dict.fromkeys([*section.secrets(), *section.webhook_secret_envs], f"channels.{channel}")
    if isinstance(settings.source, PostgresSource):
        named[settings.source.dsn_env] = "source"
    if settings.slack.token_env is not None:
        named[settings.slack.token_env] = "slack"
    missing = {variable: key for variable, key in named.items() if not os.environ.get(variable)}
    found = [
        broken(
            "secrets", f"{variable} is not set; {key} names it", f"export {variable}=... where onhand runs"
        )
        for variable, key in missing.items()
    ]
    present = [variable for variable in named if variable not in missing]
    return [fine("secrets", f"set: {', '.join(present)}"), *found] if present else found


async def examine(settings: Settings) -> AsyncIterator[Examined]:
    """Every channel, the source and Slack, by asking them."""
    for result in await check_channels(settings, settings.enabled_channels()):
        for finding in result.findings:
            health = Health.OK if finding.ok else Health.BROKEN
            subject = (
                f"{result.channel} {finding.subject}" if finding.subject != result.channel else result.channel
            )
            yield Examined(subject, health, without_advice(finding.message, finding.advice), finding.advice)
    async for examined in _source(settings):
        yield examined
    yield await _slack(settings.slack)


async def _source(settings: Settings) -> AsyncIterator[Examined]:
    try:
        source = make_source(settings)
    except SettingsError as error:
        yield broken("source", str(error), "Set it, then ask again.")
        return
    if source is None:
        yield fine("source", "the ledger itself is the truth")
        return
    try:
        for finding in await source.check():
            health = Health.OK if finding.ok else Health.BROKEN
            yield Examined(f"source {finding.subject}", health, finding.message, finding.advice)
    except SourceError as error:
        yield broken("source", error.said, error.advice)
    finally:
        await source.aclose()


async def _slack(settings: SlackSettings) -> Examined:
    if settings.token_env is None:
        return fine("slack", "not configured; runs are reported nowhere but here")
    try:
        client = WebClient(
            token=secret(settings.token_env), base_url=settings.base_url, timeout=SLACK_TIMEOUT_SECONDS
        )
        answer = await asyncio.to_thread(client.auth_test)
    except SettingsError as error:
        return gap("slack", str(error), "Set it, then ask again; syncs work without.")
    except SlackApiError as error:
        said = str(error.response.get("error", "no reason given"))
        return gap(
            "slack", f"Slack refused: {said}", "Copy the bot token (xoxb-...) again; it needs chat:write."
        )
    except Exception as error:
        # Whatever the network or the SDK raises: Slack is never a reason to stop.
        return gap(
            "slack", f"no answer: {type(error).__name__}", f"Check that {settings.base_url} can be reached."
        )
    return fine("slack", f"reachable as {answer.get('user', 'a bot')} of {answer.get('team', 'a team')}")
