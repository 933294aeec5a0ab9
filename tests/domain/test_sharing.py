"""SKUs in shares: exact parts, thresholds and grants, and that what is granted is there, at every set of locations."""

from dataclasses import replace
from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.listings import ChannelRules, ListingState, RuleBook, Sibling
from onhand.domain.phases import Phase
from onhand.domain.preorders import PreOrder
from onhand.domain.rules import Buffer, Duplicates, Mode, Rule
from onhand.domain.sharing import (
    Holder,
    Shared,
    granted,
    is_off,
    limits,
    phase_after,
    spare,
    weights,
    window_of,
)
from onhand.domain.sharing_bound import standing_of
from onhand.domain.targets import room_for, targets_of

NAMES = ("bigc", "shopify", "woo")
LEEDS = ("leeds",)


PLAIN = Rule(Mode.ADAPTIVE)


def book(rule: Rule = PLAIN, **others: Rule) -> RuleBook:
    return RuleBook({name: ChannelRules(others.get(name, rule), {"": LEEDS}, listens=True) for name in NAMES})


def state(channel: str = "shopify", available: int = 9, **changes: object) -> ListingState:
    """A SKU in shares, on all three, of which nobody shows anything."""
    found = ListingState(
        channel,
        NAMES.index(channel),
        "MUG",
        "item",
        "",
        "",
        1,
        1,
        {"leeds": available},
        {"": None},
        siblings=tuple(Sibling(name, n, 1) for n, name in enumerate(NAMES)),
        shared=Shared(),
        holders=tuple(Holder(name, n, "", 0) for n, name in enumerate(NAMES)),
        demand=dict.fromkeys(NAMES, 0.0),
    )
    return replace(found, **changes)


def levels(rules: RuleBook, **changes: object) -> dict[str, int]:
    return {name: targets_of(state(name, **changes), rules)[0].quantity for name in NAMES}


def test_the_threshold_is_what_sells_in_the_longest_window_sixteen_times() -> None:
    """Goal: exact values, with the defaults where nothing was measured, and with what is too long to be believed."""
    assert (window_of(None), window_of(0.1), window_of(7.0), window_of(900.0)) == (3.0, 3.0, 9.0, 62.0)
    assert limits(0.0, None) == (5, 7.5)
    assert limits(2.0, None) == (96, 144.0)
    assert limits(2.0, 7.0) == (288, 432.0)


@pytest.mark.parametrize(
    ("before", "free", "after"),
    [
        (Phase.POOLED, 97, Phase.POOLED),
        (Phase.POOLED, 96, Phase.SHARES),
        (Phase.SHARES, 97, Phase.SHARES),
        (Phase.SHARES, 144, Phase.SHARES),
        (Phase.SHARES, 145, Phase.POOLED),
        (Phase.POOLED, -3, Phase.SHARES),
    ],
)
def test_it_leaves_well_above_where_it_comes_in(before: Phase, free: int, after: Phase) -> None:
    assert phase_after(before, free, 2.0, None) is after


def test_weights_are_by_demand_and_nobody_starves() -> None:
    """Goal: exact parts of a million: three to one, and 5 % for who sold nothing."""
    assert weights(NAMES, {}, None) == {"bigc": 333_334, "shopify": 333_333, "woo": 333_333}
    assert weights(NAMES, {"shopify": 3.0, "woo": 1.0}, None) == {
        "bigc": 50_000,
        "shopify": 687_500,
        "woo": 262_500,
    }


def test_what_is_planned_is_given_and_the_rest_is_by_demand() -> None:
    planned = {"shopify": Decimal(60), "ebay": Decimal(30)}
    assert weights(NAMES, {"woo": 1.0}, planned) == {"bigc": 20_000, "shopify": 600_000, "woo": 380_000}
    assert weights(NAMES, {}, dict.fromkeys(NAMES, Decimal(20))) == dict.fromkeys(NAMES, 200_000)


def test_shares_add_up_to_what_is_left_and_other_rules_keep_their_meaning() -> None:
    """Goal: exact levels under each rule."""
    assert levels(book()) == {"bigc": 3, "shopify": 3, "woo": 3}
    assert levels(book(), shared=None) == dict.fromkeys(NAMES, 9)
    assert levels(book(shopify=Rule(Mode.ADAPTIVE, cap=2))) == {"bigc": 3, "shopify": 2, "woo": 3}
    assert levels(book(shopify=Rule(Mode.ADAPTIVE, share=Decimal(20)))) == {"bigc": 3, "shopify": 1, "woo": 3}
    assert levels(book(woo=Rule(Mode.ADAPTIVE, buffer=Buffer(units=6)))) == {
        "bigc": 3,
        "shopify": 3,
        "woo": 1,
    }
    last = Rule(Mode.ADAPTIVE, last_units=9, last_channel="woo")
    assert levels(book(last)) == {"bigc": 0, "shopify": 0, "woo": 9}
    assert levels(book(), halted=True)["woo"] == 0


