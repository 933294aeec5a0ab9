"""Listings: which claims bear on a listing, and the levels that follow for its places."""

from dataclasses import replace
from decimal import Decimal

from onhand.domain.claims import claims_of
from onhand.domain.listings import ChannelRules, ListingState, RuleBook, Sibling
from onhand.domain.rules import Mode, Rule
from onhand.domain.targets import Target, all_targets, targets_of, with_changes

HALF = Rule(Mode.PARTITIONED, Decimal(50))
PLACES = {"a": ("leeds",), "b": ("london",)}
POOLED = RuleBook(
    {"shopify": ChannelRules(Rule(), PLACES), "woo": ChannelRules(Rule(cap=3), {"": ("leeds",)})}
)
SPLIT = RuleBook(
    {"shopify": ChannelRules(HALF, PLACES), "woo": ChannelRules(HALF, {"": ("leeds", "london")})}
)
STATE = ListingState(
    channel="shopify",
    listing_id=7,
    sku="MUG",
    item_id="item",
    parent_id="parent",
    tracking="on",
    units=1,
    generation=0,
    available={"leeds": 10, "london": 4},
    books={"a": 10, "b": None},
)
SIBLINGS = (Sibling("woo", 2, 1), Sibling("shopify", 7, 1), Sibling("closed", 1, 1))


def test_a_listing_has_a_target_for_each_place() -> None:
    first, second = targets_of(STATE, POOLED)
    assert first == Target(STATE, "a", quantity=10, book=10)
    assert second == Target(STATE, "b", quantity=4, book=None)
    assert (first.differs, second.differs) == (False, True)


def test_the_siblings_of_a_listing_take_their_shares() -> None:
    state = replace(STATE, siblings=SIBLINGS)
    assert [target.quantity for target in targets_of(state, SPLIT)] == [5, 2]
    assert [target.place for target in targets_of(state, SPLIT)] == ["a", "b"]


def test_claims_come_with_the_own_listing_first_and_without_channels_not_configured() -> None:
    claims = claims_of(replace(STATE, siblings=SIBLINGS), SPLIT)
    assert [(c.channel, c.listing_id, c.place, c.locations) for c in claims] == [
        ("shopify", 7, "a", ("leeds",)),
        ("shopify", 7, "b", ("london",)),
        ("woo", 2, "", ("leeds", "london")),
    ]


def test_a_rule_for_a_sku_replaces_the_rule_of_its_channel() -> None:
    rules = replace(POOLED, sku_rules={("shopify", "MUG"): Rule(cap=1)})
    assert rules.rule_for("shopify", "MUG") == Rule(cap=1)
    assert rules.rule_for("shopify", "CUP") == Rule()
    assert [target.quantity for target in targets_of(STATE, rules)] == [1, 1]


def test_siblings_are_needed_as_soon_as_any_rule_splits_a_pool() -> None:
    assert not POOLED.needs_siblings
    assert SPLIT.needs_siblings
    assert replace(POOLED, sku_rules={("woo", "MUG"): HALF}).needs_siblings


def test_changes_to_come_are_added_to_what_is_available() -> None:
    changed = with_changes(STATE, {"MUG": {"leeds": -3, "york": 2}}.__getitem__)
    assert changed.available == {"leeds": 7, "london": 4, "york": 2}
    assert STATE.available == {"leeds": 10, "london": 4}


def test_targets_of_many_listings_come_in_their_order() -> None:
    other = replace(STATE, channel="woo", listing_id=2, books={"": 3})
    assert [(t.state.channel, t.place, t.quantity) for t in all_targets([STATE, other], POOLED)] == [
        ("shopify", "a", 10),
        ("shopify", "b", 4),
        ("woo", "", 3),
    ]


def test_while_something_is_withheld_a_level_falls_by_what_was_sold() -> None:
    """Goal: the source said 0, one was sold elsewhere since: the channel is told one fewer, and not 0."""
    emptied = replace(STATE, available={"leeds": -1, "london": 0}, withheld={"leeds": -10, "london": -4})
    first, second = targets_of(emptied, POOLED)
    assert (first.quantity, first.book) == (9, 10)
    assert (second.quantity, second.book) == (4, None)
    assert first.state is emptied
    assert [target.quantity for target in targets_of(replace(emptied, withheld={}), POOLED)] == [0, 0]


def test_while_something_is_withheld_a_source_raises_nothing() -> None:
    """Goal: the source said ten times as much: the channel is told what was sold or came back, and not that."""
    risen = replace(STATE, available={"leeds": 99, "london": 4}, withheld={"leeds": 90})
    assert [target.quantity for target in targets_of(risen, POOLED)] == [9, 4]
    put_back = replace(risen, available={"leeds": 101, "london": 4})
    assert [target.quantity for target in targets_of(put_back, POOLED)] == [11, 4]
    assert [target.quantity for target in targets_of(replace(risen, halted=True), POOLED)] == [0, 0]


def test_what_was_not_moved_by_the_source_is_told_as_ever() -> None:
    """Goal: a hold is no business of a SKU that the source left alone, nor of one it moved there and back."""
    counted = replace(STATE, available={"leeds": 15, "london": 4}, withheld={"leeds": 0})
    assert [target.quantity for target in targets_of(counted, POOLED)] == [15, 4]


def test_a_listing_gives_way_to_the_channel_that_takes_the_last_units() -> None:
    """Goal: what the rule says is reached from the ledger's record of a listing, whichever of the two is asked."""
    last = Rule(last_units=10, last_channel="woo")
    rules = RuleBook({"shopify": ChannelRules(last, PLACES), "woo": ChannelRules(last, {"": ("leeds",)})})
    assert rules.needs_siblings
    state = replace(STATE, siblings=SIBLINGS)
    assert [target.quantity for target in targets_of(state, rules)] == [0, 4]
    other = replace(state, channel="woo", listing_id=2, books={"": None})
    assert [target.quantity for target in targets_of(other, rules)] == [10]


def test_a_place_for_pick_up_shows_what_its_shop_holds() -> None:
    """Goal: the share and the reserve of the channel do not bear on it; its cap and its own buffer do."""
    rule = replace(HALF, reserve=2, cap=6)
    channel = ChannelRules(rule, PLACES, pickup={"b": 1})
    rules = RuleBook({"shopify": channel, "woo": ChannelRules(HALF, {"": ("leeds", "london")})})
    state = replace(STATE, siblings=SIBLINGS, available={"leeds": 10, "london": 4})
    assert [target.quantity for target in targets_of(state, rules)] == [3, 3]
    full = replace(state, available={"leeds": 10, "london": 40})
    assert [target.quantity for target in targets_of(full, rules)] == [3, 6]
    assert [target.quantity for target in targets_of(replace(full, siblings=()), rules)] == [3, 6]


def test_units_promised_for_pick_up_come_off_that_place_alone() -> None:
    rules = RuleBook({"shopify": ChannelRules(Rule(), PLACES, pickup={"b": 0})})
    sold = with_changes(STATE, {"MUG": {"london": -3}}.__getitem__)
    assert [target.quantity for target in targets_of(sold, rules)] == [10, 1]
