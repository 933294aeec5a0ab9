"""Velocity and tiers: what a day's sales are worth, what one bulk order is not, and that nothing flaps."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from onhand.domain.velocity import SoldDay, Tier, TierRules, per_day

RULES = TierRules()


def speed(*days: SoldDay, observed: int = 15, half_life: float = 3.0) -> float:
    """The velocity with the usual half-life."""
    return per_day(days, half_life_days=half_life, observed_days=observed)


def test_the_same_every_day_is_that_many_a_day() -> None:
    """Goal: weights sum to one, whatever the half-life."""
    days = [SoldDay(age, 7, 1, 1) for age in range(15)]
    assert speed(*days) == pytest.approx(7.0)
    assert speed(*days, half_life=0.5) == pytest.approx(7.0)


def test_a_day_a_half_life_older_weighs_half() -> None:
    new, old = speed(SoldDay(0, 10, 1, 1)), speed(SoldDay(3, 10, 1, 1))
    assert old == pytest.approx(new / 2)


def test_a_young_ledger_makes_no_sku_slow() -> None:
    """Goal: 12 sold on the first day are 12 a day, not 12 in a fortnight."""
    assert speed(SoldDay(0, 12, 1, 1), observed=1) == pytest.approx(12.0)


def test_nothing_sold_is_nothing_a_day() -> None:
    assert speed() == 0.0


@pytest.mark.parametrize(
    ("days", "as_if"),
    [
        ([SoldDay(0, 500, 500)], [SoldDay(0, 1, 1)]),
        ([SoldDay(0, 503, 500, 2)], [SoldDay(0, 5, 2, 2)]),
        ([SoldDay(0, 500, 500), SoldDay(2, 9, 3, 3)], [SoldDay(0, 3, 3), SoldDay(2, 9, 3, 3)]),
        ([SoldDay(0, 1, 1)], [SoldDay(0, 1, 1)]),
    ],
    ids=["the only order", "among others of its day", "among other days", "one unit stays one"],
)
def test_a_bulk_order_counts_as_the_largest_besides_it(days: list[SoldDay], as_if: list[SoldDay]) -> None:
    assert speed(*days) == pytest.approx(speed(*as_if))


@given(
    orders=st.lists(st.tuples(st.integers(0, 14), st.integers(1, 50)), min_size=1, max_size=30),
    bulk=st.integers(0, 100_000),
    when=st.integers(0, 14),
)
def test_how_large_the_largest_order_is_decides_nothing(
    orders: list[tuple[int, int]], bulk: int, when: int
) -> None:
    """Goal: robust to one bulk order of any size, on any day."""
    largest = max(units for _, units in orders)
    told = [days_of([*orders, (when, largest + more)]) for more in (0, bulk)]
    assert speed(*told[1]) == pytest.approx(speed(*told[0]))


@given(orders=st.lists(st.tuples(st.integers(0, 14), st.integers(1, 50)), max_size=30))
def test_velocity_is_between_nothing_and_the_best_day(orders: list[tuple[int, int]]) -> None:
    days = days_of(orders)
    assert 0 <= speed(*days) <= max((day.units for day in days), default=0) + 1e-9


def days_of(orders: list[tuple[int, int]]) -> list[SoldDay]:
    """Orders (age, units) as the ledger sums them up."""
    by_age: dict[int, list[int]] = {}
    for age, units in orders:
        by_age.setdefault(age, []).append(units)
    return [SoldDay(age, sum(units), *sorted(units, reverse=True)[:2]) for age, units in by_age.items()]


@pytest.mark.parametrize(
    ("speed", "before", "tier"),
    [
        (10.1, Tier.HOURLY, Tier.REAL_TIME),
        (10.0, Tier.HOURLY, Tier.QUARTER_HOUR),
        (10.0, Tier.REAL_TIME, Tier.REAL_TIME),
        (8.0, Tier.REAL_TIME, Tier.REAL_TIME),
        (7.9, Tier.REAL_TIME, Tier.QUARTER_HOUR),
        (9.0, Tier.QUARTER_HOUR, Tier.QUARTER_HOUR),
        (1.1, Tier.HOURLY, Tier.QUARTER_HOUR),
        (1.0, Tier.HOURLY, Tier.HOURLY),
        (0.8, Tier.QUARTER_HOUR, Tier.QUARTER_HOUR),
        (0.79, Tier.QUARTER_HOUR, Tier.HOURLY),
        (0.9, Tier.REAL_TIME, Tier.QUARTER_HOUR),
        (0.0, Tier.REAL_TIME, Tier.HOURLY),
    ],
)
def test_tiers_and_their_thresholds(speed: float, before: Tier, tier: Tier) -> None:
    assert RULES.tier(speed, before) is tier


@example(base=0.8125, wobble=[0.0, -0.0625], before=Tier.REAL_TIME)
@given(
    base=st.floats(0.1, 30),
    wobble=st.lists(st.floats(-0.09, 0.09), max_size=20),
    before=st.sampled_from(Tier),
)
def test_a_speed_that_wobbles_changes_the_tier_once_at_most(
    base: float, wobble: list[float], before: Tier
) -> None:
    """Goal: no flapping within the hysteresis; the first look may move it, and one step may follow, never back."""
    tier, seen = RULES.tier(base, before), []
    for part in wobble:
        tier = RULES.tier(base * (1 + part), tier)
        seen.append(tier)
    assert sum(one is not other for one, other in pairwise(seen)) <= 1


def test_tiers_are_called_as_people_call_them() -> None:
    assert [str(tier) for tier in Tier] == ["real-time", "15 min", "hourly"]