def test_pooled_channels_and_what_cannot_be_divided_stay_out_of_shares() -> None:
    assert levels(book(woo=Rule())) == {"bigc": 5, "shopify": 4, "woo": 9}
    planned = Shared(planned=True, shares={"woo": Decimal(50)})
    assert levels(book(Rule()), shared=planned) == {"bigc": 2, "shopify": 2, "woo": 5}
    soon = PreOrder(0, None, frozenset(), {})  # type: ignore[arg-type]
    assert levels(book(), preorder=soon) == dict.fromkeys(NAMES, 9)


def test_several_listings_of_a_channel_divide_its_share() -> None:
    twins = (Sibling("woo", 2, 1), Sibling("woo", 7, 1), Sibling("shopify", 1, 1), Sibling("bigc", 0, 1))
    for duplicates in (Duplicates.EACH, Duplicates.SPLIT):
        rules = book(Rule(Mode.ADAPTIVE, duplicates=duplicates))
        found = targets_of(state("woo", 12, siblings=twins), rules)
        other = targets_of(replace(state("woo", 12, siblings=twins), listing_id=7), rules)
        assert [target.quantity for target in (*found, *other)] == [2, 2]


@pytest.mark.parametrize(
    ("shows", "quantity"), [(20, 20), (18, 18), (17, 20), (22, 22), (23, 20), (None, 20)]
)
def test_a_share_that_is_off_by_no_more_than_a_tenth_is_left_alone(shows: int | None, quantity: int) -> None:
    """Goal: exact edges, while all others leave room."""
    found = state(available=60, books={"": shows})
    assert targets_of(found, book())[0].quantity == quantity
    assert (is_off(20, 18), is_off(20, 17), is_off(0, 1), is_off(1, 0)) == (False, True, True, True)


def test_it_falls_by_less_where_others_need_it_or_a_cap_says_so() -> None:
    """Goal: what is left alone is never more than there is, nor more than the channel would show of the pool."""
    others = (Holder("bigc", 0, "", 20), Holder("shopify", 1, "", 22), Holder("woo", 2, "", 20))
    found = state(available=60, books={"": 22}, holders=others)
    assert targets_of(found, book())[0].quantity == 20
    capped = book(Rule(Mode.ADAPTIVE, cap=20))
    assert targets_of(state(available=60, books={"": 21}), capped)[0].quantity == 20


def test_what_is_free_is_the_least_of_every_set_of_locations_around_it() -> None:
    """Goal: exact, with a level that draws on both: what it may take from either is not counted twice."""
    stock = {"leeds": 10, "london": 10, "york": 5}
    both, leeds, london = (frozenset(each) for each in (("leeds", "london"), ("leeds",), ("london",)))
    assert spare(stock, ["leeds"], []) == 10
    assert spare(stock, ["leeds"], [(both, 10)]) == 10, "it can be served from London"
    assert spare(stock, ["leeds"], [(both, 15)]) == 5
    assert spare(stock, ["leeds"], [(both, 10), (london, 6)]) == 4
    assert spare(stock, ["leeds", "london"], [(leeds, 3), (london, 4)]) == 13
    assert spare(stock, ["leeds"], [(leeds, 12)]) == -2
    assert spare(stock, ["leeds"], [(frozenset(["york"]), 50)]) == 10


@pytest.mark.parametrize(
    ("wanted", "shows", "free", "told"),
    [
        (5, 2, 10, 5),
        (5, 2, 3, 3),
        (5, 2, 1, 2),
        (5, 2, -4, 2),
        (1, 4, 0, 1),
        (5, None, 3, 3),
        (5, None, -1, 0),
    ],
)
def test_a_raise_goes_as_far_as_units_are_free_and_a_fall_is_never_gated(
    wanted: int, shows: int | None, free: int, told: int
) -> None:
    assert granted(wanted, shows, free) == told


def test_room_counts_all_who_have_a_part_and_nobody_else() -> None:
    """Goal: pooled channels, channels that are switched off and units a source took away, by exact numbers."""
    others = (Holder("bigc", 0, "", 2), Holder("woo", 2, "", 4), Holder("ebay", 5, "", 50))
    target = targets_of(state(holders=others), book())[0]
    assert room_for(target, book()) == 3
    assert room_for(target, book(woo=Rule())) == 7
    assert room_for(target, book(), {(2, ""): 6}) == 1
    assert room_for(replace(target, state=state(holders=others, withheld={"leeds": 2})), book()) == 1


