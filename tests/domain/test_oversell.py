"""Which orders an oversell hits: the newest ones, for as many units as are missing."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.oversell import Oversell, Promise, Unfilled, oversell_of

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


def promise(order: str, units: int, minutes: int, channel: str = "web") -> Promise:
    """An order placed so many minutes after noon."""
    return Promise(channel, order, units, NOON + timedelta(minutes=minutes))


def test_the_newest_orders_bear_it_and_the_oldest_of_them_in_part() -> None:
    """Goal: whoever bought first gets the units."""
    promises = [promise("1", 4, 1), promise("3", 2, 3, "store"), promise("2", 5, 2)]
    assert oversell_of(4, promises) == Oversell(
        4, (Unfilled("store", "3", 2), Unfilled("web", "2", 2)), "store", 0
    )


def test_what_no_order_explains_is_said() -> None:
    """Goal: a count below what is promised is no order's fault."""
    assert oversell_of(5, [promise("1", 2, 1)]) == Oversell(5, (Unfilled("web", "1", 2),), "web", 3)
    assert oversell_of(5, []) == Oversell(5, (), None, 5)


def test_orders_of_one_moment_are_told_in_one_order() -> None:
    """Goal: two looks say the same."""
    promises = [promise("1", 1, 0), promise("2", 1, 0), promise("9", 1, 0, "store")]
    expected = Oversell(2, (Unfilled("web", "2", 1), Unfilled("web", "1", 1)), "web", 0)
    assert oversell_of(2, promises) == expected
    assert oversell_of(2, promises[::-1]) == expected


@given(
    st.integers(1, 50),
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 99)), max_size=12),
)
def test_no_unit_is_lost_and_no_older_order_loses_before_a_newer_one(
    short: int, placed: list[tuple[int, int]]
) -> None:
    """Goal: what is missing is laid upon orders whole, the newest first."""
    promises = [promise(str(n), units, minutes) for n, (units, minutes) in enumerate(placed)]
    found = oversell_of(short, promises)
    lacking = {order.order_id: order.units for order in found.orders}
    assert sum(lacking.values()) + found.unexplained == short
    assert found.unexplained == max(0, short - sum(p.units for p in promises))
    by_id = {p.order_id: p for p in promises}
    assert all(0 < units <= by_id[order].units for order, units in lacking.items())
    spared = [p for p in promises if p.order_id not in lacking]
    assert all(by_id[order].sold_at >= p.sold_at for order in lacking for p in spared)
