"""Cycle counts: what is posted at once, what waits, and what small differences add up to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.count_watch import Heap, Scope, Small, WatchRules, above, heaps_of, to_tell
from onhand.domain.cycle_counts import CountRules, Doubt, Finding, Grade, Look, confirmable, judge, reason_of

RULES = CountRules(tolerance_units=1, tolerance_percent=1, escalate_percent=5)


@pytest.mark.parametrize(
    ("expected", "difference", "grade"),
    [
        (100, 0, Grade.EXACT),
        (4, -1, Grade.TOLERATED),  # a quarter of it, but one unit
        (200, 2, Grade.TOLERATED),  # one percent
        (200, 3, Grade.SMALL),
        (200, -9, Grade.SMALL),
        (200, -10, Grade.LARGE),  # five percent exactly
        (0, 1, Grade.TOLERATED),
        (0, 2, Grade.LARGE),
        (-3, 5, Grade.LARGE),
    ],
)
def test_a_difference_is_graded(expected: int, difference: int, grade: Grade) -> None:
    """Goal: the limits are where the settings say, and nothing is divided by an empty shelf."""
    assert RULES.grade(expected, difference) is grade


def test_a_large_difference_waits_for_a_count_that_agrees() -> None:
    """Goal: 80 instead of 100 is posted only once two looks say so; a third may agree with either of two."""
    first = judge(Look(80, 100), [], RULES)
    assert first == Finding(Grade.LARGE, Doubt.LARGE)
    assert judge(Look(79, 100), [-20], RULES) == Finding(Grade.LARGE)
    assert judge(Look(90, 100), [-20], RULES) == Finding(Grade.LARGE, Doubt.DISAGREES)
    assert judge(Look(90, 100), [-20, -11], RULES) == Finding(Grade.LARGE)


def test_a_second_count_near_the_ledger_is_posted() -> None:
    """Goal: the first look was wrong, so what it said is forgotten."""
    assert judge(Look(99, 100), [-20], RULES) == Finding(Grade.TOLERATED)


def test_two_counts_agree_though_units_were_sold_between_them() -> None:
    """Goal: what is compared is how far each is off, since the shelf itself moves on."""
    assert judge(Look(60, 80), [-20], RULES) == Finding(Grade.LARGE)


@pytest.mark.parametrize(
    ("quantity", "moved", "timed", "doubt"),
    [
        (98, -2, False, Doubt.MOVED),  # two were shipped before or after it was counted: nobody knows
        (99, -2, False, Doubt.MOVED),
        (98, -2, True, None),
        (100, -2, False, None),  # as printed: they went after it was counted
        (97, -2, False, None),  # no moment explains it, so one more is missing, whenever it was counted
        (102, 3, False, Doubt.MOVED),
    ],
)
def test_what_moved_since_printing_may_explain_a_difference(
    quantity: int, moved: int, timed: bool, doubt: Doubt | None
) -> None:
    """Goal: a shipment between printing and counting is not booked as a loss."""
    assert judge(Look(quantity, 100, moved, timed), [], RULES).doubt is doubt


def test_what_somebody_else_counted_since_is_not_corrected_twice() -> None:
    """Goal: also a count that is exact by its own base has to be made again."""
    assert judge(Look(100, 100, superseded=True), [], RULES) == Finding(Grade.EXACT, Doubt.SUPERSEDED)


def test_only_what_was_counted_since_another_count_confirms_anything() -> None:
    """Goal: counts that were posted or only mistimed say nothing of the size of the difference."""
    history = [
        (-20, Doubt.LARGE),
        (-5, Doubt.SUPERSEDED),
        (-9, Doubt.MOVED),
        (-7, Doubt.DISAGREES),
        (0, None),
    ]
    assert confirmable(history) == [-7]


def test_the_reason_says_what_to_do() -> None:
    """Goal: whoever reads the line knows the next step."""
    look = Look(80, 100)
    assert reason_of(look, Finding(Grade.LARGE)) == ""
    assert reason_of(look, Finding(Grade.LARGE, Doubt.LARGE)) == (
        "counted 80, the ledger had 100 on hand (-20): a second count, or an approval, posts it"
    )


@given(
    expected=st.integers(-50, 5_000),
    difference=st.integers(-5_000, 5_000),
    units=st.integers(0, 20),
    tolerance=st.floats(0, 5),
    escalate=st.floats(5, 100),
)
def test_a_larger_difference_never_has_a_smaller_grade(
    expected: int, difference: int, units: int, tolerance: float, escalate: float
) -> None:
    """Goal: whatever the settings, being further off is never better."""
    rules = CountRules(units, tolerance, escalate)
    order = list(Grade)
    further = difference + (1 if difference > 0 else -1)
    assert order.index(rules.grade(expected, further)) >= order.index(rules.grade(expected, difference))
    assert rules.grade(expected, difference) is rules.grade(expected, -difference)


# What small differences add up to.

WATCH = WatchRules(days=90, units_per_sku=10, units_per_location=100, units_in_total=200)


def test_800_phantom_units_of_200_skus_are_seen() -> None:
    """Goal: none of 200 SKUs is off by enough for anybody to look, and together they are a hole of 800 units."""
    shelves = [Small(f"SKU-{n}", "leeds" if n % 2 else "london", 1, -4) for n in range(200)]
    assert all(CountRules().grade(100, each.units) is Grade.SMALL for each in shelves)

    found = above(heaps_of(shelves), (), WATCH)

    assert found == [
        Heap(Scope.TOTAL, "", 200, -800),
        Heap(Scope.LOCATION, "leeds", 100, -400),
        Heap(Scope.LOCATION, "london", 100, -400),
    ]


def test_what_was_found_makes_up_for_what_was_lost() -> None:
    """Goal: a unit on the wrong shelf is no hole: only one SKU is missing more than it has too many."""
    differences = [Small("A", "leeds", 2, -12), Small("A", "london", 1, 5), Small("B", "leeds", 3, -11)]
    assert above(heaps_of(differences), (), WATCH) == [Heap(Scope.SKU, "B", 3, -11)]


def test_a_sum_at_its_limit_is_told_of_once_and_again_when_it_has_grown_by_as_much() -> None:
    """Goal: once for each limit, not for each count; it is over only at half of it."""
    key = (Scope.SKU, "A")
    assert above([Heap(*key, 3, -9)], (), WATCH) == []
    assert to_tell([Heap(*key, 4, -10)], {}, WATCH) == [Heap(*key, 4, -10)]
    assert above([Heap(*key, 4, -5)], [key], WATCH) == [Heap(*key, 4, -5)]
    assert above([Heap(*key, 4, -4)], [key], WATCH) == []
    assert to_tell([Heap(*key, 9, -19)], {key: -10}, WATCH) == []
    assert to_tell([Heap(*key, 9, -20)], {key: -10}, WATCH) == [Heap(*key, 9, -20)]


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from("xy"), st.integers(-9, 9))))
def test_the_sums_of_every_scope_are_the_same_units(rows: list[tuple[str, str, int]]) -> None:
    """Goal: nothing is left out and nothing counted twice."""
    heaps = heaps_of([Small(sku, location, 1, units) for sku, location, units in rows])
    for scope in Scope:
        assert sum(heap.units for heap in heaps if heap.scope is scope) == sum(units for _, _, units in rows)
        assert sum(heap.counts for heap in heaps if heap.scope is scope) == len(rows)
