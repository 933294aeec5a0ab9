"""The benchmark of validation at a tiny scale: the first invoices of the file end at the totals of the fold."""

import pytest

from bench.retail import PATH, read_invoices
from tests.bench.test_bench import figures_of


@pytest.mark.skipif(not PATH.is_file(), reason="the order stream is not in ../shared/data beside the project")
@pytest.mark.timeout(300)  # a database server starts in it
def test_validate_answers_every_named_figure() -> None:
    figures = figures_of("validate", "--scale", "0.01", "--runs", "1")

    assert figures["differences"] == 0
    assert figures["lines_per_s"] > 0
    assert (figures["invoices"], figures["statements"] > figures["skus"]) == (len(read_invoices(0.01)), True)
