"""`onhand webhooks`: have the channels tell us of their orders, and see whether they do."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from onhand.channels.base import Channel, Finding, Subscription
from onhand.channels.errors import ChannelError
from onhand.channels.registry import make_channel
from onhand.cli.app import JsonOption, chosen_channels, session_of
from onhand.cli.channels import print_findings
from onhand.cli.errors import ExitCode, OperatorError, channel_sentence
from onhand.cli.ledger import ChannelOption, in_ledger, make_places_known
from onhand.cli.output import jsonable, out, print_json
from onhand.ledger import work
from onhand.ledger.database import Pool
from onhand.settings import Settings, SettingsError
from onhand.sweeping import hook_problems, hooks_url
from onhand.wording import ago, count

UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url",
        help="Where the channels reach Onhand, instead of web.public_url; /webhooks/CHANNEL is put behind it.",
        metavar="URL",
    ),
]


@dataclass(frozen=True, slots=True)
class Subscribed:
    """How one channel's webhooks stand. `removed`: subscriptions that were taken away; `error`: it did not answer.

    `problem` is what keeps deliveries from reaching `url`, `elsewhere` where else subscriptions of ours deliver to.
    """

    channel: str
    platform: str
    url: str
    topics: tuple[str, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    problem: str = ""
    elsewhere: tuple[str, ...] = ()
    removed: int = 0
    error: str = ""
    advice: str = ""
    heard_at: datetime | None = None
    swept_at: datetime | None = None


Ask = Callable[[Channel, str], Awaitable[tuple[Sequence[Subscription], int]]]
"""What is asked of a channel for an address; answers what is subscribed, and how many were removed."""


def register(app: typer.Typer) -> None:
    """Hang the group into the program."""
    group = typer.Typer(
        help="Have the channels tell of their orders at once; exits 3 when something is missing.",
        no_args_is_help=True,
    )
    group.command("register")(register_)
    group.command("check")(check)
    group.command("remove")(remove)
    app.add_typer(group, name="webhooks", rich_help_panel="Channels")


def register_(
    ctx: typer.Context, channel: ChannelOption = None, url: UrlOption = None, as_json: JsonOption = False
) -> None:
    """Subscribe to what each channel tells of orders: what is missing is made, what is off is switched on again."""
    settings = session_of(ctx).settings

    async def ask(made: Channel, address: str) -> tuple[Sequence[Subscription], int]:
        return await made.hooks.ensure(address), 0

    _tell(asyncio.run(_each(settings, channel, url, ask)), as_json=as_json)


def check(
    ctx: typer.Context, channel: ChannelOption = None, url: UrlOption = None, as_json: JsonOption = False
) -> None:
    """What is subscribed, what is missing or switched off, and when each channel was last heard and swept."""
    settings = session_of(ctx).settings

    async def ask(made: Channel, address: str) -> tuple[Sequence[Subscription], int]:
        return await made.hooks.found(), 0

    async def look(pool: Pool) -> list[Subscribed]:
        await make_places_known(pool, settings)
        found = await _each(settings, channel, url, ask)
        stands = {each.channel: each for each in await work.of_channels(pool, [f.channel for f in found])}
        return [
            replace(each, heard_at=stands[each.channel].heard_at, swept_at=stands[each.channel].swept_at)
            for each in found
        ]

    _tell(in_ledger(session_of(ctx), look), as_json=as_json, checked=True)


def remove(
    ctx: typer.Context, channel: ChannelOption = None, url: UrlOption = None, as_json: JsonOption = False
) -> None:
    """Take away what delivers to this address. Sweeps subscribe again as long as web.public_url is set."""
    settings = session_of(ctx).settings

    async def ask(made: Channel, address: str) -> tuple[Sequence[Subscription], int]:
        return (), await made.hooks.remove(address)

    found = asyncio.run(_each(settings, channel, url, ask))
    if as_json:
        print_json(found)
    else:
        for each in found:
            said = each.error or f"{count(each.removed, 'subscription')} taken away"
            out().print(f"{escape(each.channel)}: {escape(said)}")
    raise typer.Exit(ExitCode.FAILURE if any(each.error for each in found) else ExitCode.SUCCESS)


async def _each(settings: Settings, channel: str | None, url: str | None, ask: Ask) -> list[Subscribed]:
    """Ask every channel that was meant, all at once."""
    base = _base(settings, url)
    names = _listening(settings, channel)
    return list(await asyncio.gather(*(_one(settings, name, hooks_url(base, name), ask) for name in names)))


def _base(settings: Settings, url: str | None) -> str:
    base = settings.web.public_url if url is None else url.rstrip("/")
    if not base:
        raise OperatorError(
            "nothing says under which address the channels reach Onhand",
            "Set public_url in [web] to the https address that leads to the web app, or give it with --url.",
            ExitCode.USAGE,
        )
    if not base.startswith(("http://", "https://")):
        raise typer.BadParameter(f"{url!r} is no http or https address")
    return base


def _listening(settings: Settings, channel: str | None) -> list[str]:
    names = [n for n in chosen_channels(settings, channel) if settings.channels[n].orders == "listen"]
    if not names:
        which = (
            "no channel that is switched on takes in orders"
            if channel is None
            else f"{channel} takes in no orders"
        )
        raise OperatorError(
            f"{which}, so there is nothing to subscribe to",
            'Set orders = "listen" in its section of [channels], and enabled = true.',
            ExitCode.USAGE,
        )
    return names


async def _one(settings: Settings, name: str, url: str, ask: Ask) -> Subscribed:
    section = settings.channels[name]
    silent = Subscribed(name, section.platform, url)
    try:
        made = make_channel(name, section)
    except SettingsError as error:
        return replace(silent, error=str(error), advice="Set it, then ask again.")
    try:
        found, removed = await ask(made, url)
        return Subscribed(
            name,
            section.platform,
            url,
            made.hooks.topics,
            tuple(found),
            hook_problems(made, url, found),
            tuple(sorted({each.url for each in found} - {url})),
            removed,
        )
    except ChannelError as error:
        return replace(silent, error=channel_sentence(error), advice=error.advice)
    finally:
        await made.aclose()


def _tell(found: Sequence[Subscribed], *, as_json: bool, checked: bool = False) -> None:
    if as_json:
        print_json([{"ok": not (each.error or each.problem), **jsonable(each)} for each in found])
    else:
        now = datetime.now(UTC)
        for each in found:
            out().print(f"[bold]{escape(each.channel)}[/] ({each.platform}) to {escape(each.url)}")
            print_findings([*_findings(each), *(_lately(each, now) if checked else ())])
    if any(each.error for each in found):
        raise typer.Exit(ExitCode.FAILURE)
    raise typer.Exit(ExitCode.PARTIAL if any(each.problem for each in found) else ExitCode.SUCCESS)


def _findings(each: Subscribed) -> list[Finding]:
    """What is to be said of one channel's subscriptions."""
    if each.error:
        return [Finding("webhooks", False, each.error, each.advice)]
    if each.problem:
        advice = f"onhand webhooks register --channel {each.channel}"
        said = Finding("webhooks", False, each.problem, advice)
    else:
        said = Finding("webhooks", True, f"subscribed to {', '.join(each.topics)}")
    elsewhere = [Finding("elsewhere", True, f"some deliver to {url}") for url in each.elsewhere]
    return [said, *elsewhere]


def _lately(each: Subscribed, now: datetime) -> list[Finding]:
    heard = "none lately" if each.heard_at is None else ago(each.heard_at, now)
    return [
        Finding("last delivery", True, heard),
        Finding("last sweep", True, ago(each.swept_at, now)),
    ]
