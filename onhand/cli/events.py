"""`onhand events`: what the ledger has recorded, and taking it back by the opposite."""

from datetime import datetime
from typing import Annotated

import typer

from onhand.cli import events_view
from onhand.cli.app import JsonOption, Session, session_of
from onhand.cli.errors import ExitCode, OperatorError
from onhand.cli.ledger import in_ledger
from onhand.cli.output import jsonable, print_json
from onhand.cli.stock_post import wake
from onhand.domain.events import EventKind
from onhand.domain.states import State
from onhand.explain.skus import known_sku
from onhand.ledger import history, reversal
from onhand.ledger.database import Pool
from onhand.ledger.history import EventLine, RecordedEvent
from onhand.ledger.reversal import Reversed

LIMIT_MAX = 1_000
REFUSED = ("refused", "unknown")
"""Outcomes of a reversal that nothing came of."""
NEVER_BELOW_NOTHING = frozenset({State.QUALITY_CONTROL, State.DAMAGED, State.IN_TRANSIT})
"""States from which units are only passed on; what can be sold may be sold before it is there."""

SourceOption = Annotated[
    str | None,
    typer.Option(
        "--source",
        metavar="SOURCE",
        help="Who stated it, whole: operator, channel/NAME, client/NAME, source/KIND, import/DIGEST, reversal.",
        show_default=False,
    ),
]
ReasonOption = Annotated[str, typer.Option("--reason", "-r", help="Why, in a word; kept with the event.")]


def register(app: typer.Typer) -> None:
    """Hang the group into the program."""
    group = typer.Typer(help="What the ledger has recorded: look at it, take it back.", no_args_is_help=True)
    group.command("list")(list_)
    group.command("show")(show)
    group.command("reverse")(reverse)
    app.add_typer(group, name="events", rich_help_panel="Stock")


def list_(
    ctx: typer.Context,
    sku: Annotated[str | None, typer.Option("--sku", metavar="SKU", help="Only of this SKU.")] = None,
    kind: Annotated[EventKind | None, typer.Option("--kind", help="Only of this kind.")] = None,
    source: SourceOption = None,
    since: Annotated[
        datetime | None,
        typer.Option("--since", metavar="TIME", help="Recorded since then; local time.", show_default=False),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", help="How many of the newest.", min=1, max=LIMIT_MAX)
    ] = 20,
    as_json: JsonOption = False,
) -> None:
    """The newest events, newest first, with what each moved."""
    moment = None if since is None else since.astimezone()

    async def work(pool: Pool) -> list[RecordedEvent]:
        if sku is not None:
            await known_sku(pool, sku)
        return await history.newest_events(pool, limit, sku=sku, kind=kind, source=source, since=moment)

    found = in_ledger(session_of(ctx), work)
    if as_json:
        print_json(found)
    else:
        events_view.print_events(found)


def show(
    ctx: typer.Context,
    event: Annotated[int, typer.Argument(metavar="ID", help="The event's number.", show_default=False)],
    as_json: JsonOption = False,
) -> None:
    """One event: what was stated, by whom and when, what it moved, and whether it was taken back."""
    found = in_ledger(session_of(ctx), lambda pool: history.events_by_id(pool, [event]))
    if not found:
        raise OperatorError(f"there is no event {event}", "See `onhand events list`.", code=ExitCode.USAGE)
    if as_json:
        print_json({**jsonable(found[0]), "reverses": found[0].reverses})
    else:
        events_view.print_event(found[0])


def reverse(
    ctx: typer.Context,
    event: Annotated[
        int | None, typer.Argument(metavar="ID", help="The event's number.", show_default=False)
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--source",
            metavar="SOURCE",
            help="Instead of one event all that this source stated: import/DIGEST, as `onhand import` names it.",
            show_default=False,
        ),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(
            "--run",
            metavar="RUN",
            help="With --source: only what it stated in this sync run (`onhand runs list`).",
            show_default=False,
        ),
    ] = None,
    reason: ReasonOption = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be posted.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take an event or a whole import back, by posting the opposite; nothing is deleted.

    What was taken back before is left as it is, and said. Exits 3 when some of an import could not be taken back.
    """
    if (event is None) == (source is None) or (run is not None and source is None):
        raise typer.BadParameter("give the ID of one event, or --source SOURCE with or without --run RUN")
    session = session_of(ctx)
    single = event is not None
    woken: set[str] = set()

    async def work(pool: Pool) -> tuple[list[Reversed], list[EventLine]]:
        ids = [event] if event is not None else await _of_source(pool, str(source), run)
        # Many at once are left to the next run, which the guard looks at.
        done = await reversal.reverse(pool, ids, reason, woken=woken if single else None, write=not dry_run)
        by = [each.by for each in done if each.outcome == "reversed" and each.by is not None]
        posted = await history.events_by_id(pool, by) if single and by else []
        return done, [line for each in posted for line in each.lines if _gone_on(line)]

    answers, gone_on = in_ledger(session, work)
    at_once = single and _tell(session, woken)
    if as_json:
        print_json({"dry_run": dry_run, "events": answers})
    elif not single or answers[0].outcome not in REFUSED:
        events_view.print_reversals(answers, at_once=at_once, nobody=single and not woken)
        events_view.print_gone_on(gone_on)
    _leave(answers, single=single)


def _gone_on(line: EventLine) -> bool:
    """Units were taken back that are not there any more: somebody has passed them on since."""
    return line.state in NEVER_BELOW_NOTHING and line.quantity < 0 and line.balance_after < 0


def _tell(session: Session, woken: set[str]) -> bool:
    return in_ledger(session, lambda _: wake(session.settings, woken))


def _leave(answers: list[Reversed], *, single: bool) -> None:
    """Of one event a refusal is an error; of many some may be refused."""
    refused = [answer for answer in answers if answer.outcome in REFUSED]
    if single and refused:
        code = ExitCode.USAGE if refused[0].outcome == "unknown" else ExitCode.FAILURE
        raise OperatorError(refused[0].message, refused[0].advice, code=code)
    if refused:
        raise typer.Exit(ExitCode.PARTIAL)


async def _of_source(pool: Pool, source: str, run: str | None) -> list[int]:
    """The events that were meant; wrong usage where that is not one import."""
    if run is None:
        if source.startswith("source/"):
            raise OperatorError(
                f"{source} speaks in every run",
                "Name one with --run (`onhand runs list`).",
                code=ExitCode.USAGE,
            )
        ids = await history.ids_of_source(pool, source)
    else:
        ids = await _of_run(pool, source, run)
    if not ids:
        raise OperatorError(
            f"{source} has stated nothing" + (f" in run {run}" if run else ""),
            "See `onhand events list` for who stated what.",
            code=ExitCode.USAGE,
        )
    return ids


async def _of_run(pool: Pool, source: str, run: str) -> list[int]:
    times = await history.times_of_run(pool, run)
    if times is None:
        raise OperatorError(f"there is no run {run}", "See `onhand runs list`.", code=ExitCode.USAGE)
    if times.finished_at is None:
        raise OperatorError(f"run {run} still runs", "Wait until it has ended, or cancel it.")
    if times.others:
        raise OperatorError(
            f"another run was at work during run {run}, so that it cannot be told which of them read what",
            f"Take single events back: onhand events list --source {source} --since TIME, then by their numbers.",
        )
    return await history.ids_of_source(pool, source, times.started_at, times.finished_at)
