"""`onhand rules`: try allocation rules before they are saved, and see which would fit what was sold."""

import asyncio
import re
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from onhand import retuning
from onhand.alerts.slack import NOT_CONFIGURED, Slack
from onhand.cli.app import JsonOption, session_of
from onhand.cli.errors import ExitCode
from onhand.cli.ledger import in_ledger
from onhand.cli.output import err, print_json
from onhand.cli.rules_view import print_check, print_suggestions
from onhand.ledger.database import Pool
from onhand.rule_check import LevelPreview, Replayed, changed_levels, replay, warnings_of
from onhand.rule_suggestion import Retuned
from onhand.rule_suggestion import suggest as suggested
from onhand.settings import Settings, load_settings

SPAN_MAX = timedelta(days=366)
SPANS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
DELAY_MAX = 86_400.0
SHOWN_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Check:
    """What was found of a configuration. `levels` are those that would change, at most so many as were asked for."""

    file: str
    since: datetime
    replayed: Replayed
    warnings: list[str]
    changes: dict[str, int]
    levels: list[LevelPreview]


def register(app: typer.Typer) -> None:
    """Hang the group into the program."""
    group = typer.Typer(help="Allocation rules: try them, and see which would fit.", no_args_is_help=True)
    group.command("check")(check)
    group.command("suggest")(suggest)
    group.callback()(_group)
    app.add_typer(group, name="rules", rich_help_panel="Stock")


def _group() -> None:
    """Allocation rules: try them, and see which would fit."""


def check(
    ctx: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A configuration with the rules to try.", exists=True, dir_okay=False
        ),
    ],
    against: Annotated[
        str, typer.Option("--against", help="How much past demand: 12h, 30d, 8w.", metavar="SPAN")
    ] = "30d",
    delay: Annotated[
        float | None,
        typer.Option(
            "--delay",
            help="Seconds until a change is shown; as it was measured on each channel, if not given.",
            min=0,
            max=DELAY_MAX,
            show_default=False,
        ),
    ] = None,
    show: Annotated[
        int, typer.Option("--show", help="How many levels that would change to list.", min=0, max=SHOWN_MAX)
    ] = 20,
    as_json: JsonOption = False,
) -> None:
    """What would these rules have sold, and what would they change now? Tries them; writes nothing, asks no channel.

    Exits 3 where a channel would starve or oversell more than under the present rules.
    """
    session = session_of(ctx)
    since = datetime.now(UTC) - _span(against)
    proposed = load_settings(file)
    present = session.settings
    # Scripts get every level that would change.
    most = SHOWN_MAX if as_json else show
    with err().status("going through the past days"):
        found = in_ledger(session, lambda pool: _check(pool, file, since, (present, proposed), delay, most))
    if as_json:
        print_json(found)
    else:
        print_check(found.replayed, found.changes, found.levels, found.warnings, against)
    raise typer.Exit(ExitCode.PARTIAL if found.warnings else ExitCode.SUCCESS)


def suggest(
    ctx: typer.Context,
    against: Annotated[
        str, typer.Option("--against", help="How much past demand: 12h, 30d, 13w.", metavar="SPAN")
    ] = "13w",
    send: Annotated[
        bool, typer.Option("--send", help="Tell Slack, as on the first day of each quarter.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Which shares and buffers would fit what was sold, and why? For once in a quarter; changes no rule.

    Exits 0 whether there is something to suggest or not, 3 when Slack should be told and was not.
    """
    session = session_of(ctx)
    since = datetime.now(UTC) - _span(against)
    with err().status("going through the past days"):
        found = in_ledger(session, lambda pool: suggested(pool, session.settings.rule_book(), since))
    if as_json:
        print_json(found)
    else:
        print_suggestions(found, against)
    if send:
        raise typer.Exit(_send(session.settings, found, against))


def _send(settings: Settings, found: Retuned, span: str) -> ExitCode:
    where, slack = settings.slack.channel, Slack.from_settings(settings.slack)
    told = asyncio.run(retuning.tell(slack, where, found, span))
    if told.ok:
        err().print(f"told: {settings.slack.channel}", markup=False)
        return ExitCode.SUCCESS
    err().print(f"Slack was not told: {told.error}", markup=False)
    return ExitCode.SUCCESS if told is NOT_CONFIGURED else ExitCode.PARTIAL


async def _check(
    pool: Pool,
    file: Path,
    since: datetime,
    both: tuple[Settings, Settings],
    delay: float | None,
    show: int,
) -> Check:
    present, proposed = (settings.rule_book() for settings in both)
    replayed = await replay(pool, present, proposed, since, delay)
    changes = dict.fromkeys([*present.channels, *proposed.channels], 0)
    listed = list[LevelPreview]()
    async with aclosing(changed_levels(pool, present, proposed)) as found:
        async for level in found:
            changes[level.channel] += 1
            if len(listed) < show:
                listed.append(level)
    return Check(str(file), since, replayed, warnings_of(replayed), changes, listed)


def _span(text: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,4})([hdw])", text)
    span = int(match[1]) * SPANS[match[2]] if match is not None else timedelta(0)
    if not timedelta(0) < span <= SPAN_MAX:
        raise typer.BadParameter(
            f"--against is {text!r}; accepted are hours, days or weeks up to a year: 12h, 30d, 8w"
        )
    return span
