"""`onhand inbox dismiss`: close poison that nothing has to be done about, with who said so and why."""

import getpass
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.markup import escape

from onhand.cli.app import JsonOption, session_of
from onhand.cli.errors import ExitCode
from onhand.cli.ledger import in_ledger
from onhand.cli.output import err, out, print_json
from onhand.connect import NotRunningError, connect_temporal
from onhand.ledger import inbox
from onhand.ledger.database import Pool
from onhand.ledger.inbox import InboxRow
from onhand.settings import Settings
from onhand.wording import count

ID_MAX = 2**63 - 1
NOTE_CHARS_MAX = 200


@dataclass(frozen=True, slots=True)
class Closed:
    """What was dismissed, by the id of the delivery, with its channel; why the others were not; whether Temporal was
    told, so that it shows them as done."""

    dismissed: dict[int, str]
    refused: dict[int, str]
    shown: bool


def dismiss(
    ctx: typer.Context,
    deliveries: Annotated[
        list[int],
        typer.Argument(metavar="ID...", help="Numbers in the list.", min=1, max=ID_MAX, show_default=False),
    ],
    note: Annotated[str, typer.Option("--note", help="Why nothing has to be done about it; kept with it.")],
    as_json: JsonOption = False,
) -> None:
    """Close poison that nothing has to be done about; exits 3 when some of them is not poison."""
    if not 1 <= len(note) <= NOTE_CHARS_MAX:
        raise typer.BadParameter(f"--note has 1 to {NOTE_CHARS_MAX} characters")
    settings = session_of(ctx).settings
    wanted = list(dict.fromkeys(deliveries))
    done = in_ledger(session_of(ctx), lambda pool: _dismiss(pool, settings, wanted, note))
    if as_json:
        print_json(done)
    else:
        _print(done)
    raise typer.Exit(_exit(done))


async def _dismiss(pool: Pool, settings: Settings, wanted: Sequence[int], note: str) -> Closed:
    before = {number: await inbox.one(pool, number) for number in wanted}
    rows = await inbox.dismiss(pool, wanted, getpass.getuser(), note)
    closed = {row.inbox_id: row.channel for row in rows}
    refused = {
        number: "there is no such delivery"
        if row is None
        else f"it is no poison but {row.outcome or 'waiting'}"
        for number, row in before.items()
        if number not in closed
    }
    return Closed(closed, refused, await _show_closed(settings, rows))


async def _show_closed(settings: Settings, rows: Sequence[InboxRow]) -> bool:
    if not rows:
        return True
    from onhand.waking import close_poison  # loads Temporal's SDK, which a refusal need not wait for

    try:
        client = await connect_temporal(settings)
    except (NotRunningError, RuntimeError):
        return False
    return all([await close_poison(client, row) for row in rows])


def _print(done: Closed) -> None:
    for channel, number in sorted(Counter(done.dismissed.values()).items()):
        out().print(f"{escape(channel)}: {count(number, 'delivery', 'deliveries')} dismissed")
    if not done.dismissed:
        out().print("nothing was dismissed")
    for number, reason in done.refused.items():
        err().print(f"{number} was not dismissed: {reason}", markup=False)
    if not done.shown:
        err().print("Temporal does not answer, so its Web UI goes on showing them as failed")


def _exit(done: Closed) -> ExitCode:
    if done.refused and not done.dismissed:
        return ExitCode.FAILURE
    return ExitCode.PARTIAL if done.refused or not done.shown else ExitCode.SUCCESS
