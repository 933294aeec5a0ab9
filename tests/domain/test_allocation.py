"""Allocation: exact levels, the promises that hold for any stock and any rules, and their explanation."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from onhand.domain.allocation import Allocation, Claim, Step, allocate, explain
from onhand.domain.rules import NO_BUFFER, Buffer, BufferTake, Mode, Rule

LEEDS = ("leeds",)
BOTH = ("leeds", "london")
LOCATIONS = ("leeds", "london", "york")


def pooled(
    share: int = 100,
    *,
    reserve: int = 0,
    cap: int | None = None,
    minimum: int = 0,
    buffer: Buffer = NO_BUFFER,
) -> Rule:
    return Rule(Mode.POOLED, Decimal(share), reserve, cap, minimum, buffer)


def partitioned(share: str | int, *, buffer: Buffer = NO_BUFFER, cap: int | None = None) -> Rule:
    return Rule(Mode.PARTITIONED, Decimal(share), buffer=buffer, cap=cap)


def claim(
    channel: str,
    rule: Rule,
    locations: tuple[str, ...] = LEEDS,
    *,
    listing_id: int = 1,
    place: str = "",
    units: int = 1,
    halted: bool = False,
) -> Claim:
    return Claim(channel, listing_id, place, locations, rule, units, halted)


# Examples of one claim.


@pytest.mark.parametrize(
    ("available", "one", "level"),
    [
        ({"leeds": 42}, claim("woo", pooled()), 42),
        ({"leeds": 42, "london": 7}, claim("woo", pooled()), 42),
        ({"leeds": 42, "london": 7}, claim("woo", pooled(), BOTH), 49),
        ({"leeds": 42, "london": -7}, claim("woo", pooled(), BOTH), 35),
        ({"leeds": 2, "london": -7}, claim("woo", pooled(), BOTH), 0),
        ({"york": 5}, claim("woo", pooled(), BOTH), 0),
        ({"leeds": 42}, claim("woo", pooled(), ()), 0),
        ({"leeds": 42}, claim("woo", pooled(buffer=Buffer(10, Decimal(10), BufferTake.LESSER))), 37),
        ({"leeds": 42}, claim("woo", pooled(buffer=Buffer(units=50))), 0),
        ({"leeds": 42}, claim("woo", pooled(40)), 16),
        ({"leeds": 42}, claim("woo", pooled(0)), 0),
        ({"leeds": 42}, claim("woo", replace(pooled(), share=Decimal("33.3333"))), 13),
        ({"leeds": 42}, claim("woo", pooled(reserve=5)), 37),
        ({"leeds": 42}, claim("woo", pooled(reserve=43)), 0),
        ({"leeds": 42}, claim("woo", pooled(cap=20)), 20),
        ({"leeds": 42}, claim("woo", pooled(cap=42)), 42),
        ({"leeds": 42}, claim("woo", pooled(cap=0)), 0),
        ({"leeds": 42}, claim("woo", pooled(), units=6), 7),
        ({"leeds": 41}, claim("woo", pooled(), units=6), 6),
        ({"leeds": 42}, claim("woo", pooled(cap=20), units=6), 3),
        ({"leeds": 42}, claim("woo", pooled(minimum=42)), 42),
        ({"leeds": 42}, claim("woo", pooled(minimum=43)), 0),
        ({"leeds": 42}, claim("woo", pooled(minimum=8), units=6), 0),
        ({"leeds": 42}, claim("woo", pooled(), halted=True), 0),
        ({"leeds": 42}, claim("woo", partitioned(40)), 16),
        ({"leeds": 42}, claim("woo", partitioned(100), ()), 0),
    ],
)
def test_the_level_of_one_claim(available: dict[str, int], one: Claim, level: int) -> None:
    assert allocate(available, [one]) == [level]


def test_the_rules_apply_in_their_documented_order() -> None:
    rule = pooled(80, reserve=3, cap=50, minimum=8, buffer=Buffer(units=10))
    # 100 - 10 = 90, of which 80 % are 72; less 3 are 69; the cap is 50; 50 units make 8 six-packs.
    assert allocate({"leeds": 100}, [claim("woo", rule, units=6)]) == [8]


def test_pooled_claims_all_see_the_pool() -> None:
    claims = [claim("shopify", pooled()), claim("woo", pooled(50)), claim("bc", pooled(cap=3))]
    assert allocate({"leeds": 10}, claims) == [10, 5, 3]


def test_without_claims_there_are_no_levels() -> None:
    assert allocate({"leeds": 10}, []) == []
    assert explain({"leeds": 10}, []) == []


@pytest.mark.parametrize(
    ("units", "locations", "words"),
    [
        (0, LEEDS, "one piece of listing 1 takes 0 units"),
        (1, ("leeds", "london", "leeds"), "listing 1 names a location twice"),
    ],
)
def test_a_claim_that_makes_no_sense_is_refused(units: int, locations: tuple[str, ...], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        claim("woo", pooled(), locations, units=units)


# Examples of partitioned claims.


@pytest.mark.parametrize(
    ("available", "shares", "levels"),
    [
        (10, {"bc": 30, "shopify": 40, "woo": 30}, [3, 4, 3]),
        (11, {"bc": 30, "shopify": 40, "woo": 30}, [3, 5, 3]),  # fractions .3, .4, .3
        (1, {"bc": 30, "shopify": 40, "woo": 30}, [0, 1, 0]),
        (1, {"bc": 50, "shopify": 50}, [1, 0]),  # a tie goes by the name of the channel
        (0, {"bc": 50, "shopify": 50}, [0, 0]),
        (-3, {"bc": 50, "shopify": 50}, [0, 0]),
        (10, {"bc": 20, "shopify": 30}, [2, 3]),  # what nobody is given stays unshown
        (10, {"bc": 25, "shopify": 20}, [2, 2]),  # 4.5 units together: the half is nobody's
        (9, {"bc": 100, "shopify": 100, "woo": 100}, [3, 3, 3]),  # scaled down to 100 % together
        (9, {"bc": 100, "shopify": 50}, [6, 3]),
        (9, {"bc": 0, "shopify": 100}, [0, 9]),
        # Largest remainder has this paradox, known as Alabama's: one unit more, and bc has one less.
        (10, {"bc": "14.2858", "shopify": "42.8571", "woo": "42.8571"}, [2, 4, 4]),
        (11, {"bc": "14.2858", "shopify": "42.8571", "woo": "42.8571"}, [1, 5, 5]),
    ],
)
def test_channels_partition_one_location(
    available: int, shares: dict[str, str | int], levels: list[int]
) -> None:
    claims = [claim(channel, partitioned(share)) for channel, share in shares.items()]
    assert allocate({"leeds": available}, claims) == levels


def test_listings_of_one_channel_divide_its_share() -> None:
    claims = [
        claim("shopify", partitioned(50), listing_id=7),
        claim("shopify", partitioned(50), listing_id=5),
        claim("woo", partitioned(50), listing_id=6),
    ]
    assert allocate({"leeds": 10}, claims) == [2, 3, 5]


def test_the_fractions_of_a_channel_are_weighed_before_those_of_its_listings() -> None:
    """Four listings of bc have .5 each, and their channel none; the fraction that counts is woo's."""
    rules = {"bc": partitioned(50), "woo": partitioned(30), "zalando": partitioned(20)}
    bc = [claim("bc", rules["bc"], listing_id=n) for n in range(4)]
    claims = [*bc, claim("woo", rules["woo"]), claim("zalando", rules["zalando"])]
    # Of 12 units: 6 (1.5 each), 3.6 and 2.4.
    assert allocate({"leeds": 12}, claims) == [2, 2, 1, 1, 4, 2]


