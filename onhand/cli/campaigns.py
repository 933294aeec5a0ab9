"""`onhand campaign`: put SKUs into shares before they sell fast: start, end, list."""

import getpass
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer
from rich.markup import escape

from onhand.cli.app import JsonOption, session_of
from onhand.cli.errors import ExitCode, OperatorError
from onhand.cli.ledger import in_ledger, make_places_known
from onhand.cli.output import err, grid, out, print_json
from onhand.cli.stock_post import wake
from onhand.domain.campaigns import Plan
from onhand.domain.rules import percent_text
from onhand.explain.skus import known_sku
from onhand.ledger import campaigns
from onhand.ledger.campaigns import Campaign
from onhand.ledger.database import Pool
from onhand.settings import Settings
from onhand.wording import count, moment

SkusArgument = Annotated[list[str], typer.Argument(metavar="SKU...", help="Which SKUs.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Hang the group into the program."""
    group = typer.Typer(
        help="Put SKUs into shares before they sell fast: start, end, list.", no_args_is_help=True
    )
    group.command("start")(start)
    group.command("end")(end)
    group.command("list")(list_)
    app.add_typer(group, name="campaign", rich_help_panel="Stock")


def start(
    ctx: typer.Context,
    skus: SkusArgument,
    share: Annotated[
        list[str] | None,
        typer.Option(
            "--share",
            metavar="CHANNEL=PERCENT",
            help="What a channel has of it; the others have the rest by demand. May be given several times.",
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            "--until",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
            help="When it ends by itself, by the clock of the report; unless given, when you end it.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Put SKUs into shares now: channels together show no more than there is, however fast they sell."""
    session = session_of(ctx)
    settings, now = session.settings, datetime.now(UTC)
    ends = None if until is None else until.replace(tzinfo=settings.report.zone())
    plan = Plan(_shares(settings, share or ()), ends)
    plan.require_ahead(now)
    named = list(dict.fromkeys(skus))

    async def work(pool: Pool) -> tuple[list[Campaign], bool]:
        await make_places_known(pool, settings)
        woken = await campaigns.start(pool, named, plan, getpass.getuser())
        found = [each for each in await campaigns.listed(pool) if each.sku in named]
        return found, await wake(settings, woken)

    found, signalled = in_ledger(session, work)
    if as_json:
        print_json([document(each) for each in found])
    else:
        over = "until it is ended" if ends is None else f"until {moment(ends)}"
        out().print(f"{count(len(found), 'SKU')} in shares {over}")
    _require_signalled(signalled)


def end(ctx: typer.Context, skus: SkusArgument, as_json: JsonOption = False) -> None:
    """End it: the rules decide again whether a SKU is shared or pooled. Exits 3 where one was in no campaign."""
    session = session_of(ctx)
    named = list(dict.fromkeys(skus))

    async def work(pool: Pool) -> tuple[list[str], bool]:
        for sku in named:
            await known_sku(pool, sku)
        ended, woken = await campaigns.end(pool, named, getpass.getuser())
        return ended, await wake(session.settings, woken)

    ended, signalled = in_ledger(session, work)
    missing = [sku for sku in named if sku not in ended]
    if as_json:
        print_json({"ended": ended, "in_no_campaign": missing})
    else:
        for sku in named:
            out().print(f"{escape(sku)}: {'in no campaign' if sku in missing else 'ended'}")
    _require_signalled(signalled)
    if missing:
        raise typer.Exit(ExitCode.PARTIAL)


def list_(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Which SKUs are in campaigns, since when, and who started them; the newest first."""
    found = in_ledger(session_of(ctx), lambda pool: campaigns.listed(pool, everything=everything))
    if as_json:
        print_json([document(each) for each in found])
    elif found:
        _print_list(found)
    else:
        out().print("no campaign goes on")


def document(campaign: Campaign) -> dict[str, object]:
    """A campaign for a script."""
    return {
        "sku": campaign.sku,
        "shares": {name: percent_text(percent) for name, percent in campaign.plan.shares.items()},
        "until": campaign.plan.until,
        "started_at": campaign.started_at,
        "started_by": campaign.started_by,
        "ended_at": campaign.ended_at,
        "ended_by": campaign.ended_by,
    }


def _print_list(found: Sequence[Campaign]) -> None:
    table = grid("sku", "shares", "started", "by", "until", "ended")
    for each in found:
        until = moment(each.plan.until)
        ended = "" if each.ended_at is None else f"{moment(each.ended_at)} by {each.ended_by}"
        table.add_row(
            escape(each.sku), escape(_said(each.plan.shares)), moment(each.started_at),
            escape(each.started_by), until, escape(ended),
        )  # fmt: skip
    out().print(table)


def _said(shares: Mapping[str, Decimal]) -> str:
    said = ", ".join(f"{name} {percent_text(percent)} %" for name, percent in sorted(shares.items()))
    return said or "by demand"


def _shares(settings: Settings, said: Sequence[str]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for each in said:
        channel, _, percent = each.rpartition("=")
        if channel not in settings.channels:
            known = ", ".join(settings.channels)
            raise OperatorError(
                f"--share {each}: {channel!r} is not in [channels]; known are {known}", code=ExitCode.USAGE
            )
        try:
            found[channel] = Decimal(percent)
        except InvalidOperation:
            raise OperatorError(
                f"--share {each}: not of the form CHANNEL=PERCENT, for example {channel}=60",
                code=ExitCode.USAGE,
            ) from None
        if not found[channel].is_finite():
            raise OperatorError(f"--share {each}: {percent} is no percentage", code=ExitCode.USAGE)
    return found


def _require_signalled(signalled: bool) -> None:
    if not signalled:
        err().print(
            "publishers could not be signalled: Temporal does not answer; the next order sweep wakes them"
        )
        raise typer.Exit(ExitCode.PARTIAL)
