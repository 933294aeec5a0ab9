"""The benchmark of forecasts: demand by day from hand-made lines, and all of it at a small scale."""

import csv
import gzip
from datetime import date
from pathlib import Path

import pytest

from bench.figures import BenchFailed
from bench.forecast import lost_at
from bench.retail import PATH
from bench.retail_days import read_days
from onhand.domain.forecast import Method
from tests.bench.test_bench import figures_of

LINES = (
    ("1", "A", 6, "2010-12-01 08:26:00"),
    ("1", "B", 1, "2010-12-01 08:26:00"),
    ("2", "A", 4, "2010-12-03 09:00:00"),
    ("C3", "A", -3, "2010-12-04 09:00:00"),
    ("4", "A", -9, "2010-12-04 10:00:00"),
    ("5", "A", 2, "2010-12-05 10:00:00"),
)
"""Three of the four are cancelled; nine are written off, which nobody asked for; B stands for bad debts."""


def test_demand_is_what_was_ordered_less_what_was_cancelled(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv.gz"
    with gzip.open(path, "wt", encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate"])
        writer.writerows((number, code, "words", f"{pieces}.0", at) for number, code, pieces, at in LINES)
    days = read_days(path)
    assert (days.first, days.count) == (date(2010, 12, 1), 5)
    assert dict(days.pieces) == {"A": [6, 0, 1, 0, 2]}


def test_without_the_file_the_benchmark_says_so(tmp_path: Path) -> None:
    """Goal: who has only the project is told what is missing."""
    with pytest.raises(BenchFailed, match=r"the order stream x\.csv\.gz is not in \.\./shared/data"):
        read_days(tmp_path / "x.csv.gz")


def test_methods_are_compared_at_like_stock() -> None:
    """Goal: between two points by a straight line, beyond them not at all."""
    points = [(40.0, 0.05), (20.0, 0.15), (30.0, 0.08)]
    assert lost_at(25, points) == pytest.approx(0.115)
    assert lost_at(30, points) == pytest.approx(0.08)
    assert lost_at(19, points) is None
    assert lost_at(41, points) is None


@pytest.mark.skipif(not PATH.is_file(), reason="the order stream is not in ../shared/data beside the project")
@pytest.mark.timeout(300)  # the whole file is read
def test_forecast_answers_every_named_figure() -> None:
    """Goal: every method has its figures, and the default is the one with the smallest error."""
    figures = figures_of("forecast", "--scale", "0.01")

    names = ["auto", *(method.value for method in Method)]
    kinds = ("error", "mase", "bias", "lost_share", "out_share", "stock_days", "lost_at_30_days")
    assert figures.keys() >= {f"{name}_{kind}" for name in names for kind in kinds}
    assert figures["default"] == min(names, key=lambda name: figures[f"{name}_error"])
    assert figures["codes"] > 20
    assert 0 < figures["auto_lost_share"] < 1
