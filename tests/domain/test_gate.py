"""The gate: what a claimed level is granted, what it is owed, and what its set may undo."""

from dataclasses import replace

import pytest

from onhand.domain.gate import Gate, Grant
from onhand.domain.listings import ChannelRules, ListingState, RuleBook, Sibling
from onhand.domain.rules import Mode, Rule
from onhand.domain.sharing import Holder, Shared

RULES = RuleBook(
    {
        name: ChannelRules(Rule(Mode.ADAPTIVE), {"": ("leeds",)}, listens=True, blind=name == "woo")
        for name in ("shopify", "woo")
    }
)
RUSH = Holder("woo", 2, "", units=10, book=10, sold=20.0, counted_for=4.0, quiet_for=0.0, known_for=5.0)
"""A level that sells five units a second: setting it may undo 29."""


def granted(available: int, shopify: int) -> Grant:
    """What the level of woo, which shows 10, is granted while shopify may sell so many."""
    state = ListingState(
        "woo",
        2,
        "MUG",
        "item",
        "",
        "",
        1,
        1,
        {"leeds": available},
        {"": 10},
        siblings=(Sibling("shopify", 1, 1), Sibling("woo", 2, 1)),
        shared=Shared(),
        holders=(Holder("shopify", 1, "", shopify, shopify), RUSH),
        demand={"shopify": 0.0, "woo": 5.0},
    )
    return Gate(RULES, {}, {(2, ""): True})({(2, ""): 10}, [state])[2, ""]


@pytest.mark.parametrize(
    ("shopify", "expected"),
    [
        (0, Grant(85, blind=True, owed=False, undoes=10)),
        (20, Grant(70, blind=True, owed=True, undoes=10)),
        (80, Grant(10, blind=True, owed=True, undoes=0)),
    ],
)
def test_who_is_told_nothing_undoes_nothing(shopify: int, expected: Grant) -> None:
    """Goal: of 100 units 95 are its share. It is raised as far as the other leaves it, less what its set may undo; one
    that is not raised is not set, and so keeps nobody from anything: otherwise its own answer would seem to set units
    free, and it would be looked at again without end.
    """
    assert granted(100, shopify) == expected


def test_what_nobody_knows_to_be_shown_is_set_whatever_it_is_granted() -> None:
    """Goal: a level that was lost sight of is told even nothing, and that undoes what was sold."""
    state = ListingState(
        "woo", 2, "MUG", "item", "", "", 1, 1, {"leeds": 10}, {"": None},
        siblings=(Sibling("shopify", 1, 1), Sibling("woo", 2, 1)), shared=Shared(),
        holders=(Holder("shopify", 1, "", 10, 10), replace(RUSH, book=None)),
        demand={"shopify": 0.0, "woo": 5.0},
    )  # fmt: skip
    grant = Gate(RULES, {}, {(2, ""): True})({(2, ""): None}, [state])[2, ""]

    assert grant == Grant(0, blind=True, owed=False, undoes=10)