def test_places_of_one_channel_divide_its_share_only_where_they_overlap() -> None:
    claims = [
        claim("shopify", partitioned(50), LEEDS, place="a"),
        claim("shopify", partitioned(50), BOTH, place="b"),
        claim("woo", partitioned(50), BOTH),
    ]
    # Leeds: 2 and 2 of shopify, 4 of woo. London: 3 and 3.
    assert allocate({"leeds": 8, "london": 6}, claims) == [2, 5, 7]


def test_fractions_are_carried_from_place_to_place() -> None:
    """One unit in each of four places; without carrying, shopify would win the tie in every one."""
    places = ("leeds", "london", "paris", "york")
    shopify = [claim("shopify", partitioned(50), (name,), place=name) for name in places]
    levels = allocate(dict.fromkeys(places, 1), [*shopify, claim("woo", partitioned(50), places)])
    assert levels == [1, 0, 1, 0, 2]


def test_what_shares_leave_over_in_many_places_adds_up() -> None:
    """Twice 40 % of one unit in each of five places: four of the five, and two for each channel."""
    places = ("leeds", "london", "oslo", "paris", "york")
    shopify = [claim("shopify", partitioned(40), (name,), place=name) for name in places]
    levels = allocate(dict.fromkeys(places, 1), [*shopify, claim("woo", partitioned(40), places)])
    assert (sum(levels[:-1]), levels[-1]) == (2, 2)


