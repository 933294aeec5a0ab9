"""`python -m bench.chaos --seed 7 --minutes 10`: one chaos run; exits 1 where anything is wrong in the end."""

import asyncio
import json
import random
import signal
from typing import Annotated

import typer

from bench.chaos.run import ChaosFailed, Options, Outcome, run
from bench.figures import rounded
from onhand.embedded.errors import EmbeddedError

SEED_MAX = 999_999
INTERRUPTED = 130


def main(
    seed: Annotated[
        int | None, typer.Option(help="Decides everything; drawn and told when not given.")
    ] = None,
    minutes: Annotated[int, typer.Option(min=1, max=1_440, help="Minutes of faults and kills.")] = 10,
    rate: Annotated[float, typer.Option(min=0.1, max=200, help="Orders a second.")] = 20.0,
    kills: Annotated[int, typer.Option(min=0, max=20, help="Processes killed a minute.")] = 5,
    recovery: Annotated[bool, typer.Option(help="Measure first how soon each process recovers.")] = True,
    json_: Annotated[bool, typer.Option("--json", help="Print one flat object of the figures.")] = False,
) -> None:
    """Run all of Onhand under faults and kills, then judge. Progress goes to standard error."""
    chosen = random.randrange(SEED_MAX) if seed is None else seed
    try:
        outcome = asyncio.run(_until_stopped(Options(chosen, minutes, rate, kills, recovery)))
    except (ChaosFailed, EmbeddedError) as error:
        typer.echo(f"error: {error}", err=True)
        typer.echo(f"the same again: make chaos SEED={chosen} MINUTES={minutes}", err=True)
        raise typer.Exit(1) from error
    except (KeyboardInterrupt, asyncio.CancelledError) as error:
        typer.echo("interrupted; everything that was started is stopped", err=True)
        raise typer.Exit(INTERRUPTED) from error
    figures = rounded(outcome.figures())
    if json_:
        typer.echo(json.dumps(figures, indent=2))
        return
    width = max(map(len, figures))
    for key, figure in figures.items():
        typer.echo(f"{key:<{width}}  {'' if figure is None else figure}")


async def _until_stopped(options: Options) -> Outcome:
    """SIGTERM ends it as Ctrl-C does."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await run(options)


if __name__ == "__main__":
    typer.run(main)
