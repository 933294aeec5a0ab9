"""Root causes in sentences, as an operator reads them."""

from datetime import UTC, datetime

import pytest

from onhand.domain.drift import Cause
from onhand.ledger.reconcile import CauseCount
from onhand.reconcile.summary import WORDS, sentences


def hour(
    at: int, drifts: int, cause: str = "lost_write", channel: str = "woocommerce", left: int = 0
) -> CauseCount:
    return CauseCount(channel, cause, datetime(2026, 11, 26, at, tzinfo=UTC), drifts, left)


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ([hour(2, 14)], "woocommerce lost 14 writes today, all in the batch of 02:00."),
        ([hour(2, 1)], "woocommerce lost 1 write today, in the hour from 02:00."),
        ([hour(2, 8), hour(5, 2)], "woocommerce lost 10 writes today, 8 of them in the batch of 02:00."),
        ([hour(2, 3), hour(5, 2)], "woocommerce lost 5 writes today, between 02:00 and 05:00."),
        (
            [hour(2, 14, left=1)],
            "woocommerce lost 14 writes today, all in the batch of 02:00; 1 still is so.",
        ),
        (
            [hour(9, 1_200, "manual_edit", "shopify", 3)],
            "shopify had 1,200 levels changed there by hand or by another program today, all in the batch of 09:00; "
            "3 still are so.",
        ),
    ],
)
def test_one_sentence_tells_what_where_how_often_and_when(counts: list[CauseCount], said: str) -> None:
    assert sentences(counts) == [said]


def test_the_most_frequent_comes_first() -> None:
    counts = [hour(2, 1), hour(3, 5, "tracking_off", "shopify"), hour(4, 5, "unknown", "bigcommerce")]
    assert [line.split()[0] for line in sentences(counts, "")] == ["bigcommerce", "shopify", "woocommerce"]


def test_every_cause_has_its_words() -> None:
    assert set(WORDS) == {cause.value for cause in Cause}