def test_fractions_nobody_claims_do_not_go_to_strangers() -> None:
    """Half a unit stays unclaimed in Leeds, and half in York; bc's share is one of two, and it is given one."""
    claims = [
        claim("zalando", partitioned(50), ("leeds",)),
        claim("bc", partitioned(50), ("london", "york")),
        claim("woo", partitioned(50), ("london",)),
    ]
    assert allocate({"leeds": 1, "london": 1, "york": 1}, claims) == [0, 1, 0]


def test_a_claim_without_a_share_is_given_no_spare_unit() -> None:
    """In York all but amazon had more than their quota before, and still the spare unit is not amazon's."""
    claims = [
        claim("amazon", partitioned(0), ("york",)),
        claim("bc", partitioned(50), ("leeds", "york")),
        claim("ebay", partitioned(50), ("london", "york")),
        claim("woo", partitioned(50), ("leeds",)),
        claim("zalando", partitioned(50), ("london",)),
    ]
    assert allocate({"leeds": 1, "london": 1, "york": 1}, claims) == [0, 2, 1, 0, 0]


def test_what_is_owed_from_elsewhere_never_takes_more_than_a_place_has() -> None:
    """Each has .8 of a unit rounded away in a place of its own; York has one unit for all of them."""
    homes = {"bc": "leeds", "shopify": "london", "woo": "paris"}
    claims = [claim(channel, partitioned(40), (home, "york")) for channel, home in homes.items()]
    assert allocate({"leeds": 2, "london": 2, "paris": 2, "york": 1}, claims) == [1, 0, 0]


@pytest.mark.parametrize("locations", [BOTH, BOTH[::-1]])
def test_places_are_taken_in_the_order_of_their_names(locations: tuple[str, ...]) -> None:
    claims = [
        claim("bc", partitioned(50), locations),
        claim("woo", partitioned(50), ("leeds",), place="a"),
        claim("woo", partitioned(50), ("london",), place="b"),
    ]
    assert allocate({"leeds": 1, "london": 1}, claims) == [1, 0, 1]


def test_a_buffer_comes_off_once_however_many_places_there_are() -> None:
    claims = [
        claim("bc", partitioned(100, buffer=Buffer(units=14)), BOTH),
        claim("woo", partitioned(0), ("leeds",)),
    ]
    assert allocate({"leeds": 10, "london": 10}, claims) == [6, 0]


def test_a_buffer_lowers_its_own_claim_only() -> None:
    claims = [claim("shopify", partitioned(50, buffer=Buffer(units=4))), claim("woo", partitioned(50))]
    assert allocate({"leeds": 10}, claims) == [3, 5]


def test_a_cap_does_not_move_units_to_another_channel() -> None:
    claims = [claim("shopify", partitioned(50, cap=1)), claim("woo", partitioned(50))]
    assert allocate({"leeds": 10}, claims) == [1, 5]


def test_a_halt_does_not_move_units_to_another_channel() -> None:
    claims = [claim("shopify", partitioned(50), halted=True), claim("woo", partitioned(50))]
    assert allocate({"leeds": 10}, claims) == [0, 5]


def test_pooled_claims_beside_partitioned_ones_see_the_whole_pool() -> None:
    claims = [claim("bc", pooled()), claim("shopify", partitioned(50)), claim("woo", partitioned(50))]
    assert allocate({"leeds": 10}, claims) == [10, 5, 5]


def test_an_oversold_location_lowers_what_its_neighbours_give() -> None:
    claims = [claim("shopify", partitioned(50), BOTH), claim("woo", partitioned(50), BOTH)]
    assert allocate({"leeds": 10, "london": -4}, claims) == [3, 3]
    claims = [claim("shopify", partitioned(50), LEEDS), claim("woo", partitioned(50), BOTH)]
    assert allocate({"leeds": 10, "london": -4}, claims) == [3, 3]


# Promises that hold for any stock and any rules.

