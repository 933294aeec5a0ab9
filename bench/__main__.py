"""`python -m bench NAME`: measure one benchmark, or `all` of them and write docs/benchmarks.md."""

import asyncio
import json
import signal
from typing import Annotated

import typer

from bench.accept import ACCEPT
from bench.allocate import ALLOCATE
from bench.black_friday import BLACK_FRIDAY
from bench.chaos.benchmark import CHAOS
from bench.drift import DRIFT
from bench.explain import EXPLAIN
from bench.figures import BenchFailed, Benchmark, Figures, Options, rounded
from bench.forecast import FORECAST
from bench.full_sync import FULL_SYNC
from bench.ledger_post import LEDGER_POST
from bench.read_back import READ_BACK
from bench.replay_orders import REPLAY_ORDERS
from bench.report import section, words, write
from bench.rush import RUSH
from bench.time_to_sync import TIME_TO_SYNC
from bench.validate import VALIDATE
from onhand.embedded.errors import EmbeddedError

BENCHMARKS = {
    each.name: each
    for each in (
        LEDGER_POST,
        EXPLAIN,
        VALIDATE,
        ACCEPT,
        FULL_SYNC,
        TIME_TO_SYNC,
        REPLAY_ORDERS,
        READ_BACK,
        DRIFT,
        CHAOS,
        BLACK_FRIDAY,
        RUSH,
        FORECAST,
        ALLOCATE,
    )
}
ALL = "all"
INTERRUPTED = 130


def main(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(BENCHMARKS)}, or {ALL}.")],
    json_: Annotated[bool, typer.Option("--json", help="Print one flat object of the figures.")] = False,
    scale: Annotated[float, typer.Option(min=0.0001, max=100, help="Multiply every size by this.")] = 1.0,
    runs: Annotated[int | None, typer.Option(min=1, help="Runs of each kind; medians are told.")] = None,
    document: Annotated[bool, typer.Option(help="Write the section of docs/benchmarks.md.")] = False,
) -> None:
    """Measure. Progress goes to standard error, figures to standard output. A goal that is missed is no error."""
    if name not in (*BENCHMARKS, ALL):
        typer.echo(
            f"error: there is no benchmark {name!r}; there are {', '.join(BENCHMARKS)}, {ALL}", err=True
        )
        raise typer.Exit(2)
    if name == ALL and json_:
        typer.echo("error: --json prints the figures of one benchmark: name it", err=True)
        raise typer.Exit(2)
    options = Options(scale, runs)
    for benchmark in BENCHMARKS.values() if name == ALL else (BENCHMARKS[name],):
        figures = rounded(_measured(benchmark, options))
        if json_:
            typer.echo(json.dumps(figures, indent=2))
        else:
            _show(benchmark, figures)
        if document or (name == ALL and scale == 1.0):
            write(section(benchmark, figures, _command(benchmark, options)))


def _measured(benchmark: Benchmark, options: Options) -> Figures:
    try:
        return asyncio.run(_until_stopped(benchmark, options))
    except (BenchFailed, EmbeddedError) as error:
        typer.echo(f"error: {benchmark.name} could not be measured: {error}", err=True)
        raise typer.Exit(1) from error
    except (KeyboardInterrupt, asyncio.CancelledError) as error:
        typer.echo("interrupted; everything that was started is stopped", err=True)
        raise typer.Exit(INTERRUPTED) from error


async def _until_stopped(benchmark: Benchmark, options: Options) -> Figures:
    """SIGTERM ends it as Ctrl-C does: by cancellation, so that everything it started is stopped."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await benchmark.measure(options)


def _show(benchmark: Benchmark, figures: Figures) -> None:
    goals = {goal.key: goal for goal in benchmark.goals}
    width = max(map(len, figures))
    for key, figure in sorted(figures.items(), key=lambda each: each[0] not in goals):
        goal = f"   goal {goals[key].bound} {goals[key].verdict(figure)}" if key in goals else ""
        typer.echo(f"{key:<{width}}  {words(figure)}{goal}".rstrip())


def _command(benchmark: Benchmark, options: Options) -> str:
    scale = "" if options.scale == 1.0 else f" --scale {options.scale:g}"
    runs = "" if options.runs is None else f" --runs {options.runs}"
    return f"python -m bench {benchmark.name}{scale}{runs}"


if __name__ == "__main__":
    typer.run(main)
