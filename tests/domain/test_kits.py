"""Kits: how many can be packed, by which component that is limited, and which SKUs cannot be kits."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.kits import (
    COMPONENTS_MAX,
    KitFacts,
    Part,
    composition_of,
    limiting,
    packed,
    quantities_of,
    refusal,
    refusals,
)

STOCKED = KitFacts(kit=False, moved=True)
EMPTY = KitFacts(kit=False, moved=False)
FACTS = {"SET": EMPTY, "MUG": STOCKED, "TIN": STOCKED}
SET = composition_of({"MUG": 2, "TIN": 1})

units = st.integers(-20, 60)
shelves = st.dictionaries(st.sampled_from(["leeds", "london", "york"]), units)
stocks = st.lists(st.tuples(st.integers(1, 5), shelves), min_size=1, max_size=4)


def test_the_scarcest_component_decides_at_each_location_by_itself() -> None:
    """Goal: 7 mugs make 3 pairs in Leeds, where there is 1 tin; London has tins alone, so no kit."""
    mugs, tins = {"leeds": 7, "york": 4}, {"leeds": 1, "london": 9, "york": 8}
    assert packed([(2, mugs), (1, tins)]) == {"leeds": 1, "london": 0, "york": 2}


def test_a_component_that_is_short_counts_as_it_is() -> None:
    """Goal: one mug too few takes a whole kit; floor goes down, not towards zero."""
    assert packed([(2, {"leeds": -1}), (1, {"leeds": 5})]) == {"leeds": -1}


def test_nothing_is_packed_from_nothing() -> None:
    assert packed([]) == {}
    assert packed([(2, {}), (1, {})]) == {}


@given(stocks)
def test_what_is_packed_is_there_and_one_more_is_not(stock: list[tuple[int, dict[str, int]]]) -> None:
    for location, kits in packed(stock).items():
        left = [available.get(location, 0) - kits * quantity for quantity, available in stock]
        assert all(units >= 0 for units in left)
        assert any(units < quantity for units, (quantity, _) in zip(left, stock, strict=True))


@given(stocks, st.integers(0, 5))
def test_selling_kits_takes_as_many_off_what_can_be_packed(
    stock: list[tuple[int, dict[str, int]]], sold: int
) -> None:
    """Goal: a channel that took its own sale off its level shows what it should, and need not be told."""
    locations = {location for _, available in stock for location in available}
    after = [
        (quantity, {at: available.get(at, 0) - sold * quantity for at in locations})
        for quantity, available in stock
    ]
    assert packed(after) == {location: kits - sold for location, kits in packed(stock).items()}


def test_the_limiting_components_are_named() -> None:
    mug, tin = Part("MUG", 2), Part("TIN", 1)
    stock = {mug: {"leeds": 7, "york": 2}, tin: {"leeds": 1, "york": 1}}
    assert limiting(stock, "leeds") == (tin,)
    assert limiting(stock, "york") == (mug, tin)
    assert limiting({}, "leeds") == ()


def test_a_composition_keeps_its_quantities_in_one_order() -> None:
    assert SET == (Part("MUG", 2), Part("TIN", 1)) == composition_of({"TIN": 1, "MUG": 2})
    assert quantities_of(SET) == {"MUG": 2, "TIN": 1}


def test_a_kit_of_known_skus_is_accepted_also_where_it_is_one_already() -> None:
    assert refusal("SET", SET, FACTS) == ""
    assert refusal("SET", SET, FACTS | {"SET": replace(EMPTY, kit=True)}) == ""


@pytest.mark.parametrize(
    ("quantities", "facts", "said"),
    [
        (
            {"MUG": 1, "CUP": 1},
            {},
            "kit SET: not in the catalogue: CUP; import them first (onhand import catalogue)",
        ),
        ({}, {}, "kit SET: it has no components; a kit is packed from at least one"),
        ({"SET": 1}, {}, "kit SET: it cannot be a component of itself"),
        ({"MUG": 0}, {}, "kit SET: 0 units of MUG; accepted are 1 to 10,000"),
        ({"MUG": 10_001}, {}, "kit SET: 10001 units of MUG; accepted are 1 to 10,000"),
        (
            {"MUG": 1},
            {"MUG": replace(EMPTY, kit=True)},
            "kit SET: MUG is a kit itself, and kits are not nested; list its components instead",
        ),
        (
            {"MUG": 1},
            {"SET": replace(EMPTY, held_by=("BOX", "HAMPER"))},
            "kit SET: it is a component of BOX, HAMPER, and kits are not nested; "
            "list the components of both in the larger one",
        ),
        (
            {"MUG": 1},
            {"SET": STOCKED},
            "kit SET: the ledger has stock movements of it, and a kit has no stock of its own; "
            "make the kit under a SKU of its own, and map its listings to that",
        ),
    ],
)
def test_what_cannot_be_a_kit_is_told_why(
    quantities: dict[str, int], facts: dict[str, KitFacts], said: str
) -> None:
    assert refusal("SET", composition_of(quantities), FACTS | facts) == said


def test_a_kit_has_so_many_components_at_most() -> None:
    many = composition_of({f"S{n}": 1 for n in range(COMPONENTS_MAX + 1)})
    facts = {part.sku: STOCKED for part in many} | {"SET": EMPTY}
    assert refusal("SET", many[:-1], facts) == ""
    assert refusal("SET", many, facts) == "kit SET: 101 components are too many; 100 are accepted"


def test_kits_that_would_hold_each_other_are_refused_and_leave_the_others() -> None:
    """Goal: a cycle within one file is found, though the ledger knows none of them as kits yet."""
    wanted = {
        "SET": composition_of({"BOX": 1}),
        "BOX": composition_of({"SET": 1}),
        "PAIR": composition_of({"MUG": 2}),
    }
    facts = FACTS | {"BOX": EMPTY, "PAIR": EMPTY}
    assert refusals(wanted, facts) == {
        "SET": "kit SET: BOX would be a kit, too, and kits are not nested",
        "BOX": "kit BOX: SET would be a kit, too, and kits are not nested",
    }


def test_a_component_that_the_same_file_makes_a_kit_is_refused_with_its_holder() -> None:
    wanted = {"SET": composition_of({"PAIR": 1}), "PAIR": composition_of({"MUG": 2})}
    assert refusals(wanted, FACTS | {"PAIR": EMPTY}) == {
        "SET": "kit SET: PAIR would be a kit, too, and kits are not nested",
        "PAIR": "kit PAIR: it would be a component of SET, and kits are not nested",
    }
