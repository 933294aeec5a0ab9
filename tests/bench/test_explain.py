"""The benchmark of explanations at a tiny scale: it answers what was promised; its times mean nothing."""

import pytest

from tests.bench.test_bench import figures_of


@pytest.mark.timeout(300)  # a database server starts in it
def test_explain_answers_every_named_figure() -> None:
    figures = figures_of("explain", "--scale", "0.002", "--runs", "3")

    assert figures.keys() >= {"ms_at_100k_events", "ms_at_100_events", "ms_first", "ms_stock_halfway"}
    assert figures["events"] == 200
    assert 0 < figures["ms_at_100k_events"] <= figures["ms_slowest"]
