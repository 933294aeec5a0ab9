"""`onhand runs`: what each sync did, and why something could not be done."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer

from onhand.cli import runs_release
from onhand.cli.app import JsonOption, session_of
from onhand.cli.holds_view import print_holds
from onhand.cli.ledger import in_ledger
from onhand.cli.named_run import RUNS_MAX, find_run
from onhand.cli.output import print_json
from onhand.cli.runs_view import print_run, print_runs
from onhand.embedded.state import read_state
from onhand.ledger import catalogue, holds, runs
from onhand.ledger.catalogue import RefusedRow
from onhand.ledger.database import Pool
from onhand.ledger.holds import HeldRun
from onhand.ledger.runs import RunChannelRow, RunFailureRow, RunRow
from onhand.settings import Settings

LISTED_MAX = 10_000


@dataclass(frozen=True, slots=True)
class RunRecord:
    """All that is recorded of a run. `web_ui` is where Temporal shows it, empty where that is not known."""

    run: RunRow
    channels: tuple[RunChannelRow, ...]
    failures: tuple[RunFailureRow, ...]
    refused_rows: tuple[RefusedRow, ...]
    web_ui: str


def register(app: typer.Typer) -> None:
    """Hang the group into the program."""
    group = typer.Typer(
        help="What each sync did: list them, show one, release what was held.", no_args_is_help=True
    )
    group.command("list")(list_)
    group.command("show")(show)
    group.command("release")(runs_release.release)
    app.add_typer(group, name="runs", rich_help_panel="Sync")


def list_(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many.", min=1, max=RUNS_MAX)] = 20,
    as_json: JsonOption = False,
) -> None:
    """Recent runs, newest first, and what is held at present."""

    async def look(pool: Pool) -> tuple[list[RunRow], list[HeldRun]]:
        return await runs.list_runs(pool, limit), await holds.of_channels(pool)

    recent, held = in_ledger(session_of(ctx), look)
    if as_json:
        print_json(recent)
    else:
        print_runs(recent)
        print_holds(held, datetime.now(UTC))


def show(
    ctx: typer.Context,
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="The run's id, or its end; the latest, if not given.")
    ] = None,
    limit: Annotated[
        int, typer.Option("--show", help="How many failures and refused rows to list.", min=0, max=LISTED_MAX)
    ] = 50,
    as_json: JsonOption = False,
) -> None:
    """What a run did on each channel, and every level it could not set, with the reason and what to do."""
    settings = session_of(ctx).settings
    record = in_ledger(session_of(ctx), lambda pool: _record(pool, settings, run))
    if as_json:
        print_json(asdict(record))
    else:
        print_run(
            record.run,
            record.channels,
            record.failures,
            record.refused_rows,
            web_ui=record.web_ui,
            limit=limit,
        )


async def _record(pool: Pool, settings: Settings, named: str | None) -> RunRecord:
    run = await find_run(pool, named)
    return RunRecord(
        run,
        tuple(await runs.run_channels(pool, run.id)),
        tuple(await runs.run_failures(pool, run.id, LISTED_MAX)),
        tuple(await catalogue.refused_rows(pool, run.id, LISTED_MAX)),
        _web_ui(settings, run),
    )


def _web_ui(settings: Settings, run: RunRow) -> str:
    stack = read_state(settings.data_dir)
    address = "" if stack is None else stack.urls.get("temporal_ui", "")
    return f"{address.rstrip('/')}/namespaces/default/workflows/{run.workflow_id}" if address else ""
