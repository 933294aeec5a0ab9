"""validate: the year of a real merchant, fed through `onhand validate`, against totals worked out apart from it.

Every invoice of the file is an order that is told whole whenever it changes: placed, shipped (one in two), lines of it
cancelled or given back. The totals come from a fold of the file that shares no code with the ledger
(bench/retail_fold.py): what is available, committed and with buyers of each SKU. The database is one on disk, as that
of `onhand up`; `seconds` has its making and dropping in it.
"""

import csv
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.figures import Benchmark, Figures, Goal, Options, medians, tell
from bench.retail import PATH, Invoices, read_invoices
from bench.retail_fold import Balance, fold
from bench.retail_plan import SHIP_AFTER, Act, Plan
from bench.shops import LOCATION, SHOPS
from bench.world import open_postgres, own_folder
from onhand.validation.running import Validation, validate

OPENING = 1_000_000
RUNS = 3
BEGAN = datetime(2010, 12, 1, tzinfo=UTC)

GOALS = (
    Goal("lines_per_s", "Lines of orders a second, of every state that is told of an order"),
    Goal("differences", "Totals that are not as the file says, and rows refused", at_most=0),
)


@dataclass(slots=True)
class _Told:
    """An order as it stands: pieces of each line by what became of them."""

    source: str
    lines: list[dict[str, Any]] = field(default_factory=list)


async def measure(options: Options) -> Figures:
    """The median of some rounds, each in a database of its own."""
    invoices = read_invoices(min(1.0, options.scale))
    expected = fold(PATH, len(invoices), OPENING, SHIP_AFTER)
    runs = options.runs or RUNS
    with own_folder() as folder:
        events, known = folder / "history.jsonl", folder / "known.csv"
        lines = _write_history(events, expected, invoices)
        _write_totals(known, expected)
        tell(f"validate: {len(invoices):,} invoices, {lines:,} lines told, {runs} runs")
        rounds = []
        async with open_postgres() as postgres:
            for _ in range(runs):
                began = time.perf_counter()
                found = await validate(postgres.dsn, events, known, complete=True)
                rounds.append(_figures(found, lines, time.perf_counter() - began))
                tell(f"  {rounds[-1]['lines_per_s']:,.0f} lines/s")
        size = events.stat().st_size
    return {
        **medians(rounds),
        "invoices": len(invoices),
        "skus": len(expected),
        "mb": size / 2**20,
        "runs": runs,
    }


def _figures(found: Validation, lines: int, seconds: float) -> Figures:
    return {
        "lines_per_s": lines / found.seconds,
        "differences": len(found.differences) + len(found.refusals),
        "statements_per_s": found.statements / found.seconds,
        "statements": found.statements,
        "lines": lines,
        "seconds": seconds,
    }


def _write_history(path: Path, expected: Mapping[str, Balance], invoices: Invoices) -> int:
    """What is in stock first, then every change of every order; answers how many order lines are told."""
    told = 0
    with path.open("w", encoding="utf-8") as text:
        for code in expected:
            opening = {"kind": "receipt", "id": f"opening-{code}", "at": BEGAN.isoformat(), "sku": code}
            text.write(json.dumps({**opening, "location": LOCATION, "quantity": OPENING}) + "\n")
        for state in _states(Plan({shop.name: shop.place for shop in SHOPS}).acts(invoices)):
            told += len(state["lines"])
            text.write(json.dumps(state) + "\n")
    return told


def _states(acts: Iterator[Act]) -> Iterator[dict[str, Any]]:
    """Each order whole, after each thing that is done to it."""
    orders: dict[str, _Told] = {}
    for number, act in enumerate(acts, 1):
        order = orders.setdefault(act["key"], _Told(act["platform"]))
        _change(order, act)
        moment = (BEGAN + timedelta(seconds=number)).isoformat()
        yield {"kind": "order", "id": act["key"], "at": moment, "source": order.source, "lines": order.lines}


def _change(order: _Told, act: Act) -> None:
    match act.get("what", "place"):
        case "place":
            for position, line in enumerate(act["lines"], 1):
                ordered = {
                    "id": str(position),
                    "sku": line["sku"],
                    "location": LOCATION,
                    "ordered": line["quantity"],
                }
                order.lines.append({**ordered, "cancelled": 0, "fulfilled": 0, "returned": 0})
        case "ship":
            for line in order.lines:
                line["fulfilled"] = line["ordered"] - line["cancelled"]
        case "reduce":
            order.lines[act["position"]]["cancelled"] += act["quantity"]
        case _:
            order.lines[act["position"]]["returned"] += act["quantity"]


def _write_totals(path: Path, expected: Mapping[str, Balance]) -> None:
    with path.open("w", encoding="utf-8", newline="") as text:
        rows = csv.writer(text)
        rows.writerow(("sku", "location", "state", "quantity"))
        for code, balance in expected.items():
            for state in ("available", "committed", "customer"):
                rows.writerow((code, LOCATION, state, getattr(balance, state)))


VALIDATE = Benchmark("validate", __doc__ or "", GOALS, measure)
