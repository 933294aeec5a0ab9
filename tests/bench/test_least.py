"""The least times: their constants are the sandbox's own, and their formulas give what was worked out by hand."""

import pytest

from bench import least
from bench.shops import SHOPIFY
from onhand.channels.shopify.catalogue_documents import walk_levels
from onhand.channels.shopify.documents import LEVELS_IN_RANGE, SET_QUANTITIES
from onhand.sandbox.shopify.cost import requested_cost
from onhand.sandbox.shopify.documents import operation


def test_shopify_points_are_what_the_sandbox_asks_for_the_adapters_calls() -> None:
    read = operation(LEVELS_IN_RANGE.text, None)
    write = operation(SET_QUANTITIES.text, None)

    assert requested_cost(read, {"place": SHOPIFY.place}) == least.SHOPIFY_READ_POINTS
    assert requested_cost(write, {}) == least.SHOPIFY_WRITE_POINTS
    assert requested_cost(operation(walk_levels(1).text, None), {}) == least.SHOPIFY_WALK_POINTS


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


@pytest.mark.parametrize(
    ("levels", "bucket", "seconds"), [(50_000, 0.0, 114.0), (50_000, 400.0, 110.0), (250, 57.0, 0.0)]
)
def test_a_walk_over_shopify_pays_for_its_pages(levels: int, bucket: float, seconds: float) -> None:
    """Goal: 57 points for each 250 levels, less what the bucket holds."""
    assert least.shopify_walk_seconds(levels, bucket=bucket) == seconds


@pytest.mark.parametrize(("levels", "seconds"), [(50_000, 500 * 0.5 / 3), (100, 0.5), (10, 0.14)])
def test_a_walk_over_woocommerce_is_pages_over_processes(levels: int, seconds: float) -> None:
    """Goal: half a second for each hundred rows, three at a time."""
    assert least.woocommerce_walk_seconds(levels) == pytest.approx(seconds)


@pytest.mark.parametrize(("rounds", "seconds"), [(1, 0.0), (2, 0.0), (3, 30.0), (5, 60.0), (9, 120.0)])
def test_walks_over_bigcommerce_wait_for_windows(rounds: int, seconds: float) -> None:
    """Goal: 112 calls of 150 are ours in each window of 30 s, and a walk over 50,000 levels makes 50."""
    assert least.bigcommerce_walk_seconds(50_000, rounds=rounds, share=0.75) == seconds
