"""`onhand inbox`: what channels have told us, what became of it, and taking once more what could not be taken."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

import typer
from rich.markup import escape
from rich.text import Text

from onhand.cli.app import JsonOption, chosen_channels, session_of
from onhand.cli.errors import ExitCode, OperatorError
from onhand.cli.inbox_dismiss import dismiss
from onhand.cli.ledger import ChannelOption, in_ledger
from onhand.cli.output import err, grid, jsonable, out, print_json
from onhand.connect import NotRunningError, connect_temporal
from onhand.ledger import inbox
from onhand.ledger.database import Pool
from onhand.ledger.inbox import UNREADABLE, InboxOutcome, InboxRow
from onhand.settings import Settings
from onhand.wording import ago, count, moment

LIMIT_MAX = 1_000
ID_MAX = 2**63 - 1

OutcomeOption = Annotated[
    Literal["waiting", "posted", "unchanged", "stale", "echo", "noted", "poison", "dismissed"] | None,
    typer.Option("--outcome", help="Only what became of them; waiting: nothing yet.", show_default=False),
]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What was put back, by the id of the delivery, with its channel; why the others were not; who was signalled."""

    replayed: dict[int, str]
    refused: dict[int, str]
    unreadable: int
    signalled: bool


def register(app: typer.Typer) -> None:
    """Hang the group into the program."""
    group = typer.Typer(
        help="What channels told us: list it, show one, replay or dismiss what could not be taken.",
        no_args_is_help=True,
    )
    group.command("list")(list_)
    group.command("show")(show)
    group.command("replay")(replay)
    group.command("dismiss")(dismiss)
    app.add_typer(group, name="inbox", rich_help_panel="Channels")


def list_(
    ctx: typer.Context,
    channel: ChannelOption = None,
    outcome: OutcomeOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many.", min=1, max=LIMIT_MAX)] = 20,
    as_json: JsonOption = False,
) -> None:
    """The newest deliveries, and what became of them."""
    if channel is not None:
        chosen_channels(session_of(ctx).settings, channel)
    rows = in_ledger(session_of(ctx), lambda pool: inbox.listed(pool, channel, outcome, limit))
    if as_json:
        print_json([_document(row) for row in rows])
    else:
        _print_list(rows)


def _document(row: InboxRow, *, whole: bool = False) -> dict[str, object]:
    """A delivery for a script; what was kept of it only where one is shown."""
    document: dict[str, object] = jsonable(row)
    return document if whole else {k: v for k, v in document.items() if k not in ("delivery_id", "body")}


def _print_list(rows: Sequence[InboxRow]) -> None:
    if not rows:
        out().print("nothing")
        return
    now = datetime.now(UTC)
    table = grid("id", "channel", "received", "topic", "subject", "outcome", "reason", right=("id",))
    for row in rows:
        table.add_row(
            str(row.inbox_id), escape(row.channel), ago(row.received_at, now), escape(row.topic),
            escape(row.subject), _outcome(row), escape(row.reason),
        )  # fmt: skip
    out().print(table)


def _outcome(row: InboxRow) -> Text:
    if row.outcome is None:
        return Text("waiting", style="cyan")
    return Text(row.outcome, style="bold red" if row.outcome == InboxOutcome.POISON else "")


def show(
    ctx: typer.Context,
    delivery: Annotated[
        int,
        typer.Argument(metavar="ID", help="Its number in the list.", min=1, max=ID_MAX, show_default=False),
    ],
    as_json: JsonOption = False,
) -> None:
    """One delivery with all that was kept of it: ids, lines, quantities, times; never a person."""
    row = in_ledger(session_of(ctx), lambda pool: inbox.one(pool, delivery))
    if row is None:
        raise OperatorError(f"there is no delivery {delivery}", "onhand inbox list", ExitCode.USAGE)
    if as_json:
        print_json(_document(row, whole=True))
    else:
        _print_one(row)


