"""`onhand simulate`: what would happen on my Black Friday?"""

from typing import Annotated

import typer

from onhand.cli.app import JsonOption
from onhand.cli.output import grid, out, print_json
from onhand.simulation.comparing import WAYS, Summary, compared
from onhand.simulation.scenario import BLACK_FRIDAY_FAULTS, NO_FAULTS, Scenario

UNITS_MAX = 100_000
BUYERS_MAX = 100_000
MINUTES_MAX = 24 * 60.0
DAYS_MAX = 10_000
CHANNELS_MAX = 20


def register(app: typer.Typer) -> None:
    """Hang the command into the program."""
    app.command("simulate", rich_help_panel="Stock")(simulate)


def simulate(
    units: Annotated[int, typer.Option(help="Units there are.", min=0, max=UNITS_MAX)] = 200,
    buyers: Annotated[
        int, typer.Option(help="Buyers who come, each for one unit.", min=0, max=BUYERS_MAX)
    ] = 1_000,
    minutes: Annotated[
        float, typer.Option(help="Minutes within which they come.", min=0.01, max=MINUTES_MAX)
    ] = 1.0,
    channels: Annotated[
        str,
        typer.Option(help="How the buyers divide among the channels, one number each.", metavar="A,B,..."),
    ] = "5,3,2",
    mishaps: Annotated[
        bool,
        typer.Option(
            help="Webhooks doubled and shuffled, 10 s of 429 on one channel, the worker killed twice."
        ),
    ] = False,
    days: Annotated[
        int, typer.Option(help="Days to try, each with its own chance.", min=1, max=DAYS_MAX)
    ] = 50,
    seed: Annotated[int, typer.Option(help="The first day; the same seed is the same day.", min=0)] = 0,
    as_json: JsonOption = False,
) -> None:
    """What would happen on my Black Friday? Tries ways of keeping channels right on simulated days; touches nothing."""
    faults = BLACK_FRIDAY_FAULTS if mishaps else NO_FAULTS
    scenario = Scenario("yours", units, buyers, minutes * 60.0, _weights(channels), faults=faults)
    found = compared(scenario, range(seed, seed + days), WAYS.values())
    if as_json:
        print_json({"scenario": scenario, "days": days, "seed": seed, "ways": found})
    else:
        _show(found)


def _weights(text: str) -> tuple[float, ...]:
    try:
        weights = tuple(float(part) for part in text.split(","))
    except ValueError:
        weights = ()
    if not (1 <= len(weights) <= CHANNELS_MAX and all(0 < weight < 1e9 for weight in weights)):
        raise typer.BadParameter(
            f"--channels is {text!r}; accepted are 1 to {CHANNELS_MAX} numbers above zero, as in 5,3,2"
        )
    return weights


def _show(found: dict[str, Summary]) -> None:
    table = grid(
        "way", "", "oversold", "99 of 100 days", "turned away", "left over", "calls",
        right=("oversold", "99 of 100 days", "turned away", "left over", "calls"),
    )  # fmt: skip
    for name, summary in found.items():
        table.add_row(
            name,
            WAYS[name].says,
            f"{summary.oversold:,.2f}",
            f"{summary.oversold_99:,}",
            f"{summary.turned_away:,.1f}",
            f"{summary.missed:,.2f}",
            f"{summary.writes + summary.reads:,.0f}",
        )
    out().print(table)
    out().print(
        "Units and buyers, means of a day. Turned away: met an empty shelf while units were left elsewhere. "
        "Left over: units that such a buyer had wanted. Campaign: shares before the first buyer comes."
    )