BUFFERS = st.just(NO_BUFFER) | st.builds(
    Buffer,
    units=st.none() | st.integers(0, 15),
    percent=st.none() | st.sampled_from([Decimal(0), Decimal(10), Decimal("33.3333"), Decimal(100)]),
    take=st.sampled_from(BufferTake),
)
SHARES = st.sampled_from([Decimal(share) for share in ("0", "10", "25", "33.3333", "40", "50", "60", "100")])
RULES = st.builds(
    Rule,
    mode=st.sampled_from(Mode),
    share=SHARES,
    reserve=st.sampled_from([0, 0, 0, 1, 5]),
    cap=st.none() | st.integers(0, 20),
    minimum_to_show=st.sampled_from([0, 0, 2, 5]),
    buffer=BUFFERS,
)
UNTRIMMED = st.builds(Rule, mode=st.just(Mode.PARTITIONED), share=SHARES, buffer=BUFFERS)
STOCK = st.dictionaries(st.sampled_from(LOCATIONS), st.integers(-10, 60))
SOME_LOCATIONS = st.lists(st.sampled_from(LOCATIONS), unique=True, max_size=3).map(tuple)


def claims_with(
    rules: st.SearchStrategy[Rule], units: st.SearchStrategy[int]
) -> st.SearchStrategy[list[Claim]]:
    one = st.builds(
        Claim,
        channel=st.sampled_from(["bc", "shopify", "woo"]),
        listing_id=st.integers(1, 3),
        place=st.sampled_from(["", "a", "b"]),
        locations=SOME_LOCATIONS,
        rule=rules,
        units=units,
        halted=st.sampled_from([False, False, False, True]),
    )
    return st.lists(one, max_size=8, unique_by=lambda c: (c.channel, c.listing_id, c.place))


CLAIMS = claims_with(RULES, st.sampled_from([1, 1, 1, 2, 6]))
UNTRIMMED_CLAIMS = claims_with(UNTRIMMED, st.just(1))


@given(STOCK, CLAIMS)
def test_levels_are_integers_never_negative_and_never_above_what_limits_them(
    available: dict[str, int], claims: list[Claim]
) -> None:
    levels = allocate(available, claims)
    assert len(levels) == len(claims)
    for each, level in zip(claims, levels, strict=True):
        pool = sum(available.get(location, 0) for location in each.locations)
        to_sell = max(0, pool) - each.rule.buffer.held_back(pool)
        assert type(level) is int
        assert 0 <= level * each.units <= max(0, to_sell - each.rule.reserve)
        assert each.rule.cap is None or level * each.units <= each.rule.cap
        assert level == 0 or level >= each.rule.minimum_to_show
        assert level == 0 or not each.halted


@given(STOCK, CLAIMS, st.data())
def test_the_order_of_claims_stock_and_locations_decides_nothing(
    available: dict[str, int], claims: list[Claim], data: st.DataObject
) -> None:
    shuffled = [
        replace(each, locations=tuple(data.draw(st.permutations(each.locations))))
        for each in data.draw(st.permutations(claims))
    ]
    backwards = dict(reversed(available.items()))
    names = [(each.channel, each.listing_id, each.place) for each in claims]
    names_shuffled = [(each.channel, each.listing_id, each.place) for each in shuffled]
    levels = dict(zip(names, allocate(available, claims), strict=True))
    assert dict(zip(names_shuffled, allocate(backwards, shuffled), strict=True)) == levels


@given(STOCK, CLAIMS | UNTRIMMED_CLAIMS)
def test_partitioned_levels_never_exceed_the_stock_of_any_set_of_locations(
    available: dict[str, int], claims: list[Claim]
) -> None:
    """For every set of locations, the claims confined to it sell at most what is there.

    That this holds for every set is the same as: all of them could be shipped at once (max-flow min-cut).
    """
    levels = allocate(available, claims)
    for size in range(1, len(LOCATIONS) + 1):
        for inside in combinations(LOCATIONS, size):
            shown = sum(
                level * each.units
                for each, level in zip(claims, levels, strict=True)
                if each.rule.mode is Mode.PARTITIONED and set(each.locations) <= set(inside)
            )
            assert shown <= sum(max(0, available.get(location, 0)) for location in inside)


def connected(claims: Sequence[Claim]) -> list[set[str]]:
    """Locations that claims draw on together, directly or by way of others."""
    found: list[set[str]] = []
    for each in claims:
        joined = [group for group in found if group & set(each.locations)]
        found = [group for group in found if group not in joined] + [set(each.locations).union(*joined)]
    return found


