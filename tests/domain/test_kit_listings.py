"""Listings of kits: changes, withheld units and resting levels bear on them by their components."""

from dataclasses import replace

from onhand.domain.kits import Part, packed
from onhand.domain.listings import ChannelRules, Component, ListingState, Resting, RuleBook
from onhand.domain.rules import Rule
from onhand.domain.targets import free_parts, targets_of, with_changes

RULES = RuleBook({"web": ChannelRules(Rule(), {"": ("leeds", "london")})})
MUGS = Component("MUG", 2, {"leeds": 7, "london": 2}, {"leeds": 4})
TINS = Component("TIN", 1, {"leeds": 5, "london": 4}, {"leeds": 9})
STATE = ListingState(
    channel="web",
    listing_id=7,
    sku="PAIR",
    item_id="item",
    parent_id="",
    tracking="",
    units=1,
    generation=0,
    available=packed([(2, MUGS.available), (1, TINS.available)]),
    books={"": None},
    components=(MUGS, TINS),
)


def shown(state: ListingState) -> int:
    (target,) = targets_of(state, RULES)
    return target.quantity


def test_a_kit_shows_the_sum_of_what_each_location_can_pack() -> None:
    assert shown(STATE) == 3 + 1


def test_changes_to_come_of_components_change_the_kit_and_those_of_others_do_not() -> None:
    """Goal: what a look ahead would count of the source's rows, and no row is of the kit itself."""
    to_come = {
        "MUG": {"leeds": -4, "york": 9},
        "TIN": {"london": -4},
        "PAIR": {"leeds": 50},
        "CUP": {"leeds": 50},
    }
    moved = with_changes(STATE, to_come.__getitem__)
    assert dict(moved.available) == {"leeds": 1, "london": 0, "york": 0}
    assert dict(STATE.available) == {"leeds": 3, "london": 1}


def test_what_a_source_said_of_a_component_is_withheld_from_the_kit() -> None:
    """Goal: mugs were counted six fewer in Leeds; until that is let through, the kit shows what it did before."""
    counted = with_changes(STATE, lambda sku: {"leeds": -6} if sku == "MUG" else {})
    assert (shown(counted), counted.withholds) == (1, False)
    mugs, tins = counted.components
    held = replace(counted, components=(replace(mugs, withheld={"leeds": -6}), tins))
    assert (shown(held), held.withholds) == (4, True)


def test_a_resting_level_takes_its_components_from_the_kit_but_not_from_itself() -> None:
    """Goal: a level that sells two mugs a piece by itself holds two pieces: four mugs less in Leeds."""
    other, own = Resting("web", 9, "", 2, 2), Resting("web", 7, "", 2, 2)
    resting = replace(STATE, components=(replace(MUGS, resting=(other,)), TINS), resting=(other,))
    assert free_parts(resting, RULES, "")[Part("MUG", 2)] == {"leeds": 3, "london": 2}
    assert shown(resting) == 1 + 1
    assert shown(replace(STATE, components=(replace(MUGS, resting=(own,)), TINS), resting=(own,))) == 4