def _print_one(row: InboxRow) -> None:
    table = grid("", "")
    table.show_header = False
    settled = "" if row.settled_at is None else f" {moment(row.settled_at)}"
    lines: list[tuple[str, str | Text]] = [
        ("delivery", f"{row.inbox_id}, {escape(row.channel)} {escape(row.topic)} {escape(row.subject)}"),
        ("received", moment(row.received_at)),
        ("outcome", _outcome(row).append(settled)),
    ]
    lines += [("reason", escape(row.reason))] if row.reason else []
    if row.dismissed_by:
        lines += [("dismissed", escape(f"by {row.dismissed_by}: {row.dismissed_because}"))]
    lines += [("what to do", escape(_advice(row)))] if row.outcome == InboxOutcome.POISON else []
    lines += [("its own id", escape(row.delivery_id))] if row.delivery_id else []
    for line in lines:
        table.add_row(*line)
    out().print(table)
    if row.body:
        out().print()
        out().print(json.dumps(row.body, indent=2, ensure_ascii=False), markup=False, soft_wrap=True)


def _advice(row: InboxRow) -> str:
    if row.kind == UNREADABLE:
        return (
            "Nothing of it was kept, so it cannot be replayed; the order sweep reads the order itself. Once that is "
            f"seen to: onhand inbox dismiss {row.inbox_id} --note WHY"
        )
    return f"Mend what the reason says, then: onhand inbox replay {row.inbox_id}"


def replay(
    ctx: typer.Context,
    deliveries: Annotated[
        list[int] | None,
        typer.Argument(metavar="ID...", help="Numbers in the list.", min=1, max=ID_MAX, show_default=False),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All poison of every channel.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Put poison back into the inbox, once what was wrong is mended; exits 3 when some cannot be replayed."""
    wanted = list(dict.fromkeys(deliveries or ()))
    if bool(wanted) == everything:
        raise typer.BadParameter("give the numbers of deliveries, or --all")
    settings = session_of(ctx).settings
    done = in_ledger(session_of(ctx), lambda pool: _replay(pool, settings, wanted, everything=everything))
    if as_json:
        print_json(done)
    else:
        _print_replayed(done)
    raise typer.Exit(_exit(done))


async def _replay(pool: Pool, settings: Settings, wanted: Sequence[int], *, everything: bool) -> Replayed:
    before = {number: await inbox.one(pool, number) for number in wanted}
    replayed = await inbox.replay(pool, wanted, everything=everything)
    refused = {number: _why_not(row) for number, row in before.items() if number not in replayed}
    unreadable = (await inbox.count_poison(pool))[1] if everything else 0
    return Replayed(replayed, refused, unreadable, await _wake(settings, set(replayed.values())))


def _why_not(row: InboxRow | None) -> str:
    if row is None:
        return "there is no such delivery"
    if row.kind == UNREADABLE:
        return "it could not be read, and nothing of it was kept; the order sweep reads the order itself"
    return f"it is no poison but {row.outcome or 'waiting'}"


async def _wake(settings: Settings, channels: set[str]) -> bool:
    if not channels:
        return True
    from onhand.waking import wake_intakes  # loads Temporal's SDK, which a refusal need not wait for

    try:
        client = await connect_temporal(settings)
    except (NotRunningError, RuntimeError):
        return False
    return await wake_intakes(client, sorted(channels))


def _print_replayed(done: Replayed) -> None:
    for channel, number in sorted(Counter(done.replayed.values()).items()):
        out().print(f"{escape(channel)}: {count(number, 'delivery', 'deliveries')} back in the inbox")
    if not done.replayed:
        out().print("nothing was put back")
    for number, reason in done.refused.items():
        err().print(f"{number} was not replayed: {reason}", markup=False)
    if done.unreadable:
        err().print(
            f"{count(done.unreadable, 'delivery', 'deliveries')} could not be read, so nothing was kept of them; "
            "the order sweep reads the orders themselves",
            markup=False,
        )
    if not done.signalled:
        err().print(
            "the intake could not be signalled: Temporal does not answer; the next order sweep wakes it"
        )


def _exit(done: Replayed) -> ExitCode:
    if done.refused and not done.replayed:
        return ExitCode.FAILURE
    return ExitCode.PARTIAL if done.refused or done.unreadable or not done.signalled else ExitCode.SUCCESS