@given(STOCK, UNTRIMMED_CLAIMS)
def test_what_was_sold_beyond_one_location_is_taken_from_those_connected_with_it(
    available: dict[str, int], claims: list[Claim]
) -> None:
    """Stricter than the above: the gate holds a level back for it, so a share must not promise it."""
    levels = allocate(available, claims)
    for group in connected([each for each in claims if each.locations]):
        shown = sum(level for each, level in zip(claims, levels, strict=True) if {*each.locations} & group)
        assert shown <= max(0, sum(available.get(location, 0) for location in group))


def test_of_five_in_one_place_and_two_too_many_sold_in_the_other_three_are_shared() -> None:
    """Goal: exact: a shop shows each place by itself, another both together."""
    claims = [
        claim("shopify", partitioned(50), ("leeds",), place="L1"),
        claim("shopify", partitioned(50), ("london",), place="L2"),
        claim("woo", partitioned(50), BOTH),
    ]
    assert allocate({"leeds": -2, "london": 5}, claims) == [0, 2, 1]
    assert allocate({"leeds": -9, "london": 5}, claims) == [0, 0, 0]
    assert allocate({"leeds": 0, "london": 5}, claims) == [0, 3, 2]


@given(STOCK, UNTRIMMED_CLAIMS, SOME_LOCATIONS)
def test_claims_on_the_same_locations_never_exceed_their_pool(
    available: dict[str, int], claims: list[Claim], locations: tuple[str, ...]
) -> None:
    """Stricter than the above: a location that is oversold is made good for by the others."""
    levels = allocate(available, [replace(each, locations=locations) for each in claims])
    assert sum(levels) <= max(0, sum(available.get(location, 0) for location in locations))


def quotas_of(units: int, claims: Sequence[Claim]) -> list[Fraction]:
    """What each claim on one and the same pool would be given if units could be cut."""
    count = Counter(each.channel for each in claims)
    weights = [Fraction(each.rule.share) / 100 / count[each.channel] for each in claims]
    scale = max(Fraction(1), sum(weights, Fraction(0)))
    return [
        (units - each.rule.buffer.held_back(units)) * w / scale
        for each, w in zip(claims, weights, strict=True)
    ]


@given(st.integers(0, 10_000), UNTRIMMED_CLAIMS)
@example(7, [claim(name, partitioned("33.3333")) for name in ("bc", "shopify", "woo")])
def test_on_one_pool_every_quota_is_rounded_once_and_nothing_is_lost(units: int, claims: list[Claim]) -> None:
    """Hamilton's rule: each has its quota rounded down or up, together all whole units there are."""
    claims = [replace(each, locations=LEEDS, halted=False) for each in claims]
    quotas = quotas_of(units, claims)
    levels = allocate({"leeds": units}, claims)
    assert sum(levels) == sum(quotas, Fraction(0)) // 1
    for quota, level in zip(quotas, levels, strict=True):
        assert quota - 1 < level < quota + 1


@given(STOCK, UNTRIMMED_CLAIMS)
def test_whole_shares_show_all_stock_in_however_many_places(
    available: dict[str, int], claims: list[Claim]
) -> None:
    """Shares of 100 % together on every location, no buffer, nothing oversold: all stock is shown."""
    available = {location: abs(units) for location, units in available.items()}
    claims = [replace(each, rule=partitioned(100), halted=False) for each in claims]
    drawn = {location for each in claims for location in each.locations}
    assert sum(allocate(available, claims)) == sum(available.get(location, 0) for location in drawn)


@given(STOCK, CLAIMS, st.sampled_from(LOCATIONS), st.integers(1, 30))
def test_more_stock_never_lowers_a_pooled_level(
    available: dict[str, int], claims: list[Claim], location: str, more: int
) -> None:
    claims = [replace(each, rule=replace(each.rule, mode=Mode.POOLED)) for each in claims]
    before = allocate(available, claims)
    after = allocate({**available, location: available.get(location, 0) + more}, claims)
    assert all(low <= high for low, high in zip(before, after, strict=True))


@given(st.integers(-10, 60), BUFFERS, SHARES, SHARES)
def test_a_buffer_never_raises_the_level_of_its_claim(
    available: int, buffer: Buffer, share: Decimal, other: Decimal
) -> None:
    for mode in Mode:
        rival = claim("woo", Rule(mode, other))
        bare, _ = allocate({"leeds": available}, [claim("bc", Rule(mode, share)), rival])
        safe, _ = allocate({"leeds": available}, [claim("bc", Rule(mode, share, buffer=buffer)), rival])
        assert safe <= bare


