"""How `onhand status` looks: the judgement, the problems each with its command, then the facts, within 80 columns."""

from collections.abc import Iterator
from datetime import datetime

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from onhand.cli.output import grid
from onhand.domain.health import ChannelFacts, Facts, Health, LastLook, Problem, Verdict
from onhand.wording import ago, count, duration

MARKS = {Health.ATTENTION: ("--", "yellow"), Health.BROKEN: ("!!", "bold red")}
NUMBERS = ("to tell", "to take", "retried", "calls", "waited")


def status_view(verdict: Verdict) -> RenderableType:
    """One look for people."""
    facts = verdict.facts
    parts: list[RenderableType] = [_heading(verdict), Text()]
    for problem in verdict.problems:
        parts += _problem(problem, facts.at)
    if verdict.problems:
        parts.append(Text())
    if facts.channels:
        parts += [_channels(facts.channels, facts.at), Text()]
    return Group(*parts, *_rest(facts))


def _heading(verdict: Verdict) -> Text:
    broken = sum(problem.severity is Health.BROKEN for problem in verdict.problems)
    others = len(verdict.problems) - broken
    if verdict.health is Health.OK:
        said = ("all is well", "bold green")
    elif broken:
        said = (f"{broken} broken" + (f", {others} to look at" if others else ""), "bold red")
    else:
        said = (f"it works; {others} to look at", "bold yellow")
    when = verdict.facts.at.astimezone().strftime("%H:%M:%S")
    return Text.assemble(("onhand", "bold"), "  ", (when, "dim"), "  ", said)


def _problem(problem: Problem, at: datetime) -> list[RenderableType]:
    """What is wrong and since when, and the command below it."""
    word, style = MARKS[problem.severity]
    since = "" if problem.since is None else f" ({ago(problem.since, at)})"
    line = Table.grid(padding=(0, 1))
    line.add_row(
        Text(word, style=style), Text.assemble((problem.subject, "bold"), f": {problem.sentence}{since}")
    )
    return [line, Padding(Text(problem.command, style="cyan"), (0, 0, 0, 5))]


def _channels(channels: tuple[ChannelFacts, ...], at: datetime) -> Table:
    table = grid(
        "channel", "to tell", "to take", "retried", "swept", "read back", "calls", "waited", right=NUMBERS
    )
    for channel in channels:
        looks = [each for each in (channel.synced, channel.read_back) if each is not None]
        table.add_row(
            escape(channel.name),
            f"{channel.to_tell:,}",
            f"{channel.inbox.rows:,}" if channel.listens else "",
            "" if channel.sku_updates is None else f"{channel.sku_updates:,}",
            _age(channel.swept_at, at) if channel.listens else "ignored",
            _read_back(channel.read_back, at),
            f"{sum(each.calls for each in looks):,}",
            duration(sum(each.waited_seconds for each in looks)),
        )
    return table


def _read_back(last: LastLook | None, at: datetime) -> str:
    return "never" if last is None else f"{last.status} {_age(last.finished_at or last.started_at, at)}"


def _age(moment: datetime | None, at: datetime) -> str:
    """How long ago in one unit: rows of a table have no room for two."""
    if moment is None:
        return "never"
    seconds = max(0.0, (at - moment).total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _rest(facts: Facts) -> Iterator[Text]:
    """Everything else in one line each; what does not fit is cut."""
    if facts.ledger is not None:
        yield _line("last sync", _last_run(facts))
        if facts.ledger.low_stock.skus:
            yield _line("low stock", f"{facts.ledger.low_stock.sentence} (onhand stock low)")
    if facts.schedules is not None:
        yield _line("schedules", _schedules(facts))
    answering = [service.name for service in facts.services if service.answers]
    workers = [name for name in answering if name.startswith("worker ")]
    servers = [name for name in answering if name not in workers]
    if answering:
        polled = f", {count(len(workers), 'queue')} polled" if workers else ""
        yield _line("answering", f"{', '.join(servers)}{polled}")


def _line(name: str, said: str) -> Text:
    return Text(f"{name}  {' '.join(said.split())}", no_wrap=True, overflow="ellipsis")


def _last_run(facts: Facts) -> str:
    run = facts.ledger.run if facts.ledger is not None else None
    if run is None:
        return "there has been none"
    said = f": {run.summary}" if run.summary else ""
    return f"{run.status} {ago(run.finished_at or run.started_at, facts.at)}{said}"


def _schedules(facts: Facts) -> str:
    """Each with its last start; sweeps as one, which is told with the channels."""
    named = [
        each for each in facts.schedules or () if each.exists and not each.schedule_id.startswith("sweep/")
    ]
    sweeps = sum(each.exists for each in facts.schedules or ()) - len(named)
    parts = [f"{each.schedule_id} {ago(each.started_at, facts.at)}" for each in named]
    return ", ".join([*parts, *([count(sweeps, "sweep")] if sweeps else [])]) or "none"
