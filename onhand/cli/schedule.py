"""`onhand schedule`: the periodic sync, and whatever else starts by the clock."""

import asyncio
import shlex
from dataclasses import fields
from typing import Annotated

import typer

from onhand import schedules
from onhand.cli.app import JsonOption, Session, session_of
from onhand.cli.output import out, print_json
from onhand.connect import connect_temporal
from onhand.messages import SYNC_SCHEDULE_ID
from onhand.schedules import ScheduleView
from onhand.wording import ago

ScheduleOption = Annotated[
    str,
    typer.Option("--schedule", help="Which one, if not the periodic sync: its id in Temporal.", metavar="ID"),
]
NoteOption = Annotated[str, typer.Option("--note", help="Why; shown beside the schedule.")]


def register(app: typer.Typer) -> None:
    """Hang the group into the program."""
    group = typer.Typer(help="The periodic sync: apply, show, pause, resume, trigger.", no_args_is_help=True)
    group.command("apply")(apply)
    group.command("show")(show)
    group.command("pause")(pause)
    group.command("resume")(resume)
    group.command("trigger")(trigger)
    app.add_typer(group, name="schedule", rich_help_panel="Sync")


def apply(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Make the schedules in Temporal what the configuration says; a pause stays."""
    session = session_of(ctx)

    listening = session.settings.listening_channels()

    async def work() -> tuple[str, str, str, str, str]:
        client = await connect_temporal(session.settings)
        sync = await schedules.apply(client, session.settings.schedule)
        sweeps = await schedules.apply_sweeps(client, session.settings.schedule, listening)
        read_backs = await schedules.apply_reconciliation(client, session.settings.reconcile)
        report = await schedules.apply_report(client, session.settings.report)
        retune = await schedules.apply_retune(client, session.settings.report)
        return sync, sweeps, read_backs, report, retune

    applied, sweeps, read_backs, report, retune = asyncio.run(work())
    every, seconds = session.settings.schedule.every_minutes, session.settings.schedule.sweep_seconds
    if as_json:
        document = {"applied": applied, "every_minutes": every, "sweeps": sweeps, "sweep_seconds": seconds}
        reading = {"read_backs": read_backs, "read_back_minutes": session.settings.reconcile.every_minutes}
        print_json({**document, "swept_channels": listening, **reading, "report": report, "retune": retune})
    else:
        out().print(f"schedule {applied}: a sync every {every} minutes")
        out().print(
            f"sweeps {sweeps}: orders of {', '.join(listening) or 'no channel'} every {seconds} seconds"
        )
        minutes = session.settings.reconcile.every_minutes
        when = f"every {minutes} minutes" if minutes else "by hand and after syncs only"
        out().print(f"read-backs {read_backs}: {when}")
        out().print(f"report {report}: every day at {session.settings.report.at}")
        out().print(f"retune {retune}: on the first day of each quarter at {session.settings.report.at}")


def show(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Whether it runs, when next, and what it missed."""
    view = asyncio.run(_view(session_of(ctx)))
    if as_json:
        print_json({**_as_told(view), "every_minutes": round(view.every.total_seconds() / 60)})
        return
    state = f"[yellow]paused[/] ({view.note})" if view.paused else "[green]running[/]"
    out().print(f"every {int(view.every.total_seconds() // 60)} minutes, {state}")
    out().print(f"{view.runs} runs started, {view.skipped} skipped (one was running), {view.missed} missed")
    if view.next_runs and not view.paused:
        out().print(f"next: {ago(view.next_runs[0])}")
    for run in view.recent_runs:
        out().print(f"  {run}")


def pause(
    ctx: typer.Context,
    note: NoteOption = "paused by an operator",
    schedule: ScheduleOption = SYNC_SCHEDULE_ID,
) -> None:
    """Start no more runs until resumed."""
    asyncio.run(_act(session_of(ctx), "pause", note, schedule))
    named = "" if schedule == SYNC_SCHEDULE_ID else f" --schedule {shlex.quote(schedule)}"
    out().print(f"paused; resume with: onhand schedule resume{named}")


def resume(
    ctx: typer.Context,
    note: NoteOption = "resumed by an operator",
    schedule: ScheduleOption = SYNC_SCHEDULE_ID,
) -> None:
    """Start runs again."""
    asyncio.run(_act(session_of(ctx), "resume", note, schedule))
    out().print("running again")


def trigger(ctx: typer.Context) -> None:
    """Start a run now, also while paused; during a run it waits for its end."""
    asyncio.run(_act(session_of(ctx), "trigger"))
    out().print("a run starts; watch it with: onhand runs list")


def _as_told(view: ScheduleView) -> dict[str, object]:
    """The view under its own names, without the interval: it is told in the unit of its setting."""
    return {each.name: getattr(view, each.name) for each in fields(view) if each.name != "every"}


async def _view(session: Session) -> ScheduleView:
    return await schedules.show(await connect_temporal(session.settings))


async def _act(session: Session, action: str, note: str = "", schedule_id: str = SYNC_SCHEDULE_ID) -> None:
    client = await connect_temporal(session.settings)
    if action == "trigger":
        await schedules.trigger(client)
    elif action == "pause":
        await schedules.pause(client, note, schedule_id)
    else:
        await schedules.resume(client, note, schedule_id)