@given(STOCK, CLAIMS)
def test_a_halt_shows_zero_and_changes_no_other_level(available: dict[str, int], claims: list[Claim]) -> None:
    free = allocate(available, [replace(each, halted=False) for each in claims])
    levels = allocate(available, claims)
    assert levels == [0 if each.halted else level for each, level in zip(claims, free, strict=True)]


# The explanation.


@given(STOCK, CLAIMS)
def test_the_explanation_agrees_with_the_level(available: dict[str, int], claims: list[Claim]) -> None:
    explained = explain(available, claims)
    assert [each.level for each in explained] == allocate(available, claims)
    assert [each.claim for each in explained] == claims
    for each in explained:
        assert each.steps[0].rule == "pool"
        assert_unbroken(each, available)


def assert_unbroken(allocation: Allocation, available: Mapping[str, int]) -> None:
    """Every step starts where the one before it ended, from the pool to the level."""
    pool = sum(available.get(location, 0) for location in allocation.claim.locations)
    numbers = [0, *(step.after for step in allocation.steps)]
    assert numbers[1] == pool
    assert numbers[:-1] == [step.before for step in allocation.steps]
    assert numbers[-1] == allocation.level


def test_a_claim_without_rules_has_one_step() -> None:
    (allocation,) = explain({"leeds": 42}, [claim("woo", pooled())])
    assert allocation.steps == (Step("pool", 0, 42, "pool: 42 available at leeds"),)


def test_every_rule_has_its_sentence() -> None:
    rule = pooled(40, reserve=3, cap=20, minimum=3, buffer=Buffer(10, Decimal(10), BufferTake.LESSER))
    one = claim("woo", rule, BOTH, units=6, halted=True)
    (allocation,) = explain({"leeds": 30, "london": 12}, [one])
    assert allocation.steps == (
        Step("pool", 0, 42, "pool: 42 available at leeds + london"),
        Step("buffer", 42, 37, "safety buffer: lesser of 10 % and 10 units holds back 5"),
        Step("share", 37, 14, "share 40 % of the pool"),
        Step("reserve", 14, 11, "reserve of 3 units holds back 3"),
        Step("cap", 11, 11, "cap 20"),
        Step("units", 11, 1, "6 units a piece: 11 units make 1"),
        Step("minimum_to_show", 1, 0, "minimum to show 3: shows 0 instead of 1"),
        Step("halt", 0, 0, "halted: shows 0 until the halt is lifted"),
    )


def reasons(available: dict[str, int], claims: list[Claim]) -> list[str]:
    """The sentences of the first claim."""
    return [step.reason for step in explain(available, claims)[0].steps]


def test_a_minimum_that_is_reached_says_so() -> None:
    assert reasons({"leeds": 5}, [claim("woo", pooled(minimum=3))]) == [
        "pool: 5 available at leeds",
        "minimum to show 3: 5 shown as it is",
    ]


def test_an_oversold_pool_says_so() -> None:
    assert explain({"leeds": -3}, [claim("woo", pooled(buffer=Buffer(units=1)))])[0].steps == (
        Step("pool", 0, -3, "pool: -3 available at leeds"),
        Step("oversold", -3, 0, "oversold by 3 units: nothing is left to sell"),
        Step("buffer", 0, 0, "safety buffer: 1 unit holds back 0"),
    )


def test_a_claim_without_locations_says_so() -> None:
    assert reasons({"leeds": 3}, [claim("woo", pooled(), ())]) == ["pool: 0 available at no location"]


def test_a_partition_names_those_who_draw_on_the_same_stock() -> None:
    claims = [
        claim("shopify", partitioned(40), BOTH),
        claim("woo", partitioned(30)),
        claim("bc", partitioned("30.00"), ("london",)),
        claim("amazon", partitioned(100), ("york",)),
        claim("ebay", pooled(50)),
    ]
    assert reasons({"leeds": 10, "london": 10}, claims) == [
        "pool: 20 available at leeds + london",
        "share 40 % of the pool, partitioned among bc 30, shopify 40, woo 30",
    ]


def test_a_share_that_is_divided_and_scaled_down_says_so() -> None:
    claims = [
        claim("shopify", partitioned(80)),
        claim("shopify", partitioned(80), listing_id=2),
        claim("woo", partitioned(40)),
    ]
    assert reasons({"leeds": 12}, claims) == [
        "pool: 12 available at leeds",
        "share 80 % of the pool, partitioned among shopify 80, woo 40; "
        "divided among the 2 levels of shopify; scaled down, as shares together are at most 100 %",
    ]
    assert allocate({"leeds": 12}, claims) == [4, 4, 4]
