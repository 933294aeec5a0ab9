"""The order stream of a real merchant: plan and fold by hand-made invoices, and the benchmark at a tiny scale."""

import csv
import gzip
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.figures import BenchFailed
from bench.retail import PATH, read_invoices
from bench.retail_fold import Balance, fold
from bench.retail_plan import NOT_BOUGHT, NOT_SOLD, Plan, is_shipped
from tests.bench.test_bench import figures_of

SHOPS = {"shopify": "gid://shopify/Location/1001", "woocommerce": "", "bigcommerce": "1"}

INVOICES = (
    ("536365", "A", 6),
    ("536365", "A", 2),
    ("536365", "B", 1),
    ("536366", "C", -3),
    ("536367", "A", 4),
    ("C536368", "A", -2),
    ("C536368", "A", -6),
    ("C536368", "A", -5),
)
"""The newest line with enough gives way: the four, then the six; five are left nowhere."""


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return write(tmp_path / "lines.csv.gz", INVOICES)


def write(path: Path, rows: Sequence[tuple[str, str, int]]) -> Path:
    with gzip.open(path, "wt", encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate"])
        writer.writerows((invoice, code, "words", f"{pieces}.0", "") for invoice, code, pieces in rows)
    return path


def test_every_line_of_the_file_is_placed_cancelled_or_refused_with_a_reason(written: Path) -> None:
    """Goal: nothing of the file is dropped without being counted, and what the ledger cannot know is known before."""
    plan = Plan(SHOPS)
    acts = list(plan.acts(read_invoices(path=written)))

    assert [act.get("what", "place") for act in acts] == ["place", "place", "reduce", "reduce"]
    assert [(act["key"], act["position"], act["quantity"]) for act in acts[2:]] == [
        ("536367", 0, 2),
        ("536365", 0, 6),
    ]
    assert (plan.placed.total(), plan.cancelled, plan.no_goods) == (3, 2, 1)
    assert plan.refused == {NOT_SOLD: 1, NOT_BOUGHT: 1}
    assert {invoice for _, invoice in plan.odd_orders} == {"536365"}


def test_the_fold_takes_what_was_cancelled_off_the_newest_line_that_has_it(written: Path) -> None:
    """Goal: the balances are those worked out by hand."""
    assert fold(written, 4, 100, ship_after=10) == {
        "A": Balance(96, 4, 0),
        "B": Balance(99, 1, 0),
        "C": Balance(100, 0, 0),
    }


def test_an_order_that_was_shipped_is_refunded_and_is_with_its_buyer_otherwise(tmp_path: Path) -> None:
    """Goal: plan and fold agree on which orders are shipped, when, and what a cancellation does to them."""
    shipped = next(number for number in map(str, range(536_365, 536_465)) if is_shipped(number))
    between = [(f"9{number:05}", "X", 1) for number in range(100)]
    path = write(tmp_path / "lines.csv.gz", [(shipped, "A", 6), *between, ("C1", "A", -4)])

    acts = list(Plan(SHOPS).acts(read_invoices(path=path)))

    assert [act["what"] for act in acts if act.get("key") == shipped and "what" in act] == ["ship", "refund"]
    assert fold(path, 102, 100, ship_after=100)["A"] == Balance(98, 0, 2)


def test_without_the_file_the_benchmark_says_so(tmp_path: Path) -> None:
    """Goal: who has only the project is told what is missing."""
    with pytest.raises(BenchFailed, match=r"the order stream x\.csv\.gz is not in \.\./shared/data"):
        read_invoices(path=tmp_path / "x.csv.gz")


@pytest.mark.skipif(not PATH.is_file(), reason="the order stream is not in ../shared/data beside the project")
@pytest.mark.timeout(600)  # all servers, the worker and the web app start in it, twice
def test_replay_orders_answers_every_named_figure() -> None:
    """Goal: of the first invoices of the file every line is in the ledger once, or refused, and shown everywhere."""
    figures = figures_of("replay_orders", "--scale", "0.0005", "--runs", "1", seconds=560)

    assert figures.keys() >= {"lines_per_s", "events_per_s"}
    assert figures["mismatches"] == 0
    assert figures["mismatches_with_supply"] == 0
    assert figures["supply_acts"] == 179
    assert figures["invoices"] == 13
    read = (figures[name] for name in figures if name.startswith("lines_") and "per_s" not in name)
    assert sum(read) == sum(map(len, read_invoices(0.0005).values()))
