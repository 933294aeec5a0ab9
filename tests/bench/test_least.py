"""The least times: their constants are the sandbox's own, and their formulas give what was worked out by hand."""

import pytest

from bench import least
from bench.shops import SHOPIFY
from onhand.channels.shopify.documents import LEVELS_IN_RANGE, SET_QUANTITIES
from onhand.sandbox.shopify.cost import requested_cost
from onhand.sandbox.shopify.documents import operation


def test_shopify_points_are_what_the_sandbox_asks_for_the_adapters_calls() -> None:
    read = operation(LEVELS_IN_RANGE.text, None)
    write = operation(SET_QUANTITIES.text, None)

    assert requested_cost(read, {"place": SHOPIFY.place}) == least.SHOPIFY_READ_POINTS
    assert requested_cost(write, {}) == least.SHOPIFY_WRITE_POINTS


@pytest.mark.parametrize(
    ("levels", "first", "seconds"),
    [(50_000, True, 76.0), (50_000, False, 4.0), (1_000, True, 0.0)],
)
def test_shopify_pays_for_what_its_bucket_does_not_hold(levels: int, first: bool, seconds: float) -> None:
    assert least.shopify_seconds(levels, first=first) == seconds


def test_shopify_with_an_empty_bucket_pays_for_every_point() -> None:
    assert least.shopify_seconds(50_000, first=False, bucket=0.0) == 24.0


@pytest.mark.parametrize(
    ("levels", "seconds"), [(50_000, 500 * 1.6 / 3), (100, 1.6), (10, 0.25), (1_050, (10 * 1.6 + 0.85) / 3)]
)
def test_woocommerce_is_batches_over_processes(levels: int, seconds: float) -> None:
    assert least.woocommerce_seconds(levels) == pytest.approx(seconds)


def test_bigcommerce_is_one_writer_and_the_delay_of_its_last_write() -> None:
    assert least.bigcommerce_seconds(50_000) == 25 * 1.5 + least.BigCommerceOptions().visible_after_seconds
