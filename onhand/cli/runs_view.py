"""How runs are shown to people: one line each, or one with all that went wrong, sorted by what to do."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from rich.markup import escape
from rich.table import Table

from onhand.cli.output import err, grid, out, status
from onhand.ledger.catalogue import RefusedRow
from onhand.ledger.runs import RunChannelRow, RunFailureRow, RunRow
from onhand.wording import ago, count, duration, moment, says

_NUMBERS = ("levels", "changed", "unchanged", "unmapped", "failed", "reads", "writes", "throttled")


def print_runs(recent: Sequence[RunRow]) -> None:
    """Runs as a table, one line each."""
    if not recent:
        out().print("there has been no run yet; start one: onhand sync")
        return
    now = datetime.now(UTC)
    table = grid(
        "run", "started", "took", "by", "status", "source rows", "refused", right=("took", "refused")
    )
    for run in recent:
        rows = f"{run.rows_posted:,} new of {run.rows_read:,}" if run.rows_read else ""
        table.add_row(
            escape(run.id), ago(run.started_at, now), _took(run.started_at, run.finished_at, now),
            str(run.request.get("trigger", "")), status(run.status), rows,
            f"{run.rows_refused:,}" if run.rows_refused else "",
        )  # fmt: skip
    out().print(table)


def print_run(
    run: RunRow,
    channels: Sequence[RunChannelRow],
    failures: Sequence[RunFailureRow],
    refused: Sequence[RefusedRow],
    *,
    web_ui: str,
    limit: int,
) -> None:
    """One run: how it went, on which channel, what could not be done and what to do about it."""
    console, now = out(), datetime.now(UTC)
    console.print("[bold]run[/]", escape(run.id), status(run.status))
    if run.summary:
        console.print(escape(run.summary))
    took = _took(run.started_at, run.finished_at, now)
    asked = _asked(run.request)
    console.print(f"started {moment(run.started_at)} ({ago(run.started_at, now)}), took {took}, {asked}")
    console.print(
        f"source: {count(run.rows_read, 'row')}, {run.rows_posted:,} posted, {run.rows_unchanged:,} unchanged, "
        f"{run.rows_refused:,} refused"
    )
    if web_ui:
        console.print(f"Temporal: {escape(web_ui)}")
    console.print()
    console.print(_channels(channels, now))
    for channel in channels:
        if channel.message and not says(run.summary, channel.message):
            console.print(f"{escape(channel.channel)}: {escape(channel.message)}")
    _print_failures(failures, sum(channel.failed for channel in channels), limit)
    _print_refused(refused, run.rows_refused, limit)


def _channels(channels: Iterable[RunChannelRow], now: datetime) -> Table:
    table = grid("channel", "status", *_NUMBERS, "waited", "took", right=(*_NUMBERS, "waited", "took"))
    for row in channels:
        numbers = (
            row.levels, row.changed, row.unchanged, row.skipped, row.failed, row.reads, row.writes, row.throttled
        )  # fmt: skip
        table.add_row(
            escape(row.channel), status(row.status), *(f"{number:,}" for number in numbers),
            duration(row.waited_seconds), _took(row.started_at, row.finished_at, now),
        )  # fmt: skip
    return table


def _print_failures(failures: Sequence[RunFailureRow], failed: int, limit: int) -> None:
    """Failures by channel and remedy, so that one mistake made a hundred times reads as one."""
    console = out()
    shown = sorted(failures, key=_remedy)[:limit]
    for (channel, category, advice), group in groupby(shown, key=_remedy):
        alike = list(group)
        many = count(sum(_remedy(f) == (channel, category, advice) for f in failures), "level")
        console.print()
        console.print(f"[bold]{escape(channel)}[/]: {many} not set, [red]{escape(category)}[/]")
        if advice:
            console.print(f"what to do: {escape(advice)}")
        table = grid("sku", "item", "place", "reason")
        for failure in alike:
            table.add_row(*map(escape, (failure.sku, failure.item_id, failure.place, failure.message)))
        console.print(table)
    if failed > len(shown):
        err().print(f"{failed - len(shown):,} more failures; see them with --show or --json")


def _remedy(failure: RunFailureRow) -> tuple[str, str, str]:
    return (failure.channel, failure.category, failure.advice)


def _print_refused(refused: Sequence[RefusedRow], total: int, limit: int) -> None:
    if not refused:
        return
    console = out()
    console.print()
    console.print(f"[bold]source[/]: {count(max(total, len(refused)), 'row')} refused")
    table = grid("row", "problem", "why")
    for row in refused[:limit]:
        table.add_row(escape(row.origin), row.problem.replace("_", " "), escape(row.message))
    console.print(table)
    if len(refused) > limit:
        err().print(f"{len(refused) - limit:,} more refused rows; see them with --show or --json")


def _took(started: datetime, finished: datetime | None, now: datetime) -> str:
    return duration(((finished or now) - started).total_seconds())


def _asked(request: Mapping[str, Any]) -> str:
    """What was asked for, in words."""
    parts = ["full sync" if request.get("full") else "sync"]
    for key, thing in (("channels", "channel"), ("skus", "SKU")):
        if request.get(key):
            parts.append(f"of {thing} {', '.join(request[key])}")
    return " ".join([*parts, f"by {request.get('trigger', 'nobody')}"])