LOCATIONS = ("leeds", "london", "york")
PLACES = st.sets(st.sampled_from(LOCATIONS), min_size=1).map(frozenset)


@given(
    st.fixed_dictionaries({name: st.integers(0, 12) for name in LOCATIONS}),
    st.lists(st.tuples(PLACES, st.integers(0, 15)), min_size=1, max_size=6),
)
def test_whatever_is_granted_one_after_another_is_there(
    stock: dict[str, int], wishes: list[tuple[frozenset[str], int]]
) -> None:
    """Goal: no set of locations is promised more than it has; and who is cut could have had no more."""
    given_units: list[tuple[frozenset[str], int]] = []
    for own, wanted in wishes:
        free = spare(stock, own, given_units)
        assert free >= 0
        units = granted(wanted, 0, free)
        assert fits(stock, [*given_units, (own, units)])
        if units < wanted:
            assert not fits(stock, [*given_units, (own, units + 1)])
        given_units.append((own, units))


def fits(stock: dict[str, int], levels: list[tuple[frozenset[str], int]]) -> bool:
    """By the theorem of Hall: every set of locations has what is drawn on nothing else."""
    sets = [frozenset(each) for n in range(1, 4) for each in combinations(LOCATIONS, n)]
    return all(
        sum(units for own, units in levels if own <= here) <= sum(stock[name] for name in here)
        for here in sets
    )


def test_the_bound_is_what_others_sell_or_nothing_in_shares() -> None:
    """Goal: exact numbers of both, and what they are told by."""
    selling = {"bigc": 0.0, "shopify": 2.0, "woo": 0.0}
    all_of_it = tuple(Holder(name, n, "", 100) for n, name in enumerate(NAMES))
    pooled = standing_of(state(available=100, shared=None, rates=selling, holders=all_of_it), book(), ())
    assert (pooled.phase, pooled.free, pooled.enters, pooled.leaves, pooled.window) == (
        "pooled",
        100,
        96,
        144.0,
        3.0,
    )
    assert pooled.bound == 0, "nobody else sells any"
    rush = standing_of(
        state(available=100, shared=None, rates=dict.fromkeys(NAMES, 1.0), holders=all_of_it), book(), ()
    )
    assert 0 < rush.bound <= 200
    shared = tuple(Holder(name, n, "", 3) for n, name in enumerate(NAMES))
    found = standing_of(state(holders=shared, rates=selling), book(), ())
    assert (found.phase, found.bound, found.may_sell) == ("shares", 0, dict.fromkeys(NAMES, 3))
    assert found.reason == (
        "Nothing can be oversold: it is in shares, and together they may sell 9 of the 9 that are left."
    )
    before = standing_of(state(holders=all_of_it), book(), ())
    assert before.bound == 291
    blind = standing_of(state(holders=shared, rates=selling), book(), {(1, "")})
    assert blind.bound == 0
    assert blind.reason == (
        "Nothing can be oversold: it is in shares, and together they may sell 9 of the 9 that are left. Room is left "
        "for what may be sold while a level is told that is only set; it can be more."
    )


def test_a_channel_that_tells_of_no_orders_has_an_average_part() -> None:
    """Goal: nobody starves because nobody listens to it: 20 a second, 10 a second and unknown."""
    rules = RuleBook({name: ChannelRules(PLAIN, {"": LEEDS}, listens=name != "bigc") for name in NAMES})
    found = levels(rules, available=90, demand={"bigc": 0.0, "shopify": 20.0, "woo": 10.0})
    assert found == {"bigc": 30, "shopify": 39, "woo": 21}


def test_places_that_tell_a_location_show_all_of_it_also_in_a_campaign() -> None:
    """Goal: the level of an authority is a count of what is there, so it is in no shares, and nobody waits for it."""
    rules = RuleBook(
        {
            name: ChannelRules(
                PLAIN, {"": LEEDS}, listens=True, authority={"": "leeds"} if name == "bigc" else {}
            )
            for name in NAMES
        }
    )
    assert levels(rules, available=90, shared=Shared(planned=True)) == {"bigc": 90, "shopify": 45, "woo": 45}
    target = targets_of(state(holders=(Holder("bigc", 0, "", 90), Holder("woo", 2, "", 4))), rules)[0]
    assert room_for(target, rules) == 5
